"""`tightship token`: what programs show instead of a password."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from tightship.cli import kept
from tightship.cli.running import CANNOT, FINE, Cannot
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
    "--server",
    "servers",
    multiple=True,
    metavar="NAME",
    help="A token with which this server pushes its reports; may be said several times.",
)
@click.option(
    "--from",
    "listed",
    type=click.Path(dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="For each server of this file: a name a line.",
)
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIRECTORY",
    help="Each secret into a file of its own there, SERVER.token, that only you can read.",
)
@click.option("--read", is_flag=True, help="A token that reads the lists.")
@click.option(
    "--gather",
    is_flag=True,
    help="A token with which a machine that gathers hands over reports of any server.",
)
@click.option("--build", is_flag=True, help="A token with which buildouts say what they were built from.")
@click.option(
    "--days", type=click.IntRange(1, 3650), default=None, help="Expires after so many days; without: never."
)
def create(
    servers: tuple[str, ...], listed: str | None, into: Path | None, days: int | None, **scopes: bool
) -> None:
    """Make a token. Its secret is printed once, alone on the standard output; only a digest is kept.

    Of several a line each: the server, a tab, the secret. With --into nothing is printed.

    \b
    Examples:
      tightship token create --server web1 > web1.token
      tightship token create --from servers.txt --into tokens
      tightship token create --read --days 90
    """
    names = list(dict.fromkeys([*servers, *_names_in(listed)]))
    wanted = ["report"] * bool(names) + [scope for scope, asked in scopes.items() if asked]
    if len(wanted) != 1:
        raise click.UsageError(
            "Say what it is for, one of: --server NAME (to push that server's reports), --read, --gather, "
            "--build."
        )
    kept.make_ready()
    from tightship.store import tokens
    from tightship.store.models import NAME

    now = datetime.now(UTC)
    expires = now + timedelta(days=days) if days else None
    too_long = next((name for name in names if len(name) > NAME), "")
    if too_long:
        raise click.UsageError(f"A server's name has at most {NAME} characters: {too_long[:60]} ...")
    for name in names or [""]:
        made, secret = tokens.create(wanted[0], now, name, expires)  # type: ignore[arg-type] # a scope
        try:
            _hand_out(made, secret, into, several=len(names) > 1)
        except OSError as error:
            tokens.revoke(made.id, now)  # nobody has its secret
            raise Cannot(f"{into or 'The output'}: {(error.strerror or str(error)).lower()}.") from None


def _names_in(listed: str | None) -> list[str]:
    if not listed:
        return []
    try:
        with click.open_file(listed) as file:
            return [name for line in file if (name := line.partition("#")[0].strip())]
    except (OSError, UnicodeDecodeError) as error:
        raise Cannot(f"{listed}: {getattr(error, 'strerror', None) or 'expected text'}.") from None


def _hand_out(made: Known, secret: str, into: Path | None, *, several: bool) -> None:
    """The secret, to whoever made it: nobody can show it again."""
    purpose = {
        "read": "reads the lists",
        "gather": "hands over reports of any server",
        "build": "takes in what buildouts say of themselves",
    }.get(made.scope, f"pushes reports of {made.server}")
    if into is None:
        click.echo(f"{made.server}\t{secret}" if several else secret)
        click.echo(f"Token {made.id} {purpose}. Keep it: nobody can show it again.", err=True)
        return
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = into / f"{quote(made.server or made.scope, safe='')}.token"
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(f"{secret}\n")
    click.echo(f"Token {made.id} {purpose}: {file}", err=True)


@token.command()
@click.argument("number", type=int, required=False)
@click.option("--server", default="", metavar="NAME", help="The newest valid token of this server.")
@click.option(
    "--hours",
    type=click.IntRange(0, 24 * 30),
    default=24,
    show_default=True,
    help="So long the old one stays valid.",
)
def rotate(number: int | None, server: str, hours: int) -> int:
    """Make a new secret for a token. The old one stays valid for a day, so that no report is refused.

    Bring the new one to where the old one is, and the old one ends by itself. `tightship token list` says
    which of them was used last.

    \b
    Examples:
      tightship token rotate 3
      tightship token rotate --server web1 > web1.token
    """
    if (number is None) == (not server):
        raise click.UsageError("Say which: its NUMBER (tightship token list), or --server NAME.")
    kept.open_database()
    from tightship.store import tokens

    now = datetime.now(UTC)
    if number is None:
        known = tokens.valid_for(server, now)
        number = known[0].id if known else 0
    made = tokens.rotate(number, now, timedelta(hours=hours))
    if made is None:
        which = f"of {server}" if server else str(number)
        click.echo(
            f"There is no valid token {which} that was not replaced before. See: tightship token list",
            err=True,
        )
        return CANNOT
    click.echo(made[1])
    click.echo(f"Token {made[0].id} replaces {number}, which ends within {hours} hours.", err=True)
    return FINE


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
            "scope": "push reports" if one.scope == "report" else one.scope,
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
