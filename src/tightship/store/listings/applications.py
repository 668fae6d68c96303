"""Applications and their instances: process groups, gathered."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from tightship.fleet.versions import sort_key
from tightship.store.intervals import at
from tightship.store.listing import Column, Filter, Params, Row, Value, View
from tightship.store.listings.groups import Ports, ports_of
from tightship.store.listings.signs import APPLICATION, SERVER, STAGE, is_silent, signs_of, unique
from tightship.store.models import Application, FoundGroup, Instance
from tightship.store.querying import Queried


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
    groups = list(running(view, application__in=applications).select_related("server"))
    ports = ports_of(view, groups)
    by_application: dict[int | None, list[FoundGroup]] = defaultdict(list)
    for group in groups:
        by_application[group.application_id].append(group)
    rows: list[Row] = []
    for application in applications:
        some = by_application[application.pk]
        rows.append(
            {
                "application": application.name,
                **_gathered(view, some, ports),
                "instances": len({group.instance_id for group in some}),
                "owner": application.owner,
                "labels": labels_of(application.labels),
                "url": application.url,
            }
        )
    return rows


def labels_of(text: str) -> list[str]:
    """Stored labels as people write them: `customer=acme`."""
    return [f"{name}={value}" for name, value in json.loads(text).items()]


def _labelled(asked: str, _view: View) -> Q:
    """Applications with a label: `customer=acme`, or `customer` with whatever value."""
    some = Application.objects.exclude(labels="{}").values_list("pk", "labels")
    return Q(pk__in=[pk for pk, text in some if any(_is_label(asked, label) for label in labels_of(text))])


def _is_label(asked: str, label: str) -> bool:
    return asked in (label, label.partition("=")[0])


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
    some = running(view, instance=OuterRef("pk"))
    return Instance.objects.filter(Exists(some)).select_related("application", "server")


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
    ("application__name", "server__name", "stage", "base"),
    ("application__name", "stage", "server__name", "base"),
)
