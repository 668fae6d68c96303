"""Sixty days of a small fleet: releases that roll from acceptance to production, and what goes wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from tightship.fleet.report import OtherListener, Package, Unread
from tightship.fleet.simulated.cast import (
    APPLICATIONS,
    ORDINARY,
    OTHERS,
    PORT_OF_TEST,
    SERVERS,
    SSH,
    STAGES,
    SYSTEMS,
    TRIXIE,
    role_of,
    site,
)
from tightship.fleet.simulated.index import DAYS, installed
from tightship.fleet.simulated.servers import Copy, Server, Told

SILENT = {"old1": 57.6}
"""Servers that fall silent before the story ends, and the day of their last report."""

_SYSTEM = {"dbus-python": "1.3.2", "python-apt": "2.6.0", "distro-info": "1.5", "pyyaml": "6.0"}

Happening = Callable[[Server, float, datetime], None]
"""What an event does to a server: (server, day of the story, moment)"""


@dataclass(slots=True)
class Story:
    """The servers as they are now, and what is still to happen to them."""

    end: datetime
    seed: int = 1

    def told(self) -> Iterator[Told]:
        """All reports, in the order of their moments. A server reports each hour; those that say what
        the one before said are left out, but for the last."""
        chance = Random(self.seed)
        servers = {name: self._at_first(name, chance) for name in SERVERS}
        minutes = {name: chance.randrange(2, 58) for name in SERVERS}
        due: dict[tuple[datetime, str], list[tuple[float, Happening]]] = defaultdict(list)
        for name in SERVERS:
            due[self._hour(0.0, minutes[name]), name] = []
        for day, name, happens in _events(chance):
            due[self._hour(day, minutes[name]), name].append((day, happens))
        for (at, name), happened in sorted(due.items(), key=lambda item: item[0]):
            for day, happens in sorted(happened, key=lambda one: one[0]):
                happens(servers[name], day, self._moment(day))
            yield Told(at, name, servers[name].report(at))
        for name in SERVERS:
            last = self._hour(SILENT[name], minutes[name]) if name in SILENT else self.end
            at = last - timedelta(minutes=minutes[name] / 2)
            yield Told(at, name, servers[name].report(at))

    def _moment(self, day: float) -> datetime:
        return (self.end - timedelta(days=DAYS - day)).replace(microsecond=0)

    def _hour(self, day: float, minute: int) -> datetime:
        """When a server reports next after a moment."""
        moment = self._moment(day)
        at = moment.replace(minute=minute, second=0)
        return at if at > moment else at + timedelta(hours=1)

    def _at_first(self, name: str, chance: Random) -> Server:
        role = role_of(name)
        system, kernel, python = SYSTEMS.get(role, ORDINARY)
        before = chance.uniform(5, 90)
        server = Server(
            name,
            {},
            f"192.0.2.{SERVERS.index(name) + 10}",
            self._moment(-before),
            system,
            kernel,
            python,
            (SSH, *OTHERS.get(role, ())),
            system=dict(_SYSTEM),
        )
        for application, stages in STAGES.items():
            for stage, some in stages.items():
                if name in some:
                    server.copies[application] = self._copy(application, stage, min(before, 4.0))
        _serve(server)
        return server

    def _copy(self, application: str, stage: str, before: float) -> Copy:
        of = APPLICATIONS[application]
        return Copy(
            of,
            FIRST[application],
            installed(of.packages, -before, of.held),
            self._moment(-before),
            port_offset=0 if stage == "production" else PORT_OF_TEST,
            checked_out=of.how != "buildout",
        )


FIRST = {
    "shop": "2.1.0",
    "billing": "1.14.2",
    "catalogue": "0.9.0",
    "stock": "0.4.1",
    "website": "7.2.0",
    "museum": "3.0.4",
    "intranet": "1.8.0",
    "timesheet": "0.7.0",
    "exports": "4.0.0",
    "newsletter": "1.1.0",
    "maps": "2.0.0",
    "geocoder": "0.2.0",
}

RELEASES: tuple[tuple[str, str, str, float], ...] = (
    ("shop", "2.2.0rc1", "test acceptance", 4.4),
    ("shop", "2.2.0", "acceptance production test", 7.4),
    ("shop", "2.2.1", "acceptance production test", 11.6),
    ("shop", "2.3.0rc1", "test acceptance", 18.4),
    ("shop", "2.3.0", "acceptance production test", 21.4),
    ("shop", "2.4.0rc1", "test acceptance", 32.5),
    ("shop", "2.4.0", "acceptance production test", 36.4),
    ("shop", "2.4.1", "acceptance production", 38.6),
    ("shop", "2.5.0rc1", "test acceptance", 52.4),
    ("shop", "2.5.0", "acceptance production", 56.4),
    ("shop", "2.6.0rc1", "test acceptance", 59.4),
    ("billing", "1.15.0", "test acceptance", 9.4),
    ("billing", "1.15.0", "production", 12.4),
    ("billing", "1.15.1", "acceptance production", 26.5),
    ("billing", "1.16.0", "test acceptance", 41.4),
    ("billing", "1.16.0", "production", 44.4),
    ("billing", "1.17.0", "test acceptance", 58.4),
    ("catalogue", "0.10.0", "test acceptance production", 6.5),
    ("catalogue", "0.11.0", "test acceptance production", 15.5),
    ("catalogue", "0.12.0", "test acceptance production", 28.5),
    ("catalogue", "1.0.0rc1", "test acceptance", 45.5),
    ("catalogue", "1.0.0", "test acceptance production", 49.5),
    ("stock", "0.5.0", "acceptance production", 17.6),
    ("stock", "0.5.1", "acceptance production", 43.6),
    ("stock", "0.6.0", "acceptance", 57.6),
    ("website", "7.3.0", "acceptance", 10.3),
    ("website", "7.3.0", "production", 14.3),
    ("website", "7.4.0", "acceptance", 37.3),
    ("website", "7.4.0", "production", 42.3),
    ("website", "8.0.0a1", "acceptance", 55.3),
    ("museum", "3.0.5", "production", 24.3),
    ("intranet", "1.9.0", "acceptance production", 20.6),
    ("intranet", "2.0.0", "acceptance production", 47.6),
    ("exports", "4.1.0", "acceptance production", 13.6),
    ("exports", "4.2.0", "acceptance production", 39.6),
    ("maps", "2.1.0", "test production", 30.5),
)
"""Application, release, stages, day."""


def _events(chance: Random) -> Iterator[tuple[float, str, Happening]]:
    for application, release, stages, day in RELEASES:
        later = 0.0
        for stage in stages.split():
            for server in STAGES[application].get(stage, ()):
                if (application, release, server) != LEFT_BEHIND:
                    yield day + later, server, _released(application, release)
                later += 0.02 + chance.random() * 0.05
            later += 0.15
    yield from _reboots(chance)
    yield from _system_upgrades(chance)
    yield from _mishaps()


LEFT_BEHIND = ("shop", "2.5.0", "web4")
"""Who forgot one server: since then two releases run in production."""


def _released(application: str, release: str) -> Happening:
    def happens(server: Server, day: float, at: datetime) -> None:
        copy = server.copies[application]
        copy.release, copy.started = release, at
        copy.versions = installed(copy.of.packages, day, copy.of.held)
        copy.stale, copy.commit = (), ""

    return happens


def _reboots(chance: Random) -> Iterator[tuple[float, str, Happening]]:
    """New kernels, one server after the other."""
    for day, kernel, roles in (
        (16.1, "6.1.0-38-amd64", "acc test"),
        (19.1, "6.1.0-38-amd64", "web plone batch db proxy"),
        (46.1, "6.1.0-40-amd64", "acc test"),
        (50.1, "6.1.0-40-amd64", "web plone db proxy"),
        (33.2, "6.12.48+deb13-amd64", "app"),
    ):
        later = 0.0
        for name in SERVERS:
            if role_of(name) in roles.split():
                yield day + later, name, _rebooted(kernel)
                later += 0.03 + chance.random() * 0.1


def _rebooted(kernel: str) -> Happening:
    def happens(server: Server, _day: float, at: datetime) -> None:
        server.kernel, server.booted = kernel, at
        for copy in server.copies.values():
            copy.started = at + timedelta(seconds=40)
            copy.stale = ()

    return happens


def _system_upgrades(chance: Random) -> Iterator[tuple[float, str, Happening]]:
    for name in SERVERS:
        if name not in SILENT:
            yield 22 + chance.random() * 3, name, _system_package("pyyaml", "6.0.1")
    yield 35.2, "batch1", _to_trixie


def _system_package(package: str, version: str) -> Happening:
    def happens(server: Server, _day: float, _at: datetime) -> None:
        server.system = {**server.system, package: version}

    return happens


def _to_trixie(server: Server, _day: float, at: datetime) -> None:
    server.os, server.kernel, server.python = TRIXIE, "6.12.41+deb13-amd64", "3.13.5"
    server.booted = at
    for copy in server.copies.values():
        copy.started = at + timedelta(seconds=55)


# What goes wrong


def _mishaps() -> Iterator[tuple[float, str, Happening]]:
    # Somebody mended something where it runs, and never committed it.
    yield 27.7, "web8", _edited("maps")
    yield 5.5, "old1", _edited("timesheet")
    # A branch, straight from a laptop.
    yield 31.6, "web7", _untagged("newsletter", "8c1f0b7e44d29a6fd0c3b5d5c92f4d1a7e63b080")
    yield 48.5, "web7", _untagged("newsletter", "d20e9a5b71c84f6e3a90bb1745fe6c0d8e2a9f13")
    # A security release was installed under the running processes: nobody restarted them.
    yield 57.9, "web3", _under_its_feet("shop", {"jinja2": "3.1.6", "urllib3": "2.5.0", "requests": "2.32.5"})
    yield 58.6, "acc3", _under_its_feet("intranet", {"werkzeug": "3.1.3", "flask": "3.1.2"})
    # And one where they were, an hour later.
    yield 29.4, "web5", _under_its_feet("billing", {"cryptography": "45.0.5"})
    yield 29.5, "web5", _restarted("billing")
    yield 51.3, "intra1", _locked_away("intranet", "permission denied")
    yield 40.2, "plone2", _no_longer_readable
    yield 25.3, "proxy2", _more_sites
    yield 53.4, "batch2", _branch_of_a_package
    yield 54.2, "app2", _moved("catalogue", 8012)
    yield 34.4, "test2", _gone("maps")
    yield 2.2, "plone4", _disagrees("museum", "3.0.4.dev0")
    yield 44.8, "db2", _listens(9100, "node_exporter")


def _edited(application: str) -> Happening:
    def happens(server: Server, _day: float, _at: datetime) -> None:
        server.copies[application].dirty = True

    return happens


def _untagged(application: str, commit: str) -> Happening:
    def happens(server: Server, day: float, at: datetime) -> None:
        copy = server.copies[application]
        copy.release, copy.commit, copy.started = "", commit, at
        copy.versions = installed(copy.of.packages, day)

    return happens


def _under_its_feet(application: str, versions: dict[str, str]) -> Happening:
    def happens(server: Server, _day: float, _at: datetime) -> None:
        copy = server.copies[application]
        copy.versions = {**copy.versions, **versions}
        copy.stale = tuple(sorted(versions))

    return happens


def _restarted(application: str) -> Happening:
    def happens(server: Server, _day: float, at: datetime) -> None:
        server.copies[application].started, server.copies[application].stale = at, ()

    return happens


def _locked_away(application: str, why: str) -> Happening:
    def happens(server: Server, _day: float, _at: datetime) -> None:
        server.copies[application].unread = why

    return happens


def _no_longer_readable(server: Server, _day: float, _at: datetime) -> None:
    server.unread = (Unread(what="/etc/apache2/sites-enabled/museum.conf", why="permission denied"),)


def _more_sites(server: Server, _day: float, _at: datetime) -> None:
    server.sites = (*server.sites, site("static.example.com", 0, "", to="192.0.2.99:8080"))


def _branch_of_a_package(server: Server, _day: float, at: datetime) -> None:
    copy = server.copies["exports"]
    copy.versions = {name: version for name, version in copy.versions.items() if name != "openpyxl"}
    origin = "https://git.example.com/forks/openpyxl.git"
    copy.extra = (Package("openpyxl", "3.1.6.dev0", origin, "4b825dc642cb6eb9a060e54bf8d69288fbee4904"),)
    copy.started = at


def _moved(application: str, port: int) -> Happening:
    def happens(server: Server, _day: float, at: datetime) -> None:
        copy = server.copies[application]
        copy.port_offset, copy.started = port - copy.of.parts[0].port, at
        _serve(server)

    return happens


def _gone(application: str) -> Happening:
    def happens(server: Server, _day: float, _at: datetime) -> None:
        del server.copies[application]
        _serve(server)

    return happens


def _disagrees(application: str, version: str) -> Happening:
    def happens(server: Server, _day: float, _at: datetime) -> None:
        server.copies[application].conflict = version

    return happens


def _listens(port: int, program: str) -> Happening:
    def happens(server: Server, _day: float, _at: datetime) -> None:
        one = OtherListener(protocol="tcp", address="0.0.0.0", port=port, program=program)  # noqa: S104 - told
        server.others = (*server.others, one)

    return happens


# Sites


def _serve(server: Server) -> None:
    """The sites of what runs there: Apache before Plone, nginx before the rest, as proxies elsewhere."""
    role = role_of(server.name)
    if role == "proxy":
        server.sites = tuple(
            site(f"{name}.example.com", 0, "", to=f"192.0.2.{number + 10}:443")
            for number, name in enumerate(("shop", "billing", "catalogue", "www"))
        )
        return
    where = {"acc": "acc.", "test": "test."}.get(role, "")
    found = []
    for name, copy in server.copies.items():
        if name == "geocoder":  # stands where maps does, on loopback; nothing hands requests to it
            copy.address = "127.0.0.1"
            continue
        if name == "maps":
            copy.address = "0.0.0.0"  # noqa: S104 - told, not bound
        front = next((part for part in copy.of.parts if part.type == "web"), None)
        if front is None:
            continue
        group = (
            f"supervisor:{name}:{front.name}" if copy.of.supervised else f"unit:{name}-{front.name}.service"
        )
        domain = "www" if name == "website" else name
        web_server = "apache" if role in ("plone", "old") else "nginx"
        found.append(site(f"{domain}.{where}example.com", front.port + copy.port_offset, group, web_server))
    server.sites = tuple(found)
