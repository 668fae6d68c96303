"""One thing each, whole: what the pages about a server, an application, a process group and so on say.

Everything returned is plain: frozen dataclasses and the report's own models, no rows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef

from tightship.fleet.found import Found, FoundGroup, package_changes
from tightship.fleet.report import Environment, Live, LiveGroup, Package, ProcessGroup
from tightship.store import attempts, intervals, rows, sets, tallies
from tightship.store.errors import told
from tightship.store.gathering import all_that_ran
from tightship.store.listing import Covers, View
from tightship.store.listings.applications import labels_of
from tightship.store.models import Application, FoundEnvironment, Indexed, Server
from tightship.store.models import FoundGroup as GroupRow
from tightship.store.models import Package as PackageRow
from tightship.store.querying import covers, is_silent, last_heard, silent, there
from tightship.store.using import Seen, Use, no_longer_used, versions_in_use


@dataclass(frozen=True, slots=True)
class ServerDetail:
    name: str
    found: Found
    live: Live | None
    """None for a moment in the past: only the newest is kept"""
    first_seen: datetime
    last_seen: datetime
    silent: bool
    skew: float | None
    renamed: Sequence[str] = ()
    """other names under which the same machine reports"""
    retired: datetime | None = None
    """since when it is no longer expected to report; None: it is"""
    retired_because: str = ""
    failing: attempts.Failing | None = None
    """why it could not be read over ssh when it was last tried"""
    imported: str = ""
    """from which file, where no probe reads it"""


def server(view: View, name: str) -> ServerDetail | None:
    """A server at the moment of a view; None: not known then."""
    with told():
        row = Server.objects.filter(name=name, first_seen__lte=view.moment).first()
        if row is None:
            return None
        found = rows.known(row, intervals.read(row, view.at), view.at)
        retired = row.retired if row.retired and row.retired <= view.moment else None
        return ServerDetail(
            row.name,
            found,
            None if view.at else _live(row),
            row.first_seen,
            row.last_seen,
            is_silent(row, view) and not retired,
            row.skew,
            _same_machine(row),
            retired,
            row.retired_because,
            None if view.at else attempts.failing().get(name),
            row.imported,
        )


def _live(row: Server) -> Live | None:
    document = json.loads(row.live)
    return Live.model_validate(document) if document else None


def _same_machine(row: Server) -> list[str]:
    if not row.machine_id:
        return []
    others = Server.objects.filter(machine_id=row.machine_id, retired=None).exclude(pk=row.pk)
    return list(others.order_by("name").values_list("name", flat=True))


@dataclass(frozen=True, slots=True)
class StaleVersion:
    """A package of which a process runs another version than is on disk."""

    package: str
    running: str
    on_disk: str


@dataclass(frozen=True, slots=True)
class Described:
    """What was declared about an application."""

    owner: str = ""
    url: str = ""
    labels: Sequence[str] = ()


NOTHING_SAID = Described()


def _described(row: Application | None) -> Described:
    return Described(row.owner, row.url, labels_of(row.labels)) if row else NOTHING_SAID


@dataclass(frozen=True, slots=True)
class GroupDetail:
    id: int
    server: str
    found: FoundGroup
    since: datetime
    until: datetime | None
    environment: Environment | None
    environment_id: int | None
    live: LiveGroup | None
    silent: bool
    stale: Sequence[StaleVersion] = ()
    newer_id: int | None = None
    """the same process group as it is now, where this is how it was"""
    described: Described = NOTHING_SAID


def group(view: View, number: int) -> GroupDetail | None:
    """A process group, by the number of one of its intervals."""
    with told():
        row = GroupRow.objects.filter(pk=number).select_related("server", "application").first()
        if row is None:
            return None
        values = (
            GroupRow.objects.filter(pk=number)
            .values(
                *[field.attname for field in GroupRow._meta.concrete_fields],
                "application__name",
                "packages__digest",
                "loaded__digest",
            )
            .get()
        )
        environment = FoundEnvironment.objects.filter(
            intervals.at(row.until and row.since), server=row.server, key=row.environment
        ).first()
        newer = GroupRow.objects.filter(until=None, server=row.server, key=row.key).exclude(pk=row.pk).first()
        found = rows.group_of(values, ProcessGroup.model_validate_json(row.data))
        live = _live(row.server) if row.until is None and view.at is None else None
        return GroupDetail(
            row.pk,
            row.server.name,
            found,
            row.since,
            row.until,
            Environment.model_validate_json(environment.data) if environment else None,
            environment.pk if environment else None,
            live.groups.get(found.key) if live else None,
            is_silent(row.server, view),
            stale_versions(found),
            newer.pk if newer else None,
            _described(row.application),
        )


def stale_versions(found: FoundGroup) -> list[StaleVersion]:
    """What a process group runs that is not what is on disk, by package."""
    if not found.surely_stale or not found.loaded or not found.packages:
        return []
    differing = package_changes(sets.lines_of(found.loaded), sets.lines_of(found.packages))
    return [StaleVersion(change.name, change.before, change.after) for change in differing if change.before]


@dataclass(frozen=True, slots=True)
class EnvironmentDetail:
    id: int
    server: str
    environment: Environment
    since: datetime
    until: datetime | None
    packages: Sequence[Package]
    groups: Sequence[tuple[int, str, str]]
    """(number, application, type) of the process groups that run in it"""


def environment(view: View, number: int) -> EnvironmentDetail | None:
    with told():
        then = FoundEnvironment.objects.filter(pk=number, since__lte=view.moment)
        row = then.select_related("server", "packages").first()
        if row is None:
            return None
        users = GroupRow.objects.filter(
            intervals.at(row.until and row.since), server=row.server, environment=row.key
        ).values_list("pk", "application__name", "type")
        lines = sorted(sets.lines_of(row.packages.digest)) if row.packages else []
        return EnvironmentDetail(
            row.pk,
            row.server.name,
            Environment.model_validate_json(row.data),
            row.since,
            row.until,
            lines,
            [(pk, name or "", kind) for pk, name, kind in users],
        )


@dataclass(frozen=True, slots=True)
class StageDetail:
    """One application in one stage: in which releases, on how many servers."""

    stage: str
    releases: Sequence[tuple[str, str, int]]
    """(release, how it is known, instances)"""
    servers: int


@dataclass(frozen=True, slots=True)
class ApplicationDetail:
    name: str
    described: Described
    stages: Sequence[StageDetail]


def application(view: View, name: str) -> ApplicationDetail | None:
    """An application, also one that no longer runs; None: never heard of."""
    with told():
        row = Application.objects.filter(name=name).first()
        if row is None:
            return None
        found = GroupRow.objects.filter(intervals.at(view.at), application=row).values_list(
            "stage", "release", "released_by", "instance", "server"
        )
        return ApplicationDetail(row.name, _described(row), _stages(list(found)))


def _stages(found: Sequence[tuple[str, str, str, int | None, int]]) -> list[StageDetail]:
    stages = []
    for stage in sorted({row[0] for row in found}):
        of = [row for row in found if row[0] == stage]
        releases = {(release, how) for _stage, release, how, _instance, _server in of}
        counted = [
            (release, how, len({row[3] for row in of if row[1:3] == (release, how)}))
            for release, how in sorted(releases)
        ]
        stages.append(StageDetail(stage, counted, len({row[4] for row in of})))
    return stages


@dataclass(frozen=True, slots=True)
class PackageDetail:
    name: str
    versions: Sequence[Use]
    gone: Sequence[tuple[str, Seen]] = ()
    """versions that were in use before; none where too many used the package to look"""
    newest: str = ""
    """that the indexes have, for any Python; empty: none, or nobody asked"""
    asked: datetime | None = None
    """when they were asked"""


def package(view: View, name: str) -> PackageDetail | None:
    """A package and who uses which version of it; None: never seen anywhere."""
    with told():
        if not PackageRow.objects.filter(name=name).exists():
            return None
        indexed = Indexed.objects.filter(package__name=name).first() if view.at is None else None
    return PackageDetail(
        name,
        versions_in_use(view, name),
        no_longer_used(view, name),
        indexed.newest if indexed else "",
        indexed.asked if indexed else None,
    )


@dataclass(frozen=True, slots=True)
class Overview:
    covers: Covers
    applications: int
    instances: int
    groups: int
    stale: int
    conflict: int
    unread: int
    silent: Sequence[tuple[str, datetime]]
    """name and when it was last seen"""


def overview(view: View) -> Overview:
    """The figures above the fold."""
    with told():
        quiet = Server.objects.filter(silent(view), there(view)).order_by("last_seen")
        silent_ones = [(one.name, last_heard(one, view)) for one in quiet.defer("live")]
        return Overview(covers(view), silent=silent_ones, **(_past(view) if view.at else _now(view)))


def _now(view: View) -> dict[str, int]:
    sums = view.once("totals", tallies.totals)
    running = GroupRow.objects.filter(until=None, application=OuterRef("pk"))
    return {
        "applications": Application.objects.filter(Exists(running)).count(),
        "instances": sums["instances"],
        "groups": sums["running"],
        "stale": sums["stale"],
        "conflict": sums["conflict"],
        "unread": sums["unread"],
    }


def _past(view: View) -> dict[str, int]:
    ran = all_that_ran(view)
    return {
        "applications": sum(one.application is not None for one in ran),
        "instances": sum(one.instances for one in ran),
        "groups": sum(one.groups for one in ran),
        "stale": sum(one.stale for one in ran),
        "conflict": sum(one.conflict for one in ran),
        "unread": sum(one.unread for one in ran),
    }
