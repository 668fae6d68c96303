"""Applications and their instances: process groups, gathered."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from tightship.fleet.versions import sort_key
from tightship.store import tallies
from tightship.store.gathering import Gathered, all_that_ran, gathered, names_of
from tightship.store.intervals import at
from tightship.store.listing import Column, Filter, Params, Row, Value, View
from tightship.store.listings.groups import Ports, ports_of
from tightship.store.listings.signs import APPLICATION, SERVER, STAGE, is_silent, signs_of, unique
from tightship.store.models import Application, FoundGroup, Instance, Server
from tightship.store.paging import Bucket, Key, in_order
from tightship.store.querying import Queried, silent
from tightship.store.statements import ask, fetched


def running(view: View, **of: Any) -> QuerySet[FoundGroup]:
    return FoundGroup.objects.filter(at(view.at), kind="application", **of)


def _gathered(view: View, some: Sequence[FoundGroup], ports: Ports) -> dict[str, Value]:
    """What several process groups are together."""
    signs = {sign for group in some for sign in signs_of(group, is_silent(group.server, view))}
    return {
        "stages": unique(group.stage for group in some),
        "releases": sorted({group.release for group in some if group.release}, key=sort_key),
        "types": unique(group.type for group in some),
        "pythons": sorted({group.python for group in some if group.python}, key=sort_key),
        "ports": _in_order(
            {place for group in some for place in ports.get((group.server_id, group.key), [])}
        ),
        "signs": [sign for sign in ("stale", "conflict", "unread", "silent") if sign in signs],
        "servers": unique(group.server.name for group in some),
        "since": max((group.since for group in some), default=None),
    }


def _in_order(places: set[str]) -> list[str]:
    return sorted(
        places, key=lambda place: (not place.isdigit(), int(place) if place.isdigit() else 0, place)
    )


def _applications(view: View) -> QuerySet[Application]:
    some = running(view, application=OuterRef("pk"))
    return Application.objects.filter(Exists(some))


def _application_rows(view: View, applications: Sequence[Application], _params: Params) -> list[Row]:
    found = gathered(view, [application.pk for application in applications])
    names = names_of(server for one in found.values() for server in one.servers)
    quiet = view.once("quiet", lambda: set(Server.objects.filter(silent(view)).values_list("pk", flat=True)))
    return [
        _application_row(application, found[application.pk], names, quiet) for application in applications
    ]


def _application_row(
    application: Application, found: Gathered, names: Mapping[int, str], quiet: set[int]
) -> Row:
    signs = found.signs | {"silent"} if quiet & found.servers else found.signs
    return {
        "application": application.name,
        "stages": unique(found.stages),
        "releases": sorted(filter(None, found.releases), key=sort_key),
        "types": unique(found.types),
        "pythons": sorted(filter(None, found.pythons), key=sort_key),
        "ports": _in_order(found.ports),
        "signs": [sign for sign in ("stale", "conflict", "unread", "silent") if sign in signs],
        "servers": sorted(names[server] for server in found.servers),
        "since": found.since,
        "instances": found.instances,
        "owner": application.owner,
        "labels": labels_of(application.labels),
        "url": application.url,
    }


def labels_of(text: str) -> list[str]:
    """Stored labels as people write them: `customer=acme`."""
    return [f"{name}={value}" for name, value in json.loads(text).items()]


def _labelled(asked: str, _view: View) -> Q:
    """Applications with a label: `customer=acme`, or `customer` with whatever value."""
    some = Application.objects.exclude(labels="{}").values_list("pk", "labels")
    return Q(pk__in=[pk for pk, text in some if any(_is_label(asked, label) for label in labels_of(text))])


def _is_label(asked: str, label: str) -> bool:
    return asked in (label, label.partition("=")[0])


def by_whom(view: View) -> list[tuple[str, str, int]]:
    """(filter, value, how many applications) of the owners, stages and labels of those that run, the most
    first. Stages are those of now: they are not counted in the past."""
    counts: Counter[tuple[str, str]] = Counter()
    for owner, labels in _applications(view).values_list("owner", "labels"):
        counts.update([("owner", owner)] if owner else [])
        counts.update(("label", label) for label in labels_of(labels))
    if view.at is None:
        counts.update({("stage", stage): count for stage, count in ask(_STAGES)})
    order = ("owner", "stage", "label")
    ordered = sorted(counts.items(), key=lambda item: (order.index(item[0][0]), -item[1], item[0]))
    return [(name, value, count) for (name, value), count in ordered]


_STAGES = """
    WITH RECURSIVE one(application, stage) AS (
        SELECT id, (
            SELECT min(stage) FROM store_instance WHERE running AND application_id = store_application.id)
        FROM store_application
        UNION ALL
        SELECT application, (
            SELECT min(stage) FROM store_instance
            WHERE running AND application_id = one.application AND stage > one.stage)
        FROM one WHERE stage IS NOT NULL)
    SELECT stage, count(*) FROM one WHERE stage <> '' GROUP BY stage"""
"""(stage, how many applications run in it): from one to the next in the index, however many instances there
are between."""


def _where(view: View, **so: str) -> Q:
    """Applications of which a process group is so."""
    return Q(Exists(running(view, application=OuterRef("pk"), **so)))


APPLICATIONS = Queried(
    "applications",
    "Applications",
    (
        Column("application", "Application", thing="application"),
        Column("releases", "Releases", "list", sortable=False),
        Column("stages", "Stages", "list", sortable=False),
        Column("servers", "Servers", "list", thing="server", sortable=False),
        Column("ports", "Ports", "list", sortable=False),
        Column("signs", "Signs", "list", sortable=False),
        Column("types", "Types", "list", sortable=False),
        Column("pythons", "Python", "list", sortable=False),
        Column("instances", "Instances", "number", sortable=False),
        Column("owner", "Owner"),
        Column("labels", "Labels", "list", sortable=False),
        Column("url", "URL", thing="address"),
        Column(
            "since", "Changed", "time", sortable=False, help="when one of its process groups last changed"
        ),
    ),
    (
        SERVER,
        STAGE,
        Filter("release", "Release"),
        Filter("owner", "Owner", "Only of this owner."),
        Filter("label", "Label", "Only with this label: customer=acme, or customer with any value."),
    ),
    _applications,
    _application_rows,
    {"application": "name", "owner": "owner", "url": "url"},
    {
        "server": lambda name, view: _where(view, server__name=name),
        "stage": lambda stage, view: _where(view, stage=stage),
        "release": lambda release, view: _where(view, release=release),
        "owner": "owner",
        "label": _labelled,
    },
    ("name", "owner", "labels", "url"),
    ("name",),
)


def _instances(view: View) -> QuerySet[Instance]:
    if view.at is None:
        return Instance.objects.filter(running=True)
    ran = running(view, instance=OuterRef("pk"), application=OuterRef("application"))
    return Instance.objects.filter(Exists(ran))


def _buckets(view: View, params: Params, key: Key) -> list[Bucket] | None:
    """How many instances of each application ran at a moment in the past."""
    if view.at is None or params.query or params.filters or key.path != "application__name":
        return None
    counts = {one.application: one.instances for one in all_that_ran(view) if one.application is not None}
    return in_order(counts, key, dict(fetched(Application.objects.values_list("pk", "name"))))


def _total(view: View) -> int | None:
    return None if view.at else view.once("totals", tallies.totals)["instances"]


def _instance_rows(view: View, instances: Sequence[Instance], _params: Params) -> list[Row]:
    by_instance: dict[int | None, list[FoundGroup]] = defaultdict(list)
    groups = list(running(view, instance__in=instances).select_related("server"))
    ports = ports_of(view, groups)
    for group in groups:
        by_instance[group.instance_id].append(group)
    return [
        {
            **_gathered(view, by_instance[instance.pk], ports),
            "id": by_instance[instance.pk][0].pk,
            "application": instance.application.name,
            "stage": instance.stage,
            "server": instance.server.name,
            "base": instance.base,
        }
        for instance in instances
        if by_instance[instance.pk]
    ]


INSTANCES = Queried(
    "instances",
    "Instances",
    (
        Column("application", "Application", thing="application"),
        Column("server", "Server", thing="server"),
        Column("stage", "Stage"),
        Column("releases", "Release", "list", sortable=False),
        Column("ports", "Ports", "list", sortable=False),
        Column("types", "Types", "list", sortable=False),
        Column("signs", "Signs", "list", sortable=False),
        Column("pythons", "Python", "list", sortable=False),
        Column("base", "Directory", thing="instance"),
        Column("since", "Since", "time", sortable=False),
    ),
    (APPLICATION, SERVER, STAGE),
    _instances,
    _instance_rows,
    {"application": "application__name", "server": "server__name", "stage": "stage", "base": "base"},
    {"application": "application__name", "server": "server__name", "stage": "stage"},
    ("application__name", "server__name", "wording__text"),
    ("application__name", "stage", "server__name", "base"),
    joined=("application", "server"),
    total=_total,
    buckets=_buckets,
)
