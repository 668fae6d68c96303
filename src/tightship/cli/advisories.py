"""`tightship advisories`: the local database of advisories, and what fills it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from tightship.cli import kept, tables
from tightship.cli.moments import shown
from tightship.cli.running import CANNOT, FINE, Cannot
from tightship.fleet.text import harmless

if TYPE_CHECKING:
    from tightship.index.osv import Broken
    from tightship.store.advisories import Filled, Record

TOLD = 10
"""Broken records that are named; the others are counted."""


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def advisories(ctx: click.Context, as_json: bool) -> int:
    """Which advisories are known here, and how old they are.

    `tightship vulnerable` and the findings of kind `vulnerable` go by them; nothing is ever asked of anybody
    outside. Exits with 2 when there are none, or when they are too old (TIGHTSHIP_ADVISORIES_OLD_AFTER).

    \b
    Example:
      tightship advisories
    """
    if ctx.invoked_subcommand:
        return FINE
    kept.only_here("What is known of advisories")
    kept.open_database()
    from tightship.store.advisories import filled, lacking

    found = filled()
    missing = lacking(datetime.now(UTC), found)
    if as_json:
        click.echo(json.dumps({"advisories": _plain(found), "lacking": missing}, indent=1))
    elif found:
        for line in _told(found):
            click.echo(line)
    if missing and not as_json:
        tables.note(missing, err=True)
    return CANNOT if missing else FINE


def _plain(found: Filled | None) -> dict[str, object] | None:
    if found is None:
        return None
    return {
        "at": found.at.isoformat(),
        "newest": found.newest.isoformat(),
        "sources": list(found.sources),
        "advisories": found.advisories,
        "vulnerabilities": found.vulnerabilities,
        "withdrawn": found.withdrawn,
        "skipped": found.skipped,
    }


def _told(found: Filled) -> Iterator[str]:
    yield f"{found.advisories} advisories about {found.vulnerabilities} vulnerabilities of packages of PyPI"
    yield f"filled on {shown(found.at)}, the newest was written on {shown(found.newest)}"
    yield from (f"from {source}" for source in found.sources)
    if found.withdrawn:
        yield f"{found.withdrawn} withdrawn ones were left out"
    if found.skipped:
        yield f"{found.skipped} records could not be read"


@advisories.command()
@click.argument("sources", metavar="FILE|DIRECTORY|URL...", nargs=-1, required=True)
@click.option(
    "--even-if-fewer",
    is_flag=True,
    help="Also where less than half as many come as there are: not a mistake.",
)
def update(sources: Sequence[str], even_if_fewer: bool) -> int:
    """Put the advisories of an OSV export in place of those that are known.

    A source is the all.zip of OSV's export of the ecosystem PyPI, the address of a mirror of it, a directory
    with a *.json file for each advisory, or one such file. What is given is the whole truth: an advisory that
    is in none of the sources is gone. Advisories of your own stand beside the export, as one more source.

    Every version that is in use is then held against them, and findings follow. Broken records are told and
    counted; a broken export changes nothing. Proxies, netrc and REQUESTS_CA_BUNDLE are honoured.

    \b
    Examples:
      tightship advisories update all.zip
      tightship advisories update https://mirror.example.com/osv/PyPI/all.zip /etc/tightship/advisories
    """
    from tightship.index.osv import Unreadable

    kept.only_here("advisories update")
    broken: list[Broken] = []
    try:
        found = list(_records(sources, broken))
    except Unreadable as error:
        raise Cannot(f"{error}. Nothing was changed.") from None
    if not any(one.advisory.affected for one in found):
        raise Cannot(
            f"None of the {len(found)} records is about a package of PyPI; expected OSV's export of that "
            "ecosystem. Nothing was changed."
        )
    _tell_broken(broken)
    return _fill(found, sources, sum(not one.partly for one in broken), even_if_fewer)


def _records(sources: Sequence[str], broken: list[Broken]) -> Iterator[Record]:
    from tightship.index.osv import Broken, records
    from tightship.store.ready import set_up

    set_up()
    from tightship.store.advisories import Record, packed

    for source in sources:
        _progress(f"Reading {_shown_source(source)} ...")
        for one in records(source):
            if isinstance(one, Broken):
                broken.append(one)
            else:
                yield Record(one.advisory, packed(one.text))


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        tables.note(text, err=True)


def _shown_source(source: str) -> str:
    """A source as it may be kept and shown: without a password in its address."""
    from tightship.index.osv import without_password

    return without_password(source) if "://" in source else harmless(source)


def _tell_broken(broken: Sequence[Broken]) -> None:
    for one in broken[:TOLD]:
        left = "partly left out" if one.partly else "left out"
        click.echo(f"{harmless(one.place)}: {harmless(one.why)}; {left}.", err=True)
    if len(broken) > TOLD:
        click.echo(f"And {len(broken) - TOLD} more like these.", err=True)


def _fill(found: Sequence[Record], sources: Sequence[str], skipped: int, even_fewer: bool) -> int:
    from tightship.store.advisories import Fewer, fill, lacking

    kept.make_ready()
    now = datetime.now(UTC)
    _progress(f"Holding what is in use against {len(found)} advisories ...")
    try:
        filled = fill(
            found, [_shown_source(one) for one in sources], now, skipped=skipped, even_fewer=even_fewer
        )
    except Fewer as error:
        raise Cannot(
            f"Only {error.now} advisories came, {error.before} are known. Where that is no broken export, "
            "say --even-if-fewer. Nothing was changed."
        ) from None
    for line in _told(filled):
        click.echo(line)
    missing = lacking(now, filled)
    if missing:
        tables.note(missing, err=True)
    return CANNOT if missing else FINE
