"""A list within a page: a Listing with a fixed filter, its beginning, and the way to all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tightship.store.listing import Listing, Page, Params
from tightship.store.listings import LISTINGS
from tightship.web.asked import Asked
from tightship.web.lists import tabled
from tightship.web.words import WORDS


@dataclass(frozen=True, slots=True)
class Embedded:
    id: str
    title: str
    said: str
    none: str
    page: Page
    table: Mapping[str, Any]
    all: str = ""
    """address of the whole list; empty: this is all of it"""
    more: str = ""


def embedded(
    given: Asked, name: str, title: str, none: str, *, filters: Mapping[str, str], size: int = 25
) -> Embedded:
    """The beginning of a list, without the columns that its filters make the same in each row."""
    page = LISTINGS[name].page(given.view, Params(size=size, filters=filters))
    return part(given, page, title, none, given.here(f"/{name}", **filters), tuple(filters))


def part(
    given: Asked, page: Page, title: str, none: str, address: str, same: tuple[str, ...] = ()
) -> Embedded:
    """A page of any listing, within another page; `address` leads to the whole of it."""
    words = WORDS[page.listing.name]
    hidden = page.total - len(page.rows)
    return Embedded(
        id=title.lower().replace(" ", "-"),
        title=title,
        said=words.counted(page.total) if page.total else "",
        none=none,
        page=page,
        table=tabled(page, given, leave_out=_always_one(page.listing, same)),
        all=address if hidden else "",
        more=f"All {words.counted(page.total)}",
    )


def _always_one(listing: Listing, same: tuple[str, ...]) -> tuple[str, ...]:
    # `packages?application=shop` still has other applications in its rows: only text says one thing.
    return tuple(column.name for column in listing.columns if column.name in same and column.kind == "text")
