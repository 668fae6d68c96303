"""Which findings hold at a moment, and which of them are acknowledged then."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Case, DateTimeField, Exists, F, IntegerField, OuterRef, Q, QuerySet, Value, When

from tightship.fleet.findings.servers import TURNS_COUNT
from tightship.store.intervals import at
from tightship.store.listing import View
from tightship.store.models import Change, Finding, Server
from tightship.store.querying import last_heard, silent

DERIVED = ("silent", "two-names", "two-machines")
"""Kinds whose rows only stand ready: they count while what is known of the server says so."""


def holding(view: View) -> QuerySet[Finding]:
    """The findings at the moment of a view."""
    return Finding.objects.filter(_begun(view) & (~Q(kind__in=DERIVED) | _derived(view)))


def kinds_apart(view: View) -> list[QuerySet[Any]]:
    """The same, in parts that are quicker to count: as they stand, silent ones, others that are derived."""
    begun = Finding.objects.filter(_begun(view))
    # Found by the few servers that are silent: a row of it stands ready for each there is.
    quiet = Server.objects.filter(silent(view)).values("pk")
    parts = (
        begun.exclude(kind__in=DERIVED),
        begun.filter(kind="silent", server__in=quiet),
        begun.filter(Q(kind__in=("two-names", "two-machines")) & _doubtful(view)),
    )
    return [_annotated(part, view) for part in parts]


def _begun(view: View) -> Q:
    return at(view.at) & Q(since__lte=view.moment)


def _derived(view: View) -> Q:
    return (Q(kind="silent") & silent(view, "server__")) | _doubtful(view)


def _doubtful(view: View) -> Q:
    """Of servers about which nobody knows which machine they are."""
    heard = view.moment - view.silent_after
    reporting = Q(server__last_seen__gte=heard)
    same_machine = Server.objects.filter(
        retired=None,
        machine_id=OuterRef("server__machine_id"),
        last_seen__gte=heard,
        first_seen__lte=view.moment,
    ).exclude(pk=OuterRef("server_id"))
    turns = Change.objects.filter(
        server=OuterRef("server_id"),
        kind="system",
        subject="machine id",
        at__gt=view.moment - TURNS_COUNT,
        at__lte=view.moment,
    )
    return (Q(kind="two-names") & reporting & Exists(same_machine)) | (Q(kind="two-machines") & Exists(turns))


def acknowledged(view: View) -> Q:
    """Those that somebody knows of."""
    return valid(view, "acknowledgement__")


def valid(view: View, told: str = "") -> Q:
    """Acknowledgements that hold at the moment of a view. `told`: the way to them."""
    return Q(**{f"{told}at__lte": view.moment, f"{told}until__gt": view.moment}) & (
        Q(**{f"{told}withdrawn": None}) | Q(**{f"{told}withdrawn__gt": view.moment})
    )


def in_order(view: View) -> QuerySet[Any]:
    """With `accepted` and `began`, to be ordered by."""
    return _annotated(holding(view), view)


def _annotated(found: QuerySet[Finding], view: View) -> QuerySet[Any]:
    accepted = Case(When(acknowledged(view), then=Value(1)), default=Value(0), output_field=IntegerField())
    heard = When(kind="silent", then=F("server__last_seen"))
    began = Case(heard, default=F("since"), output_field=DateTimeField())
    return found.annotate(accepted=accepted, began=began)


def began(row: Finding, view: View) -> datetime:
    """Since when it is so."""
    if row.kind == "silent" and row.server:
        return last_heard(row.server, view) + view.silent_after
    return row.since
