"""Tests that run beside the others, each queue in a pytest of its own: they wait for servers and databases
much of the time, and a machine has two cores.

One queue runs the rooms whose tests hold on both databases once more, on PostgreSQL. The others have the
rooms that boot servers, and those that type commands; where all tests are asked for, they run there and not
here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import pytest

from tests import postgresql

TOP = Path(__file__).parents[1]
ON_POSTGRESQL = ("store", "web")
TYPED = ("buildout", "cli")
ON_SERVERS = ("agent", "integrations", "lab", "remote", "work")
APART = (TYPED, ON_SERVERS)
ASKED_BY = TOP / "tests" / "test_beside.py"
"""The tests that ask how the runs went."""
INSIDE = "TIGHTSHIP_TESTS_BESIDE"
"""Set in a run of a queue: it starts none itself."""

_ONCE_IS_ENOUGH = (
    "web/test_browser.py",
    "web/test_newcomer.py",
    "web/test_osv_clients.py",
    "store/test_errors.py",
    "store/test_at_once.py",
)


@contextmanager
def _nothing() -> Iterator[dict[str, str]]:
    yield {}


@contextmanager
def _database() -> Iterator[dict[str, str]]:
    with postgresql.running() as server:
        yield {"DATABASE_URL": server.fresh()}


@dataclass(frozen=True)
class Queue:
    """Runs of pytest, one after the other."""

    runs: Sequence[tuple[str, ...]]
    """each the rooms of one run"""
    variables: Callable[[], AbstractContextManager[dict[str, str]]] = _nothing
    left_out: Sequence[str] = ()

    def named(self) -> list[str]:
        return [called(rooms) for rooms in self.runs]


def called(rooms: Sequence[str]) -> str:
    return "+".join(rooms)


QUEUES = {
    "on PostgreSQL": Queue([(room,) for room in ON_POSTGRESQL], _database, _ONCE_IS_ENOUGH),
    **{called(rooms): Queue([rooms]) for rooms in APART},
}


@dataclass(frozen=True)
class Ended:
    code: int
    said: str
    seconds: float

    @property
    def last(self) -> str:
        """What pytest says in the end: how many passed."""
        return self.said.strip().rpartition("\n")[2]


class Runs:
    """The queues that are asked for, from now on."""

    def __init__(self, queues: Sequence[str]) -> None:
        self._lock = Lock()
        self._processes: set[subprocess.Popen[str]] = set()
        self._over = False
        self._pools: list[ThreadPoolExecutor] = []
        self.of: dict[str, Future[Ended]] = {}
        for name in queues:
            pool = ThreadPoolExecutor(max_workers=1)
            self._pools.append(pool)
            for rooms in QUEUES[name].runs:
                self.of[called(rooms)] = pool.submit(self._run, QUEUES[name], rooms)

    def __getitem__(self, rooms: str) -> Ended:
        """How it went, once it ended."""
        return self.of[rooms].result()

    def end(self) -> None:
        """Whoever was interrupted waits for none of them."""
        with self._lock:
            self._over = True
            for process in self._processes:
                process.terminate()
        for pool in self._pools:
            pool.shutdown()

    def _run(self, queue: Queue, rooms: tuple[str, ...]) -> Ended:
        began = time.monotonic()
        ignored = [f"--ignore=tests/{test}" for test in queue.left_out]
        command = [sys.executable, "-m", "pytest", *(f"tests/{room}" for room in rooms), *ignored]
        # A file: what a test leaves running may hold a pipe open.
        with queue.variables() as variables, tempfile.TemporaryFile("w+", errors="replace") as said:
            with self._lock:
                if self._over:
                    return Ended(1, "ended before it began", 0.0)
                environment = {**os.environ, INSIDE: "1", **variables}
                process = subprocess.Popen(
                    command, cwd=TOP, env=environment, stdout=said, stderr=subprocess.STDOUT, text=True
                )
                self._processes.add(process)
            code = process.wait()
            with self._lock:
                self._processes.discard(process)
            said.seek(0)
            return Ended(code, said.read(), time.monotonic() - began)


def rooms_of(item: pytest.Item) -> str:
    """The runs that a test asks for; empty: none."""
    return item.name.partition("[")[2].removesuffix("]") if item.path == ASKED_BY else ""


@pytest.fixture(scope="session", autouse=True)
def runs_beside(request: pytest.FixtureRequest) -> Iterator[Runs | None]:
    """Started with the first test, where some test will ask for them."""
    asked = {rooms_of(item) for item in request.session.items} - {""}
    queues = [name for name, queue in QUEUES.items() if asked & set(queue.named())]
    if not queues or INSIDE in os.environ or "DATABASE_URL" in os.environ:
        yield None
        return
    runs = Runs(queues)
    request.config.stash[_RUNS] = runs
    yield runs
    runs.end()


_RUNS = pytest.StashKey[Runs]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Who asks comes last: until then there is time for the runs. What runs apart does not run here."""
    asked = {rooms_of(item) for item in items} - {""}
    if INSIDE not in os.environ and "DATABASE_URL" not in os.environ:
        rooms = {room for some in APART if called(some) in asked for room in some}
        folders = {TOP / "tests" / room for room in rooms}
        apart = {item for item in items if folders & set(item.path.parents)}
        config.hook.pytest_deselected(items=list(apart))
        items[:] = [item for item in items if item not in apart]
    items.sort(key=lambda item: bool(rooms_of(item)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    runs = config.stash.get(_RUNS, None)
    for rooms, future in runs.of.items() if runs else ():
        if future.done() and not future.cancelled():
            terminalreporter.line(f"beside: {rooms}: {future.result().last}")
