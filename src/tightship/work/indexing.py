"""What the package indexes have is asked for again each day, once somebody asked for it at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from tightship.index.configured import BadConfiguration
from tightship.index.known import Indexes
from tightship.store import indexed

AT_A_TIME = 200
"""Packages that are asked for in one go: some seconds. A fleet's thousands take some minutes each day."""

HOUR = timedelta(hours=1)


class Indexing:
    """`told`: hears in sentences what is wrong."""

    def __init__(self, told: Callable[[str], None]) -> None:
        self._told = told
        self._judged: datetime | None = None
        self._failed = ""

    def once(self, now: datetime) -> int:
        """Ask for what is due. Returns for how many packages. Raises `StoreError`."""
        hourly = self._judged is None or now - self._judged > HOUR
        names = indexed.due(now, AT_A_TIME)
        if hourly:
            names += indexed.never_asked()[: AT_A_TIME - len(names)]
        if names:
            self._ask(names, now)
        if hourly:
            # New versions came into use, and the days of what is ignored came.
            indexed.judge(now)
            self._judged = now
        elif names:
            indexed.judge(now, names)
        return len(names)

    def _ask(self, names: list[str], now: datetime) -> None:
        try:
            said = Indexes(fresh=timedelta(0)).known(names)
        except BadConfiguration as error:
            self._tell_once(str(error))
            return
        indexed.keep(said, now)
        self._tell_once(next((one.problem for one in said.values() if one.problem), ""))

    def _tell_once(self, failed: str) -> None:
        if failed and failed != self._failed:
            self._told(failed)
        self._failed = failed
