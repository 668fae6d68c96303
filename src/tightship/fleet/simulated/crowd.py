"""As many servers as are asked for: twenty instances each, five hundred applications of eleven releases.

Ten thousand servers are 200,000 instances, 5,000 package sets of 150 lines and a million intervals.
What many servers share (an environment, a package set) is one object here: that makes it quick.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from random import Random

from tightship.fleet.report import (
    Environment,
    Evidence,
    Listener,
    Live,
    LiveGroup,
    Name,
    Package,
    ProcessGroup,
    Release,
    Report,
    Started,
    Unread,
    digest_of,
)
from tightship.fleet.simulated.cast import ORDINARY, OTHERS, SSH, site
from tightship.fleet.simulated.index import DAYS, KNOWN, lines_of
from tightship.fleet.simulated.servers import Server, Told

APPLICATIONS = 500
RELEASES = 11
OF_A_SERVER = 20
PACKAGES = 150
INDEX = 2000
"""Packages that there are."""

REPORTS = 4
"""In which something changed, after the first."""

_FIRST = (
    "alder amber anchor aspen atlas basin beacon birch brook cedar cliff cobalt comet coral crane delta"
    " ember falcon fern harbor"
).split()
_SECOND = (
    "billing booking catalog courses crm customs docs events fleet forms grants invoices ledger library"
    " loans maps meters orders parking permits planner rooms search tickets voting"
).split()
_PLACES = "ams ber cph dub hel lis mad osl par rom".split()
_STAGES = ("production",) * 16 + ("acceptance",) * 3 + ("test",)


def crowd(servers: int, end: datetime, seed: int = 1) -> Iterator[tuple[str, list[Told]]]:
    """Each server with all its reports, one after the other."""
    for number in range(servers):
        chance = Random(f"{seed} {number}")
        name = f"{_PLACES[number % len(_PLACES)]}-{number:05d}"
        yield name, list(_One(name, end.replace(microsecond=0), chance).told())


def application(number: int) -> str:
    return f"{_FIRST[number % 20]}-{_SECOND[number // 20]}"


class _One:
    """One server of the crowd."""

    def __init__(self, name: str, end: datetime, chance: Random) -> None:
        self.chance, self.end = chance, end
        self.stage = chance.choice(_STAGES)
        system, kernel, python = ORDINARY
        address = f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}"
        self.began = end - timedelta(days=DAYS, minutes=chance.randrange(1440))
        self.server = Server(
            name, {}, address, self.began - timedelta(days=30), system, kernel, python, (SSH, *OTHERS["web"])
        )
        self.runs = {number: chance.randrange(RELEASES - 4) for number in _some_applications(chance)}
        self.started = dict.fromkeys(self.runs, self.began - timedelta(days=5))
        self.loaded_long_ago: set[int] = set()
        if chance.random() < 0.02:
            self.server.unread = (Unread(what="/srv/private", why="permission denied"),)
        self.server.sites = tuple(
            site(f"{application(number)}.{self.stage}.example.com", 8000 + number, _unit(number))
            for number in list(self.runs)[:5]
        )

    def told(self) -> Iterator[Told]:
        at = self.began
        yield self._told(at)
        for part in sorted(self.chance.random() for _ in range(REPORTS)):
            at = max(at + timedelta(hours=1), self.began + part * timedelta(days=DAYS - 1))
            at = at.replace(microsecond=0)
            self._upgrade(at)
            yield self._told(at)
        minutes = (
            self.chance.randrange(1, 60) if self.chance.random() > 0.01 else self.chance.randrange(300, 900)
        )
        yield self._told(self.end - timedelta(minutes=minutes))

    def _upgrade(self, at: datetime) -> None:
        for number in self.chance.sample(list(self.runs), 4):
            self.runs[number] = min(self.runs[number] + 1, RELEASES - 1)
            if self.chance.random() > 0.02:  # somebody always forgets the restart
                self.started[number] = at

    def _told(self, at: datetime) -> Told:
        groups, environments, sets = [], [], {}
        for number, release in self.runs.items():
            environment, digest, lines = _environment(number, self.stage, release)
            started = int((self.started[number] - self.server.booted).total_seconds() * 100)
            groups.append(
                _group(number, self.stage, release).model_copy(
                    update={"started": Started(boot=self.server.boot, ticks=started)}
                )
            )
            environments.append(environment)
            sets[digest] = lines
        state = self.server.state(groups, environments)
        digest = digest_of(state.model_dump_json().encode())
        live = Live(
            at=at,
            sent=at,
            probe="simulated",
            privileged=True,
            boot_time=int(self.server.booted.timestamp()),
            groups={group.key: LiveGroup(pids=[1000 + n], memory=1 << 27) for n, group in enumerate(groups)},
        )
        return Told(at, self.server.name, Report(digest, live, state, sets))


def _some_applications(chance: Random) -> list[int]:
    return chance.sample(range(APPLICATIONS), OF_A_SERVER)


def _unit(number: int) -> str:
    return f"unit:{application(number)}-{'worker' if number % 4 == 3 else 'web'}.service"


@cache
def _group(number: int, stage: str, release: int) -> ProcessGroup:
    """As it is on every server, but for its start."""
    name, place = application(number), f"/srv/{stage}/{application(number)}"
    is_web = number % 4 != 3
    return ProcessGroup(
        key=_unit(number),
        kind="application",
        type="web" if is_web else "worker",
        program="gunicorn" if is_web else "celery",
        user=name,
        command=[
            f"{place}/venv/bin/{'gunicorn' if is_web else 'celery'}",
            f"{name}.wsgi" if is_web else "worker",
        ],
        cwd=place,
        base=place,
        unit=_unit(number).removeprefix("unit:"),
        started=Started(boot="", ticks=0),
        python=f"3.{11 + number % 3}.{release}",
        environment=f"venv:{place}/venv",
        listeners=[
            Listener(protocol="tcp", address="127.0.0.1", port=8000 + number, how="process")
            if is_web
            else Listener(protocol="unix", path=f"/run/{name}/control.sock", how="process")
        ],
        names=[Name(name=name, how="checkout"), Name(name=_unit(number)[5:], how="unit")],
        releases=[
            Release(
                how="tag",
                release=f"{number % 5}.{release}.0",
                commit=digest_of(f"{name} {release}".encode()),
                dirty=False,
                where=place,
            )
        ],
        how=[Evidence(what="type", how="argv", value="gunicorn" if is_web else "celery")],
    )


@cache
def _environment(number: int, stage: str, release: int) -> tuple[Environment, str, tuple[Package, ...]]:
    digest, lines = _packages(number, release)
    prefix, python = f"/srv/{stage}/{application(number)}/venv", f"3.{11 + number % 3}"
    made = Environment(
        key=f"venv:{prefix}",
        kind="venv",
        prefix=prefix,
        python=f"{python}.{release}",
        path=[f"{prefix}/lib/python{python}/site-packages"],
        packages=digest,
        how=[Evidence(what="environment", how="pyvenv.cfg", value=f"{prefix}/pyvenv.cfg")],
    )
    return made, digest, lines


@cache
def _packages(number: int, release: int) -> tuple[str, tuple[Package, ...]]:
    """What an application needs in a release: three packages are newer than in the one before."""
    chance = Random(f"packages of {number}")
    common = len(KNOWN)
    names = [*range(common), *chance.sample(range(common, INDEX), PACKAGES - common - 1)]
    steps = {name: chance.randrange(4) for name in names}
    for _ in range(release):
        for name in chance.sample(names, 3):
            steps[name] += 1
    versions = {_package(name): _version(name, step) for name, step in steps.items()}
    return lines_of({**versions, application(number): f"{number % 5}.{release}.0"})


@cache
def _package(number: int) -> str:
    known = sorted(KNOWN)
    return known[number] if number < len(known) else f"{_FIRST[number % 20]}-{number // 20:03d}-tools"


def _version(number: int, step: int) -> str:
    return f"{number % 7}.{step // 3 + number % 4}.{step % 3 + number % 5}"
