"""Environments, and the packages on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.db.models import Exists, OuterRef, Q, QuerySet

from tightship.fleet.versions import sort_key
from tightship.store.gathering import all_used, combinations, used
from tightship.store.indexed import newest_of
from tightship.store.intervals import at
from tightship.store.listing import Column, Filter, Params, Row, View
from tightship.store.listings.places import number, yes_or_no
from tightship.store.listings.signs import SERVER, unique
from tightship.store.models import Application, FoundEnvironment, FoundGroup, Member, Package, Version
from tightship.store.querying import Queried
from tightship.store.resting import named_by
from tightship.store.statements import fetched

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
    lambda view: FoundEnvironment.objects.filter(at(view.at)),
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
    ("wording__text", "server__name"),
    ("server__name", "key"),
    joined=("server", "packages"),
    tally="environments",
)


def _packages(view: View) -> QuerySet[Package]:
    users = FoundGroup.objects.filter(at(view.at), kind="application", loaded=OuterRef("set"))
    used = Member.objects.filter(Exists(users), version__package=OuterRef("pk"))
    return Package.objects.filter(Exists(used))


FEW = 400
"""Package sets that are asked for one by one, rather than all that hold a version."""

_GROUPS = {"application": "application__name", "server": "server__name"}


def _package_rows(view: View, packages: Sequence[Package], params: Params) -> list[Row]:
    """Versions of each package with how many process groups run them, whatever is on disk since."""
    users = users_of_sets(view, params)
    versions = {
        pk: (package, version)
        for pk, package, version in Version.objects.filter(package__in=packages).values_list(
            "pk", "package_id", "version"
        )
    }
    counts: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    users_of: dict[int, set[int]] = defaultdict(set)
    members = Member.objects.filter(version__in=versions, shadowed=False)
    if len(users) <= FEW:
        members = members.filter(set__in=users)
    for member_of, held in fetched(members.values_list("version_id", "set_id")):
        for application, count in users.get(held, ()):
            package_id, version = versions[member_of]
            counts[package_id][version] += count
            users_of[package_id].add(application)
    called = dict(Application.objects.values_list("pk", "name"))
    newest = newest_of([package.pk for package in packages]) if view.at is None else {}
    rows: list[Row] = []
    for package in packages:
        spread = sorted(counts[package.pk].items(), key=lambda item: sort_key(item[0]), reverse=True)
        rows.append(
            {
                "package": package.name,
                "versions": [version for version, _count in spread],
                "spread": [f"{version} × {count}" for version, count in spread],
                "shares": [str(count) for _version, count in spread],
                "newest": newest.get(package.pk, ""),
                "applications": unique(called[pk] for pk in users_of[package.pk]),
                "used_by": sum(counts[package.pk].values()),
            }
        )
    return rows


def users_of_sets(view: View, params: Params) -> dict[int, list[tuple[int, int]]]:
    """package set -> (application, how many of its process groups run it).

    Who asks for the packages of one application or server is told how these are spread there.
    """
    of = {_GROUPS[name]: value for name, value in params.filters.items() if name in _GROUPS}
    return (
        all_used(view)
        if not of
        else used(combinations(FoundGroup.objects.filter(at(view.at), kind="application", **of)))
    )


PACKAGES = Queried(
    "packages",
    "Packages",
    (
        Column("package", "Package", thing="package"),
        Column("spread", "Versions in use", "list", sortable=False, help="version × process groups"),
        Column("newest", "Newest", sortable=False, help="that the package indexes have, for any Python"),
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
    held = FoundGroup.objects.filter(at(view.at), kind="application", **groups).order_by().values("loaded")
    members = Member.objects.filter(set__in=held.distinct()).values("version__package").distinct()
    return Q(pk__in=members)


def _in(environment: int) -> Q:
    members = Member.objects.filter(version__package=OuterRef("pk"), set__environments=environment)
    return Q(Exists(members))
