"""From a value in a row to the page about it."""

from __future__ import annotations

from tightship.store.listing import Row
from tightship.web import links
from tightship.web.asked import Asked
from tightship.web.table import Linked

NUMBERED = ("instance", "environment", "finding", "buildout")
"""Things whose name alone does not say which one it is: the row's `id` does."""


def linked(given: Asked) -> Linked:
    def address(thing: str, value: str, row: Row) -> str:
        if thing == "address":
            return links.outside(value)
        if thing == "vulnerability":
            return links.here("/findings", given.at, kind="vulnerable", q=value)
        if thing in NUMBERED:
            number = row.get("id")
            return links.to(thing, str(number), given.at) if number else ""
        return links.to(thing, value, given.at)

    return address
