"""Searching a fleet of 10,000 servers: 500 applications, 200,000 instances, 30,000 sites, 5,000 packages.

Times are those of `search` alone, in one process on one core: of the first one, which reads all names, and
the median and the 95th of a hundred that follow. No peer ran beside it.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from benchmarks.recording import _database
from tests.reports import WHEN

SERVERS, APPLICATIONS, INSTANCES, SITES = 10_000, 500, 200_000, 30_000
PACKAGES, SETS, SIZE = 5_000, 5_000, 150
RELEASES = 20
"""of each application"""
ROUNDS = 100
BUDGET = 100

ASKED = {
    "an application": "shop-17",
    "the beginning of ten thousand": "web",
    "in the middle of thirty thousand": "example",
    "two words": "example 1734",
    "a site, one letter wrong": "s1734.exmaple.com",
    "a package, two letters swapped": "pakcage-173",
    "nothing": "nosuchthing",
    "a port": "8001",
    "a port of a server": "web1734:8001",
    "a package's version": "package-173 1.2",
    "any package's version": "1.2.3",
    "a release": "shop-17 2.4",
    "every release": "2.",
    "an owner": "team 7",
    "one letter": "e",
}


def measure() -> list[dict[str, Any]]:
    """Rows of the table: milliseconds."""
    rows: list[dict[str, Any]] = []
    for vendor in ("sqlite", "postgresql"):
        with _database(vendor) as fresh:
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.searching"],
                env={**os.environ, **fresh()},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
        rows += [{"what": what, "database": vendor, **said} for what, said in json.loads(done.stdout).items()]
    return rows


def alone() -> dict[str, dict[str, float]]:
    """Each question's times, here."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    from tightship.store.ready import migrate

    migrate()
    from tightship.store.models import Server

    if not Server.objects.exists():
        fill()
    return {what: _timed(text) for what, text in ASKED.items()}


def _timed(text: str) -> dict[str, float]:
    from tightship.store import known
    from tightship.store.querying import view
    from tightship.store.search import search

    now = view(WHEN + timedelta(hours=1))
    known.forget()
    spent = []
    for _round in range(ROUNDS + 1):
        begun = time.perf_counter()
        search(now, text, 4)
        spent.append((time.perf_counter() - begun) * 1000)
    then = view(now.now, WHEN + timedelta(minutes=30))
    begun = time.perf_counter()
    search(then, text, 4)
    past = (time.perf_counter() - begun) * 1000
    first, *others = spent
    others.sort()
    names = ("first ms", "median ms", "95th ms", "in the past ms")
    times = (first, others[len(others) // 2], others[len(others) * 95 // 100], past)
    return {**{name: round(value, 1) for name, value in zip(names, times, strict=True)}, "budget": BUDGET}


def fill() -> None:
    """The fleet, by whole statements: what it is called, not what it looks like."""
    from django.db import connection, transaction

    with transaction.atomic():
        _fill_names()
        _fill_found()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _fill_names() -> None:
    from tightship.store import models
    from tightship.store.statements import insert, moment

    when = moment(WHEN)
    servers = [
        (f"web{n}.example.com", "", when, when, when, when, None, "", True, "{}", "") for n in _to(SERVERS)
    ]
    columns = ("name", "machine_id", "first_seen", "last_seen", "reported_at", "said_at", "skew", "digest")
    insert(models.Server, (*columns, "complete", "live", "retired_because"), servers)
    applications = [
        (f"shop-{n}", f"team {n % 40}", "", json.dumps({"customer": f"c{n % 90}"}), True)
        for n in _to(APPLICATIONS)
    ]
    insert(models.Application, ("name", "owner", "url", "labels", "declared"), applications)
    insert(models.Package, ("name",), [(f"package-{n}",) for n in _to(PACKAGES)])
    versions = [(n, f"1.{m}.{n % 7}") for n in _to(PACKAGES) for m in range(1, 6)]
    insert(models.Version, ("package_id", "version"), versions)
    insert(models.PackageSet, ("digest", "size"), [(f"{n:040}", SIZE) for n in _to(SETS)])
    dice = random.Random(7)
    members = (
        (held, version, "", "", False, False)
        for held in _to(SETS)
        for version in dice.sample(range(1, len(versions) + 1), SIZE)
    )
    insert_many(models.Member, ("set_id", "version_id", "origin", "commit", "editable", "shadowed"), members)
    terms = [("site", "", f"s{n}.example.com") for n in _to(SITES)]
    terms += [("release", f"shop-{a}", f"2.{n}.1") for a in _to(APPLICATIONS) for n in range(RELEASES)]
    insert(models.Term, ("kind", "of", "text"), terms)


def _fill_found() -> None:
    from tightship.store import models
    from tightship.store.statements import moment

    when = moment(WHEN)
    places = [(n, n % SERVERS + 1, n * 7 % APPLICATIONS + 1) for n in _to(INSTANCES)]
    insert_many(
        models.Instance,
        ("server_id", "application_id", "stage", "base"),
        ((server, application, "production", f"/srv/{n}") for n, server, application in places),
    )
    names = _columns(models.FoundGroup)
    groups = (
        {
            "server_id": server, "key": f"unit:{n}", "since": when, "until": None, "data": "{}",
            "application_id": application, "instance_id": n, "kind": "application", "type": "web",
            "release": f"2.{n // APPLICATIONS % RELEASES}.1",
            "packages_id": n % SETS + 1, "loaded_id": n % SETS + 1,
            "maybe_stale": False, "surely_stale": False, "conflict": False, "unread": False, "kept": False,
        }
        for n, server, application in places
    )  # fmt: skip
    insert_many(models.FoundGroup, names, ([one.get(name, "") for name in names] for one in groups))
    listeners = (
        (server, f"tcp {n}", when, None, "{}", "tcp", "127.0.0.1", 8000 + n % 40, "", "gunicorn", f"unit:{n}",
         application, "production")
        for n, server, application in places
    )  # fmt: skip
    names = _columns(models.FoundListener)
    insert_many(models.FoundListener, names, listeners)
    sites = (
        (n * 3 % SERVERS + 1, f"s{n % SITES + 1}", when, None, "{}", f"s{n % SITES + 1}.example.com",
         "127.0.0.1:8001", "nginx", "unit", n % APPLICATIONS + 1)
        for n in range(2 * SITES)
    )  # fmt: skip
    names = _columns(models.FoundSite)
    insert_many(models.FoundSite, names, sites)


def _columns(model: Any) -> list[str]:
    return [field.column for field in model._meta.concrete_fields if field.column != "id"]  # noqa: SLF001


def _to(number: int) -> Iterator[int]:
    return iter(range(1, number + 1))


def insert_many(model: Any, columns: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    from tightship.store.statements import insert, portions

    for some in portions(rows):
        insert(model, columns, some)


if __name__ == "__main__":
    print(json.dumps(alone()))
