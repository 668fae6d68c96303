"""Changes as a timeline: what happened to one application, told once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import groupby

from tightship.fleet.happenings import Happening, happenings
from tightship.store.listing import Row
from tightship.store.listings.changes import seen

MOST = 4
"""Changes of one event before it says how many more there are."""


@dataclass(frozen=True, slots=True)
class Event:
    at: datetime
    """when the last of it was seen"""
    since: datetime | None
    """when the first of it was seen; None: all at once"""
    application: str
    stage: str
    servers: Sequence[str]
    said: Sequence[str]
    more: int = 0


def events(changes: Iterable[Row], lines: int = MOST, oldest_first: bool = False) -> list[Event]:
    """Events, newest first, with at most so many lines each."""
    found = [_event(one, lines) for one in happenings([seen(change) for change in changes])]
    return found[::-1] if oldest_first else found


def _event(one: Happening, lines: int) -> Event:
    return Event(
        one.until,
        one.at if one.at != one.until else None,
        one.application,
        one.stage,
        one.servers,
        one.said[:lines],
        len(one.said[lines:]),
    )


def days(found: Iterable[Event], zone: tzinfo) -> list[tuple[datetime, list[Event]]]:
    """Events by the day that they happened on: (the first one's moment, the events)."""
    by_day = groupby(found, key=lambda event: event.at.astimezone(zone).date())
    return [(some[0].at, some) for some in (list(group) for _day, group in by_day)]


EVENING, MORNING = 18, 9
"""Hours between which it is night, for those who ask what happened in it."""


def lately(now: datetime) -> list[tuple[str, str, str]]:
    """(name, since, until) of the times that are asked for most; `now` in the zone of who asks."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    evening, morning = today - timedelta(hours=24 - EVENING), today.replace(hour=MORNING)
    is_over = now.replace(tzinfo=None) >= morning
    return [
        ("Today", f"{today:%Y-%m-%d}", ""),
        ("Last night", f"{evening:%Y-%m-%dT%H:%M}", f"{morning:%Y-%m-%dT%H:%M}" if is_over else ""),
        ("The last seven days", f"{today - timedelta(days=6):%Y-%m-%d}", ""),
    ]
