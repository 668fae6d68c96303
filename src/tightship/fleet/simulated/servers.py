"""A simulated server: what runs on it, and the report that its probe would make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from tightship.fleet.report import (
    Environment,
    Evidence,
    Interpreter,
    Listener,
    Live,
    LiveGroup,
    Name,
    OperatingSystem,
    OtherListener,
    Package,
    ProcessGroup,
    Release,
    Report,
    Site,
    Stale,
    Started,
    State,
    System,
    Unread,
    digest_of,
)
from tightship.fleet.simulated.index import lines_of

PROBE = "simulated"
SYSTEM_PYTHON = "system:/usr/bin/python3"


class Told(NamedTuple):
    """One report of the story."""

    at: datetime
    server: str
    report: Report


@dataclass(frozen=True, slots=True)
class Part:
    """One process group of an application, wherever that runs."""

    name: str
    """after the application's, in the unit or the supervisor's program; empty: the application itself"""
    program: str
    type: Literal["web", "worker", "beat", "other"]
    words: str
    """what is typed after the environment's bin/"""
    port: int = 0
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Blueprint:
    """An application as its team wrote it."""

    name: str
    packages: str
    parts: Sequence[Part]
    python: str = "3.12.11"
    how: Literal["venv", "uv", "buildout"] = "venv"
    supervised: bool = False
    held: Mapping[str, str] = field(default_factory=dict)
    """packages that its team pinned"""


@dataclass(slots=True)
class Copy:
    """An application on a server."""

    of: Blueprint
    release: str
    versions: dict[str, str]
    """what is on disk"""
    started: datetime
    commit: str = ""
    dirty: bool | None = False
    checked_out: bool = True
    base: str = ""
    address: str = "127.0.0.1"
    port_offset: int = 0
    extra: tuple[Package, ...] = ()
    conflict: str = ""
    stale: tuple[str, ...] = ()
    unread: str = ""
    """why its packages could not be read"""

    @property
    def place(self) -> str:
        return self.base or f"/srv/{self.of.name}"


@dataclass(slots=True)
class Server:
    name: str
    copies: dict[str, Copy]
    address: str
    booted: datetime
    os: OperatingSystem
    kernel: str
    python: str
    others: tuple[OtherListener, ...] = ()
    sites: tuple[Site, ...] = ()
    unread: tuple[Unread, ...] = ()
    system: dict[str, str] = field(default_factory=dict)
    """packages of the operating system's Python"""

    def report(self, at: datetime) -> Report:
        """What the probe says at a moment."""
        state, sets = self._all()
        digest = digest_of(state.model_dump_json().encode())
        return Report(digest, self._live(at, state), state, sets)

    @property
    def boot(self) -> str:
        number = digest_of(f"{self.name} {self.booted.isoformat()}".encode())
        return f"{number[:8]}-{number[8:12]}-4{number[13:16]}-a{number[17:20]}-{number[20:32]}"

    def _all(self) -> tuple[State, dict[str, tuple[Package, ...]]]:
        sets: dict[str, tuple[Package, ...]] = {}
        groups: list[ProcessGroup] = []
        environments: list[Environment] = []
        for copy in self.copies.values():
            environment, digest, lines = _environment(copy)
            environments.append(environment)
            if digest:
                sets[digest] = lines
            groups += (self._group(copy, part, environment) for part in copy.of.parts)
        if self.system:
            digest, lines = lines_of({}, (Package(n, v, "os") for n, v in self.system.items()))
            sets[digest] = lines
            environments.append(
                Environment(
                    key=SYSTEM_PYTHON,
                    kind="system",
                    prefix="/usr",
                    python=self.python,
                    path=["/usr/lib/python3/dist-packages"],
                    packages=digest,
                )
            )
            groups.append(self._upgrades())
        return self.state(groups, environments), sets

    def state(self, groups: Iterable[ProcessGroup], environments: Iterable[Environment]) -> State:
        """The server itself, with what runs on it."""
        system = System(
            name=self.name,
            names=[self.name, f"{self.name}.example.com"],
            addresses=[self.address],
            machine_id=digest_of(self.name.encode())[:32],
            os=self.os,
            kernel=self.kernel,
            boot=self.boot,
            pythons=[
                Interpreter(path=f"/usr/bin/python{self.python.rpartition('.')[0]}", version=self.python)
            ],
        )
        return State(
            system=system,
            complete=not self.unread,
            groups=sorted(groups, key=lambda one: one.key),
            environments=sorted(environments, key=lambda one: one.key),
            listeners=list(self.others),
            sites=list(self.sites),
            unread=list(self.unread),
        )

    def _started(self, at: datetime) -> Started:
        return Started(
            boot=self.boot, ticks=max(int((max(at, self.booted) - self.booted).total_seconds() * 100), 800)
        )

    def _group(self, copy: Copy, part: Part, environment: Environment) -> ProcessGroup:
        name, place = copy.of.name, copy.place
        full = f"{name}-{part.name}" if part.name else name
        program = f"{name}:{part.name or name}" if copy.of.supervised else ""
        port = part.port + copy.port_offset if part.port else 0
        words = part.words.format(port=port, place=place).split()
        return ProcessGroup(
            key=f"supervisor:{program}" if program else f"unit:{full}.service",
            kind="application",
            type=part.type,
            program=part.program,
            user=name,
            command=[f"{environment.prefix or place}/bin/{words[0]}", *words[1:]],
            cwd=place,
            base=place,
            unit="supervisor.service" if program else f"{full}.service",
            supervisor=program,
            started=self._started(copy.started),
            python=copy.of.python,
            environment=environment.key,
            listeners=[Listener(protocol="tcp", address=copy.address, port=port, how="process")]
            if port
            else [],
            names=list(_names(copy, program, full)),
            releases=list(_releases(copy)),
            stale=[Stale(how="newer", what=what) for what in copy.stale],
            how=[
                Evidence(what="type", how="argv", value=part.program),
                Evidence(what="environment", how="argv", value=f"{environment.prefix or place}/bin"),
            ],
            conflict=[Evidence(what="release", how="package", value=copy.conflict)] if copy.conflict else [],
        )

    def _upgrades(self) -> ProcessGroup:
        return ProcessGroup(
            key="unit:unattended-upgrades.service",
            kind="system",
            type="other",
            program="python",
            user="root",
            command=["/usr/bin/python3", "/usr/share/unattended-upgrades/unattended-upgrade-shutdown"],
            cwd="/",
            unit="unattended-upgrades.service",
            started=self._started(self.booted),
            python=self.python,
            environment=SYSTEM_PYTHON,
            how=[Evidence(what="environment", how="argv", value="/usr/bin/python3")],
        )

    def _live(self, at: datetime, state: State) -> Live:
        groups = {}
        for number, group in enumerate(state.groups):
            workers = 3 if group.type == "web" else 2 if group.type == "worker" else 0
            first = 800 + number * 37 + group.started.ticks % 9000
            memory = (60 + len(group.key) * 7 + workers * 45) << 20
            groups[group.key] = LiveGroup(
                pids=list(range(first, first + workers + 1)), workers=workers, memory=memory
            )
        return Live(
            at=at,
            sent=at,
            probe=PROBE,
            privileged=True,
            cpu=0.11,
            boot_time=int(self.booted.timestamp()),
            groups=groups,
        )


def _environment(copy: Copy) -> tuple[Environment, str, tuple[Package, ...]]:
    of, place = copy.of, copy.place
    prefix = "" if of.how == "buildout" else f"{place}/venv"
    version = of.python.rpartition(".")[0]
    digest, lines = lines_of(copy.versions, copy.extra)
    made = Environment(
        key=f"script:{place}/bin/instance" if of.how == "buildout" else f"{of.how}:{prefix}",
        kind="script" if of.how == "buildout" else of.how,
        prefix=prefix,
        python=of.python,
        path=[f"/var/buildout/eggs/v5/cp{version.replace('.', '')}"]
        if of.how == "buildout"
        else [f"{prefix}/lib/python{version}/site-packages"],
        packages=None if copy.unread else digest,
        how=[
            Evidence(what="environment", how="script", value=f"{place}/bin/instance")
            if of.how == "buildout"
            else Evidence(what="environment", how="pyvenv.cfg", value=f"{prefix}/pyvenv.cfg")
        ],
        unread=[Unread(what=f"{prefix}/lib/python{version}/site-packages", why=copy.unread)]
        if copy.unread
        else [],
    )
    return made, "" if copy.unread else digest, lines


def _names(copy: Copy, program: str, full: str) -> Iterator[Name]:
    if copy.of.how == "buildout":
        yield Name(name=copy.place.rpartition("/")[2], how="buildout")
    if copy.checked_out:
        yield Name(name=copy.of.name, how="checkout")
    yield Name(name=program, how="supervisor") if program else Name(name=full, how="unit")


def _releases(copy: Copy) -> Iterator[Release]:
    if copy.checked_out:
        yield Release(
            how="tag" if copy.release else "commit",
            release=copy.release,
            commit=copy.commit or digest_of(f"{copy.of.name} {copy.release}".encode()),
            dirty=copy.dirty,
            where=copy.place,
        )
    elif copy.release:
        yield Release(how="package", release=copy.release, where=copy.of.name)


def ago(end: datetime, days: float) -> datetime:
    return (end - timedelta(days=days)).replace(microsecond=0)
