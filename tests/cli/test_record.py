"""A report from a file or a pipe is recorded, or refused with its reason."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.conftest import program
from tests.reports import application, packages, report


def fresh_report() -> bytes:
    return report("web1", [application("shop", packages(django="5.2.1"), ports=[8001])], datetime.now(UTC))


def test_a_report_is_recorded_once(tmp_path: Path) -> None:
    tightship = program(tmp_path / "data")
    (tmp_path / "report.json").write_bytes(fresh_report())
    first = tightship("record", str(tmp_path / "report.json"))
    assert first.stdout.startswith("Recorded web1: 1 process group of applications, 1 package.")
    again = tightship("record", str(tmp_path / "report.json"))
    assert (again.returncode, again.stdout) == (0, "Unchanged web1: this very report was recorded before.\n")


def test_a_server_may_be_given_a_name(tmp_path: Path) -> None:
    tightship = program(tmp_path)
    assert (
        "Recorded frontend:" in tightship("record", "-", "--server", "frontend", typed=fresh_report()).stdout
    )


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (fresh_report()[:-100], "Not JSON at byte"),
        (b"", "Not JSON"),
        (b'{"schema": "tightship.report/9"}', 'Schema: expected "tightship.report/1"'),
        (fresh_report().replace(b"8001", b"8002"), "the digest"),
    ],
)
def test_what_is_no_report_is_refused_and_nothing_is_made(tmp_path: Path, document: bytes, says: str) -> None:
    done = program(tmp_path / "data")("record", "-", typed=document)
    assert done.returncode == 2
    assert says in done.stderr
    assert not (tmp_path / "data" / "tightship.sqlite3").exists()


def test_a_locked_database_is_told_and_the_next_report_goes_in(tmp_path: Path) -> None:
    tightship = program(tmp_path)
    tightship("record", "-", typed=fresh_report())
    other = sqlite3.connect(tmp_path / "tightship.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    done = tightship("record", "-", typed=fresh_report(), TIGHTSHIP_LOCK_SECONDS="0.1")
    assert done.returncode == 2
    assert "is locked" in done.stderr
    assert "Try again" in done.stderr
    other.close()
    assert tightship("record", "-", typed=fresh_report()).returncode == 0


def test_a_database_that_went_away_is_told(tmp_path: Path) -> None:
    tightship = program(tmp_path)
    tightship("record", "-", typed=fresh_report())
    (tmp_path / "tightship.sqlite3").write_bytes(b"something else" * 1000)
    done = tightship("applications")
    assert done.returncode == 2
    assert "is damaged" in done.stderr
