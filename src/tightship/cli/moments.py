"""Moments in the zone of the terminal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo


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


def shown(at: datetime) -> str:
    """As tables show it: local, to the minute."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M")
