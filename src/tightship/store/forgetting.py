"""`forget --before`: what ended before a moment is no longer kept. What holds now stays, however old.

Removed in portions, each a transaction of its own, so that no report has to wait long; who is
interrupted goes on by asking again. From the first portion on no page answers for a moment before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from tightship.store import terms
from tightship.store.errors import told
from tightship.store.models import (
    Application,
    Change,
    Finding,
    Forgotten,
    FoundEnvironment,
    FoundGroup,
    FoundListener,
    FoundSite,
    FoundSystem,
    Instance,
    Interval,
    Member,
    PackageSet,
)

AT_A_TIME = 2_000
"""Rows of one transaction."""

INTERVALS: tuple[type[Interval], ...] = (
    FoundSystem,
    FoundEnvironment,
    FoundGroup,
    FoundListener,
    FoundSite,
)

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How much there was, by what it is called."""

    before: datetime
    removed: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.removed.values())


def forgettable(before: datetime) -> Outcome:
    """What `forget` would remove, not counting the package sets that nothing would need any more."""
    with told():
        counts = {"intervals": sum(_ended(model, before).count() for model in INTERVALS)}
        counts["changes"] = Change.objects.filter(at__lt=before).count()
        counts["findings"] = _ended(Finding, before).count()
        return Outcome(before, counts)


def forget(before: datetime, progress: Progress | None = None) -> Outcome:
    """Remove what ended before a moment, and what only that needed. `progress` is told of rows, by and by."""
    removed = {
        "intervals": 0,
        "changes": 0,
        "findings": 0,
        "package sets": 0,
        "instances": 0,
        "applications": 0,
    }
    with told():
        Forgotten.objects.get_or_create(before=before)
        for what, number in _portions(before):
            removed[what] += number
            if progress:
                progress(number)
        with transaction.atomic():
            terms.sweep()
    return Outcome(before, removed)


def _portions(before: datetime) -> Iterator[tuple[str, int]]:
    for model in INTERVALS:
        while number := _delete(model, _ended(model, before)):
            yield "intervals", number
    while number := _delete(Change, Change.objects.filter(at__lt=before)):
        yield "changes", number
    while number := _delete(Finding, _ended(Finding, before)):
        yield "findings", number
    while number := _delete_sets():
        yield "package sets", number
    while number := _delete(Instance, Instance.objects.filter(~_used(FoundGroup, "instance"))):
        yield "instances", number
    referring = (FoundGroup, FoundListener, FoundSite, Change, Finding, Instance)
    nowhere = Q(*(~_used(model, "application") for model in referring), declared=False)
    while number := _delete(Application, Application.objects.filter(nowhere)):
        yield "applications", number


def _ended(model: Any, before: datetime) -> Any:
    return model.objects.filter(until__lt=before)


def _used(model: Any, field: str) -> Exists:
    return Exists(model.objects.filter(**{field: OuterRef("pk")}))


def _delete(model: Any, found: Any) -> int:
    """Some of what was found; 0: nothing is left."""
    with transaction.atomic():
        some = list(found.values_list("pk", flat=True)[:AT_A_TIME])
        # Straight away: nothing refers to these that would have to go with them.
        return int(model.objects.filter(pk__in=some)._raw_delete("default")) if some else 0


def _delete_sets() -> int:
    """Package sets that no environment and no process group has, now or then, with their lines.

    A report that names one of them at this moment finds it gone, or keeps it: the database checks.
    """
    unused = (
        ~_used(FoundEnvironment, "packages") & ~_used(FoundGroup, "packages") & ~_used(FoundGroup, "loaded")
    )
    with transaction.atomic():
        some = list(PackageSet.objects.filter(unused).values_list("pk", flat=True)[: AT_A_TIME // 10])
        if some:
            Member.objects.filter(set__in=some)._raw_delete("default")
            PackageSet.objects.filter(pk__in=some)._raw_delete("default")
        return len(some)
