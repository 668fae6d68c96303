"""What the process groups of many servers are together, counted by the database.

Five hundred applications on ten thousand servers are five thousand different combinations of package
sets, and a dozen states of each application: they are asked for, never the rows themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, Max, Q, QuerySet

from tightship.store.intervals import at
from tightship.store.listing import View
from tightship.store.models import GROUP_STATE, FoundGroup, FoundListener, Instance, Server
from tightship.store.statements import fetched, read_moment


@dataclass(slots=True)
class Gathered:
    """Several process groups of one application."""

    stages: set[str] = field(default_factory=set)
    releases: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)
    pythons: set[str] = field(default_factory=set)
    signs: set[str] = field(default_factory=set)
    servers: set[int] = field(default_factory=set)
    ports: set[str] = field(default_factory=set)
    since: datetime | None = None
    instances: int = 0


def gathered(view: View, applications: Sequence[int]) -> Mapping[int, Gathered]:
    """application -> what its process groups are together. Five queries, whatever their number."""
    found: dict[int, Gathered] = defaultdict(Gathered)
    groups = FoundGroup.objects.filter(
        at(view.at), kind="application", application__in=applications
    ).order_by()
    states = groups.values("application", *GROUP_STATE).annotate(newest=Max("since"))
    for number, stage, release, kind, python, *signs, changed in fetched(
        states.values_list("application", *GROUP_STATE, "newest")
    ):
        one, newest = found[number], read_moment(changed)
        one.stages.add(stage)
        one.releases.add(release)
        one.types.add(kind)
        one.pythons.add(python)
        one.signs |= _signs(*signs)
        one.since = max(one.since or newest, newest)
    for number, server in fetched(groups.values_list("application", "server").distinct()):
        found[number].servers.add(server)
    for number, count in _instances(view, groups, applications):
        found[number].instances = count
    listeners = FoundListener.objects.filter(at(view.at), application__in=applications).order_by()
    # A port is in the index; the path of a socket is too long for one.
    for number, port in fetched(listeners.filter(port__gt=0).values_list("application", "port").distinct()):
        found[number].ports.add(str(port))
    for number, path in fetched(listeners.filter(port=0).values_list("application", "path").distinct()):
        found[number].ports.add(path)
    return found


def _instances(
    view: View, groups: QuerySet[FoundGroup], applications: Sequence[int]
) -> QuerySet[Any, tuple[int, int]]:
    """(application, how many instances of it run)"""
    if view.at is None:
        running = Instance.objects.filter(running=True, application__in=applications).order_by()
        return running.values("application").annotate(n=Count("*")).values_list("application", "n")
    counted = groups.values("application").annotate(n=Count("instance", distinct=True))
    return counted.values_list("application", "n")


@dataclass(frozen=True, slots=True)
class Ran:
    """How much of one application ran at a moment; of those without a name together, too."""

    application: int | None
    instances: int
    groups: int
    stale: int
    conflict: int
    unread: int


def all_that_ran(view: View) -> Sequence[Ran]:
    """By application, at a moment in the past; one query, once for a view. What runs now is counted already:
    see `tallies`."""
    return view.once("ran", lambda: _ran(view))


def _ran(view: View) -> Sequence[Ran]:
    groups = FoundGroup.objects.filter(at(view.at), kind="application").order_by()
    counted = groups.values("application").annotate(
        instances=Count("instance", distinct=True),
        groups=Count("*"),
        stale=Count("kind", filter=Q(maybe_stale=True) | Q(surely_stale=True)),
        disagree=Count("kind", filter=Q(conflict=True)),
        unseen=Count("kind", filter=Q(unread=True) | Q(kept=True)),
    )
    rows = counted.values_list("application", "instances", "groups", "stale", "disagree", "unseen")
    return [Ran(*row) for row in fetched(rows)]


def _signs(maybe: bool, surely: bool, conflict: bool, unread: bool, kept: bool) -> set[str]:
    said = {"stale": maybe or surely, "conflict": conflict, "unread": unread or kept}
    return {word for word, true in said.items() if true}


def names_of(servers: Iterable[int]) -> dict[int, str]:
    """Server -> its name; of all of them, where many are asked for."""
    wanted = set(servers)
    rows = Server.objects.all() if len(wanted) > 500 else Server.objects.filter(pk__in=wanted)
    return dict(fetched(rows.values_list("pk", "name")))


class Combination(NamedTuple):
    """Process groups of one application that run the same packages, and have the same on disk."""

    application: int | None
    loaded: int | None
    packages: int | None
    number: int


def all_combinations(view: View) -> list[Combination]:
    """Of all applications; once for a view."""
    groups = FoundGroup.objects.filter(at(view.at), kind="application")
    return view.once("combinations", lambda: combinations(groups))


def all_used(view: View) -> dict[int, list[tuple[int, int]]]:
    """`used`, of all applications; once for a view."""
    return view.once("used", lambda: used(all_combinations(view)))


def combinations(groups: QuerySet[FoundGroup]) -> list[Combination]:
    fields = ("application", "loaded", "packages")
    counted = groups.order_by().values(*fields).annotate(count=Count("*"))
    return list(map(Combination._make, fetched(counted.values_list(*fields, "count"))))


def used(some: Iterable[Combination]) -> dict[int, list[tuple[int, int]]]:
    """package set -> (application, how many of its process groups run it). Those without one have no name."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for one in some:
        if one.loaded is not None and one.application is not None:
            found[one.loaded].append((one.application, one.number))
    return found
