"""What holds on SQLite holds on PostgreSQL: these rooms' tests once more, with DATABASE_URL."""

from __future__ import annotations

import os

import pytest

from tests.on_postgresql import ROOMS, Runs


@pytest.mark.skipif("DATABASE_URL" in os.environ, reason="this is the run on PostgreSQL")
@pytest.mark.parametrize("room", ROOMS)
def test_what_holds_on_sqlite_holds_on_postgresql(runs_on_postgresql: Runs, room: str) -> None:
    code, said = runs_on_postgresql[room]
    print(said[-20_000:])
    assert code == 0
    assert " passed" in said
