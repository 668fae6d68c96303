"""In how many places versions of packages are, for the rows of one page: servers and process groups.

A version that everybody has is in two hundred thousand process groups: to go through these, for a number that
nobody acts upon, would take longer than all the rest of a page. So in a large fleet it is counted where an
application, an owner or a server is asked for, and left out of the list of everything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet, Sum

from tightship.store.gathering import Combination, combinations
from tightship.store.intervals import at
from tightship.store.listing import View
from tightship.store.models import FoundEnvironment, FoundGroup, Member, Tally
from tightship.store.statements import fetched

SMALL = 20_000
"""Process groups of a fleet in which everything is counted."""

LOOKED_AT = 5_000
"""Process groups whose servers are looked at for one page."""

FEW = 400
"""Package sets that are asked for one by one."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Where one version is; None: too many to be counted."""

    servers: int | None = None
    groups: int | None = None


def spread(
    view: View, versions: Collection[int], resting: Collection[int], of: Mapping[str, str]
) -> Mapping[int, Spread]:
    """version -> where it is. `resting`: those that are also at rest somewhere; `of`: process groups that
    are asked for, by fields; none: all."""
    running = FoundGroup.objects.filter(at(view.at), kind="application", **of)
    if not versions or not (of or _is_small()):
        return defaultdict(Spread)
    some = combinations(running)
    rests = _resting(view, of) if resting else []
    sets = _sets(
        versions, {one for c in some for one in (c.loaded, c.packages) if one} | {s for _, s in rests}
    )
    groups = _groups(some, sets)
    servers = _servers(running, sets, groups, rests)
    return {version: Spread(servers.get(version), groups[version]) for version in versions}


def _is_small() -> bool:
    return (Tally.objects.aggregate(running=Sum("running"))["running"] or 0) <= SMALL


def _resting(view: View, of: Mapping[str, str]) -> list[tuple[Any, ...]]:
    """(server, package set) of what is at rest; nothing of an application's is."""
    if of.keys() - {"server__name"}:
        return []
    found = FoundEnvironment.objects.filter(at(view.at), at_rest=True, packages__isnull=False, **of)
    return fetched(found.values_list("server_id", "packages_id").distinct())


def _sets(versions: Collection[int], within: Collection[int]) -> Mapping[int, set[int]]:
    """version -> those of the package sets that hold it"""
    held: dict[int, set[int]] = defaultdict(set)
    members = Member.objects.filter(version__in=list(versions), shadowed=False)
    if len(within) <= FEW:
        members = members.filter(set__in=list(within))
    for version, number in fetched(members.values_list("version_id", "set_id")):
        if number in within:
            held[version].add(number)
    return held


def _groups(some: Iterable[Combination], sets: Mapping[int, set[int]]) -> Mapping[int, int]:
    """version -> process groups that run it, or will when they are started anew"""
    by_set: dict[int, list[Combination]] = defaultdict(list)
    for one in some:
        for number in {one.loaded, one.packages}:
            if number is not None:
                by_set[number].append(one)
    counts: dict[int, int] = defaultdict(int)
    for version, numbers in sets.items():
        counts[version] = sum(one.number for one in {one for number in numbers for one in by_set[number]})
    return counts


def _servers(
    running: QuerySet[FoundGroup],
    sets: Mapping[int, set[int]],
    groups: Mapping[int, int],
    rests: Iterable[tuple[Any, ...]],
) -> Mapping[int, int]:
    """version -> servers that have it; only of those in the fewest places, as far as it goes"""
    versions_of: dict[int, list[int]] = defaultdict(list)
    found: dict[int, set[int]] = {}
    room = LOOKED_AT
    for version in sorted(sets, key=lambda version: groups[version]):
        room -= groups[version]
        if room < 0:
            break
        found[version] = set()
        for number in sets[version]:
            versions_of[number].append(version)
    held = sorted(versions_of)
    rows = running.filter(Q(loaded__in=held) | Q(packages__in=held)).order_by()
    where = fetched(rows.values_list("server_id", "loaded_id", "packages_id").distinct())
    for server, *numbers in [*where, *rests]:
        for number in numbers:
            for version in versions_of.get(number, ()):
                found[version].add(server)
    return {version: len(servers) for version, servers in found.items()}
