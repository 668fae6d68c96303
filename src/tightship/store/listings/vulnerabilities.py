"""Vulnerabilities: each with the version in use that has it, who uses that, and what mends it.

A row stands for the findings about one vulnerability and version; who asks for one application or owner is
told of theirs alone.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When

from tightship.fleet.cvss import RATINGS
from tightship.fleet.findings.packages import AT_REST, KEYS_OF_SYSTEMS
from tightship.store.advisories import filled, lacking
from tightship.store.gathering import Combination, all_combinations, combinations
from tightship.store.holding import acknowledged
from tightship.store.intervals import at
from tightship.store.listing import BadParams, Column, Filter, Page, Params, Row, View
from tightship.store.listings.places import yes_or_no
from tightship.store.listings.signs import APPLICATION, SERVER, unique
from tightship.store.models import Finding, FoundEnvironment, FoundGroup, Member, VulnerableVersion
from tightship.store.querying import Queried
from tightship.store.statements import fetched

COLUMNS = (
    Column("vulnerability", "Vulnerability", thing="vulnerability"),
    Column("severity", "Severity", help="as its advisories say"),
    Column("package", "Package", thing="package"),
    Column("version", "In use", help="the version that has it"),
    Column("fixed", "Mended in", "list", sortable=False, help="the versions above it, the smallest first"),
    Column("applications", "Applications", "list", thing="application", sortable=False),
    Column("owners", "Owners", "list", sortable=False),
    Column("servers", "Servers", "number", sortable=False, help="empty where it runs in too many to count"),
    Column("groups", "Process groups", "number", sortable=False),
    Column("signs", "Signs", "list", sortable=False),
    Column("summary", "What it is", sortable=False),
    Column("aliases", "Also known as", "list", sortable=False, detail=True),
)
FILTERS = (
    Filter("severity", "Severity", "Only what its advisories call so.", RATINGS),
    APPLICATION,
    Filter("owner", "Owner", "Only of applications of this owner."),
    Filter("package", "Package"),
    SERVER,
    Filter("at_rest", "At rest", "Only what is at rest somewhere, or what also runs.", ("yes", "no")),
    Filter(
        "os", "System's own", "Only what the operating system brings, or what else there is.", ("yes", "no")
    ),
    Filter("acknowledged", "Acknowledged", "Only what is acknowledged, or is not.", ("no", "yes")),
)

COUNTED = 5_000
"""Process groups whose servers are counted for one page."""

SYSTEMS, PARTLY = "the operating system's", "partly the operating system's"
"""Signs."""

_OF = {"application": "application__name", "owner": "application__owner"}


def _findings(view: View, filters: Mapping[str, str]) -> QuerySet[Finding]:
    """The findings that the rows stand for."""
    of = {_OF[name]: value for name, value in filters.items() if name in _OF}
    found = Finding.objects.filter(at(view.at), kind="vulnerable", **of)
    if "at_rest" in filters:
        resting = Q(key__startswith=f"{AT_REST} ", application=None)
        found = found.filter(resting if yes_or_no("at_rest", filters["at_rest"]) else ~resting)
    if "os" in filters:
        ours = _by_system()
        found = found.filter(ours if yes_or_no("os", filters["os"]) else ~ours)
    return found


def _by_system() -> Q:
    return reduce(or_, (Q(key__startswith=begin) for begin in KEYS_OF_SYSTEMS))


def _query(view: View, filters: Mapping[str, str]) -> QuerySet[VulnerableVersion]:
    some = _findings(view, filters).filter(vulnerable=OuterRef("pk"))
    counts = some.exclude(acknowledged(view))
    found = VulnerableVersion.objects.annotate(
        worst=Subquery(some.order_by("rank").values("rank")[:1]),
        accepted=Case(When(Exists(counts), then=Value(0)), default=Value(1), output_field=IntegerField()),
    )
    return found.filter(worst__isnull=False)


def _severity(name: str, _view: View) -> Q:
    if name not in RATINGS:
        raise BadParams(f"filter 'severity': expected one of {', '.join(RATINGS)}")
    return Q(vulnerability__rank=RATINGS.index(name) + 1)


def _on_server(name: str, view: View) -> Q:
    groups = FoundGroup.objects.filter(at(view.at), kind="application", server__name=name)
    resting = FoundEnvironment.objects.filter(at(view.at), at_rest=True, server__name=name)
    held = Member.objects.filter(
        Q(set__in=groups.values("loaded"))
        | Q(set__in=groups.values("packages"))
        | Q(set__in=resting.values("packages")),
        shadowed=False,
    )
    return Q(version__in=held.values("version"))


def _all(_text: str, _view: View) -> Q:
    """What `_query` has narrowed already."""
    return Q()


def _acknowledged(text: str, _view: View) -> Q:
    return Q(accepted=int(yes_or_no("acknowledged", text)))


# Rows


@dataclass(slots=True)
class _Users:
    """Who uses a version, of those that are asked for."""

    applications: set[str] = field(default_factory=set)
    owners: set[str] = field(default_factory=set)
    by_system: set[bool] = field(default_factory=set)
    resting: bool = False


def _rows(view: View, found: Sequence[VulnerableVersion], params: Params) -> list[Row]:
    users = _users(view, found, params.filters)
    sets = _sets({one.version_id for one in found})
    resting = {one.version_id for one in found if users[one.pk].resting}
    groups = _groups(view, sets, params.filters)
    servers = _servers(view, sets, groups, resting, params.filters)
    return [_row(one, users[one.pk], groups[one.version_id], servers.get(one.version_id)) for one in found]


def _row(one: VulnerableVersion, users: _Users, groups: int, servers: int | None) -> Row:
    what = one.vulnerability
    systems = {frozenset({True}): [SYSTEMS], frozenset({True, False}): [PARTLY]}
    return {
        "id": one.pk,
        "vulnerability": what.name,
        "severity": RATINGS[what.rank - 1],
        "package": one.version.package.name,
        "version": one.version.version,
        "fixed": json.loads(one.fixed),
        "applications": unique(users.applications),
        "owners": unique(users.owners),
        "servers": servers,
        "groups": groups,
        "signs": [
            *(["acknowledged"] if one.accepted else []),  # type: ignore[attr-defined]
            *(["at rest"] if users.resting else []),
            *systems.get(frozenset(users.by_system), []),
        ],
        "summary": what.summary,
        "aliases": json.loads(what.aliases),
    }


def _users(
    view: View, found: Sequence[VulnerableVersion], filters: Mapping[str, str]
) -> Mapping[int, _Users]:
    users: dict[int, _Users] = defaultdict(_Users)
    some = _findings(view, filters).filter(vulnerable__in=found).order_by()
    for number, key, name, owner in fetched(
        some.values_list("vulnerable_id", "key", "application__name", "application__owner")
    ):
        one = users[number]
        one.applications.add(name or "")
        one.owners.add(owner or "")
        one.by_system.add(key.startswith(KEYS_OF_SYSTEMS))
        one.resting = one.resting or (name is None and key.startswith(f"{AT_REST} "))
    return users


def _sets(versions: Iterable[int]) -> Mapping[int, set[int]]:
    """version -> the package sets that hold it"""
    held: dict[int, set[int]] = defaultdict(set)
    members = Member.objects.filter(version__in=list(versions), shadowed=False)
    for version, number in fetched(members.values_list("version_id", "set_id")):
        held[version].add(number)
    return held


def _running(view: View, filters: Mapping[str, str]) -> QuerySet[FoundGroup]:
    of = {_OF[name]: value for name, value in filters.items() if name in _OF}
    of |= {"server__name": filters["server"]} if "server" in filters else {}
    return FoundGroup.objects.filter(at(view.at), kind="application", **of)


def _groups(view: View, sets: Mapping[int, set[int]], filters: Mapping[str, str]) -> Mapping[int, int]:
    """version -> process groups that run it, or will when they are started anew"""
    narrowed = filters.keys() & {*_OF, "server"}
    some: list[Combination] = (
        combinations(_running(view, filters)) if narrowed else all_combinations(view) if sets else []
    )
    by_set: dict[int, list[int]] = defaultdict(list)
    for place, one in enumerate(some):
        for number in {one.loaded, one.packages} - {None}:
            by_set[number].append(place)  # type: ignore[index] # None is taken out
    counts: dict[int, int] = defaultdict(int)
    for version, numbers in sets.items():
        places = {place for number in numbers for place in by_set.get(number, ())}
        counts[version] = sum(some[place].number for place in places)
    return counts


def _servers(
    view: View,
    sets: Mapping[int, set[int]],
    groups: Mapping[int, int],
    resting: Iterable[int],
    filters: Mapping[str, str],
) -> Mapping[int, int]:
    """version -> servers that have it; not of those that run in too many places to look at each"""
    few, room = [], COUNTED
    for version in sorted(sets, key=lambda version: groups[version]):
        room -= groups[version]
        if room < 0:
            break
        few.append(version)
    wanted = {number for version in few for number in sets[version]}
    found: dict[int, set[int]] = {version: set() for version in few}
    versions_of: dict[int, list[int]] = defaultdict(list)
    for version in few:
        for number in sets[version]:
            versions_of[number].append(version)
    for server, *numbers in _places(view, wanted, bool(set(resting) & set(few)), filters):
        for version in {one for number in numbers for one in versions_of.get(number, ())}:
            found[version].add(server)
    return {version: len(some) for version, some in found.items()}


def _places(
    view: View, sets: set[int], resting: bool, filters: Mapping[str, str]
) -> Iterable[tuple[Any, ...]]:
    """(server, package sets that it has)"""
    held = sorted(sets)
    running = _running(view, filters).filter(Q(loaded__in=held) | Q(packages__in=held)).order_by()
    found = fetched(running.values_list("server_id", "loaded_id", "packages_id").distinct())
    if resting:
        some = FoundEnvironment.objects.filter(at(view.at), at_rest=True, packages__in=held)
        some = some.filter(server__name=filters["server"]) if "server" in filters else some
        found += fetched(some.values_list("server_id", "packages_id").distinct())
    return found


def _missing(view: View) -> Sequence[str]:
    """What would have to be known to say that there are no others."""
    found = view.once("advisories", filled)
    if found and view.at and view.at < found.at:
        came = f"{found.at:%Y-%m-%d %H:%M} UTC"
        return [f"The advisories came later, at {came}: of that moment only what was told then is known."]
    told = lacking(view.moment, found)
    return [told] if told else []


def _notes(view: View, _params: Params) -> Sequence[str]:
    found, missing = view.once("advisories", filled), _missing(view)
    if missing or found is None:
        return missing
    source = ", ".join(found.sources)
    return [f"By {found.advisories} advisories as of {found.of:%Y-%m-%d %H:%M} UTC, from {source}."]


def narrowed(filters: Mapping[str, str]) -> Queried:
    """The listing, of some applications or all."""
    return Queried(
        "vulnerabilities",
        "Vulnerabilities",
        COLUMNS,
        FILTERS,
        lambda view: _query(view, filters),
        _rows,
        {
            "vulnerability": "vulnerability__name",
            "severity": "vulnerability__rank",
            "package": "version__package__name",
            "version": "version__version",
        },
        {
            "severity": _severity,
            "application": _all,
            "owner": _all,
            "package": "version__package__name",
            "server": _on_server,
            "at_rest": _all,
            "os": _all,
            "acknowledged": _acknowledged,
        },
        ("vulnerability__name", "vulnerability__summary", "vulnerability__aliases", "version__package__name"),
        ("accepted", "worst", "vulnerability__rank", "version__package__name", "version__version"),
        notes=_notes,
        joined=("vulnerability", "version__package"),
    )


class _Vulnerabilities(Queried):
    """Narrowed to the applications that are asked for: what others have is not counted for these."""

    def page(self, view: View, params: Params) -> Page:
        page = Queried.page(narrowed(params.filters), view, params)
        return replace(page, listing=self, covers=replace(page.covers, lacking=tuple(_missing(view))))


_WHOLE = narrowed({})
VULNERABILITIES = _Vulnerabilities(**{one.name: getattr(_WHOLE, one.name) for one in fields(Queried)})
