"""Taking in reports: an unchanged one by its digest, and a whole one; beside a row for each package.

Each figure comes from a process of its own on one core, over a fresh database. Whole reports have 20
process groups in 20 environments of 100 packages, of which one set is new each time. The peer gets
the same 2,000 packages, parsed, and writes them by `bulk_create(update_conflicts=True)`: what a table
of (server, environment, package, version) costs, whether anything changed or not.
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
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from statistics import median
from typing import Any

from tests import reports
from tests.postgresql import running
from tightship.fleet.report import SCHEMA, load

ROUNDS = 3
SECONDS = 2.0
SERVERS = 200
ENVIRONMENTS = 20
PACKAGES = 100
BUDGETS = {
    ("sqlite", "unchanged"): 3000,
    ("sqlite", "whole"): 200,
    ("postgresql", "unchanged"): 1000,
    ("postgresql", "whole"): 100,
}
WHAT = {
    "unchanged": "record an unchanged report (digest and live)",
    "whole": "record a whole report, one package set new",
    "rows": "peer: upsert a row for each of its packages",
}


def measure() -> list[dict[str, Any]]:
    """Rows of the table: reports a second (median of the rounds), the budget, and how many times the peer."""
    rows: list[dict[str, Any]] = []
    for vendor in ("sqlite", "postgresql"):
        rates: dict[str, list[float]] = {name: [] for name in WHAT}
        with _database(vendor) as fresh:
            # By turns, so that whatever else this machine does falls upon all of them.
            for _round in range(ROUNDS):
                for name in WHAT:
                    rates[name].append(_apart(name, fresh()))
        peer = median(rates["rows"])
        for name, measured in rates.items():
            rows.append(
                {
                    "what": WHAT[name],
                    "database": vendor,
                    "per second": round(median(measured)),
                    "budget": BUDGETS.get((vendor, name)),
                    "beside the peer": round(median(measured) / peer, 1),
                }
            )
    return rows


@contextmanager
def _database(vendor: str) -> Iterator[Callable[[], dict[str, str]]]:
    """Gives the variables of one new database after the other."""
    with tempfile.TemporaryDirectory(prefix="tightship-bench-") as folder:
        number = count()
        if vendor == "sqlite":
            yield lambda: {"TIGHTSHIP_DATA": f"{folder}/{next(number)}", "DATABASE_URL": ""}
            return
        with running(durable=True) as server:
            yield lambda: {"TIGHTSHIP_DATA": folder, "DATABASE_URL": server.fresh()}


def _apart(name: str, variables: dict[str, str]) -> float:
    """Reports a second of one contender, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.recording", name],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def alone(name: str) -> float:
    """Reports a second of one contender, here. Only what it does is timed, not the making of its input."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    from tightship.store.ready import migrate

    migrate()
    contender = {"unchanged": _unchanged, "whole": _whole, "rows": _rows}[name]
    done, spent = 0, 0.0
    for step in contender():
        begun = time.perf_counter()
        step()
        spent += time.perf_counter() - begun
        done += 1
        if spent > SECONDS:
            break
    return done / spent


def whole(server: str, hour: int) -> bytes:
    """The report of a server in an hour: one of its package sets is new."""
    applications = []
    for place in range(ENVIRONMENTS):
        release = f"{int(server[3:])}.{hour}" if place == 0 else "0"
        lines = [f"package-{place}-{n}\t1.{n}" for n in range(PACKAGES - 1)]
        lines.append(f"shop{place}\t1.{release}")
        ticks = 1000 + hour if place == 0 else 1000  # whoever installs a release restarts what runs it
        shop = reports.application(f"shop{place}", sorted(lines), ports=[8000 + place], ticks=ticks)
        applications.append(shop)
    return reports.report(server, applications, at=_at(hour))


def document() -> bytes:
    """One report of 20 applications and 2,000 packages."""
    return whole("web0", 0)


def _at(hour: int) -> datetime:
    return reports.WHEN + timedelta(hours=hour)


def _unchanged() -> Iterator[Callable[[], object]]:
    from tightship.store.recording import record

    known = {f"web{n}": load(whole(f"web{n}", 0)) for n in range(SERVERS)}
    for name, report in known.items():
        record(report, name, _at(0))
    for hour in count(1):
        for name, report in known.items():
            document = _head(report.digest, _at(hour))
            yield partial(record, document, name, _at(hour))


def _head(digest: str, at: datetime) -> bytes:
    groups = {
        f"unit:shop{n}.service": {"pids": [n, n + 1], "workers": 1, "memory": 1 << 27} for n in range(20)
    }
    live = {
        "at": at.isoformat(),
        "sent": at.isoformat(),
        "probe": "1.0",
        "privileged": True,
        "groups": groups,
    }
    return json.dumps({"schema": SCHEMA, "digest": digest, "live": live}).encode()


def _whole() -> Iterator[Callable[[], object]]:
    from tightship.store.recording import record

    for hour in count():
        for number in range(20):
            document = whole(f"web{number}", hour)
            if hour:
                yield partial(record, document, f"web{number}", _at(hour))
            else:
                record(document, f"web{number}", _at(hour))


def _rows() -> Iterator[Callable[[], object]]:
    from django.db import connection, models

    class Installed(models.Model):
        server = models.CharField(max_length=200)
        environment = models.CharField(max_length=200)
        package = models.CharField(max_length=200)
        version = models.CharField(max_length=200)
        seen = models.DateTimeField()

        class Meta:
            app_label = "store"
            constraints = (models.UniqueConstraint(fields=["server", "environment", "package"], name="peer"),)

    def upsert(rows: list[Installed]) -> None:
        Installed._default_manager.bulk_create(  # noqa: SLF001 - Django names it so
            rows,
            update_conflicts=True,
            unique_fields=["server", "environment", "package"],
            update_fields=["version", "seen"],
        )

    with connection.schema_editor() as editor:
        editor.create_model(Installed)
    for hour in count():
        for number in range(20):
            report = load(whole(f"web{number}", hour))
            assert report.state is not None
            rows = [
                Installed(
                    server=f"web{number}",
                    environment=environment.key,
                    package=line.name,
                    version=line.version,
                    seen=_at(hour),
                )
                for environment in report.state.environments
                for line in report.sets[environment.packages or ""]
            ]
            if hour:
                yield partial(upsert, rows)
            else:
                upsert(rows)


if __name__ == "__main__":
    print(alone(sys.argv[1]))
