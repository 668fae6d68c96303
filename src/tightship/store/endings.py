"""Dates of end of life: those of this release, and before them those that were brought up to date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache, lru_cache
from importlib.resources import files

from django.db import transaction

from tightship.fleet.findings.endoflife import by_series, parse, written
from tightship.fleet.findings.finding import Ending, Endings
from tightship.fleet.report import digest_of
from tightship.store.errors import told
from tightship.store.models import EndOfLife
from tightship.store.statements import ask

FILE = "end-of-life.txt"
_DIGEST = "SELECT digest FROM store_endoflife ORDER BY id LIMIT 1"


def endings() -> Endings:
    """One small query, but for the first time after an update."""
    found = ask(_DIGEST)
    return _merged(str(found[0][0])) if found else shipped()


@cache
def shipped() -> Endings:
    return by_series(parse(text_shipped(), FILE))


def text_shipped() -> str:
    return (files("tightship.store") / FILE).read_text("utf-8")


@lru_cache(maxsize=4)
def _merged(digest: str) -> Endings:
    text = EndOfLife.objects.get(digest=digest).text
    return {**shipped(), **by_series(parse(text, "the database"))}


def update(new: Sequence[Ending], now: datetime) -> list[tuple[Ending, Ending | None]]:
    """Keep dates that are newer than those of this release. Returns those that differ, with what was."""
    with told(), transaction.atomic():
        known = endings()
        different = [(one, known.get((one.product, one.series))) for one in new]
        changed = [(one, was) for one, was in different if was is None or was.ends != one.ends]
        row = EndOfLife.objects.order_by("pk").first()
        kept = by_series(parse(row.text, "the database")) if row else {}
        text = written({**kept, **by_series(new)}.values())
        EndOfLife.objects.all().delete()
        EndOfLife.objects.create(digest=digest_of(text.encode()), text=text, at=now)
    return changed


def last_update() -> datetime | None:
    with told():
        return EndOfLife.objects.values_list("at", flat=True).first()
