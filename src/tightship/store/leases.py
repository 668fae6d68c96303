"""Leases: what only one process may do at a time, among all that share the database.

A lease runs out by itself, so that one whose holder was killed is free again. Time is the database's where
it has a clock of its own: two machines that share it need not agree on theirs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from tightship.fleet.text import clip
from tightship.store.errors import told
from tightship.store.models import NAME, Lease
from tightship.store.statements import ask, read_moment

WORK, SILENCE = "work", "silence"
"""Of who goes to the servers, and of who notes when they fall silent: the second needs no way into any."""


@dataclass(frozen=True, slots=True)
class Held:
    """Who holds a lease, and what it says."""

    holder: str
    until: datetime
    said: Mapping[str, Any]
    valid: bool


def take(name: str, holder: str, lasting: timedelta) -> bool:
    """Take a lease, or keep it for longer. False: another holds it."""
    holder = clip(holder, NAME)
    with told():
        now = _now()
        # None lasts so long: it was taken when the clock was ahead.
        impossible = Q(until__gt=now + 2 * lasting)
        free = Q(holder=holder) | Q(until__lt=now) | impossible
        # One statement: of two that come at the same time one changes the row, the other finds it taken.
        if Lease.objects.filter(free, name=name).update(holder=holder, until=now + lasting):
            return True
        try:
            with transaction.atomic():
                Lease.objects.create(name=name, holder=holder, until=now + lasting)
        except IntegrityError:
            return False
        return True


def say(name: str, holder: str, said: Mapping[str, Any]) -> bool:
    """Leave word of what was done, for whoever looks. False: it is another's by now."""
    with told():
        mine = Lease.objects.filter(name=name, holder=clip(holder, NAME))
        return bool(mine.update(said=json.dumps(dict(said))))


def give_back(name: str, holder: str) -> None:
    """Somebody else may take it at once."""
    with told():
        Lease.objects.filter(name=name, holder=clip(holder, NAME)).update(until=_now() - timedelta(seconds=1))


def held(name: str) -> Held | None:
    """Who holds it, or held it last; None: nobody ever did."""
    with told():
        row = Lease.objects.filter(name=name).first()
        return Held(row.holder, row.until, json.loads(row.said), row.until >= _now()) if row else None


def _now() -> datetime:
    if connection.vendor == "sqlite":  # a file of this machine's
        return datetime.now(UTC)
    ((moment,),) = ask("SELECT clock_timestamp()")
    return read_moment(moment)
