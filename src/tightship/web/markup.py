"""The HTML of one cell of a table. A page has hundreds: templates within templates would be slow.

Everything that goes in is text and is escaped here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from tightship.web import bars, links, table
from tightship.web.table import Cell, Item

SHORT = 16
"""Characters that fit beside their column's title on half a phone."""
LONG_WORD = 28
NONE = SafeString('<span class="none">–</span>')


def cell(drawn: Cell, now: datetime) -> SafeString:
    """`<th>` or `<td>`, with the column's title for where there is no room for a heading."""
    inside = _inside(drawn, now)
    if drawn.head:
        return SafeString(f'<th role="rowheader" scope="row">{inside}</th>')
    look = _look(drawn)
    kind = f' class="{look}"' if look else ""
    return SafeString(f'<td role="cell" data-of="{escape(drawn.label)}"{kind}>{inside}</td>')


def _look(drawn: Cell) -> str:
    if drawn.nothing:
        return "nothing"
    if drawn.kind != "text" and not (drawn.kind == "list" and len(drawn.items) == 1):
        return drawn.kind
    return "wide" if sum(len(item.text) for item in drawn.items) > SHORT else ""


def _inside(drawn: Cell, now: datetime) -> str:
    if drawn.nothing:
        return NONE
    if drawn.time:
        return moment(drawn.time, now)
    if len(drawn.items) == 1:
        return _item(drawn.items[0])
    items = "".join(f"<li>{_item(item)}</li>" for item in drawn.items)
    more = f' <span class="more-of">and {drawn.more} more</span>' if drawn.more else ""
    return f'<ul class="listed">{items}</ul>{more}{bars.spread(drawn.shares)}'


def _item(item: Item) -> str:
    if item.sign:
        return sign(item.sign, item.text)
    title = f' title="{escape(item.whole)}"' if item.whole else ""
    # Only words that no column is wide enough for may break anywhere.
    look = ' class="long"' if any(len(word) > LONG_WORD for word in item.text.split()) else ""
    if item.href:
        return f'<a href="{escape(item.href)}"{title}{look}>{escape(item.text)}</a>'
    return f"<span{title}{look}>{escape(item.text)}</span>" if title or look else escape(item.text)


def servers(names: Sequence[str], at: str, most: int) -> SafeString:
    """Links to servers, and how many more there are."""
    shown = ", ".join(
        f'<a href="{escape(links.to("server", name, at))}">{escape(table.cut(name))}</a>'
        for name in names[:most]
    )
    more = len(names) - most
    return SafeString(f'{shown} <span class="soft">and {more} more</span>' if more > 0 else shown)


def text(words: str, code: bool = False) -> SafeString:
    return SafeString(f"<code>{escape(words)}</code>" if code else escape(words))


def sign(word: str, text: str) -> SafeString:
    """A word that means something. Its class gives it a shape and a colour."""
    return SafeString(f'<span class="sign {escape(word)}">{escape(text)}</span>')


def moment(at: datetime | None, now: datetime) -> SafeString:
    """A moment, as short as it can be told from `now`; in full in its title."""
    if at is None:
        return NONE
    local, today = localtime(at), localtime(now)
    full = f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S %Z}"
    stamp = local.isoformat(timespec="seconds")
    return SafeString(f'<time datetime="{stamp}" title="{full}">{_short(local, today)}</time>')


def _short(at: datetime, today: datetime) -> str:
    if at.date() == today.date():
        return f"{at:%H:%M}"
    if at.year == today.year:
        return f"{at.day} {at:%b %H:%M}"
    return f"{at.day} {at:%b %Y}"
