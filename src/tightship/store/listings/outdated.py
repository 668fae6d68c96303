"""Versions in use that something newer may take the place of, or that were taken back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from django.db.models import Exists, OuterRef, Q, QuerySet

from tightship.fleet.newest import LEVELS
from tightship.fleet.outdated import Ahead
from tightship.store.indexed import ahead_of, state
from tightship.store.intervals import at
from tightship.store.listing import BadParams, Column, Filter, Params, Row, View
from tightship.store.listings.packages import FEW, users_of_sets
from tightship.store.listings.signs import SERVER, unique
from tightship.store.models import Application, Behind, FoundGroup, Member, Version
from tightship.store.querying import Queried
from tightship.store.statements import fetched

NEVER_ASKED = "Nobody asked the package indexes yet: tightship index update"


def outdated_rows(view: View, versions: Sequence[Version], params: Params) -> list[Row]:
    """Who uses each version, and what is newer."""
    numbers = [one.pk for one in versions]
    users, ahead = users_of_sets(view, params), ahead_of(numbers)
    described = {
        pk: (name, owner) for pk, name, owner in Application.objects.values_list("pk", "name", "owner")
    }
    counts: dict[int, int] = defaultdict(int)
    applications: dict[int, set[int]] = defaultdict(set)
    members = Member.objects.filter(version__in=numbers, shadowed=False)
    if len(users) <= FEW:
        members = members.filter(set__in=users)
    for version, held in fetched(members.values_list("version_id", "set_id")):
        for application, count in users.get(held, ()):
            counts[version] += count
            applications[version].add(application)
    rows: list[Row] = []
    for one in versions:
        by = [described[pk] for pk in applications[one.pk]]
        rows.append(
            {
                "package": one.package.name,
                "version": one.version,
                **_newer(ahead[one.pk]),
                "applications": unique(name for name, _owner in by),
                "owners": unique(owner for _name, owner in by),
                "used_by": counts[one.pk],
            }
        )
    return rows


def _newer(of: Mapping[str, Ahead]) -> dict[str, str]:
    """What is newer; where Pythons differ in it, each with its own."""
    return {
        "bugfix": _said(of, lambda one: one.bugfix),
        "minor": _said(of, lambda one: one.minor),
        "major": _said(of, lambda one: one.major),
        "needs": _said(of, lambda one: one.needs),
        "yanked": next((one.yanked for one in of.values() if one.yanked), ""),
        "ignored": next((one.ignored for one in of.values() if one.ignored), ""),
    }


def _said(of: Mapping[str, Ahead], what: Callable[[Ahead], str]) -> str:
    texts = {series: what(one) for series, one in of.items()}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return ", ".join(f"{text} (Python {series})" for series, text in texts.items() if text)


def _level(level: str, _view: View) -> Q:
    if level not in LEVELS:
        raise BadParams(f"level: expected one of {', '.join(LEVELS)}")
    return Q(Exists(Behind.objects.filter(version=OuterRef("pk")).exclude(**{level: ""})))


def _used(view: View, **groups: str) -> Q:
    held = FoundGroup.objects.filter(at(view.at), kind="application", **groups).order_by().values("loaded")
    return Q(
        pk__in=Member.objects.filter(set__in=held.distinct(), shadowed=False).values("version").distinct()
    )


def _versions(view: View) -> QuerySet[Version]:
    if view.at is not None:
        return Version.objects.none()
    return Version.objects.filter(Exists(_told().filter(version=OuterRef("pk"))))


def _told() -> QuerySet[Behind]:
    """Those of which nothing is newer but what was declared to be ignored are only counted."""
    return Behind.objects.exclude(major="", minor="", bugfix="", needs="", yanked="")


def _notes(view: View, _params: Params) -> list[str]:
    if view.at is not None:
        return ["What was the newest at a moment in the past is not known: this is only told of now."]
    known = view.once("indexed", state)
    if not known.packages:
        return [NEVER_ASKED + "."]
    since = f"{known.oldest:%Y-%m-%d %H:%M} UTC" if known.oldest else "no full answer yet"
    said = [f"What package indexes had as of {since}, of {known.packages} packages."]
    silenced = Behind.objects.exclude(ignored="").count()
    if silenced:
        said.append(f"Of {silenced} not all that is newer is offered, as was declared.")
    if known.unknown:
        said.append(f"{known.unknown} of them are on no index.")
    if known.failed:
        said.append(f"Of {known.failed} not all could be asked the last time: {known.problem}.")
    return said


OUTDATED = Queried(
    "outdated",
    "Outdated packages",
    (
        Column("package", "Package", thing="package"),
        Column("version", "In use", sortable=False),
        Column("bugfix", "Bugfix", sortable=False, help="the newest with the same first two numbers"),
        Column("minor", "Minor", sortable=False, help="the newest with the same first number"),
        Column("major", "Major", sortable=False, help="the newest of all that its Python can run"),
        Column("needs", "Beyond", sortable=False, help="what is newer still, and needs another Python"),
        Column("yanked", "Taken back", sortable=False, help="why the version in use was yanked"),
        Column("ignored", "Not offered", sortable=False, help="what was declared to be ignored, and why"),
        Column("applications", "Applications", "list", thing="application", sortable=False),
        Column("owners", "Owners", "list", sortable=False),
        Column("used_by", "Process groups", "number", sortable=False),
    ),
    (
        Filter("application", "Application"),
        Filter("owner", "Owner"),
        SERVER,
        Filter("level", "Level", "Only where there is something newer by this step.", LEVELS),
    ),
    _versions,
    outdated_rows,
    {"package": "package__name"},
    {
        "application": lambda name, view: _used(view, application__name=name),
        "owner": lambda name, view: _used(view, application__owner=name),
        "server": lambda name, view: _used(view, server__name=name),
        "level": _level,
    },
    ("package__name",),
    ("package__name", "version"),
    notes=_notes,
    joined=("package",),
)
