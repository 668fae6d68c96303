"""Changes, newest first, in words."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q

from tightship.fleet import changes as differences
from tightship.store.listing import Column, Filter, Params, Row, View
from tightship.store.listings.signs import APPLICATION, SERVER, STAGE
from tightship.store.models import Change
from tightship.store.querying import Queried


def sentence(change: Change) -> str:
    return differences.sentence(
        differences.Change(
            change.kind, change.subject, change.before, change.after, still_runs=change.still_runs
        )
    )


def _change_rows(_view: View, changes: Sequence[Change], _params: Params) -> list[Row]:
    return [
        {
            "at": change.at,
            "server": change.server.name,
            "application": change.application.name if change.application else "",
            "stage": change.stage,
            "kind": differences.KINDS.get(change.kind, change.kind),
            "change": sentence(change),
            "subject": change.subject,
            "package": change.subject if change.kind == "package" else "",
            "before": change.before,
            "after": change.after,
            "group": change.group,
        }
        for change in changes
    ]


CHANGES = Queried(
    "changes",
    "Changes",
    (
        Column("at", "When", "time"),
        Column("application", "Application", thing="application"),
        Column("server", "Server", thing="server"),
        Column("change", "Change", sortable=False),
        Column("kind", "Kind"),
        Column("stage", "Stage"),
        Column("group", "Process group", sortable=False),
    ),
    (
        APPLICATION,
        SERVER,
        STAGE,
        Filter("package", "Package"),
        Filter("kind", "Kind", choices=tuple(differences.KINDS)),
    ),
    lambda view: Change.objects.filter(at__lte=view.moment).select_related("application", "server"),
    _change_rows,
    {
        "at": "at",
        "application": "application__name",
        "server": "server__name",
        "kind": "kind",
        "stage": "stage",
    },
    {
        "application": "application__name",
        "server": "server__name",
        "stage": "stage",
        "package": lambda name, _view: Q(kind="package", subject=name),
        "kind": "kind",
    },
    ("application__name", "server__name", "subject", "before", "after", "group"),
    ("-at", "server__name", "application__name", "group", "kind", "subject"),
)
