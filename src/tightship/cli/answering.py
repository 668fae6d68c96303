"""One listing asked and answered: the same for every verb that lists."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import click

from tightship.cli import tables
from tightship.cli.moments import Local, shown
from tightship.cli.running import CANNOT, FINE
from tightship.fleet.moments import BadMoment, moment
from tightship.store.listing import BadParams, Covers, Listing, Page, Params, View, check, to_csv, to_json

SIZE = 50
"""Rows of one page on a terminal."""

LARGEST_SIZE = 10_000

NAMED = 8
"""At most so many servers are named in the last line."""


Viewed = Callable[[datetime, datetime | None], View]

Printed = Callable[[Page, str, Collection[str]], None]
"""(page, form, columns that stay)"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed, apart from the listing's own filters."""

    at: str = ""
    search: str = ""
    sort: str = ""
    page: int | None = None
    everything: bool = False
    form: str = "table"
    """table, json or csv"""
    partial: bool = False


def answer(
    listing: Listing,
    asked: Asked,
    filters: Mapping[str, str],
    keys: Collection[str] = (),
    viewed: Viewed = View,
    printed: Printed | None = None,
) -> int:
    """Print what the listing knows; returns the exit code. `viewed` makes the view of two moments.

    `printed`: prints the page in another way than as a table, JSON or CSV.
    """
    view = seen_from(asked.at, viewed)
    params = Params(asked.search, asked.sort, asked.page or 1, SIZE, filters)
    try:
        check(listing, params)
        in_one = asked.everything or (asked.page is None and not _in_pages(asked.form))
        page = whole(listing, view, params) if in_one else listing.page(view, params)
    except BadParams as error:
        raise click.UsageError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None
    (printed or show)(page, asked.form, keys)
    covers_all = page.covers.all and page.covers.servers > 0
    return FINE if covers_all or asked.partial else CANNOT


def _in_pages(form: str) -> bool:
    # Who reads from a pipe or a file has no "next page" to turn to.
    return form == "table" and tables.to_terminal()


def seen_from(at: str, viewed: Viewed) -> View:
    now = datetime.now(UTC)
    try:
        return viewed(now, moment(at, now, Local()))
    except BadMoment as error:
        raise click.UsageError(f"--{error}") from None


def whole(listing: Listing, view: View, params: Params) -> Page:
    """All pages as one."""
    # The newest may become newer between two pages; a moment does not.
    fixed = replace(view, at=view.at or view.now)
    first = listing.page(view, params.with_(page=1, size=LARGEST_SIZE))
    if first.pages == 1:
        return first
    pages = [listing.page(fixed, params.with_(page=n, size=LARGEST_SIZE)) for n in range(1, first.pages + 1)]
    rows = [row for page in pages for row in page.rows]
    return replace(pages[0], rows=rows, view=view, params=params.with_(size=max(len(rows), 1)))


def show(page: Page, form: str, keys: Collection[str]) -> None:
    """A page as a table, JSON or CSV, and what it covers."""
    if form == "json":
        click.echo(to_json(page))
    elif form == "csv":
        click.echo(to_csv(page), nl=False)
        tables.note(ending(page), err=True)
    else:
        tables.draw(page.listing.columns, page.rows, keys)
        for said in page.notes:
            tables.note(said, err=not tables.to_terminal())
        # Behind a pipe the rows go on alone, and what they cover still reaches whoever looks.
        tables.note(ending(page), err=not tables.to_terminal())


def ending(page: Page) -> str:
    """The last line: how many, when, and what the answer covers."""
    parts = [
        _counted(page),
        *(f"{number} {what}: --{what.replace(' ', '-')}" for what, number in page.beside.items() if number),
    ]
    if page.view.at:
        parts.append(f"as of {shown(page.view.at)}")
    parts.append(covered(page.covers))
    return " · ".join(parts)


def _counted(page: Page) -> str:
    if not page.total:
        return "None found"
    if page.pages == 1:
        return f"{len(page.rows)} in all"
    size, number = page.params.size, page.params.page
    first = (number - 1) * size + 1
    more = f", --page {number + 1} or --all for more" if number < page.pages else ""
    return f"{first}-{first + len(page.rows) - 1} of {page.total}{more}"


def covered(covers: Covers) -> str:
    """What an answer covers, with the names of those that it does not cover."""
    if not covers.servers:
        return "no server has reported yet: tightship gather"
    parts = [f"{covers.servers - len(covers.silent)} of {covers.servers} servers"]
    for what, names in (("silent", covers.silent), ("partly unread", covers.unread)):
        if names:
            parts.append(f"{len(names)} {what}: {_some(names)}")
    if covers.simulated:
        parts.append("all simulated")
    return "; ".join(parts)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
