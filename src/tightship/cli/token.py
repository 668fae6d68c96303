"""`tightship token`: what programs show instead of a password."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from tightship.cli import kept
from tightship.cli.running import CANNOT, FINE
from tightship.store.listing import Column, Row

if TYPE_CHECKING:
    from tightship.store.tokens import Known

COLUMNS = (
    Column("number", "Number", "number"),
    Column("scope", "May"),
    Column("server", "Server"),
    Column("state", "State"),
    Column("expires", "Expires", "time"),
    Column("last_used", "Last used", "time"),
    Column("created", "Created", "time"),
)


@click.group()
def token() -> None:
    """Tokens: what programs show instead of a password.

    One that reports lets one server push its own reports, and nothing else. One that reads lets a
    program read the lists as JSON and CSV.

    \b
    Example:
      tightship token create --server web1
    """


@token.command()
@click.option(
    "--server", default="", metavar="NAME", help="A token with which this server pushes its reports."
)
@click.option("--read", is_flag=True, help="A token that reads the lists.")
@click.option(
    "--days", type=click.IntRange(1, 3650), default=None, help="Expires after so many days; without: never."
)
def create(server: str, read: bool, days: int | None) -> None:
    """Make a token. Its secret is printed once, alone on the standard output; only a digest is kept.

    \b
    Examples:
      tightship token create --server web1 > web1.token
      tightship token create --read --days 90
    """
    if bool(server) == read:
        raise click.UsageError("Say what it is for: --server NAME (to push that server's reports) or --read.")
    kept.make_ready()
    from tightship.store import tokens

    now = datetime.now(UTC)
    expires = now + timedelta(days=days) if days else None
    try:
        made, secret = tokens.create("read" if read else "report", now, server, expires)
    except ValueError as error:
        raise click.UsageError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None
    click.echo(secret)
    purpose = "reads the lists" if read else f"pushes reports of {server}"
    click.echo(f"Token {made.id} {purpose}. Keep it: nobody can show it again.", err=True)


@token.command(name="list")
def list_() -> None:
    """The tokens, without their secrets.

    \b
    Example:
      tightship token list
    """
    kept.open_database()
    from tightship.cli import tables
    from tightship.store import tokens

    known = tokens.every()
    tables.draw(COLUMNS, rows(known, datetime.now(UTC)), keys=("number", "scope", "server", "state"))
    if not known:
        click.echo("No tokens yet: tightship token create --server NAME", err=True)


@token.command()
@click.argument("number", type=int)
def revoke(number: int) -> int:
    """End a token, at once.

    \b
    Example:
      tightship token revoke 3
    """
    kept.open_database()
    from tightship.store import tokens

    if tokens.revoke(number, datetime.now(UTC)):
        click.echo(f"Token {number} is revoked.")
        return FINE
    click.echo(f"There is no token {number} that could be revoked. See: tightship token list", err=True)
    return CANNOT


def rows(known: Sequence[Known], now: datetime) -> list[Row]:
    """The table of tokens. Pure."""
    return [
        {
            "number": one.id,
            "scope": "push reports" if one.scope == "report" else "read",
            "server": one.server,
            "state": _state(one, now),
            "expires": one.expires,
            "last_used": one.last_used,
            "created": one.created,
        }
        for one in known
    ]


def _state(one: Known, now: datetime) -> str:
    if one.revoked:
        return "revoked"
    return "expired" if one.expires and one.expires <= now else "valid"
