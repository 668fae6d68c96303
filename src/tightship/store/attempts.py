"""What came of the newest try to read each server over ssh: also of those that never answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tightship.fleet.text import clip
from tightship.store.errors import told
from tightship.store.models import NAME, Attempt

OK = "ok"
LONGEST = 300


@dataclass(frozen=True, slots=True)
class Failing:
    """A server that could not be read when it was last tried."""

    server: str
    kind: str
    """unreachable, unknown-key, no-python, refused, interrupted, late, failed"""
    why: str
    at: datetime
    since: datetime
    """when it first failed, without a success since"""

    def __str__(self) -> str:
        return f"{self.kind.replace('-', ' ')}: {self.why}" if self.why else self.kind.replace("-", " ")


def note(server: str, kind: str, why: str, now: datetime) -> None:
    """Remember what came of a try. `kind`: OK, or how it failed."""
    server, why = clip(server, NAME), clip(why, LONGEST)
    with told():
        row = Attempt.objects.filter(server=server).first() or Attempt(server=server, since=now)
        if (row.kind == OK) != (kind == OK):
            row.since = now
        row.kind, row.why, row.at = kind, why, now
        row.save()


def failing() -> Mapping[str, Failing]:
    """By server, in the order of their names."""
    with told():
        rows = Attempt.objects.exclude(kind=OK).order_by("server")
        return {row.server: Failing(row.server, row.kind, row.why, row.at, row.since) for row in rows}


def forget(server: str) -> None:
    """Nobody tries it any more."""
    with told():
        Attempt.objects.filter(server=server).delete()
