"""When each server is read: once an hour, at a minute of its own, so that they don't all come at once. Pure.

By the seconds since the epoch: no time zone and no summer time has a say in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

HOUR = timedelta(hours=1)


def turn(server: str, every: timedelta = HOUR) -> timedelta:
    """How far into each hour a server's turn is; the same on every machine."""
    number = int.from_bytes(blake2b(server.encode("utf-8", "surrogateescape"), digest_size=8).digest(), "big")
    return timedelta(microseconds=number % (every // timedelta(microseconds=1)))


def last_turn(server: str, now: datetime, every: timedelta = HOUR) -> datetime:
    """The newest turn of a server that is not in the future."""
    since_epoch = now - datetime.fromtimestamp(0, UTC) - turn(server, every)
    return now - since_epoch % every


def due(
    servers: Iterable[str], tried: Mapping[str, datetime], now: datetime, every: timedelta = HOUR
) -> list[str]:
    """The servers whose turn has come since they were last tried, who waits longest first.

    One that was never tried is due at once. So is one that was tried in the future: a clock went wrong.
    """
    waiting = []
    for server in servers:
        last = tried.get(server)
        mine = last_turn(server, now, every)
        if last is None or last < mine or last > now:
            waiting.append((mine if last else datetime.fromtimestamp(0, UTC), server))
    return [server for _since, server in sorted(waiting)]


def next_turn(servers: Iterable[str], now: datetime, every: timedelta = HOUR) -> datetime | None:
    """When the next server's turn comes, all of them having been tried; None without servers."""
    return min((last_turn(server, now, every) + every for server in servers), default=None)
