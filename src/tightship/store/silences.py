"""Notes when servers fall silent and when they are heard again, so that the past knows it, too.

Whether a server is silent now follows from its newest report alone, and needs nobody to note it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from tightship.fleet.changes import Change as Happened
from tightship.store import recording, rows, statements, wordings
from tightship.store.errors import told
from tightship.store.models import Change, Server, Silence

MOST = 5_000
"""Servers that are noted at a time; the rest comes with the next tick."""


@dataclass(frozen=True, slots=True)
class Noted:
    """The names of servers, each list in order."""

    silent: Sequence[str] = ()
    heard: Sequence[str] = ()


def note(now: datetime, after: timedelta) -> Noted:
    """Begin and end silences, as it is `now`. `after`: how long a report may be waited for."""
    with told(), transaction.atomic():
        return Noted(_begin(now, after), _end(now, after))


def _begin(now: datetime, after: timedelta) -> list[str]:
    noted = Silence.objects.filter(server=OuterRef("pk"), until=None)
    quiet = Server.objects.filter(~Exists(noted), retired=None, imported="", last_seen__lt=now - after)
    some = list(quiet.order_by("name")[:MOST])
    Silence.objects.bulk_create(
        [Silence(server=server, since=server.last_seen + after) for server in some], ignore_conflicts=True
    )
    _tell("silent", [(server.pk, server.last_seen + after) for server in some])
    return [server.name for server in some]


def _end(now: datetime, after: timedelta) -> list[str]:
    over = (
        Q(server__last_seen__gte=now - after)
        | Q(server__last_seen__gte=F("since"))
        | ~Q(server__retired=None)
    )
    some = list(
        Silence.objects.filter(over, until=None).select_related("server").order_by("server__name")[:MOST]
    )
    heard = []
    for one in some:
        retired = one.server.retired
        one.until = max(one.since, retired or one.server.last_seen)
        if not retired:
            heard.append(one)
    Silence.objects.bulk_update(some, ["until"], batch_size=statements.AT_A_TIME)
    _tell("heard", [(one.server_id, one.until) for one in heard if one.until])
    return [one.server.name for one in heard]


def _tell(kind: str, some: Sequence[tuple[int, datetime]]) -> None:
    row = recording.change_row(Happened(kind), rows.Ids())
    text = recording.text_of_change(row)
    number = wordings.ids_of([text])[text]
    told = [(server, statements.moment(at), *row, number) for server, at in some]
    if told:
        statements.insert(Change, recording.CHANGE, told)
