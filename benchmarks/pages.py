"""Every page, its JSON twin, searches and who-uses, over a large fleet: the time that the server takes.

10,000 servers, 200,000 instances, 500 applications, 5,000 package sets of 150 lines, a million
intervals, made by the simulation of `tightship demo` and filled in at once. Each figure is of some
requests of one kind, each for another application, server, package or page of the list, asked in one
process by Django's own test client: all of the service but the HTTP server itself. A first request of
each kind is not counted. SQLite is as `serve` has it; PostgreSQL is as Debian has it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import quantiles
from typing import Any
from urllib.parse import urlencode

from tests.postgresql import running

SERVERS = int(os.environ.get("TIGHTSHIP_BENCH_SERVERS", "10000"))
REQUESTS = int(os.environ.get("TIGHTSHIP_BENCH_REQUESTS", "20"))
BUDGET = 100
"""Milliseconds at p95."""

CLOCK = time.process_time if os.environ.get("TIGHTSHIP_BENCH_CLOCK") == "processor" else time.perf_counter
"""On a busy machine only the time of our own process says something; and only for SQLite, which is in it."""

Address = Callable[[Random], str]


def measure() -> list[dict[str, Any]]:
    """Rows of the table: milliseconds at p50 and p95 of each kind of request, on both databases."""
    found: dict[str, dict[str, Any]] = {}
    for vendor in ("SQLite", "PostgreSQL"):
        with _filled(vendor) as variables:
            for kind, (half, most, size) in _apart("ask", variables).items():
                row = found.setdefault(kind, {"what": kind, "kB": size})
                row |= {f"{vendor}, p50": half, f"{vendor}, p95": most}
    return [{**row, "budget": BUDGET} for row in found.values()]


@contextmanager
def _filled(vendor: str) -> Iterator[dict[str, str]]:
    """The variables of a database that holds the fleet."""
    with tempfile.TemporaryDirectory(prefix="tightship-bench-") as folder:
        if vendor == "SQLite":
            variables = {"TIGHTSHIP_DATA": folder, "DATABASE_URL": ""}
            _apart("fill", variables)
            yield variables
            return
        with running(durable=True) as server:
            variables = {"TIGHTSHIP_DATA": folder, "DATABASE_URL": server.fresh()}
            _apart("fill", variables)
            yield variables


def _apart(what: str, variables: dict[str, str]) -> dict[str, list[float]]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.pages", what],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tightship.web.settings", **variables},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer: dict[str, list[float]] = json.loads(done.stdout)
    return answer


def fill(servers: int = SERVERS) -> dict[str, list[float]]:
    """Fill an empty database with a crowd."""
    from tightship.store.ready import migrate

    migrate()
    from tightship.fleet.simulated.crowd import crowd
    from tightship.store import filling, simulation

    now = datetime.now(UTC)
    made = simulation.begin(1, servers, now)
    for _server in filling.fill(crowd(servers, now)):
        pass
    filling.settle(now)
    simulation.end(made)
    _advise(now)
    return {}


VULNERABLE = 4
"""One in so many packages has advisories."""


def _advise(now: datetime) -> None:
    """Three advisories about each of some packages, each about the versions before one that is in use."""
    from tests import advisories
    from tightship.fleet.versions import parsed
    from tightship.store.models import Version

    chance, found = Random(4), []
    known: dict[str, list[str]] = {}
    for name, version in Version.objects.order_by("pk").values_list("package__name", "version"):
        if parsed(version):
            known.setdefault(name, []).append(version)
    for number, name in enumerate(sorted(known)):
        if number % VULNERABLE and name not in ("django", "jinja2"):
            continue
        for place in range(3):
            severity = {"severity": chance.choice(["CRITICAL", "HIGH", "MODERATE", "LOW"])}
            ranges = [advisories.upto(chance.choice(known[name]))]
            said = f"GHSA-{number:05}-{place}"
            found.append(advisories.record(said, name, ranges, summary="A hole", database_specific=severity))
    advisories.fill(found, now)


class Asked:
    """What there is to ask for, in the database at hand."""

    def __init__(self) -> None:
        from django.db.models import Max

        from tightship.store.models import Application, FoundEnvironment, FoundGroup, Package, Server

        self.applications = list(Application.objects.values_list("name", flat=True))
        self.servers = list(Server.objects.values_list("name", flat=True))
        self.packages = list(Package.objects.values_list("name", flat=True))
        self.groups = FoundGroup.objects.aggregate(most=Max("id"))["most"]
        self.environments = FoundEnvironment.objects.aggregate(most=Max("id"))["most"]

    def kinds(self) -> dict[str, Address]:
        then = (datetime.now(UTC) - timedelta(days=20)).strftime("%Y-%m-%dT%H:%M")
        a, s, p = self._one(self.applications), self._one(self.servers), self._one(self.packages)

        def page(most: int) -> Address:
            return lambda chance: str(chance.randrange(2, most))

        kinds: dict[str, Address] = {
            "overview": lambda _c: "/",
            "applications": lambda _c: "/applications",
            "applications, a later page": lambda c: f"/applications?page={page(10)(c)}",
            "applications, searched": lambda c: f"/applications?q={a(c)[:5]}",
            "applications of a server": lambda c: f"/applications?server={s(c)}",
            "applications in a stage": lambda _c: "/applications?stage=acceptance",
            "an application": lambda c: f"/applications/{a(c)}",
            "servers": lambda _c: "/servers",
            "servers, a later page": lambda c: f"/servers?page={page(200)(c)}",
            "servers, searched": lambda c: f"/servers?q={s(c)[:6]}",
            "servers of an application": lambda c: f"/servers?application={a(c)}",
            "a server": lambda c: f"/servers/{s(c)}",
            "instances": lambda _c: "/instances",
            "instances, a later page": lambda c: f"/instances?page={page(4000)(c)}",
            "instances, searched": lambda c: f"/instances?q={a(c)}+{s(c)[:5]}",
            "process groups": lambda _c: "/groups",
            "process groups, a later page": lambda c: f"/groups?page={page(4000)(c)}",
            "process groups, searched": lambda c: f"/groups?q={a(c)[3:]}",
            "process groups, searched for a server": lambda c: f"/groups?q={s(c)}",
            "process groups that are stale": lambda _c: "/groups?kind=application&sign=stale",
            "process groups of one, by Python": lambda c: f"/groups?application={a(c)}&sort=python",
            "process groups, newest first": lambda _c: "/groups?sort=-since",
            "a process group": lambda c: f"/groups/{c.randrange(1, self.groups)}",
            "ports": lambda _c: "/ports",
            "ports, a later page": lambda c: f"/ports?page={page(4000)(c)}",
            "ports, one number": lambda c: f"/ports?port={8000 + c.randrange(500)}",
            "ports, searched": lambda c: f"/ports?q={a(c)}",
            "sites": lambda _c: "/sites",
            "sites, a later page": lambda c: f"/sites?page={page(900)(c)}",
            "sites, searched": lambda c: f"/sites?q={a(c)[:8]}",
            "packages": lambda _c: "/packages",
            "packages, a later page": lambda c: f"/packages?page={page(40)(c)}",
            "packages, searched": lambda c: f"/packages?q={p(c)[:5]}",
            "packages of a server": lambda c: f"/packages?server={s(c)}",
            "packages of an application": lambda c: f"/packages?application={a(c)}",
            "a package that all have": lambda c: f"/packages/{c.choice(['django', 'jinja2'])}",
            "a package": lambda c: f"/packages/{p(c)}",
            "vulnerabilities": lambda _c: "/vulnerabilities",
            "vulnerabilities, a later page": lambda c: f"/vulnerabilities?page={page(20)(c)}",
            "vulnerabilities, searched": lambda c: f"/vulnerabilities?q={p(c)[:5]}",
            "vulnerabilities by package": lambda _c: "/vulnerabilities?sort=package",
            "vulnerabilities of an application": lambda c: f"/vulnerabilities?application={a(c)}",
            "vulnerabilities of a server": lambda c: f"/vulnerabilities?server={s(c)}",
            "findings": lambda _c: "/findings",
            "findings of an application": lambda c: f"/findings?application={a(c)}",
            "environments": lambda _c: "/environments",
            "environments, a later page": lambda c: f"/environments?page={page(4000)(c)}",
            "environments, searched": lambda c: f"/environments?q={a(c)}",
            "an environment": lambda c: f"/environments/{c.randrange(1, self.environments)}",
            "changes": lambda _c: "/changes",
            "changes, a later page": lambda c: f"/changes?page={page(400)(c)}",
            "changes, searched": lambda c: f"/changes?q={a(c)}",
            "changes of an application": lambda c: f"/changes?application={a(c)}",
            "changes of a server": lambda c: f"/changes?server={s(c)}",
            "changes of a package": lambda c: f"/changes?package={p(c)}",
            "changes of a kind": lambda _c: "/changes?kind=release",
        }
        kinds |= {f"search: {what}": _found(text) for what, text in self._searched().items()}
        lists = "applications,servers,instances,process groups,ports,sites,packages,environments,changes"
        twins = lists.split(",")
        past = [*twins, "overview", "an application", "a server", "a package"]
        more = {f"{kind}, as JSON": _json(kinds[kind]) for kind in twins}
        more |= {f"{kind}, 20 days ago": _at(kinds[kind], then) for kind in past}
        return {**kinds, **more}

    def _searched(self) -> dict[str, Address]:
        """What is typed into the box on every page."""
        a, s, p = self._one(self.applications), self._one(self.servers), self._one(self.packages)
        return {
            "an application": a,
            "the middle of a name": lambda c: a(c)[2:7],
            "two words": lambda c: f"{a(c)[:4]} {a(c)[-4:]}",
            "a server, two letters swapped": lambda c: _swapped(s(c)),
            "a package, two letters swapped": lambda c: _swapped(p(c)),
            "nothing": lambda _c: "nosuchthing",
            "a port": lambda c: str(8000 + c.randrange(500)),
            "a port of a server": lambda c: f"{s(c)}:8001",
            "a package's version": lambda c: f"{p(c)} 1",
            "any package's version": lambda _c: "1.2.3",
            "a release": lambda c: f"{a(c)} 2",
            "one letter": lambda c: c.choice("aeiou"),
        }

    @staticmethod
    def _one(names: list[str]) -> Address:
        return lambda chance: chance.choice(names)


def _swapped(name: str) -> str:
    middle = len(name) // 2
    return name[: middle - 1] + name[middle] + name[middle - 1] + name[middle + 1 :]


def _found(text: Address) -> Address:
    return lambda chance: f"/search/found?{urlencode({'q': text(chance)})}"


def _json(address: Address) -> Address:
    return lambda chance: address(chance) + ".json"


def _at(address: Address, then: str) -> Address:
    return lambda chance: f"{address(chance)}{'&' if '?' in address(Random(0)) else '?'}at={then}"


def ask(only: str = "") -> dict[str, list[float]]:
    """kind -> milliseconds at p50 and p95, and kB of the largest answer."""
    from tightship.web import wsgi  # as it is served

    assert wsgi.application
    from django.contrib.auth import get_user_model
    from django.test import Client

    person, _new = get_user_model().objects.get_or_create(username="bench")
    client = Client(SERVER_NAME="localhost")
    client.force_login(person)

    def page(address: str) -> int:
        answer = client.get(address)
        assert answer.status_code in (200, 404), (address, answer.status_code)
        return len(answer.content)

    asked: dict[str, Callable[[Random], int]] = {}
    for kind, address in Asked().kinds().items():
        asked[kind] = lambda chance, address=address: page(address(chance))  # type: ignore[misc]
    for kind, text in QUESTIONS.items():
        asked[kind] = lambda _chance, text=text: _who_uses(text)  # type: ignore[misc]
    figures = {}
    for kind, do in asked.items():
        if only in kind:
            figures[kind] = _figures(do)
            print(f"  {kind}: {figures[kind]}", file=sys.stderr, flush=True)
    return figures


QUESTIONS = {
    "who-uses, everybody": "django",
    "who-uses, most": "jinja2<3",
    "who-uses, few": "alder-040-tools",
}


def _who_uses(text: str) -> int:
    from tightship.store.listing import Params, to_json
    from tightship.store.querying import view
    from tightship.store.using import who_uses

    return len(to_json(who_uses(text).page(view(datetime.now(UTC)), Params())))


def _figures(do: Callable[[Random], int]) -> list[float]:
    chance = Random(1)
    size = do(chance)
    took = []
    for _ in range(REQUESTS):
        begun = CLOCK()
        size = max(size, do(chance))
        took.append((CLOCK() - begun) * 1000)
        if sum(took) > 3_000:  # far from any budget: it is known by now
            break
    if len(took) < 2:
        took *= 2
    cuts = quantiles(took, n=20, method="inclusive")
    return [round(cuts[9]), round(cuts[18]), round(size / 1000)]


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        print(json.dumps(fill()))
    else:
        print(json.dumps(ask(*sys.argv[2:])))
