"""What buildouts said of themselves, kept as intervals: who says the same again only moves `seen`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from django.db import connection, transaction

from tightship.fleet.found import PackageChange, package_changes
from tightship.fleet.report import Package, digest_of, digest_of_set, package_line
from tightship.fleet.text import clip
from tightship.store import intervals, sets
from tightship.store.errors import told
from tightship.store.listing import View
from tightship.store.models import NAME, Build, Instance
from tightship.store.rows import PATH
from tightship.store.statements import ask

_LOCK = 7_155_223
"""Any number that nobody else locks by."""

KEPT = 200
"""Earlier states of one buildout that are kept."""


class Said(Protocol):
    """What came of a buildout: `integrations.whiskers.Build`, a dataclass."""

    @property
    def name(self) -> str: ...
    @property
    def directory(self) -> str: ...
    @property
    def python(self) -> str: ...
    @property
    def versions(self) -> Mapping[str, str]: ...
    @property
    def picked(self) -> frozenset[str]: ...


Taken = Literal["new", "changed", "unchanged"]


def take(said: Said, host: str, now: datetime) -> Taken:
    """Remember a build. `host`: where it was built, as it said or as it was seen. Raises `StoreError`."""
    lines = sorted(Package(name, version) for name, version in said.versions.items())
    data = json.dumps(_plain(said), sort_keys=True)
    known = {"name": clip(said.name, NAME), "host": clip(host, NAME), "directory": clip(said.directory, PATH)}
    digest = digest_of(f"{data}\n{lines}".encode())
    with told(), transaction.atomic():
        if connection.vendor == "postgresql":
            # Two that tell of it for the first time at once; SQLite has one writer at a time.
            ask("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        before = Build.objects.select_for_update().filter(until=None, **known).first()
        if before and before.digest == digest:
            Build.objects.filter(pk=before.pk).update(seen=max(now, before.seen))
            return "unchanged"
        if before:
            Build.objects.filter(pk=before.pk).update(until=now)
        name = digest_of_set(map(package_line, lines))
        Build.objects.create(
            **known,
            since=now,
            seen=now,
            python=clip(said.python, NAME),
            packages_id=sets.add({name: lines})[name],
            picked=len(said.picked),
            digest=digest,
            data=data,
        )
        old = (
            Build.objects.filter(**known).exclude(until=None).order_by("-since").values_list("pk", flat=True)
        )
        Build.objects.filter(pk__in=list(old[KEPT:])).delete()
        return "changed" if before else "new"


def _plain(said: Said) -> dict[str, Any]:
    """All but what has a column or a table of its own."""
    kept = ("pinned", "required_by", "constraints", "cascade", "tools")
    whole = asdict(said)  # type: ignore[call-overload] # it is a dataclass
    return {**{name: whole[name] for name in kept}, "picked": sorted(said.picked)}


@dataclass(frozen=True, slots=True)
class Line:
    """A package of a build."""

    name: str
    version: str
    how: str
    """pinned in FILE, picked, or empty: not said"""
    overrides: Sequence[str] = ()
    required_by: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Earlier:
    """A build before, and what came after it."""

    number: int
    since: datetime
    until: datetime
    changes: Sequence[PackageChange]


@dataclass(frozen=True, slots=True)
class BuildDetail:
    id: int
    name: str
    host: str
    directory: str
    python: str
    since: datetime
    until: datetime | None
    seen: datetime
    lines: Sequence[Line]
    constraints: Mapping[str, str]
    cascade: Sequence[Mapping[str, Any]]
    tools: Mapping[str, str]
    unused: Sequence[str]
    """packages that are pinned and were not used"""
    earlier: Sequence[Earlier]
    instances: Sequence[tuple[str, str]]
    """(application, server) that run from its directory"""


def build(view: View, number: int) -> BuildDetail | None:
    """One build, with those before it; None: never heard of at that moment."""
    with told():
        row = Build.objects.select_related("packages").filter(pk=number, since__lte=view.moment).first()
        if row is None:
            return None
        data = json.loads(row.data)
        packages = sets.lines_of(row.packages.digest)
        used = {one.name for one in packages}
        return BuildDetail(
            row.pk,
            row.name,
            row.host,
            row.directory,
            row.python,
            row.since,
            row.until,
            row.seen,
            [_line(one, data) for one in packages],
            data["constraints"],
            [{**one, "pins": _pins_of(one["file"], data)} for one in data["cascade"]],
            data["tools"],
            sorted(data["pinned"].keys() - used),
            _earlier(row),
            running_from(row.host, row.directory, view),
        )


def _line(package: Package, data: Mapping[str, Any]) -> Line:
    pinned = data["pinned"].get(package.name)
    how = "picked" if package.name in data["picked"] else ""
    if pinned:
        how = f"pinned in {pinned['file']}" if pinned["file"] else "pinned"
    overrides = [
        f"{version} in {file}" if file else version for version, file in (pinned or {}).get("overrides", ())
    ]
    return Line(package.name, package.version, how, overrides, data["required_by"].get(package.name, ()))


def _pins_of(file: str, data: Mapping[str, Any]) -> int:
    """How many pins of a file count."""
    return sum(one["file"] == file for one in data["pinned"].values())


SHOWN = 20


def _earlier(row: Build) -> list[Earlier]:
    before = Build.objects.select_related("packages").filter(
        name=row.name, host=row.host, directory=row.directory, since__lt=row.since
    )
    found: list[Earlier] = []
    after = sets.lines_of(row.packages.digest)
    for one in before.order_by("-since")[:SHOWN]:
        lines = sets.lines_of(one.packages.digest)
        found.append(Earlier(one.pk, one.since, one.until or row.since, package_changes(lines, after)))
        after = lines
    return found


def running_from(host: str, directory: str, view: View) -> list[tuple[str, str]]:
    """(application, server) of what runs from a directory of a host, under its whole or its short name."""
    if not directory:
        return []
    names = {host, host.partition(".")[0]} - {""}
    found = Instance.objects.filter(base=directory.rstrip("/"), server__name__in=names)
    if view.at is None:
        found = found.filter(running=True)
    return list(found.order_by("pk").values_list("application__name", "server__name"))


def of_instance(server: str, base: str, view: View) -> list[tuple[int, str]]:
    """(number, name) of the builds that were made in the directory of an instance."""
    if not base:
        return []
    with told():
        made = Build.objects.filter(intervals.at(view.at), directory__in=(base, base + "/"))
        rows = made.values_list("pk", "name", "host")
        return [(pk, name) for pk, name, host in rows if server in (host, host.partition(".")[0])]
