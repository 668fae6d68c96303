"""`tightship retire` and `tightship rename`: servers that are no longer, or are called otherwise."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from tightship.cli import kept
from tightship.cli.moments import shown
from tightship.cli.running import FINE, Cannot
from tightship.fleet.text import harmless


@click.command()
@click.argument("server", required=False)
@click.option("--because", default="", metavar="TEXT", help="Why; it stands on its page, and in the changes.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def retire(server: str | None, because: str, as_json: bool) -> int:
    """No longer expect reports of SERVER. Without SERVER: list those that are retired.

    What is known of it ends now: it is neither silent, nor counted among those that an answer covers. Its
    page and its past stay. Should it report again, it is back, and that is told.

    \b
    Examples:
      tightship retire web3 --because 'replaced by web7'
      tightship retire
    """
    kept.open_database()
    from tightship.store import retiring

    if server is None:
        return _list(as_json)
    try:
        ended = retiring.retire(harmless(server), datetime.now(UTC), harmless(because))
    except retiring.Refused as error:
        raise Cannot(f"{error}.") from None
    if as_json:
        click.echo(json.dumps({"server": server, "process_groups": ended}, indent=1))
    else:
        click.echo(f"Retired {server}: {ended} process group{'s' * (ended != 1)} ended. Its past stays.")
    return FINE


def _list(as_json: bool) -> int:
    from tightship.store import retiring

    found = retiring.retired()
    if as_json:
        said = [
            {"server": one.server, "since": one.since.isoformat(), "because": one.because} for one in found
        ]
        click.echo(json.dumps(said, indent=1))
        return FINE
    for one in found:
        click.echo(harmless(f"{shown(one.since)}  {one.server}" + f"  {one.because}" * bool(one.because)))
    if not found:
        click.echo("No server is retired.")
    return FINE


@click.command()
@click.argument("server")
@click.argument("name")
def rename(server: str, name: str) -> int:
    """Call SERVER by another NAME.

    Its history stays its own. Tokens that report for it report for the new name from now on. Where a report
    is taken by the server's own hostname (`tightship gather` on the server itself) that has to change, too.
    What fleet.toml says of the old name has to be changed there.

    \b
    Example:
      tightship rename web3 shop-web3
    """
    kept.open_database()
    from tightship.store import retiring

    try:
        moved = retiring.rename(harmless(server), harmless(name), datetime.now(UTC))
    except retiring.Refused as error:
        raise Cannot(f"{error}.") from None
    tokens = f" {moved} token{'s' * (moved != 1)} report{'s' * (moved == 1)} for it now." * bool(moved)
    click.echo(f"{server} is {name} now.{tokens}")
    return FINE
