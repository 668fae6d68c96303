"""Servers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.db.models import Q, QuerySet

from tightship.store.attempts import failing
from tightship.store.intervals import at
from tightship.store.listing import Column, Filter, Params, Row, View
from tightship.store.listings.applications import running
from tightship.store.listings.signs import unique
from tightship.store.models import FoundSystem, Server
from tightship.store.querying import Queried, is_silent, there


def _servers(view: View) -> QuerySet[Server]:
    return Server.objects.filter(there(view))


def _server_rows(view: View, servers: Sequence[Server], _params: Params) -> list[Row]:
    names: dict[int, set[str]] = defaultdict(set)
    stale: set[int] = set()
    counted: dict[int, int] = defaultdict(int)
    groups = running(view, server__in=servers).values_list(
        "server_id", "application__name", "maybe_stale", "surely_stale"
    )
    for number, name, maybe, surely in groups:
        names[number].add(name or "")
        counted[number] += 1
        if maybe or surely:
            stale.add(number)
    systems = {
        row.server_id: row
        for row in FoundSystem.objects.filter(at(view.at), server__in=servers, key="system")
    }
    unread = set(
        FoundSystem.objects.filter(at(view.at), server__in=servers, key="unread").values_list(
            "server_id", flat=True
        )
    )
    tried = failing() if view.at is None else {}
    rows: list[Row] = []
    for server in servers:
        signs = {
            "silent": is_silent(server, view),
            "stale": server.pk in stale,
            "unread": server.pk in unread,
            "imported": bool(server.imported),
        }
        system = systems.get(server.pk)
        rows.append(
            {
                "server": server.name,
                "applications": unique(names[server.pk]),
                "groups": counted[server.pk],
                "os": system.os if system else "",
                "kernel": system.kernel if system else "",
                "signs": [word for word, true in signs.items() if true],
                "seen": server.last_seen,
                "first_seen": server.first_seen,
                "skew": server.skew,
                "tried": str(tried.get(server.name, "")),
            }
        )
    return rows


NAMED = 10
"""Servers that were never read, by name."""


def _never_read(view: View, params: Params) -> list[str]:
    """Those that were tried and of which no report ever came: no row can tell of them."""
    if view.at or params.page > 1 or params.filters:
        return []
    tried = failing()
    if not tried:
        return []
    known = set(Server.objects.filter(name__in=list(tried)).values_list("name", flat=True))
    never = [one for name, one in tried.items() if name not in known]
    if not never:
        return []
    told = [f"{one.server} ({one})" for one in never[:NAMED]]
    more = f", and {len(never) - NAMED} more" if len(never) > NAMED else ""
    return [f"Never read so far: {', '.join(told)}{more}."]


SERVERS = Queried(
    "servers",
    "Servers",
    (
        Column("server", "Server", thing="server"),
        Column("applications", "Applications", "list", thing="application", sortable=False),
        Column("groups", "Process groups", "number", sortable=False),
        Column("signs", "Signs", "list", sortable=False),
        Column("os", "System", sortable=False),
        Column("kernel", "Kernel", sortable=False),
        Column("seen", "Last seen", "time"),
        Column("tried", "Last try", sortable=False, help="why it could not be read when it was last tried"),
        Column("first_seen", "First seen", "time"),
    ),
    (Filter("application", "Application"),),
    _servers,
    _server_rows,
    {"server": "name", "seen": "last_seen", "first_seen": "first_seen"},
    {"application": lambda name, view: Q(pk__in=running(view, application__name=name).values("server"))},
    ("name", "machine_id"),
    ("name",),
    notes=_never_read,
)
