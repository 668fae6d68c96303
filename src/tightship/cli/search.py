"""`tightship search TEXT`: whatever has a name, as the box on every page finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tightship.cli import kept, tables
from tightship.cli.answering import covered, seen_from
from tightship.cli.moments import shown
from tightship.cli.running import CANNOT, FINE, FOUND
from tightship.store.listing import Column, Row, View

if TYPE_CHECKING:
    from tightship.store.search import Found

MOST = 25
"""Things of one kind."""

COLUMNS = (Column("kind", "What"), Column("name", "Name"), Column("said", "Where"))


@click.command()
@click.argument("text", nargs=-1, required=True)
@click.option(
    "--at", default="", metavar="WHEN", help="As it was then: 2026-11-20, '2026-11-20 14:30', 3h, 2d."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, like the API.")
def search(text: tuple[str, ...], at: str, as_json: bool) -> int:
    """Find whatever has a name, also with a typing error.

    TEXT is one or more words of it: an application, a server, a site, a package with or without a version, a
    release, an owner, a label (customer=acme), or a port (8001, web3:8001). Case, dots and dashes make no
    difference. Where nothing is called so, a wrong letter in each word is forgiven.

    Exits with 1 where nothing is found, and with 2 where nothing is found and the answer does not cover all.

    \b
    Examples:
      tightship search shop.example.com
      tightship search django 4.2
      tightship search web3:8001
    """
    view = seen_from(at, kept.view)
    found = kept.search(view, " ".join(text), MOST)
    if as_json:
        click.echo(kept.search_json(found, view))
    else:
        _print(found, view)
    if found.groups:
        return FINE
    return FOUND if found.covers and found.covers.all and found.covers.servers else CANNOT


def _print(found: Found, view: View) -> None:
    rows: list[Row] = [
        {"kind": thing.kind, "name": thing.name, "said": thing.said}
        for group in found.groups
        for thing in group.things
    ]
    if found.near:
        tables.note("Nothing is called exactly so. Near it:", err=not tables.to_terminal())
    tables.draw(COLUMNS, rows, ("kind", "name"))
    for group in found.groups:
        if group.more:
            at_least = "at least " if group.at_least else ""
            every = f": tightship {group.listing} --search {_quoted(group.query)}" if group.listing else ""
            tables.note(f"And {at_least}{group.more} more {group.title.lower()}{every}", err=True)
    parts = [f"{found.total} found" if rows else "Nothing found"]
    if view.at:
        parts.append(f"as of {shown(view.at)}")
    if found.covers:
        parts.append(covered(found.covers))
    tables.note(" · ".join(parts), err=not tables.to_terminal())


def _quoted(text: str) -> str:
    import shlex

    return shlex.quote(text)
