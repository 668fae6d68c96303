"""The same verbs over PostgreSQL, by DATABASE_URL."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.cli.conftest import Tightship
from tests.postgresql import PostgreSQL
from tests.reports import application, packages, report

pytest.importorskip("psycopg")


def test_what_was_recorded_is_told(fresh: Tightship, postgresql: PostgreSQL) -> None:
    where = {"DATABASE_URL": postgresql.fresh()}
    before = fresh("applications", **where)
    assert before.returncode == 2
    assert "tightship gather" in before.stderr
    shop = application("shop", packages(django="5.2.1"), ports=[8001])
    assert fresh("record", "-", typed=report("web1", [shop], datetime.now(UTC)), **where).returncode == 0
    rows = json.loads(fresh("who-uses", "django<6", "--json", **where).stdout)["rows"]
    assert [(row["application"], row["version"]) for row in rows] == [("shop", "5.2.1")]


def test_the_doctor_finds_it_in_order(fresh: Tightship, postgresql: PostgreSQL) -> None:
    where = {"DATABASE_URL": postgresql.fresh()}
    fresh("record", "-", typed=report("web1", at=datetime.now(UTC)), **where)
    checks = {check["name"]: check for check in json.loads(fresh("doctor", "--json", **where).stdout)}
    assert checks["database"]["says"].startswith("PostgreSQL ")
    assert {checks[name]["level"] for name in ("database", "migrations", "clock", "reports")} == {"ok"}
    assert "journal" not in checks
