"""Environments, and the packages on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from tightship.fleet.versions import sort_key
from tightship.store.intervals import at
from tightship.store.listing import Column, Filter, Params, Row, View
from tightship.store.listings.places import number, yes_or_no
from tightship.store.listings.signs import SERVER, unique
from tightship.store.models import FoundEnvironment, FoundGroup, Member, Package
from tightship.store.querying import Queried
from tightship.store.resting import named_by

ENVIRONMENTS = Queried(
    "environments",
    "Environments",
    (
        Column("environment", "Environment", thing="environment"),
        Column("server", "Server", thing="server"),
        Column("kind", "Kind"),
        Column("python", "Python"),
        Column("packages", "Packages", "number"),
        Column("signs", "Signs", "list", sortable=False),
        Column(
            "named_by",
            "Named by",
            "list",
            sortable=False,
            help="units, timers, crontabs, programs of supervisor",
        ),
        Column("since", "Since", "time"),
    ),
    (SERVER, Filter("kind", "Kind"), Filter("at_rest", "At rest", choices=("yes", "no"))),
    lambda view: FoundEnvironment.objects.filter(at(view.at)).select_related("server", "packages"),
    lambda _view, found, _params: [
        {
            "id": row.pk,
            "environment": row.key,
            "server": row.server.name,
            "kind": row.kind,
            "python": row.python,
            "packages": row.packages.size if row.packages else None,
            "since": row.since,
            "signs": (["unread"] if row.unread else []) + (["at rest"] if row.at_rest else []),
            "named_by": named_by(row),
        }
        for row in found
    ],
    {
        "environment": "key",
        "server": "server__name",
        "kind": "kind",
        "python": "python",
        "packages": "packages__size",
        "since": "since",
    },
    {
        "server": "server__name",
        "kind": "kind",
        "at_rest": lambda told, _view: Q(at_rest=yes_or_no("at_rest", told)),
    },
    ("key", "server__name"),
    ("server__name", "key"),
)


def _sets_in_use(view: View) -> QuerySet[Any]:
    return FoundGroup.objects.filter(at(view.at), kind="application").values("loaded")


def _packages(view: View) -> QuerySet[Package]:
    used = Member.objects.filter(version__package=OuterRef("pk"), set__in=_sets_in_use(view))
    return Package.objects.filter(Exists(used))


_GROUPS = {"application": "application__name", "server": "server__name"}


def _package_rows(view: View, packages: Sequence[Package], params: Params) -> list[Row]:
    """Versions of each package with how many process groups run them, whatever is on disk since."""
    members = Member.objects.filter(version__package__in=packages, shadowed=False).values_list(
        "version__package_id", "version__version", "set_id"
    )
    some = list(members)
    users = _users(view, {row[2] for row in some}, params)
    counts: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    names: dict[int, set[str]] = defaultdict(set)
    for package_id, version, held in some:
        if held in users:
            counts[package_id][version] += users[held][0]
            names[package_id] |= users[held][1]
    rows: list[Row] = []
    for package in packages:
        spread = sorted(counts[package.pk].items(), key=lambda item: sort_key(item[0]), reverse=True)
        rows.append(
            {
                "package": package.name,
                "versions": [version for version, _count in spread],
                "spread": [f"{version} × {count}" for version, count in spread],
                "applications": unique(names[package.pk]),
                "used_by": sum(counts[package.pk].values()),
            }
        )
    return rows


def _users(view: View, held: set[int], params: Params) -> dict[int, tuple[int, set[str]]]:
    """set -> how many process groups of applications use it, and the applications.

    Who asks for the packages of one application or server is told how these are spread there.
    """
    of = {_GROUPS[name]: value for name, value in params.filters.items() if name in _GROUPS}
    found = FoundGroup.objects.filter(at(view.at), kind="application", loaded__in=held, **of)
    users: dict[int, tuple[int, set[str]]] = {}
    for held_id, name, count in found.values_list("loaded", "application__name").annotate(Count("id")):
        before, names = users.get(held_id, (0, set()))
        users[held_id] = (before + count, names | {name or ""})
    return users


PACKAGES = Queried(
    "packages",
    "Packages",
    (
        Column("package", "Package", thing="package"),
        Column("spread", "Versions in use", "list", sortable=False, help="version × process groups"),
        Column("applications", "Applications", "list", thing="application", sortable=False),
        Column("used_by", "Process groups", "number", sortable=False),
    ),
    (Filter("application", "Application"), SERVER, Filter("environment", "Environment", "by its number")),
    _packages,
    _package_rows,
    {"package": "name"},
    {
        "application": lambda name, view: _held_by(view, application__name=name),
        "server": lambda name, view: _held_by(view, server__name=name),
        "environment": lambda told, _view: _in(number("environment", told)),
    },
    ("name",),
    ("name",),
)


def _held_by(view: View, **groups: str) -> Q:
    held = FoundGroup.objects.filter(at(view.at), kind="application", **groups).values("loaded")
    return Q(Exists(Member.objects.filter(version__package=OuterRef("pk"), set__in=held)))


def _in(environment: int) -> Q:
    members = Member.objects.filter(version__package=OuterRef("pk"), set__environments=environment)
    return Q(Exists(members))
