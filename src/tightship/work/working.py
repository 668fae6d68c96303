"""The round that goes on for as long as the process lives: who is due is read, who is silent is noted.

Two that share a database never do it at the same time: who holds the lease works, the other waits. A server
that fails is told and tried again in an hour; a database that fails is told and tried again in a while.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tightship.remote.target import Target
from tightship.store import attempts, leases, silences, tokens
from tightship.store.errors import StoreError
from tightship.store.leases import SILENCE, WORK
from tightship.work import schedule
from tightship.work.gathering import Came, gather_all
from tightship.work.indexing import Indexing

LASTING = timedelta(minutes=5)
"""How long after a holder was killed another takes over. Longer than any one server may take."""

WITHIN = 120.0
"""Seconds for one server."""

TICK = 20.0
"""Seconds between looking what is due."""

GRACE = timedelta(hours=1)
"""After a long sleep: everybody gets the time to report once before somebody is called silent."""


MOST_SAID = 20
"""Servers that failed, by name."""


class Lost(Exception):
    """Another holds the lease."""


def _ourselves() -> str:
    """As people find us; and unlike any other, also where containers share names and numbers."""
    return f"{socket.gethostname()}, process {os.getpid()}, {secrets.token_hex(3)}"


@dataclass(slots=True)
class Work:
    """`servers`: those to read, asked anew each time; None: it goes to none. `told`: hears in sentences
    what happens."""

    servers: Callable[[], Sequence[Target]] | None
    told: Callable[[str], None]
    silent_after: timedelta
    every: timedelta = schedule.HOUR
    sudo: bool = False
    at_once: int = 10
    holder: str = field(default_factory=_ourselves)
    _ticked: float = float("-inf")
    _pruned: datetime | None = None
    _waiting_for: str = ""
    _failed: str = ""
    _indexing: Indexing = field(init=False)

    def __post_init__(self) -> None:
        self._indexing = Indexing(self.told)

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop. Never raises for what a server or the database does."""
        while not stop.is_set():
            try:
                self.once(stop)
                self._failed = ""
            except StoreError as error:
                self._tell_once(str(error))
            except Lost:
                self.told("Another took over: this one waits.")
            stop.wait(TICK)
        self.end()

    def end(self) -> None:
        """Let another begin at once."""
        with suppress(StoreError):
            for name in (WORK, SILENCE):
                leases.give_back(name, self.holder)

    def once(self, stop: threading.Event | None = None) -> Sequence[Came]:
        """What is to be done now, done: nothing, where another is at it. Raises `StoreError`, `Lost`."""
        targets = self.servers() if self.servers else ()
        # Who has no servers leaves them to one who has.
        came = self._round(targets, datetime.now(UTC), stop) if targets and self._is_ours() else ()
        if self._tick(datetime.now(UTC)):
            self._indexing.once(datetime.now(UTC))
        return came

    def _is_ours(self) -> bool:
        """Whether it is on us to go to the servers."""
        if leases.take(WORK, self.holder, LASTING):
            self._waiting_for = ""
            return True
        other = leases.held(WORK)
        if other and other.holder != self._waiting_for:
            self._waiting_for = other.holder
            self.told(f"{other.holder} is at it: this one waits.")
        return False

    def _keep(self) -> None:
        if not leases.take(WORK, self.holder, LASTING):
            raise Lost

    def _round(
        self, targets: Sequence[Target], now: datetime, stop: threading.Event | None
    ) -> Sequence[Came]:
        called = {target.name: target for target in targets}
        due = [called[name] for name in schedule.due(called, attempts.tried(), now, self.every)]
        came: list[Came] = []
        asked = gather_all(due, sudo=self.sudo, at_once=self.at_once, timeout=WITHIN, stop=stop)
        with closing(asked):
            for one in asked:
                if one.kind == "stopped":
                    break
                came.append(one)
                self._keep()
                if time.monotonic() - self._ticked > TICK:
                    self._tick(datetime.now(UTC))
                if not one.well:
                    self.told(f"{one.server}: {one.kind.replace('-', ' ')}: {one.why}")
        if came:
            counts = Counter(one.kind.replace("-", " ") for one in came)
            self.told(", ".join(f"{number} {kind}" for kind, number in counts.most_common()))
            failed = sorted(one.server for one in came if not one.well)[:MOST_SAID]
            said = {"round": datetime.now(UTC).isoformat(), "tried": len(came), "failed": failed}
            leases.say(WORK, self.holder, said)
        return came

    def _tick(self, now: datetime) -> bool:
        """What is to be done by one of all; False: another does it."""
        before = leases.held(SILENCE)
        if not leases.take(SILENCE, self.holder, LASTING):
            return False
        self._ticked = time.monotonic()
        quiet = quiet_until(before.said if before else {}, self.silent_after, now)
        if self._pruned is None or now - self._pruned > schedule.HOUR:
            tokens.prune(now)
            self._pruned = now
        if now >= quiet:
            noted = silences.note(now, self.silent_after)
            for names, what in ((noted.silent, "silent"), (noted.heard, "heard again")):
                if names:
                    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
                    self.told(f"{what}: {', '.join(names[:5])}{more}")
        leases.say(SILENCE, self.holder, {"tick": now.isoformat(), "quiet": quiet.isoformat()})
        return True

    def _tell_once(self, failed: str) -> None:
        if failed != self._failed:
            self._failed = failed
            self.told(failed)


def quiet_until(said: Mapping[str, Any], silent_after: timedelta, now: datetime) -> datetime:
    """Until when nobody is called silent: where nobody took in reports, nobody can know. Pure.

    `said`: at the tick before, maybe by another process, maybe long ago.
    """
    grace = min(silent_after, GRACE)
    last, quiet = (datetime.fromisoformat(said[name]) if name in said else None for name in ("tick", "quiet"))
    if last is None or now - last > max(grace, timedelta(seconds=3 * TICK)):
        return now + grace
    # Never later than that: a clock may have been ahead.
    return min(quiet or now, now + grace)
