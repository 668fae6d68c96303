"""Changes, newest first, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils.timezone import get_current_timezone

from tightship.fleet import changes as differences
from tightship.fleet.happenings import Seen
from tightship.fleet.moments import BadMoment, moment
from tightship.store.listing import BadParams, Column, Filter, Params, Row, View
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
            "what": change.kind,
            "change": sentence(change),
            "subject": change.subject,
            "package": change.subject if change.kind == "package" else "",
            "before": change.before,
            "after": change.after,
            "group": change.group,
            "still_runs": change.still_runs,
        }
        for change in changes
    ]


def seen(row: Row) -> Seen:
    """A row of this listing, as what happened is told from it."""

    def text(name: str) -> str:
        return str(row[name] or "")

    names = ("what", "subject", "before", "after", "group", "application", "stage", "still_runs")
    at = row["at"]
    assert isinstance(at, datetime)
    return Seen(at, text("server"), differences.Change(*(text(name) for name in names)))


def _moment(name: str, text: str, view: View) -> datetime:
    try:
        found = moment(text, view.now, get_current_timezone())
    except BadMoment as error:
        raise BadParams(f"{name}{str(error).removeprefix('at')}") from None
    return found or view.now


def _day_begins(text: str, at: datetime) -> datetime:
    """`since=2026-11-20` means from that day's beginning; as the end of something a date means its end."""
    return (
        at.replace(hour=0, minute=0, second=0, microsecond=0)
        if len(text.strip()) == len("2026-11-20")
        else at
    )


def _since(text: str, view: View) -> Q:
    return Q(at__gte=_day_begins(text, _moment("since", text, view)))


def _until(text: str, view: View) -> Q:
    return Q(at__lte=_moment("until", text, view))


def _changes(view: View) -> QuerySet[Change]:
    # Now that is all there are, but for those of a server whose clock is ahead: none may be.
    return Change.objects.filter(at__lte=view.moment)


def _total(view: View) -> int:
    """All but those that came later: they are the fewer, mostly, and counting takes its time."""
    return Change.objects.count() - Change.objects.filter(at__gt=view.moment).count()


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
        Filter("since", "Since", "Not before this day or moment: 2026-11-20, 2026-11-20T14:05, 2d."),
        Filter("until", "Until", "Not after it."),
    ),
    _changes,
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
        "since": _since,
        "until": _until,
    },
    ("application__name", "server__name", "wording__text"),
    ("-at", "server__name", "application__name", "group", "kind", "subject"),
    joined=("application", "server"),
    total=_total,
    indexed=("at",),
)
