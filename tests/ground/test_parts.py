"""What is missing is skipped aloud, or fails where everything is required."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests import postgresql as server

TOP = Path(__file__).parents[2]

STORY = """
from tests.parts import need, need_root

def test_that_needs_a_harbour():
    need("harbour", "no water was found")

def test_that_needs_it_too():
    need("harbour", "no water was found")

def test_that_needs_nothing():
    pass
"""


def run_story(folder: Path, require_all: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_story.py").write_text(STORY)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-c",
        os.devnull,
        "-p",
        "tests.conftest",
        "test_story.py",
    ]
    environment = {**os.environ, "PYTHONPATH": str(TOP), "TIGHTSHIP_REQUIRE_ALL": require_all}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_missing_part_is_skipped_and_named_once_at_the_end(tmp_path: Path) -> None:
    run = run_story(tmp_path, require_all="")
    assert run.returncode == 0, run.stdout
    assert "harbour: no water was found (2 tests)" in run.stdout
    assert "1 passed, 2 skipped" in run.stdout.splitlines()[-1]


def test_a_missing_part_fails_where_everything_is_required(tmp_path: Path) -> None:
    run = run_story(tmp_path, require_all="1")
    assert run.returncode == 1
    assert "harbour is required here: no water was found" in run.stdout
    assert "1 passed" in run.stdout.splitlines()[-1]
    assert "2 failed" in run.stdout.splitlines()[-1]


def test_each_fresh_database_is_a_new_empty_one(postgresql: server.PostgreSQL) -> None:
    first, second = postgresql.fresh(), postgresql.fresh()
    with psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE berth (name text)")
    with psycopg.connect(second) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT * FROM berth")


def test_the_databases_want_the_password(postgresql: server.PostgreSQL) -> None:
    nameless = postgresql.url.replace(postgresql.address.split("@")[0], f"postgresql://{server.USER}:wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(nameless)


def test_the_browser_is_one_that_starts(chromium: str) -> None:
    asked = subprocess.run([chromium, "--version"], capture_output=True, text=True, check=True)
    assert "Chrom" in asked.stdout
