"""Who would use a package: environments at rest, named by a unit, timer or crontab that doesn't run now."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from django.db.models import QuerySet

from tightship.fleet.versions import Wanted
from tightship.store.intervals import at
from tightship.store.listing import Column, Filter, Row, View
from tightship.store.listings.signs import SERVER
from tightship.store.models import FoundEnvironment, Member
from tightship.store.querying import Queried

COLUMNS = (
    Column("version", "Version", sortable=False),
    Column("named_by", "Named by", "list", sortable=False, help="what starts something in it now and then"),
    Column("server", "Server", thing="server"),
    Column("environment", "Environment", thing="environment"),
    Column("python", "Python"),
    Column("since", "Since", "time"),
)
FILTERS: tuple[Filter, ...] = (SERVER,)


Matching = Callable[[], QuerySet[Member]]


def resting_with(asked: Wanted, matching: Matching) -> Queried:
    """The listing of environments at rest that hold one of the `matching` lines of package sets."""
    return Queried(
        "at-rest",
        f"Where {asked} is at rest",
        COLUMNS,
        FILTERS,
        lambda view: _environments(view, matching()),
        lambda _view, found, _params: _rows(matching(), found),
        {"server": "server__name", "environment": "key", "python": "python", "since": "since"},
        {"server": "server__name"},
        ("key", "server__name"),
        ("server__name", "key"),
    )


def _environments(view: View, matching: QuerySet[Member]) -> QuerySet[FoundEnvironment]:
    found = FoundEnvironment.objects.filter(at(view.at), at_rest=True, packages__in=matching.values("set"))
    return found.select_related("server")


def _rows(matching: QuerySet[Member], found: Sequence[FoundEnvironment]) -> list[Row]:
    held = matching.filter(set__in={row.packages_id for row in found})
    versions: dict[int, str] = dict(held.values_list("set_id", "version__version"))
    return [
        {
            "id": row.pk,
            "version": versions.get(row.packages_id or 0, ""),
            "named_by": named_by(row),
            "server": row.server.name,
            "environment": row.key,
            "python": row.python,
            "since": row.since,
        }
        for row in found
    ]


def named_by(row: FoundEnvironment) -> list[str]:
    """The units, timers, crontabs and programs that name an environment, also one that runs."""
    names: list[str] = json.loads(row.data).get("named_by", [])
    return names
