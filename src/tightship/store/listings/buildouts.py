"""What buildouts said that they were built from."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q, QuerySet

from tightship.fleet.versions import BadSpecifier, wanted
from tightship.store.builds import running_from
from tightship.store.intervals import at
from tightship.store.listing import BadParams, Column, Filter, Params, Row, View
from tightship.store.models import Build, Member, Version
from tightship.store.querying import Queried

COLUMNS = (
    Column("buildout", "Buildout", thing="buildout"),
    Column("host", "Host"),
    Column("directory", "Directory"),
    Column("application", "Runs as", "list", thing="application", sortable=False),
    Column("python", "Python"),
    Column("packages", "Packages", "number"),
    Column("picked", "Picked", "number", help="packages whose version nobody pinned"),
    Column("since", "Since", "time", help="when it first said what it says now"),
    Column("seen", "Last built", "time"),
)


def _rows(view: View, builds: Sequence[Build], _params: Params) -> list[Row]:
    return [
        {
            "id": one.pk,
            "buildout": one.name,
            "host": one.host,
            "directory": one.directory,
            "application": sorted({name for name, _server in running_from(one.host, one.directory, view)}),
            "python": one.python,
            "packages": one.packages.size,
            "picked": one.picked,
            "since": one.since,
            "seen": one.seen,
        }
        for one in builds
    ]


def having(specifier: str) -> Q:
    """Builds that were made with a package. Raises BadParams."""
    try:
        asked = wanted(specifier)
    except BadSpecifier as error:
        raise BadParams(f"filter 'package': {error}") from None
    versions = Version.objects.filter(package__name=asked.name).values_list("pk", "version")
    matching = [pk for pk, version in versions if asked.matches(version)]
    return Q(packages__in=Member.objects.filter(version__in=matching).values("set"))


def _builds(view: View) -> QuerySet[Build]:
    return Build.objects.filter(at(view.at))


BUILDOUTS = Queried(
    "buildouts",
    "Buildouts",
    COLUMNS,
    (
        Filter("package", "Package", "Only those built with it: jinja2, 'jinja2<3.1.6'."),
        Filter("host", "Host"),
    ),
    _builds,
    _rows,
    {
        "buildout": "name",
        "host": "host",
        "directory": "directory",
        "python": "python",
        "packages": "packages__size",
        "picked": "picked",
        "since": "since",
        "seen": "seen",
    },
    {"package": lambda specifier, _view: having(specifier), "host": "host"},
    ("name", "host", "directory"),
    ("name", "host", "directory"),
    joined=("packages",),
)
