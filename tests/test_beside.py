"""What runs beside these tests passed, too: see beside.py."""

from __future__ import annotations

import os

import pytest

from tests.beside import APART, INSIDE, ON_POSTGRESQL, Runs, called

pytestmark = pytest.mark.skipif(
    INSIDE in os.environ or "DATABASE_URL" in os.environ, reason="this is such a run"
)


@pytest.mark.parametrize("room", ON_POSTGRESQL)
def test_what_holds_on_sqlite_holds_on_postgresql(runs_beside: Runs, room: str) -> None:
    passed(runs_beside, room)


@pytest.mark.parametrize("rooms", [called(rooms) for rooms in APART])
def test_what_boots_servers_and_types_commands_passed_apart(runs_beside: Runs, rooms: str) -> None:
    passed(runs_beside, rooms)


def passed(runs: Runs, rooms: str) -> None:
    ended = runs[rooms]
    print(ended.said[-40_000:])
    assert ended.code == 0
    assert " passed" in ended.last
