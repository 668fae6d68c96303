"""What is asked of a list, to and from a page's query string.

`q` searches, `sort` orders, `page` and `size` cut, `at` is the moment; every other parameter is a
filter, by its own name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from tightship.store.listing import BadParams, Params

SIZE = 50
LARGEST_SIZE = 1_000
"""Rows of one page. Who wants all takes the CSV, or the JSON page by page."""

_OURS = ("q", "sort", "page", "size", "at")


def params(asked: Mapping[str, str], size: int = SIZE) -> Params:
    """The Params that a query string asks for. Raises BadParams for a page that is no number."""
    filters = {name: value for name, value in asked.items() if name not in _OURS and value}
    return Params(
        query=asked.get("q", "").strip(),
        sort=asked.get("sort", ""),
        page=_number(asked, "page", 1, 1_000_000),
        size=_number(asked, "size", size, LARGEST_SIZE),
        filters=filters,
    )


def _number(asked: Mapping[str, str], name: str, default: int, largest: int) -> int:
    text = asked.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 8 and 1 <= int(text) <= largest):
        raise BadParams(f"{name}: expected a number from 1 to {largest}, got {text[:20]!r}")
    return int(text)


def query(asked: Params, at: str = "", size: int = SIZE) -> str:
    """The query string that asks for `asked`, with its `?`; empty where all is as by itself."""
    return joined(
        [
            ("q", asked.query),
            *asked.filters.items(),
            ("sort", asked.sort),
            ("page", str(asked.page) if asked.page > 1 else ""),
            ("size", str(asked.size) if asked.size != size else ""),
            ("at", at),
        ]
    )


def joined(pairs: Iterable[tuple[str, str]]) -> str:
    """`?name=value&...` of what has a value."""
    text = urlencode([(name, value) for name, value in pairs if value])
    return "?" + text if text else ""
