"""Found: what a report says about one server, concluded. One type, made from a report or from rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tightship.fleet.naming import NO_NAMES, DeclaredNames, named, released
from tightship.fleet.report import (
    Environment,
    Listener,
    OtherListener,
    Package,
    ProcessGroup,
    Report,
    Site,
    System,
    Unread,
)


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """A process group, with what was concluded about it."""

    group: ProcessGroup
    application: str
    stage: str
    base: str
    named_by: str
    release: str
    released_by: str
    packages: str | None
    """digest of the package set that is on its import path now; None: not known"""
    loaded: str | None
    """digest of the set that was there when this start was first seen"""
    kept: bool = False
    """not, or only partly, seen by the newest report: as an earlier one had it"""
    set_aside: str = ""
    """what else was declared to recognise it"""

    @property
    def key(self) -> str:
        return self.group.key

    @property
    def conflict(self) -> bool:
        """Sources, or what was declared, disagree about it."""
        return bool(self.group.conflict or self.set_aside)

    @property
    def surely_stale(self) -> bool:
        """It runs other versions than those on disk: they changed since its start was first seen."""
        return bool(self.packages and self.loaded and self.packages != self.loaded)

    @property
    def maybe_stale(self) -> bool:
        return bool(self.group.stale) and not self.surely_stale


@dataclass(frozen=True, slots=True)
class Found:
    """One server at one moment."""

    server: str
    at: datetime
    system: System
    complete: bool
    groups: Mapping[str, FoundGroup] = field(default_factory=dict)
    environments: Mapping[str, Environment] = field(default_factory=dict)
    listeners: Sequence[OtherListener] = ()
    sites: Sequence[Site] = ()
    unread: Sequence[Unread] = ()


def from_report(report: Report, server: str, at: datetime, names: DeclaredNames = NO_NAMES) -> Found:
    """What a report says; it has a state. What was known before is not in it: see `remembered`."""
    state = report.state
    assert state is not None, "a report without its state says nothing new"
    environments = {environment.key: environment for environment in state.environments}
    return Found(
        server,
        at,
        state.system,
        state.complete,
        {group.key: _found(group, environments, names, server) for group in state.groups},
        environments,
        tuple(state.listeners),
        tuple(state.sites),
        tuple(state.unread),
    )


def _found(
    group: ProcessGroup, environments: Mapping[str, Environment], names: DeclaredNames, server: str
) -> FoundGroup:
    name = named(group, names, server)
    release, how = released(group, name.application)
    environment = environments.get(group.environment)
    packages = environment.packages if environment else None
    return FoundGroup(
        group,
        name.application,
        name.stage,
        name.base,
        name.how,
        release,
        how,
        packages,
        packages,
        set_aside=name.set_aside,
    )


def listens(listener: Listener) -> str:
    """A listener as people write it: `8001` (everywhere), `127.0.0.1:8001`, `[::1]:8001`, `/run/x.sock`."""
    if listener.protocol == "unix":
        return listener.path
    if listener.address in ("0.0.0.0", "::"):  # noqa: S104 - read, not bound
        return str(listener.port)
    address = f"[{listener.address}]" if ":" in listener.address else listener.address
    return f"{address}:{listener.port}"


@dataclass(frozen=True, slots=True)
class PackageChange:
    name: str
    before: str
    """version; empty: it was not there"""
    after: str


def package_changes(before: Sequence[Package], after: Sequence[Package]) -> list[PackageChange]:
    """What differs between two package sets, shadowed duplicates left out, by name."""
    old, new = versions_of(before), versions_of(after)
    return [
        PackageChange(name, old.get(name, ""), new.get(name, ""))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def versions_of(packages: Sequence[Package]) -> dict[str, str]:
    """Package -> the version that gets imported, with its commit where it has one."""
    return {
        package.name: package.version + (f"@{package.commit[:12]}" if package.commit else "")
        for package in packages
        if not package.shadowed
    }
