"""`tightship index`: what the package indexes have of the packages in use."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from tightship.cli import kept, tables
from tightship.cli.moments import shown
from tightship.cli.running import CANNOT, FINE, Cannot

if TYPE_CHECKING:
    from tightship.index.configured import Configured
    from tightship.store.indexed import State

NEVER = "The package indexes were never asked: tightship index update"


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def index(ctx: click.Context, as_json: bool) -> int:
    """What package indexes have: ask them, keep it.

    Shows which indexes pip is configured for here, and how old what is known of them is. Nothing is asked
    before `index update` was typed once; after that `tightship work` asks again each day.

    \b
    Example:
      tightship index
    """
    if ctx.invoked_subcommand:
        return FINE
    kept.only_here("index")
    how, known = _configured(), _state()
    if as_json:
        click.echo(json.dumps(_document(how, known), indent=1))
    else:
        for said in _told(how, known):
            click.echo(said)
    return FINE if known.packages and not known.failed else CANNOT


@index.command()
@click.option("--again", is_flag=True, help="Ask for all, also for what was asked for within the last hour.")
def update(again: bool) -> int:
    """Ask the package indexes for all packages in use.

    They are those that pip is configured for, for whoever types this: its files and variables, ~/.netrc,
    proxies, keyring. They learn the names of the packages that are in use, as they do from pip. What they say
    is kept, and shown by `tightship outdated` and the pages; `tightship work` asks again each day.

    \b
    Example:
      tightship index update
    """
    kept.only_here("index update")
    kept.open_database()
    kept.make_ready()
    from tightship.index.known import Indexes
    from tightship.store import indexed

    names = indexed.in_use()
    if not names:
        raise Cannot("No package is in use that an index could have: record a server first: tightship gather")
    asking = Indexes(_configured(), fresh=timedelta(0) if again else timedelta(hours=1))
    with tables.progress(len(names), "packages") as done:
        said = asking.known(names, lambda number, _all: done(number))
    now = datetime.now(UTC)
    indexed.keep(said, now)
    behind = indexed.judge(now)
    failed = sorted({one.problem for one in said.values() if one.problem})
    for problem in failed:
        click.echo(f"index: {problem}", err=True)
    unknown = sum(not one.candidates for one in said.values())
    click.echo(
        f"{len(names)} packages asked for; something newer is there for {behind} versions in use; "
        f"{unknown} packages are on no index. They are shown by: tightship outdated"
    )
    return CANNOT if failed else FINE


def _configured() -> Configured:
    from tightship.index.configured import BadConfiguration, configured

    try:
        return configured()
    except BadConfiguration as error:
        raise Cannot(str(error)) from None


def _state() -> State:
    kept.open_database()
    from tightship.store.indexed import state

    return state()


def _told(how: Configured, known: State) -> list[str]:
    from tightship.index.configured import without_password

    said = [f"index       {without_password(one)}" for one in how.indexes]
    said += [f"find-links  {without_password(one)}" for one in how.find_links]
    if not known.packages:
        return [*said, f"{NEVER}."]
    since = shown(known.oldest) if known.oldest else "never whole"
    said.append(f"{known.packages} packages, as of {since}; {known.unknown} are on no index.")
    if known.failed:
        said.append(f"Of {known.failed} not all could be asked the last time: {known.problem}")
    return said


def _document(how: Configured, known: State) -> dict[str, object]:
    from tightship.index.configured import without_password

    return {
        "indexes": [without_password(one) for one in how.indexes],
        "find_links": [without_password(one) for one in how.find_links],
        "packages": known.packages,
        "on_no_index": known.unknown,
        "failed": known.failed,
        "problem": known.problem,
        "as_of": known.oldest.isoformat() if known.oldest else None,
    }
