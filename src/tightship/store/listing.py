"""A list, once: its columns, filters, order, query and page.

The same `Listing` gives the rows of an HTML page, of its CSV and JSON twins and of the CLI's table;
so the JSON twin is the API. A listing returns plain values (text, numbers, times, lists of text),
never rows of the database.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol, TypeVar

Value = str | int | float | bool | datetime | None | list[str]
Row = Mapping[str, Value]
"""Column name -> value. May hold more than the columns, for pages that draw a row in their own way."""

Answer = TypeVar("Answer")

Thing = Literal[
    "application",
    "instance",
    "server",
    "package",
    "environment",
    "finding",
    "vulnerability",
    "buildout",
    "address",
    "",
]
"""What a column's value names, so that a page can link to it. An address is where the link leads itself."""


@dataclass(frozen=True, slots=True)
class View:
    """What a reading query may see: the moment asked for, and the moment it is asked."""

    now: datetime
    at: datetime | None = None
    """None: the newest that is known"""
    silent_after: timedelta = timedelta(hours=3)
    asked: dict[str, Any] = field(init=False, compare=False, repr=False, default_factory=dict)
    """what was asked already, for this view, by those who need the same: a page has several lists"""

    def once(self, what: str, ask: Callable[[], Answer]) -> Answer:
        if what not in self.asked:
            self.asked[what] = ask()
        answer: Answer = self.asked[what]
        return answer

    @property
    def moment(self) -> datetime:
        return self.at or self.now


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    title: str
    kind: Literal["text", "number", "time", "list"] = "text"
    thing: Thing = ""
    sortable: bool = True
    help: str = ""
    detail: bool = False
    """for programs; a page has it elsewhere"""


@dataclass(frozen=True, slots=True)
class Filter:
    name: str
    title: str
    help: str = ""
    choices: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Params:
    """What is asked of a listing. Unknown filters are a `BadParams`, not silence."""

    query: str = ""
    sort: str = ""
    """column's name, with a `-` before it: descending; empty: the listing's own order"""
    page: int = 1
    size: int = 50
    filters: Mapping[str, str] = field(default_factory=dict)
    counted: bool = True
    """False: who asks wants some rows, and need not know how many there are; the total may be too small"""

    def with_(self, **changes: Any) -> Params:
        return replace(self, **changes)


class BadParams(ValueError):
    """Params that the listing does not know; the message names them and what is possible."""


@dataclass(frozen=True, slots=True)
class Covers:
    """What an answer covers: "487 of 500 servers; 13 silent"."""

    servers: int
    silent: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    """servers of which something could not be read"""
    simulated: bool = False
    """none of these servers exists: `tightship demo` made them up"""
    lacking: tuple[str, ...] = ()
    """what else would have to be known, in sentences: advisories, for one"""

    @property
    def all(self) -> bool:
        return not self.silent and not self.unread and not self.lacking

    def __str__(self) -> str:
        parts = [f"{self.servers - len(self.silent)} of {self.servers} servers"]
        if self.silent:
            parts.append(f"{len(self.silent)} silent")
        if self.unread:
            parts.append(f"{len(self.unread)} partly unread")
        if self.simulated:
            parts.append("all simulated")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class Page:
    listing: Listing
    params: Params
    view: View
    rows: Sequence[Row]
    total: int
    covers: Covers
    beside: Mapping[str, int] = field(default_factory=dict)
    """what is not in the rows and still belongs to the answer: its name -> how many"""
    notes: Sequence[str] = ()
    """sentences that follow from all rows, not only from those of this page"""

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.params.size))


class Listing(Protocol):
    """One list. `page` runs a bounded number of queries, whatever the fleet's size."""

    name: str
    title: str
    columns: Sequence[Column]
    filters: Sequence[Filter]

    def page(self, view: View, params: Params) -> Page: ...


def to_json(page: Page) -> str:
    """The page as JSON, as the API answers it."""
    return json.dumps(document(page), indent=1)


def document(page: Page, columns: Sequence[Column] = (), **more: Any) -> dict[str, Any]:
    """The page as plain values; with other columns than its own, and members of the sender's own."""
    names = [column.name for column in columns or page.listing.columns]
    return {
        "listing": page.listing.name,
        "at": page.view.moment.astimezone(UTC).isoformat(),
        "covers": {
            "servers": page.covers.servers,
            "silent": list(page.covers.silent),
            "unread": list(page.covers.unread),
            **({"simulated": True} if page.covers.simulated else {}),
            **({"lacking": list(page.covers.lacking)} if page.covers.lacking else {}),
        },
        "total": page.total,
        "page": page.params.page,
        "pages": page.pages,
        **more,
        **({"beside": dict(page.beside)} if page.beside else {}),
        **({"notes": list(page.notes)} if page.notes else {}),
        "rows": [{name: _plain(row.get(name)) for name in names} for row in page.rows],
    }


def to_csv(page: Page) -> str:
    """The page as CSV, with a header. Text that a spreadsheet would run as a formula is quoted by a '."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([column.name for column in page.listing.columns])
    for row in page.rows:
        writer.writerow([_cell(row.get(column.name)) for column in page.listing.columns])
    return out.getvalue()


def _plain(value: Value) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _cell(value: Value) -> str:
    if isinstance(value, list):
        text = ", ".join(value)
    else:
        text = "" if value is None else str(_plain(value))
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def check(listing: Listing, params: Params) -> None:
    """Raise `BadParams` for a filter or an order that the listing does not have."""
    _known("filter", params.filters, [item.name for item in listing.filters])
    order = params.sort.removeprefix("-")
    _known("order", [order] if order else [], [c.name for c in listing.columns if c.sortable])
    if params.page < 1 or not 1 <= params.size <= 10_000:
        raise BadParams("page: expected 1 or more; size: 1 to 10000")


def _known(what: str, asked: Iterable[str], known: Sequence[str]) -> None:
    for name in asked:
        if name not in known:
            raise BadParams(f"{what} {name!r}: expected one of {', '.join(known) or 'none'}")
