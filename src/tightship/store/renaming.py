"""Calls intervals anew, and what belongs to them: instances, listeners, sites, changes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db import models

from tightship.fleet.findings.finding import stage_subject
from tightship.fleet.text import clip
from tightship.store import tallies, wordings
from tightship.store.acknowledging import called_anew
from tightship.store.models import (
    SUBJECT,
    Application,
    Change,
    Finding,
    FoundGroup,
    FoundListener,
    FoundSite,
    Instance,
)
from tightship.store.names import applications
from tightship.store.statements import AT_A_TIME, portions

Place = tuple[int, str]
"""server's id, key of a process group"""


CALLED = (
    "application",
    "stage",
    "named_by",
    "set_aside",
    "release",
    "released_by",
    "conflict",
)


@dataclass(frozen=True, slots=True)
class Renaming:
    """What one interval of a process group is called, and what it is to be called."""

    id: int
    place: Place
    open: bool
    instance: int | None
    base: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    @property
    def called_anew(self) -> bool:
        return any(self.before[name] != self.after[name] for name in ("application", "stage"))


def call(different: Sequence[Renaming]) -> None:
    """Change what the rows say, and all that goes by them. Within a transaction."""
    ids = applications({str(one.after["application"]) for one in different})
    instances = _instances([one for one in different if one.called_anew], ids)
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for one in different:
        application = ids[str(one.after["application"])]
        instance = instances.get((one.place[0], application, str(one.after["stage"]), one.base), one.instance)
        alike[application, instance, *(one.after[name] for name in CALLED[1:])].append(one.id)
    columns = ("application_id", "instance_id", *CALLED[1:])
    _update(FoundGroup, columns, alike)
    places = {one.place for one in different if one.called_anew}
    for some in portions(sorted({server for server, _key in places})):
        _follow(some, {place for place in places if place[0] in set(some)})
    wordings.renew(FoundGroup, [one.id for one in different])
    tallies.count(sorted({one.place[0] for one in different}))


def _update(
    model: type[models.Model], columns: Sequence[str], alike: Mapping[tuple[Any, ...], list[int]]
) -> None:
    """The same change to all rows that need the same."""
    for values, numbers in alike.items():
        for some in portions(numbers):
            model._default_manager.filter(pk__in=some).update(**dict(zip(columns, values, strict=True)))


_InstanceKey = tuple[int, int, str, str]


def _instances(anew: Sequence[Renaming], ids: Mapping[str, int]) -> dict[_InstanceKey, int]:
    """Instances of the new names; those that are new are made."""
    wanted = {
        (one.place[0], ids[one.after["application"]], str(one.after["stage"]), one.base) for one in anew
    }
    texts = wordings.ids_of(wordings.text_of((stage, base)) for _server, _name, stage, base in wanted)
    made = [
        Instance(
            server_id=server,
            application_id=application,
            stage=stage,
            base=base,
            wording_id=texts[wordings.text_of((stage, base))],
        )
        for server, application, stage, base in sorted(wanted)
    ]
    for some in portions(made):
        Instance.objects.bulk_create(some, ignore_conflicts=True)
    found: dict[_InstanceKey, int] = {}
    for servers in portions(sorted({server for server, *_rest in wanted})):
        rows = Instance.objects.filter(server__in=servers)
        for pk, server, application, stage, base in rows.values_list(
            "pk", "server_id", "application_id", "stage", "base"
        ):
            found[server, application, stage, base] = pk
    return found


@dataclass(frozen=True, slots=True)
class _Was:
    """What a process group was called from `since` on."""

    since: datetime
    until: datetime | None
    application: int | None
    stage: str


_Timelines = Mapping[Place, Sequence[_Was]]


def _follow(servers: Sequence[int], places: set[Place]) -> None:
    """What belongs to a process group is called as that is: listeners, sites, changes."""
    timelines = _timelines(servers, places)
    _follow_intervals(FoundListener, ("application_id", "stage"), servers, timelines)
    _follow_intervals(FoundSite, ("application_id",), servers, timelines)
    _follow_changes(servers, timelines)
    _follow_findings(servers, timelines)
    _tell_of_names(servers, timelines)


def _timelines(servers: Sequence[int], places: set[Place]) -> _Timelines:
    rows = FoundGroup.objects.filter(server__in=servers).order_by("server", "key", "since", "pk")
    found: dict[Place, list[_Was]] = defaultdict(list)
    for server, key, since, until, application, stage in rows.values_list(
        "server_id", "key", "since", "until", "application_id", "stage"
    ).iterator():
        if (server, key) in places:
            found[server, key].append(_Was(since, until, application, stage))
    return found


def _at(timeline: Sequence[_Was], moment: datetime | None, ending: bool) -> _Was:
    """How it was at a moment (None: now); `ending`: right before it."""
    if moment is None:
        return timeline[-1]
    until = bisect_left if ending else bisect_right
    return timeline[max(0, until(timeline, moment, key=lambda was: was.since) - 1)]


def _follow_intervals(
    model: type[FoundListener | FoundSite],
    columns: Sequence[str],
    servers: Sequence[int],
    timelines: _Timelines,
) -> None:
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    rows = model._default_manager.filter(server__in=servers).exclude(group="")
    for pk, server, key, until, *said in rows.values_list(
        "pk", "server_id", "group", "until", *columns
    ).iterator():
        timeline = timelines.get((server, key))
        if timeline:
            was = _at(timeline, until, ending=True)
            now = (was.application, was.stage)[: len(columns)]
            if now != tuple(said):
                alike[now].append(pk)
    _update(model, columns, alike)


def _follow_changes(servers: Sequence[int], timelines: _Timelines) -> None:
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    rows = Change.objects.filter(server__in=servers).exclude(group="")
    for pk, server, key, at, kind, *said in rows.values_list(
        "pk", "server_id", "group", "at", "kind", "application_id", "stage"
    ).iterator():
        timeline = timelines.get((server, key))
        if timeline:
            was = _at(timeline, at, ending=kind == "gone")
            if (was.application, was.stage) != tuple(said):
                alike[was.application, was.stage].append(pk)
    _update(Change, ("application_id", "stage"), alike)


def _follow_findings(servers: Sequence[int], timelines: _Timelines) -> None:
    """Findings, and the acknowledgements of their subjects, are called as what they are about."""
    called = dict(Application.objects.values_list("pk", "name"))
    subjects: dict[tuple[str, str], str] = {}
    moved = []
    for row in Finding.objects.filter(server__in=servers).exclude(group=""):
        timeline = timelines.get((row.server_id or 0, row.group))
        was = _at(timeline, row.until, ending=True) if timeline else None
        if was is None or (was.application, was.stage) == (row.application_id, row.stage):
            continue
        old = stage_subject(called.get(row.application_id or 0, ""), row.stage) + "/"
        new = stage_subject(called.get(was.application or 0, ""), was.stage) + "/"
        row.application_id, row.stage = was.application, was.stage
        if row.subject.startswith(old):
            after = clip(new + row.subject.removeprefix(old), SUBJECT)
            if row.until is None:
                subjects[row.kind, row.subject] = after
            row.subject = after
        moved.append(row)
    Finding.objects.bulk_update(moved, ["application", "stage", "subject"], AT_A_TIME)
    called_anew(subjects)


def _tell_of_names(servers: Sequence[int], timelines: _Timelines) -> None:
    """ "named" in the timeline is where what was seen made a difference, by the names that hold now."""
    called = dict(Application.objects.values_list("pk", "name"))
    wanted = {
        (*place, after.since): (called.get(before.application or 0, ""), after)
        for place, timeline in timelines.items()
        for before, after in pairwise(timeline)
        if before.until == after.since
        and (before.application, before.stage) != (after.application, after.stage)
    }
    renewed: list[int] = []
    for row in Change.objects.filter(server__in=servers, kind="named"):
        if (row.server_id, row.group) not in timelines:
            continue
        before, after = wanted.pop((row.server_id, row.group, row.at), ("", None))
        if after is None:
            row.delete()
        else:
            row.before, row.after = before, called.get(after.application or 0, "")
            row.save(update_fields=["before", "after"])
            renewed.append(row.pk)
    made = Change.objects.bulk_create(
        Change(
            server_id=server,
            at=at,
            kind="named",
            application_id=after.application,
            stage=after.stage,
            group=key,
            before=before,
            after=called.get(after.application or 0, ""),
        )
        for (server, key, at), (before, after) in sorted(wanted.items(), key=lambda item: item[0])
    )
    wordings.renew(Change, [*renewed, *(row.pk for row in made)])
