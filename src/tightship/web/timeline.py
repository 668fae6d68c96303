"""Changes as a timeline: what happened to one application on one server at one moment is one event.

A package that two process groups share changes for both; people want to read it once. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import groupby
from typing import Any

from tightship.store.listing import Row

MOST = 4
"""Changes of one event before it says how many more there are."""


@dataclass(frozen=True, slots=True)
class Event:
    at: datetime
    application: str
    server: str
    said: Sequence[str]
    more: int = 0


def events(changes: Iterable[Row], lines: int = MOST) -> list[Event]:
    """Events with at most so many lines each, from changes in the order of their moments."""
    found = []
    for (at, application, server), some in groupby(changes, key=_of):
        said = list(dict.fromkeys(_said(change) for change in some))
        found.append(Event(at, application, server, said[:lines], len(said[lines:])))
    return found


def days(found: Iterable[Event], zone: tzinfo) -> list[tuple[datetime, list[Event]]]:
    """Events by the day that they happened on: (the first one's moment, the events)."""
    by_day = groupby(found, key=lambda event: event.at.astimezone(zone).date())
    return [(some[0].at, some) for some in (list(group) for _day, group in by_day)]


def _said(change: Row) -> str:
    # In a table the kind stands beside it; here a bare "2.4.1 → 2.5.0" would say too little.
    said = str(change["change"])
    return f"release {said}" if change["kind"] == "release" and "→" in said else said


def _of(change: Row) -> tuple[Any, str, str]:
    return change["at"], str(change["application"]), str(change["server"])
