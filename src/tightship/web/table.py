"""A page of a Listing as the cells that a template draws. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tightship.store.listing import Column, Page, Row, Value

LONGEST = 80
"""Characters of one value in a table. The page about the thing shows all of it."""
MOST = 8
"""Items of one cell before it says how many more there are."""

SIGNS = frozenset(
    {"silent", "stale", "unread", "conflict", "dirty", "critical", "warning", "notice", "imported"}
)
"""Words that are drawn with a shape and a colour, where they stand in a column of signs."""

Linked = Callable[[str, str, Row], str]
"""(thing, value, row) -> address of its page, or nothing"""


@dataclass(frozen=True, slots=True)
class Item:
    text: str
    href: str = ""
    sign: str = ""
    whole: str = ""
    """the text before it was cut; empty where it was not"""


@dataclass(frozen=True, slots=True)
class Cell:
    label: str
    kind: str
    items: Sequence[Item] = ()
    more: int = 0
    time: datetime | None = None
    head: bool = False
    shares: Sequence[int] = ()
    """of a column that says how something is spread: how many each of its items has"""

    @property
    def nothing(self) -> bool:
        return not self.items and self.time is None


@dataclass(frozen=True, slots=True)
class Heading:
    title: str
    kind: str
    help: str = ""
    order: str = ""
    """what to sort by to turn to this column; empty: cannot"""
    sorted: str = ""
    """ascending, descending or nothing"""


@dataclass(frozen=True, slots=True)
class Table:
    headings: Sequence[Heading]
    rows: Sequence[Sequence[Cell]]


def drawn(page: Page, linked: Linked, leave_out: Sequence[str] = ()) -> Table:
    """The table of one page, without the columns that say the same in each row of it."""
    columns = [one for one in page.listing.columns if one.name not in leave_out and not one.detail]
    return Table(
        [_heading(column, page.params.sort, head=column is columns[0]) for column in columns],
        [[_cell(column, row, linked, head=column is columns[0]) for column in columns] for row in page.rows],
    )


def _heading(column: Column, order: str, head: bool) -> Heading:
    name = column.name
    state = {name: "ascending", "-" + name: "descending"}.get(order, "")
    turned = "-" + name if state == "ascending" else name
    return Heading(
        column.title, "text" if head else column.kind, column.help, turned if column.sortable else "", state
    )


def _cell(column: Column, row: Row, linked: Linked, head: bool) -> Cell:
    value = row.get(column.name)
    if isinstance(value, datetime):
        return Cell(column.title, "time", time=value, head=head)
    values = _texts(value)
    items = [_item(column, text, row, linked) for text in values[:MOST]]
    shares = [int(share) for share in _texts(row.get("shares"))] if column.name == "spread" else ()
    return Cell(column.title, column.kind, items, max(0, len(values) - MOST), head=head, shares=shares)


def _texts(value: Value) -> list[str]:
    if value is None or value == "":
        return []
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    return value if isinstance(value, list) else [str(value)]


def _item(column: Column, text: str, row: Row, linked: Linked) -> Item:
    href = linked(column.thing, text, row) if column.thing else ""
    sign = text if text in SIGNS and column.name in ("signs", "severity") else ""
    short = cut(text)
    return Item(short, href, sign, text if short != text else "")


def cut(text: str, limit: int = LONGEST) -> str:
    """`text`, or its beginning and end with an ellipsis between."""
    return text if len(text) <= limit else f"{text[: limit - 25]}…{text[-24:]}"


def same_everywhere(rows: Sequence[Row], columns: Sequence[Column]) -> list[str]:
    """Names of columns in which no row says anything: a table without them is easier to read."""
    return [column.name for column in columns if all(_empty(row, column.name) for row in rows)]


def _empty(row: Mapping[str, Value], name: str) -> bool:
    return row.get(name) in (None, "", [])
