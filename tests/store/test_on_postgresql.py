"""The same tests on PostgreSQL: these rooms' tests, run again with DATABASE_URL."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgresql import PostgreSQL

TOP = Path(__file__).parents[2]


@pytest.mark.skipif("DATABASE_URL" in os.environ, reason="this is the run on PostgreSQL")
@pytest.mark.parametrize("room", ["store", "web"])
def test_what_holds_on_sqlite_holds_on_postgresql(postgresql: PostgreSQL, room: str) -> None:
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            f"tests/{room}",
            "--ignore=tests/web/test_browser.py",
            "--ignore=tests/store/test_errors.py",
            "--ignore=tests/store/test_at_once.py",
        ],
        cwd=TOP,
        env={**os.environ, "DATABASE_URL": postgresql.fresh()},
        capture_output=True,
        text=True,
        check=False,
    )
    print(run.stdout[-20_000:])
    assert run.returncode == 0
    assert " passed" in run.stdout
