"""The rooms whose tests hold on both databases, run once more on PostgreSQL while the other tests go on.

Each room is a pytest of its own with DATABASE_URL, so that nothing of this process leaks into it. They
take minutes, and hardly compete with the rest: this process waits for browsers and servers much of the time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import pytest

from tests import postgresql

TOP = Path(__file__).parents[1]
ROOMS = ("store", "web")
ASKED_BY = TOP / "tests" / "test_on_postgresql.py"
"""The tests that ask how the runs went."""

_ONCE_IS_ENOUGH = (
    "web/test_browser.py",
    "web/test_newcomer.py",
    "web/test_osv_clients.py",
    "store/test_errors.py",
    "store/test_at_once.py",
)


class Runs:
    """The runs of the rooms that are asked for, one after the other, from now on."""

    def __init__(self, rooms: tuple[str, ...]) -> None:
        self._one_at_a_time = ThreadPoolExecutor(max_workers=1)
        self._lock = Lock()
        self._process: subprocess.Popen[str] | None = None
        self._over = False
        self._of: dict[str, Future[tuple[int, str]]] = {
            room: self._one_at_a_time.submit(self._run, room) for room in rooms
        }

    def __getitem__(self, room: str) -> tuple[int, str]:
        """Exit code and output, once there."""
        return self._of[room].result()

    def end(self) -> None:
        """Whoever was interrupted waits for none of them."""
        with self._lock:
            self._over = True
            if self._process is not None:
                self._process.terminate()
        self._one_at_a_time.shutdown()

    def _run(self, room: str) -> tuple[int, str]:
        with postgresql.running() as server:
            with self._lock:
                if self._over:
                    return 1, "ended before it began"
                self._process = subprocess.Popen(
                    [
                        *(sys.executable, "-m", "pytest", f"tests/{room}"),
                        *(f"--ignore=tests/{test}" for test in _ONCE_IS_ENOUGH),
                    ],
                    cwd=TOP,
                    env={**os.environ, "DATABASE_URL": server.fresh()},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
            said, _ = self._process.communicate()
            return self._process.returncode, said


@pytest.fixture(scope="session", autouse=True)
def runs_on_postgresql(request: pytest.FixtureRequest) -> Iterator[Runs | None]:
    """Started with the first test, where some test will ask for them."""
    asked = [item for item in request.session.items if _asks(item)]
    rooms = tuple(room for room in ROOMS if any(item.name.endswith(f"[{room}]") for item in asked))
    if not rooms or "DATABASE_URL" in os.environ:
        yield None
        return
    runs = Runs(rooms)
    yield runs
    runs.end()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who asks comes last: until then there is time for the runs."""
    items.sort(key=_asks)


def _asks(item: pytest.Item) -> bool:
    return item.path == ASKED_BY
