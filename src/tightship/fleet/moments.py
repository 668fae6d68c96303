"""Moments as people type them: `2026-11-20`, `2026-11-20T14:05`, `2026-11-20 14:30`, `3h`, `2d`."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, tzinfo


class BadMoment(ValueError):
    """What was asked is no moment in the past; the message says what is expected."""


EXPECTED = (
    "expected a date or a moment in the past, as 2026-11-20 or 2026-11-20T14:05, "
    "or how long ago: 90m, 3h, 2d, 1w"
)
_AGO = re.compile(r"(\d{1,5})\s*(m|min|h|d|w)(?:\s+ago)?")
_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime, zone: tzinfo) -> datetime | None:
    """The moment that `text` names; None for the newest that is known (empty text).

    `2d` is two days ago. A date means how things stood at its end. A time without a zone is in `zone`.
    Raises BadMoment.
    """
    text = text.strip()
    if not text:
        return None
    ago = _AGO.fullmatch(text)
    if ago:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    asked = _whole_day(text, zone) or _exact(text, zone)
    if asked is None or not _representable(asked):
        raise BadMoment(f"at: {text[:40]!r} is not a moment; {EXPECTED}")
    if asked > now:
        if asked - now < timedelta(days=1) and len(text) == 10:  # today is not over yet
            return now
        raise BadMoment(f"at: {text[:40]} is still to come; {EXPECTED}")
    return asked


def _whole_day(text: str, zone: tzinfo) -> datetime | None:
    if len(text) != 10:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time.max, zone)
    except ValueError:
        return None


def _exact(text: str, zone: tzinfo) -> datetime | None:
    # In a query string `+` means a space: 2026-11-20T14:05+01:00 is often sent unescaped.
    for way in (text, text.replace(" ", "+")):
        try:
            asked = datetime.fromisoformat(way)
        except ValueError:
            continue
        return asked if asked.tzinfo else asked.replace(tzinfo=zone)
    return None


def _representable(asked: datetime) -> bool:
    # The years at the calendar's ends overflow when they are moved to another zone.
    return 1970 <= asked.year <= 9000
