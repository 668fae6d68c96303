"""Single things, as the API tells them: only what is meant to stay under its name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tightship.store import details
from tightship.store.listing import Covers as StoreCovers
from tightship.store.listing import View
from tightship.store.listings.signs import unique


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Covers(Thing):
    """What an answer covers. Where `silent`, `unread` and `lacking` are empty or missing it covers all."""

    servers: int = Field(description="how many servers were known then")
    silent: list[str] = Field(description="those that had not reported for too long")
    unread: list[str] = Field(description="those on which something could not be read")
    lacking: list[str] = Field([], description="what else would have to be known, in sentences")


class Silent(Thing):
    """A server that has not reported for too long."""

    server: str
    seen: datetime


class Overview(Thing):
    """The figures of the first page."""

    at: datetime = Field(description="the moment that this answer is of")
    covers: Covers
    applications: int
    instances: int
    groups: int = Field(description="process groups of applications")
    stale: int = Field(description="process groups that run older code than is on disk")
    conflict: int = Field(description="process groups whose sources disagree")
    unread: int = Field(description="process groups that were only partly read")
    silent: list[Silent]


class Release(Thing):
    """A release in which an application runs."""

    release: str = Field(description="empty: not known")
    how: str = Field(description="how it is known: tag, commit, package, ...; empty: not known")
    instances: int


class Stage(Thing):
    """An application in one stage."""

    stage: str = Field(description="empty: none was told")
    servers: int
    releases: list[Release]


class Application(Thing):
    """An application. Where it runs is in the listings `instances` and `groups`."""

    at: datetime
    application: str
    owner: str
    url: str
    labels: list[str] = Field(description="as customer=acme")
    stages: list[Stage] = Field(description="empty: it does not run then")


class Interpreter(Thing):
    """A Python outside any environment."""

    path: str
    version: str


class Server(Thing):
    """A server. What runs on it is in the listings."""

    at: datetime
    server: str
    first_seen: datetime
    last_seen: datetime
    silent: bool
    imported: str = Field(description="from which file; empty: a probe reports it")
    complete: bool = Field(description="false: the newest report could not read everything")
    os: str
    kernel: str
    addresses: list[str]
    pythons: list[Interpreter]
    same_machine: list[str] = Field(description="other names under which this machine reports")


class StaleVersion(Thing):
    """A package of which a process runs another version than is on disk."""

    package: str
    running: str
    on_disk: str


class Listener(Thing):
    """Where a process group listens."""

    protocol: str
    address: str
    port: int | None = Field(description="null: a unix socket")
    path: str = Field(description="of a unix socket")


class Group(Thing):
    """A process group, as it was from `since` until `until`."""

    id: int
    server: str
    application: str
    stage: str
    type: str = Field(description="web, worker, beat or other")
    kind: str = Field(description="application, or system: the operating system's own")
    program: str
    user: str
    base: str
    release: str
    python: str
    environment: int | None = Field(description="number of its environment; null: not known")
    listeners: list[Listener]
    since: datetime
    until: datetime | None = Field(description="null: still so")
    newer: int | None = Field(description="number of the same process group as it is now; null: this is it")
    silent: bool = Field(description="its server has not reported for too long")
    conflict: bool = Field(description="sources disagree about it")
    stale: list[StaleVersion]


class Package(Thing):
    """A package of an environment."""

    name: str
    version: str
    origin: str = Field(description="empty: an index; os: the operating system's; else the URL")
    commit: str
    editable: bool
    shadowed: bool = Field(description="another version of it stands earlier on the import path")


class GroupOf(Thing):
    """A process group that runs in an environment."""

    id: int
    application: str
    type: str


class Environment(Thing):
    """An environment with the packages on its import path."""

    id: int
    server: str
    environment: str
    kind: str
    python: str
    since: datetime
    until: datetime | None = Field(description="null: still so")
    packages_known: bool = Field(description="false: they could not be read, so an empty list says nothing")
    packages: list[Package]
    groups: list[GroupOf]


class Use(Thing):
    """Who uses one version of a package."""

    version: str
    applications: list[str]
    servers: list[str]
    groups: int
    owners: list[str]
    newer: list[str] = Field(description="on the package indexes, as far as its Python can run it")


class PackageUse(Thing):
    """A package, and who uses which version of it."""

    at: datetime
    package: str
    newest: str = Field(description="on the package indexes, for any Python; empty: none, or nobody asked")
    versions: list[Use]


class Service(Thing):
    """What answers here."""

    service: str = Field(description="always tightship")
    api: int = Field(description="version of the API")
    version: str = Field(description="of Tightship")


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str = Field(description="what went wrong, and what is expected")
    parameter: str | None = Field(None, description="the parameter that was not understood")


ALL: tuple[type[BaseModel], ...] = (
    Overview, Application, Server, Group, Environment, PackageUse, Covers, Service, Problem,
)  # fmt: skip


def covers(found: StoreCovers) -> Covers:
    return Covers(servers=found.servers, silent=list(found.silent), unread=list(found.unread))


def overview(view: View) -> Overview:
    found = details.overview(view)
    return Overview(
        at=view.moment,
        covers=covers(found.covers),
        applications=found.applications,
        instances=found.instances,
        groups=found.groups,
        stale=found.stale,
        conflict=found.conflict,
        unread=found.unread,
        silent=[Silent(server=name, seen=seen) for name, seen in found.silent],
    )


def application(view: View, name: str) -> Application | None:
    found = details.application(view, name)
    if found is None:
        return None
    return Application(
        at=view.moment,
        application=found.name,
        owner=found.described.owner,
        url=found.described.url,
        labels=list(found.described.labels),
        stages=[
            Stage(
                stage=stage.stage,
                servers=stage.servers,
                releases=[
                    Release(release=release, how=how, instances=count)
                    for release, how, count in stage.releases
                ],
            )
            for stage in found.stages
        ],
    )


def server(view: View, name: str) -> Server | None:
    found = details.server(view, name)
    if found is None:
        return None
    system = found.found.system
    return Server(
        at=view.moment,
        server=found.name,
        first_seen=found.first_seen,
        last_seen=found.last_seen,
        silent=found.silent,
        imported=found.imported,
        complete=found.found.complete,
        os=system.os.name,
        kernel=system.kernel,
        addresses=list(system.addresses),
        pythons=[Interpreter(path=one.path, version=one.version) for one in system.pythons],
        same_machine=unique(found.renamed),
    )


def group(view: View, number: int) -> Group | None:
    found = details.group(view, number)
    if found is None:
        return None
    process = found.found.group
    return Group(
        id=found.id,
        server=found.server,
        application=found.found.application,
        stage=found.found.stage,
        type=process.type,
        kind=process.kind,
        program=process.program,
        user=process.user,
        base=found.found.base,
        release=found.found.release,
        python=process.python,
        environment=found.environment_id,
        listeners=[
            Listener(protocol=one.protocol, address=one.address, port=one.port or None, path=one.path)
            for one in process.listeners
        ],
        since=found.since,
        until=found.until,
        newer=found.newer_id,
        silent=found.silent,
        conflict=found.found.conflict,
        stale=[
            StaleVersion(package=one.package, running=one.running, on_disk=one.on_disk) for one in found.stale
        ],
    )


def environment(view: View, number: int) -> Environment | None:
    found = details.environment(view, number)
    if found is None:
        return None
    return Environment(
        id=found.id,
        server=found.server,
        environment=found.environment.key,
        kind=found.environment.kind,
        python=found.environment.python,
        since=found.since,
        until=found.until,
        packages_known=found.environment.packages is not None,
        packages=[Package(**_package(one)) for one in found.packages],
        groups=[GroupOf(id=number, application=name, type=kind) for number, name, kind in found.groups],
    )


def _package(found: Any) -> dict[str, Any]:
    named: dict[str, Any] = found._asdict()
    return named


def package(view: View, name: str) -> PackageUse | None:
    found = details.package(view, name)
    if found is None:
        return None
    return PackageUse(
        at=view.moment,
        package=found.name,
        newest=found.newest,
        versions=[
            Use(
                version=one.version,
                applications=list(one.applications),
                servers=list(one.servers),
                groups=one.groups,
                owners=list(one.owners),
                newer=unique(ahead.within("major") for ahead in one.newer.values()),
            )
            for one in found.versions
        ],
    )
