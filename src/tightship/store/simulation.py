"""The mark of a database that holds no real fleet, and how such a fleet gets there and goes on.

The mark lies in the database itself: wherever that is shown, and by whom, it says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from tightship.fleet.report import Live, Report
from tightship.fleet.simulated.servers import Told
from tightship.store import silences
from tightship.store.errors import told
from tightship.store.models import Server, Simulation
from tightship.store.recording import record
from tightship.store.statements import ask

_MARKED = "SELECT 1 FROM store_simulation LIMIT 1"

STILL_THERE = timedelta(hours=3)
"""Who reported so long before the newest report was silent when the story ended."""


def is_simulated() -> bool:
    """Whether what is remembered here was made up."""
    return bool(ask(_MARKED))


def simulation() -> Simulation | None:
    with told():
        return Simulation.objects.first()


def begin(seed: int, servers: int, until: datetime) -> Simulation:
    """Mark an empty database, before anything is in it."""
    with told(), transaction.atomic():
        if Server.objects.exists():
            raise NotEmpty
        return Simulation.objects.create(seed=seed, servers=servers, until=until)


class NotEmpty(Exception):
    """The database knows servers already, and they may be real."""


def end(made: Simulation) -> None:
    silences.note(made.until, settings.SILENT_AFTER)
    with told():
        Simulation.objects.filter(pk=made.pk).update(whole=True)


def tell(story: Iterable[Told]) -> Iterator[Told]:
    """Record a story, report by report, as each server would have sent them."""
    for one in story:
        record(one.report, one.server, received=one.at)
        yield one


def go_on(now: datetime) -> int:
    """Let each server report once more that nothing changed, but those that are silent. Returns how many."""
    with told():
        servers = list(
            Server.objects.filter(retired=None).values_list(
                "name", "digest", "live", "last_seen", "reported_at"
            )
        )
    newest = max((row[3] for row in servers), default=now)
    some = [row for row in servers if newest - row[3] < STILL_THERE and row[4] < now]
    with told(), transaction.atomic():
        for name, digest, live, _seen, _at in some:
            said = Live.model_validate_json(live).model_copy(update={"at": now, "sent": now})
            record(Report(digest, said, None), name, received=now)
    return len(some)
