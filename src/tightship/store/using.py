"""Who uses a package: versions that match -> sets that hold them -> process groups.

The cost grows with the distinct versions and sets, not with the fleet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, Count, ExpressionWrapper, F, Max, Min, Q, QuerySet

from tightship.fleet.outdated import Ahead
from tightship.fleet.versions import Wanted, sort_key, wanted
from tightship.store.errors import told
from tightship.store.gathering import all_combinations, all_used, combinations, used
from tightship.store.indexed import ahead_by_version
from tightship.store.intervals import at
from tightship.store.listing import Column, Filter, Params, Row, View
from tightship.store.listings.groups import group_rows
from tightship.store.listings.signs import APPLICATION, KIND, SERVER, STAGE
from tightship.store.models import Application, Build, FoundGroup, Member, Version
from tightship.store.paging import Bucket, Key, in_order
from tightship.store.querying import Queried
from tightship.store.resting import resting_with

STILL_RUNNING = "still running"
"""in memory; another version is on disk"""
ON_DISK = "on disk only"
"""the process was not restarted since it was installed"""

COLUMNS = (
    Column("version", "Version", sortable=False),
    Column("state", "State", sortable=False, help="where what runs is not what is on disk"),
    Column("application", "Application", thing="application"),
    Column("server", "Server", thing="server"),
    Column("stage", "Stage"),
    Column("type", "Type", thing="instance"),
    Column("release", "Release"),
    Column("origin", "From", sortable=False, help="where it was installed from, other than an index"),
    Column("signs", "Signs", "list", sortable=False),
    Column("python", "Python"),
    Column("base", "Directory"),
)
FILTERS: tuple[Filter, ...] = (APPLICATION, SERVER, STAGE, KIND, Filter("version", "Version"))


def at_rest(text: str) -> Queried:
    """The listing that answers `who-uses TEXT --at-rest`. Raises `BadSpecifier` (a ValueError)."""
    asked = wanted(text)
    return resting_with(asked, lambda: _members(asked))


def who_uses(text: str) -> Queried:
    """The listing that answers `who-uses TEXT`: process groups; beside it are counted environments at rest.

    Raises `BadSpecifier` (a ValueError).
    """
    asked = wanted(text)
    resting = resting_with(asked, lambda: _members(asked))
    return Queried(
        "who-uses",
        f"Who uses {asked}",
        COLUMNS,
        FILTERS,
        lambda view: _groups(view, asked),
        lambda view, groups, params: _rows(view, asked, groups, params),
        {
            "application": "application__name",
            "server": "server__name",
            "stage": "stage",
            "type": "type",
            "release": "release",
            "python": "python",
            "base": "base",
        },
        {
            "application": "application__name",
            "server": "server__name",
            "stage": "stage",
            "kind": "kind",
            "version": lambda version, view: _of_version(view, asked, version),
        },
        ("application__name", "server__name", "release", "base"),
        ("application__name", "stage", "server__name", "type", "key"),
        beside=lambda view: {
            "at rest": resting.query(view).count(),
            "in buildouts": Build.objects.filter(
                at(view.at), packages__in=_members(asked).values("set")
            ).count(),
        },
        joined=("application", "server", "packages"),
        argument=str(asked),
        buckets=lambda view, params, key: _buckets(view, asked, params, key),
    )


def _matching(asked: Wanted) -> list[int]:
    with told():
        versions = Version.objects.filter(package__name=asked.name).values_list("id", "version")
        return [pk for pk, version in versions if asked.matches(version)]


def _members(asked: Wanted) -> QuerySet[Member]:
    # A shadowed version is on the import path, but another of it is what gets imported.
    return Member.objects.filter(version__in=_matching(asked), shadowed=False)


def _builds(view: View, asked: Wanted) -> QuerySet[Build]:
    return Build.objects.filter(at(view.at), packages__in=_members(asked).values("set"))


MANY_SETS = 200
"""Package sets that are too many to look up who uses each of them."""


def _groups(view: View, asked: Wanted) -> QuerySet[FoundGroup]:
    members = _members(asked)
    if members[: MANY_SETS + 1].count() <= MANY_SETS:
        return _with(view, members)
    # Nearly everybody is asked for: what a set is used by is no way to find them. `+ 0` is no index's field.
    sets = members.values("set")
    held = {
        name: ExpressionWrapper(F(f"{name}_id") + 0, BigIntegerField()) for name in ("loaded", "packages")
    }
    found = FoundGroup.objects.filter(at(view.at)).alias(runs=held["loaded"], has=held["packages"])
    return found.filter(Q(runs__in=sets) | Q(has__in=sets))


def _buckets(view: View, asked: Wanted, params: Params, key: Key) -> list[Bucket] | None:
    """How many process groups of each application use it, where nearly everybody does."""
    if params.query or params.filters.keys() - {"kind"} or key.path != "application__name":
        return None
    sets = set(_members(asked).values_list("set_id", flat=True))
    if len(sets) <= MANY_SETS:
        return None
    counts: dict[int | None, int] = defaultdict(int)
    groups = FoundGroup.objects.filter(at(view.at), **params.filters)
    of_applications = params.filters == {"kind": "application"}
    for one in all_combinations(view) if of_applications else combinations(groups):
        if one.loaded in sets or one.packages in sets:
            counts[one.application] += one.number
    return in_order(counts, key, dict(Application.objects.values_list("pk", "name")))


def _with(view: View, members: QuerySet[Member]) -> QuerySet[FoundGroup]:
    """Process groups that run one of these, or have it on disk."""
    # Asked first where they are few: with two subqueries PostgreSQL reads all groups, not two indexes.
    numbers = list(members.values_list("set_id", flat=True)[: MANY_SETS + 1])
    sets = numbers if len(numbers) <= MANY_SETS else members.values("set")
    return FoundGroup.objects.filter(at(view.at), Q(loaded__in=sets) | Q(packages__in=sets))


def _of_version(view: View, asked: Wanted, version: str) -> Q:
    members = Member.objects.filter(
        version__package__name=asked.name, version__version=version, shadowed=False
    )
    return Q(pk__in=_with(view, members).values("pk"))


def _rows(view: View, asked: Wanted, groups: Sequence[FoundGroup], params: Params) -> list[Row]:
    held = _held(asked, {number for group in groups for number in (group.packages_id, group.loaded_id)})
    rows = group_rows(view, groups, params)
    return [
        {**row, "application": row["application"] or row["program"], **said, "package": asked.name}
        for row, group in zip(rows, groups, strict=True)
        for said in _states(held[group.loaded_id], held[group.packages_id])
    ]


def _states(running: list[dict[str, Any]], on_disk: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The matching versions that a process runs, and those that only wait for its restart."""
    for said in running:
        yield {**said, "state": "" if said in on_disk else STILL_RUNNING}
    for said in on_disk:
        if said not in running:
            yield {**said, "state": ON_DISK}


def _held(asked: Wanted, sets: set[int | None]) -> dict[int | None, list[dict[str, Any]]]:
    found: dict[int | None, list[dict[str, Any]]] = defaultdict(list)
    members = _members(asked).filter(set__in=sets)
    for member in members.select_related("version"):
        origin = member.origin + (f"@{member.commit[:12]}" if member.commit else "")
        found[member.set_id].append(
            {"version": member.version.version, "origin": origin + (" (editable)" if member.editable else "")}
        )
    return found


@dataclass(frozen=True, slots=True)
class Use:
    """Who uses one version of a package."""

    version: str
    applications: tuple[str, ...]
    servers: tuple[str, ...]
    """by name; empty where `groups` are more than NAMED"""
    groups: int
    owners: tuple[str, ...] = ()
    first: datetime | None = None
    """since when it was seen; None: too many use the package, or used it, to look"""
    newer: Mapping[str, Ahead] = field(default_factory=dict)
    """series of Python -> what may take its place"""


NAMED = 1000
"""Process groups whose servers are named. Where half the fleet uses a version, nobody reads their names."""


def versions_in_use(view: View, name: str) -> list[Use]:
    """The versions of a package that are in use, newest first. "Only shop still uses 4.2"."""
    with told():
        members = Member.objects.filter(version__package__name=name, shadowed=False)
        version_of = dict(members.values_list("set_id", "version__version"))
        groups = FoundGroup.objects.filter(at(view.at), kind="application")
        counts: dict[str, int] = defaultdict(int)
        users: dict[str, set[int]] = defaultdict(set)
        few = len(version_of) <= MANY_SETS
        runs = used(combinations(groups.filter(loaded__in=version_of))) if few else all_used(view)
        for held in runs.keys() & version_of.keys():
            counts[version_of[held]] += sum(count for _application, count in runs[held])
            users[version_of[held]] |= {application for application, _count in runs[held]}
        called = {
            pk: (name, owner) for pk, name, owner in Application.objects.values_list("pk", "name", "owner")
        }
        named = _servers(groups, {held: one for held, one in version_of.items() if counts[one] <= NAMED})
        first = {version: one.first for version, one in seen(view, version_of).items()}
        newer = ahead_by_version(name) if view.at is None else {}
    return [
        Use(
            version,
            tuple(sorted({called[number][0] for number in users[version]})),
            tuple(sorted(named[version])),
            counts[version],
            tuple(sorted({called[number][1] for number in users[version]} - {""})),
            first.get(version),
            newer.get(version, {}),
        )
        for version in sorted(users, key=sort_key, reverse=True)
    ]


@dataclass(frozen=True, slots=True)
class Seen:
    """When a version was in use, by what applications ran."""

    first: datetime
    last: datetime | None
    """None: still"""


FEW_SETS = 60
"""Package sets of which it is worth looking who ever ran them."""


def seen(view: View, version_of: Mapping[int, str]) -> dict[str, Seen]:
    """version -> when it was in use, until the moment of a view; nothing where too many sets hold it."""
    if len(version_of) > FEW_SETS:
        return {}
    ran = FoundGroup.objects.filter(
        loaded__in=version_of, kind="application", since__lte=view.moment
    ).order_by()
    still = Count("pk", filter=at(view.at))
    found: dict[str, Seen] = {}
    for held, first, last, open_ones in (
        ran.values("loaded")
        .annotate(first=Min("since"), last=Max("until"), open=still)
        .values_list("loaded", "first", "last", "open")
    ):
        one = Seen(first, None if open_ones else last)
        other = found.get(version_of[held])
        found[version_of[held]] = _both(one, other) if other else one
    return found


def _both(a: Seen, b: Seen) -> Seen:
    ends = None if a.last is None or b.last is None else max(a.last, b.last)
    return Seen(min(a.first, b.first), ends)


def no_longer_used(view: View, name: str) -> list[tuple[str, Seen]]:
    """The versions that were in use before, newest first; nothing where too many sets hold the package."""
    with told():
        members = Member.objects.filter(version__package__name=name, shadowed=False)
        version_of = dict(members.values_list("set_id", "version__version")[: FEW_SETS + 1])
        found = seen(view, version_of)
    gone = [(version, one) for version, one in found.items() if one.last is not None]
    return sorted(gone, key=lambda item: sort_key(item[0]), reverse=True)


def _servers(groups: QuerySet[FoundGroup], version_of: Mapping[int, str]) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    held = groups.filter(loaded__in=version_of).order_by().values_list("loaded_id", "server__name").distinct()
    for number, server in held:
        found[version_of[number]].add(server)
    return found
