"""`tightship doctor` on real databases: each line is ok, or comes with its fix."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.applications import folder
from tests.cli.conftest import Tightship, program
from tests.reports import report
from tests.story.typing_it import as_owner
from tightship.cli.doctor import doctor

NAMES = [
    "system",
    "python",
    "rights",
    "data",
    "space",
    "settings",
    "database",
    "clock",
    "port",
    "secret-key",
    "hosts",
]


def levels(tightship: Tightship, **variables: str) -> dict[str, str]:
    done = tightship("doctor", "--json", **variables)
    checks = json.loads(done.stdout)
    assert all(check["fix"] for check in checks if check["level"] != "ok")
    assert done.returncode == (2 if "fail" in {check["level"] for check in checks} else 0)
    return {check["name"]: check["level"] for check in checks}


def test_a_fresh_set_up_needs_a_gather_and_nothing_was_made(tmp_path: Path) -> None:
    found = levels(program(tmp_path / "data"))
    assert found["database"] == "warn"
    assert set(NAMES) <= found.keys()
    assert not (tmp_path / "data").exists()


def test_a_store_in_use_is_fine_but_for_its_administrator(recorded: Tightship) -> None:
    found = levels(recorded)
    assert {name for name, level in found.items() if level == "fail"} == set()
    assert {found[name] for name in ("database", "journal", "migrations", "reports", "clock")} == {"ok"}
    assert found["administrator"] == "warn"


def test_people_read_lines_with_fixes(recorded: Tightship) -> None:
    lines = recorded("doctor").stdout.splitlines()
    complaint = next(place for place, line in enumerate(lines) if line.startswith("warn  administrator"))
    assert lines[complaint + 1].strip() == "tightship account add NAME --administrator"
    assert " fail on " in lines[-1]


def test_a_file_that_is_no_database_fails(tmp_path: Path) -> None:
    (tmp_path / "tightship.sqlite3").write_text("once upon a time" * 100)
    assert levels(program(tmp_path))["database"] == "fail"


def test_a_database_of_a_newer_release_fails(tmp_path: Path) -> None:
    tightship = program(tmp_path)
    tightship("token", "create", "--read")
    with sqlite3.connect(tmp_path / "tightship.sqlite3") as connection:
        connection.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('store', '9999_later', '2026-01-01')"
        )
    connection.close()
    assert levels(tightship)["migrations"] == "fail"


def test_a_database_without_tables_waits_for_its_migrations(tmp_path: Path) -> None:
    (tmp_path / "tightship.sqlite3").touch()
    assert levels(program(tmp_path))["migrations"] == "warn"


def test_postgresql_that_does_not_answer_fails(fresh: Tightship) -> None:
    pytest.importorskip("psycopg")
    found = levels(fresh, DATABASE_URL="postgresql://x:secret@127.0.0.1:1/none")
    assert found["database"] == "fail"


def test_settings_that_make_no_sense_are_one_failed_line(fresh: Tightship) -> None:
    found = levels(fresh, DATABASE_URL="mysql://somewhere/x")
    assert found["settings"] == "fail"
    assert "database" not in found


def test_no_password_is_ever_shown(fresh: Tightship) -> None:
    pytest.importorskip("psycopg")
    done = fresh("doctor", DATABASE_URL="postgresql://x:sw0rdfish@127.0.0.1:1/none")
    assert "sw0rdfish" not in done.stdout + done.stderr


@pytest.fixture
def somebody_elses() -> Iterator[Path]:
    """A directory that an ordinary user can't write."""
    with folder() as path:
        path.chmod(0o555)
        yield path
        path.chmod(0o755)


def test_a_directory_that_cannot_be_written_fails(somebody_elses: Path) -> None:
    (data,) = [
        check
        for check in json.loads(as_owner(somebody_elses).run("doctor", "--json", fine=(2,)).stdout)
        if check["name"] == "data"
    ]
    assert data["level"] == "fail"
    assert "TIGHTSHIP_DATA" in data["fix"]


def test_no_right_to_make_the_directory_is_told_with_what_to_do(somebody_elses: Path) -> None:
    done = as_owner(somebody_elses / "data").run("gather", fine=(2,))
    assert "export TIGHTSHIP_DATA=" in done.stderr


def test_a_database_that_cannot_be_written_is_told_with_what_to_do(somebody_elses: Path) -> None:
    somebody_elses.chmod(0o755)
    program(somebody_elses)("token", "create", "--read")
    (somebody_elses / "tightship.sqlite3").chmod(0o444)
    somebody_elses.chmod(0o555)
    done = as_owner(somebody_elses).run("token", "create", "--read", fine=(2,))
    assert str(somebody_elses) in done.stderr


def test_a_report_from_the_future_is_a_matter_of_clocks(tmp_path: Path) -> None:
    tightship = program(tmp_path)
    later = datetime.now(UTC) + timedelta(days=3)
    assert tightship("record", "-", typed=report("web1", at=later)).returncode == 0
    assert levels(tightship)["database"] == "ok"


def test_the_help_has_an_example() -> None:
    assert "tightship doctor" in (doctor.help or "")
