"""Moments as people type and read them: `2026-11-20`, `2026-11-20 14:30`, `3h`, `2d`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from tightship.web.moment import BadMoment
from tightship.web.moment import moment as exact_moment

_AGO = re.compile(r"(\d{1,5})\s*(m|min|h|d|w)(?:\s+ago)?")
_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Local(tzinfo):
    """This server's zone, summer time included, for any moment."""

    def utcoffset(self, at: datetime | None) -> timedelta:
        return _here(at).utcoffset() or timedelta()

    def dst(self, at: datetime | None) -> timedelta:  # noqa: ARG002 - tzinfo's signature
        return timedelta()

    def tzname(self, at: datetime | None) -> str:
        return _here(at).tzname() or ""


def _here(at: datetime | None) -> datetime:
    """A time of day as this server's clock on the wall shows it."""
    return at.replace(tzinfo=None).astimezone() if at else datetime.now(UTC).astimezone()


def moment(text: str, now: datetime, zone: tzinfo) -> datetime | None:
    """The moment meant by `text`, None for an empty one. Raises BadMoment, in words.

    As `?at=` of a page understands it, and in addition how long ago.
    """
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        return exact_moment(text.strip(), now, zone)
    except BadMoment as error:
        raise BadMoment(f"{error}, or how long ago: 90m, 3h, 2d, 1w") from None


def shown(at: datetime) -> str:
    """As tables show it: local, to the minute."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M")
