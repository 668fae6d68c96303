"""Process groups, and where they listen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.db.models import QuerySet

from tightship.store.intervals import at
from tightship.store.listing import Column, Filter, Params, Row, View
from tightship.store.listings.signs import APPLICATION, KIND, SERVER, SIGN, STAGE, sign, signs_of
from tightship.store.models import FoundGroup, FoundListener
from tightship.store.querying import Queried, is_silent


def _groups(view: View) -> QuerySet[FoundGroup]:
    return FoundGroup.objects.filter(at(view.at))


Ports = Mapping[tuple[int, str], list[str]]
"""(server, key of a process group) -> where it listens"""


def ports_of(view: View, groups: Sequence[FoundGroup]) -> Ports:
    """Where process groups listen, ports first. One query."""
    if not groups:
        return {}
    found = FoundListener.objects.filter(
        at(view.at),
        server__in={group.server_id for group in groups},
        group__in={group.key for group in groups},
    )
    places: dict[tuple[int, str], list[tuple[int, str]]] = defaultdict(list)
    for listener in found:
        places[listener.server_id, listener.group].append((listener.port or 65536, _place(listener)))
    return {key: [place for _port, place in sorted(set(some))] for key, some in places.items()}


def _place(listener: FoundListener) -> str:
    return listener.path if listener.protocol == "unix" else str(listener.port)


def group_rows(view: View, groups: Sequence[FoundGroup], _params: Params) -> list[Row]:
    ports = ports_of(view, groups)
    return [
        {
            "id": group.pk,
            "application": group.application.name if group.application else "",
            "server": group.server.name,
            "stage": group.stage,
            "type": group.type,
            "program": group.program,
            "release": group.release,
            "ports": ports.get((group.server_id, group.key), []),
            "python": group.python,
            "packages": group.packages.size if group.packages else None,
            "user": group.user,
            "signs": signs_of(group, is_silent(group.server, view)),
            "base": group.base,
            "kind": group.kind,
            "since": group.since,
            "key": group.key,
        }
        for group in groups
    ]


GROUPS = Queried(
    "groups",
    "Process groups",
    (
        Column("application", "Application", thing="application"),
        Column("type", "Type", thing="instance"),
        Column("server", "Server", thing="server"),
        Column("stage", "Stage"),
        Column("release", "Release"),
        Column("ports", "Ports", "list", sortable=False),
        Column("signs", "Signs", "list", sortable=False),
        Column("python", "Python"),
        Column("packages", "Packages", "number"),
        Column("program", "Program"),
        Column("user", "User"),
        Column("base", "Directory"),
        Column("since", "Since", "time", help="since when it is exactly so"),
    ),
    (
        APPLICATION,
        STAGE,
        SERVER,
        Filter("type", "Type", choices=("web", "worker", "beat", "other")),
        KIND,
        Filter("user", "User"),
        Filter("release", "Release"),
        SIGN,
    ),
    _groups,
    group_rows,
    {
        "application": "application__name",
        "type": "type",
        "server": "server__name",
        "stage": "stage",
        "release": "release",
        "python": "python",
        "packages": "packages__size",
        "program": "program",
        "user": "user",
        "base": "base",
        "since": "since",
    },
    {
        "application": "application__name",
        "stage": "stage",
        "server": "server__name",
        "type": "type",
        "kind": "kind",
        "user": "user",
        "release": "release",
        "sign": sign,
    },
    ("application__name", "server__name", "wording__text"),
    ("application__name", "server__name", "stage", "type", "key"),
    joined=("application", "server", "packages"),
    indexed=("since",),
)
