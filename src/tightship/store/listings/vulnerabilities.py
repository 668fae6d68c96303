"""Vulnerabilities: each with the version in use that has it, who uses that, and what mends it.

A row stands for the findings about one vulnerability and version; who asks for one application or owner is
told of theirs alone.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.db.models import Min, Q, QuerySet

from tightship.fleet.cvss import RATINGS
from tightship.fleet.findings.packages import AT_REST, KEYS_OF_SYSTEMS
from tightship.fleet.text import harmless
from tightship.store.advisories import filled, lacking
from tightship.store.errors import told
from tightship.store.holding import valid
from tightship.store.intervals import at
from tightship.store.listing import BadParams, Column, Filter, Listing, Page, Params, Row, View, check
from tightship.store.listings.places import yes_or_no
from tightship.store.listings.signs import APPLICATION, SERVER, unique
from tightship.store.listings.spread import Spread, spread
from tightship.store.models import (
    Acknowledgement,
    Application,
    Finding,
    FoundEnvironment,
    FoundGroup,
    Member,
    VulnerableVersion,
)
from tightship.store.querying import covers
from tightship.store.statements import fetched

COLUMNS = (
    Column("vulnerability", "Vulnerability", thing="vulnerability"),
    Column("severity", "Severity", help="as its advisories say"),
    Column("package", "Package", thing="package"),
    Column("version", "In use", help="the version that has it"),
    Column("fixed", "Mended in", "list", sortable=False, help="the versions above it, the smallest first"),
    Column("applications", "Applications", "list", thing="application", sortable=False),
    Column("owners", "Owners", "list", sortable=False),
    Column(
        "servers",
        "Servers",
        "number",
        sortable=False,
        help="empty: too many to count",
    ),
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

FEW = 1_000
"""Rows that are asked for one by one, rather than all there are."""

SYSTEMS, PARTLY = "the operating system's", "partly the operating system's"
"""Signs."""

_OF = {"application": "application__name", "owner": "application__owner"}
_PLACES = {**_OF, "server": "server__name"}


def _findings(view: View, filters: Mapping[str, str]) -> QuerySet[Finding]:
    """The findings that the rows stand for."""
    # No server, and of a vulnerability: by these they are found, now and then.
    found = Finding.objects.filter(at(view.at), server=None, vulnerable__isnull=False).order_by()
    of = {_OF[name].partition("__")[2]: value for name, value in filters.items() if name in _OF}
    if of:
        some = Application.objects.filter(**of).values_list("pk", flat=True)
        found = found.filter(application__in=list(some))  # by its index, rather than all there are
    if "at_rest" in filters:
        resting = Q(key__startswith=f"{AT_REST} ", application=None)
        found = found.filter(resting if yes_or_no("at_rest", filters["at_rest"]) else ~resting)
    if "os" in filters:
        ours = reduce(or_, (Q(key__startswith=begin) for begin in KEYS_OF_SYSTEMS))
        found = found.filter(ours if yes_or_no("os", filters["os"]) else ~ours)
    return found


class _Listed(NamedTuple):
    """What a row is sorted by."""

    number: int
    accepted: bool
    worst: int
    rank: int
    name: str
    package: str
    version: str


_SORTED: Mapping[str, Callable[[_Listed], Any]] = {
    "vulnerability": lambda one: one.name,
    "severity": lambda one: one.rank,
    "package": lambda one: one.package,
    "version": lambda one: one.version,
}


def _listed(view: View, params: Params) -> list[_Listed]:
    """All rows, in their order. What is vulnerable is some thousands, whatever the fleet's size: they are
    gathered from the findings in one go, then told apart here."""
    versions = _narrowed(view, params)
    held = _held(view, params.filters, versions)
    if len(held) <= FEW:
        versions = VulnerableVersion.objects.filter(pk__in=list(held))
    elif versions is None:
        versions = VulnerableVersion.objects.all()
    keys = ("pk", "vulnerability__rank", "vulnerability__name", "version__package__name", "version__version")
    found = [
        _Listed(number, *held[number][::-1], rank, name, package, version)
        for number, rank, name, package, version in fetched(versions.values_list(*keys))
        if number in held
    ]
    if "acknowledged" in params.filters:
        wanted = yes_or_no("acknowledged", params.filters["acknowledged"])
        found = [one for one in found if one.accepted == wanted]
    found.sort(key=lambda one: (one.accepted, one.worst, one.rank, one.package, one.version, one.name))
    if params.sort:
        found.sort(key=_SORTED[params.sort.removeprefix("-")], reverse=params.sort.startswith("-"))
    return found


def _held(
    view: View, filters: Mapping[str, str], versions: QuerySet[VulnerableVersion] | None
) -> Mapping[int, tuple[int, bool]]:
    """vulnerable version -> (the worst that is found of it, whether all of that is acknowledged)"""
    found = _findings(view, filters)
    if versions is not None:
        numbers = list(versions.values_list("pk", flat=True)[: FEW + 1])
        found = found.filter(vulnerable__in=numbers) if len(numbers) <= FEW else found
    known = set(Acknowledgement.objects.filter(valid(view)).values_list("pk", flat=True))
    held: dict[int, tuple[int, bool]] = {}
    counted = found.values("vulnerable", "acknowledgement").annotate(worst=Min("rank"))
    for number, by, rank in fetched(counted.values_list("vulnerable", "acknowledgement", "worst")):
        worst, accepted = held.get(number, (rank, True))
        held[number] = min(worst, rank), accepted and by in known
    return held


def _narrowed(view: View, params: Params) -> QuerySet[VulnerableVersion] | None:
    """Those that a search, or a filter that is not about who uses them, leaves; None: all."""
    some, filters = Q(), params.filters
    if "severity" in filters:
        if filters["severity"] not in RATINGS:
            raise BadParams(f"filter 'severity': expected one of {', '.join(RATINGS)}")
        some &= Q(vulnerability__rank=RATINGS.index(filters["severity"]) + 1)
    if "package" in filters:
        some &= Q(version__package__name=harmless(filters["package"]))
    if "server" in filters:
        some &= Q(version__in=_on_server(harmless(filters["server"]), view))
    for word in params.query.replace("\0", "").split():
        some &= reduce(or_, (Q(**{f"{name}__icontains": word}) for name in _SEARCHED))
    return VulnerableVersion.objects.filter(some) if some else None


_SEARCHED = (
    "vulnerability__name",
    "vulnerability__summary",
    "vulnerability__aliases",
    "version__package__name",
)


def _on_server(name: str, view: View) -> QuerySet[Member, Any]:
    """The versions that are in use, or at rest, on a server."""
    of = {"server__name": name}
    groups = FoundGroup.objects.filter(at(view.at), kind="application", **of)
    sets = {one for pair in groups.values_list("loaded", "packages") for one in pair if one}
    resting = FoundEnvironment.objects.filter(at(view.at), at_rest=True, packages__isnull=False, **of)
    sets |= {one for one in resting.values_list("packages", flat=True) if one}
    return Member.objects.filter(set__in=sorted(sets), shadowed=False).values("version")


# Rows


@dataclass(slots=True)
class _Users:
    """Who uses a version, of those that are asked for."""

    applications: set[str] = field(default_factory=set)
    owners: set[str] = field(default_factory=set)
    by_system: set[bool] = field(default_factory=set)
    resting: bool = False


def _rows(view: View, numbers: Sequence[int], accepted: Collection[int], params: Params) -> list[Row]:
    if not numbers:
        return []
    whole = VulnerableVersion.objects.select_related("vulnerability", "version__package")
    known = {row.pk: row for row in whole.filter(pk__in=numbers)}
    found = [known[number] for number in numbers if number in known]
    users = _users(view, found, params.filters)
    resting = {one.version_id for one in found if users[one.pk].resting}
    of = {_PLACES[name]: value for name, value in params.filters.items() if name in _PLACES}
    where: Mapping[int, Spread] = defaultdict(Spread)
    if params.counted:
        where = spread(view, {one.version_id for one in found}, resting, of)
    return [_row(one, users[one.pk], one.pk in accepted, where[one.version_id]) for one in found]


def _row(one: VulnerableVersion, users: _Users, accepted: bool, where: Spread) -> Row:
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
        "servers": where.servers,
        "groups": where.groups,
        "signs": [
            *(["acknowledged"] if accepted else []),
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


def _missing(view: View) -> Sequence[str]:
    """What would have to be known to say that there are no others."""
    found = view.once("advisories", filled)
    if found and view.at and view.at < found.at:
        came = f"{found.at:%Y-%m-%d %H:%M} UTC"
        return [f"The advisories came later, at {came}: of that moment only what was told then is known."]
    told = lacking(view.moment, found)
    return [told] if told else []


def _notes(view: View) -> Sequence[str]:
    found, missing = view.once("advisories", filled), _missing(view)
    if missing or found is None:
        return missing
    source = ", ".join(found.sources)
    return [f"By {found.advisories} advisories as of {found.of:%Y-%m-%d %H:%M} UTC, from {source}."]


@dataclass(frozen=True, slots=True)
class Vulnerabilities(Listing):
    """The list. Not over one query: it is put together from the findings and from what they are about."""

    name: str = "vulnerabilities"
    title: str = "Vulnerabilities"
    columns: Sequence[Column] = COLUMNS
    filters: Sequence[Filter] = FILTERS

    def page(self, view: View, params: Params) -> Page:
        """One page. Raises `BadParams`, and `StoreError` when the database can't answer."""
        check(self, params)
        params = params.with_(filters={name: harmless(value) for name, value in params.filters.items()})
        with told():
            found = _listed(view, params)
            start = (params.page - 1) * params.size
            some = found[start : start + params.size]
            accepted = {one.number for one in some if one.accepted}
            rows = _rows(view, [one.number for one in some], accepted, params)
            seen = replace(covers(view), lacking=tuple(_missing(view)))
            return Page(self, params, view, rows, len(found), seen, notes=_notes(view))


VULNERABILITIES = Vulnerabilities()
