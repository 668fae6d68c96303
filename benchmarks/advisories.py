"""Advisories held against what is in use: 20,000 of them, each vulnerability by two publishers, about 2,500
packages (some have hundreds), against 5,000 versions of 1,500 of those packages; and a report that brings a
set of 150 packages, some or all of them in versions that nobody had before, with those advisories and
without any. Where all are new, hundreds of findings end and others begin.

The peer is the evaluation that OSV's schema describes, as a straightforward program does it: for each version
all records about its package, in Python's own objects, by the same version class. It neither reads rules from
a database, nor folds aliases, nor keeps what it finds, all of which ours does. Filling (reading 20,000
records, folding, writing, matching) is told beside: it happens once a week.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from statistics import median
from typing import Any

from packaging.version import Version

from tests import advisories as written
from tests import reports
from tests.postgresql import running
from tightship.fleet.advisories import advisory
from tightship.fleet.report import Package, package_line

ADVISORIES, PACKAGES, VERSIONS, KNOWN = 20_000, 2_500, 5_000, 1_500
SET, FEW = 150, 10
"""Packages of a new set, and how many of them are new with an ordinary deployment."""
ROUNDS = 5

Json = dict[str, Any]


def measure() -> list[dict[str, Any]]:
    """Rows of the table: milliseconds (median of the rounds) on both databases, and the budget."""
    found: dict[str, dict[str, Any]] = {}
    for vendor in ("SQLite", "PostgreSQL"):
        with _database(vendor) as variables:
            for what, took in _apart(variables).items():
                found.setdefault(what, {"what": what})[f"{vendor}, ms"] = round(took)
    budgets = {MATCHED: 2_000, NEW.format(FEW): "20 above the next"}
    return [{**row, "budget, ms": budgets.get(what)} for what, row in found.items()]


MATCHED = f"{VERSIONS:,} versions against {ADVISORIES:,} advisories"
PEER = "peer: the same, record by record, in memory"
FILLED = "fill: read, fold, write and match them"
NEW = f"record a report with a new set of {SET}, {{}} versions of it new"
WITHOUT = "{} versions new, without advisories"


@contextmanager
def _database(vendor: str) -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="tightship-bench-") as folder:
        if vendor == "SQLite":
            yield {"TIGHTSHIP_DATA": folder, "DATABASE_URL": ""}
            return
        with running(durable=True) as server:
            yield {"TIGHTSHIP_DATA": folder, "DATABASE_URL": server.fresh()}


def _apart(variables: dict[str, str]) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.advisories"],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def records() -> list[Json]:
    """Advisories as an export has them: each vulnerability by two publishers, in one range or several, most
    with versions spelled out."""
    chance, found = Random(1), []
    for number in range(ADVISORIES // 2):
        package = f"package-{int(PACKAGES * chance.random() ** 2)}"
        major = chance.randrange(1, 6)
        ranges = [
            written.upto(f"{series}.{chance.randrange(1, 40)}", f"{series}.0" if series > 1 else "0")
            for series in range(major, min(major + chance.randrange(1, 4), 7))
        ]
        listed = [f"{major}.{minor}" for minor in range(chance.randrange(0, 40))]
        ghsa, pysec = f"GHSA-{number:05}", f"PYSEC-{number:05}"
        for name, other in ((ghsa, pysec), (pysec, ghsa)):
            aliases = [f"CVE-2026-{number:05}", other]
            found.append(written.record(name, package, ranges, listed, aliases=aliases, summary="A hole"))
    return found


def versions() -> list[tuple[str, str]]:
    chance = Random(2)
    some: set[tuple[str, str]] = set()
    while len(some) < VERSIONS:
        some.add((f"package-{chance.randrange(KNOWN)}", f"{chance.randrange(1, 7)}.{chance.randrange(45)}"))
    return sorted(some)


def alone() -> dict[str, float]:
    """What each takes here, in milliseconds."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    from tightship.store.ready import migrate

    migrate()
    from django.db import transaction

    from tightship.store import advisories
    from tightship.store.models import VulnerableVersion

    _record(versions())
    without = {new: median(_new_sets(new)) for new in (FEW, SET)}
    documents = records()
    texts = [json.dumps(one) for one in documents]

    def fill() -> None:
        given = [advisories.Record(advisory(json.loads(one)), advisories.packed(one)) for one in texts]
        advisories.fill(given, ["benchmark"], datetime.now(UTC))

    def match() -> None:
        with transaction.atomic():
            VulnerableVersion.objects.all().delete()
            advisories.match_all()

    filled = _took(fill)
    matched = median([_took(match) for _round in range(ROUNDS)])
    with_them = {new: median(_new_sets(new)) for new in (FEW, SET)}
    peer = median([_took(lambda: _peer(documents)) for _round in range(ROUNDS)])
    sets = {
        told.format(new): figures[new]
        for new in (FEW, SET)
        for told, figures in ((NEW, with_them), (WITHOUT, without))
    }
    return {MATCHED: matched, PEER: peer, FILLED: filled, **sets}


def _took(do: Callable[[], object]) -> float:
    begun = time.perf_counter()
    do()
    return (time.perf_counter() - begun) * 1000


def _record(some: list[tuple[str, str]]) -> None:
    """Make these versions known, a hundred in each set of a server."""
    from tightship.store.recording import record

    applications = []
    for place in range(0, len(some), 100):
        lines = dict(some[place : place + 100])
        more = [pair for pair in some[place : place + 100] if lines[pair[0]] != pair[1]]
        for number, part in enumerate((lines, dict(more))):
            name = f"shop{place}-{number}"
            said = sorted(package_line(Package(*pair)) for pair in part.items())
            applications.append(reports.application(name, said))
    record(reports.report("web1", applications), "web1", reports.WHEN)


_hours = count(1)


def _new_sets(new: int) -> list[float]:
    """Milliseconds of each report that brings one, in which so many versions are new."""
    from tightship.store.recording import record

    chance, took = Random(3), []
    names = [f"package-{number}" for number in chance.sample(range(KNOWN), SET)]
    held = dict.fromkeys(names, "1.0")
    for hour in (next(_hours) for _round in range(ROUNDS * 2)):
        for name in chance.sample(names, new):
            held[name] = f"{chance.randrange(1, 7)}.{chance.randrange(45)}.{hour}"
        at = reports.WHEN + timedelta(hours=hour)
        lines = sorted(package_line(Package(name, version)) for name, version in held.items())
        document = reports.report("web2", [reports.application("wiki", lines, ticks=hour)], at)
        took.append(_took(lambda document=document, at=at: record(document, "web2", at)))  # type: ignore[misc]
    return took[1:]  # the first brings all


def _peer(documents: list[Json]) -> int:
    """The schema's pseudo-code for each version and each record about its package."""
    about: dict[str, list[Json]] = defaultdict(list)
    for one in documents:
        about[one["affected"][0]["package"]["name"]].append(one)
    return sum(_is_affected(version, one) for name, version in versions() for one in about[name])


def _is_affected(version: str, record: Json) -> bool:
    affected = record["affected"][0]
    if version in affected.get("versions", ()):
        return True
    parsed = Version(version)
    for one in affected.get("ranges", ()):
        vulnerable = False
        for event in sorted(one["events"], key=lambda event: Version(next(iter(event.values())))):
            if "introduced" in event and parsed >= Version(event["introduced"]):
                vulnerable = True
            elif "fixed" in event and parsed >= Version(event["fixed"]):
                vulnerable = False
        if vulnerable:
            return True
    return False


if __name__ == "__main__":
    print(json.dumps(alone()))
