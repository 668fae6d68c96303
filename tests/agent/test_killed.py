"""The service is killed while it takes in reports: what it acknowledged is there, the rest comes later."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from tests import postgresql
from tests.agent.agents import Agent, Running, make_tokens
from tests.agent.test_sending import hourly
from tests.parts import need_root
from tests.web.service import TOP, Service, web

pytestmark = pytest.mark.soak  # half a minute and more, of real servers and services

AGENTS = 8


class Mortal:
    """A service that can be killed with all that it started, and started again on the same port."""

    def __init__(self, data: Path, **variables: str) -> None:
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", 0))
            self.port = trial.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            "TIGHTSHIP_DATA": str(data),
            "DJANGO_SETTINGS_MODULE": "tightship.web.settings",
            **variables,
        }
        web(self.environment, "prepare", self.address)
        self.mend()

    def mend(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tightship.web", "serve", "127.0.0.1", str(self.port), "2"],
            env=self.environment, cwd=TOP, stdin=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        _until(self._answers)

    def hurt(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


class WithMortalDatabase(Mortal):
    """One of its database's processes is killed, and the database starts anew, as after any crash."""

    def hurt(self) -> None:
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True) as connection:
            ours = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            for (pid,) in connection.execute(f"SELECT pid {ours}").fetchall():  # type: ignore[call-overload]
                os.kill(pid, signal.SIGKILL)

    def mend(self) -> None:
        if not hasattr(self, "process"):
            super().mend()
        _until(self._has_database)

    def _has_database(self) -> bool:
        try:
            psycopg.connect(self.environment["DATABASE_URL"]).close()
        except psycopg.OperationalError:
            return False
        return True


def release_numbers(releases: list[str]) -> list[int]:
    return [int(release.partition(".")[2]) for release in releases]


def hurt_while_sending(folder: Path, service: Mortal, reports: int, times: int) -> None:
    names = [f"web{number}" for number in range(AGENTS)]
    pages = Service(service.address, service.environment)
    running = Running(pages, folder / "data", make_tokens(pages, folder / "data", names))
    agents = {name: running.agent(folder / name, name) for name in names}
    for agent in agents.values():
        agent.keep(*(hourly(number, hours=reports + 1) for number in range(1, reports + 1)))
    failed = 0
    with ThreadPoolExecutor(AGENTS) as pool:
        for _ in range(times):
            begun = [pool.submit(agent.send) for agent in agents.values()]
            enough = taken(agents) + AGENTS * reports // (3 * times)
            _until(lambda enough=enough: taken(agents) >= enough)  # type: ignore[misc]
            service.hurt()
            failed += sum(one.result()[0] for one in begun)
            service.mend()
            check(running, agents, reports)
        assert failed, "everything had been sent before it was hurt"
        # A connection that the crash broke may cost one more run.
        _until(lambda: all(code == 0 for code, _said in pool.map(Agent.send, agents.values())))
    check(running, agents, reports, every=True)


def taken(agents: dict[str, Agent]) -> int:
    from tightship_agent import memory

    return sum(memory.read(agent.settings["memory"]).done for agent in agents.values())


def check(running: Running, agents: dict[str, Agent], reports: int, every: bool = False) -> None:
    """Each report is there once, in order, up to what was acknowledged, or one further."""
    from tightship_agent import memory

    for name, agent in agents.items():
        found = [1, *release_numbers(running.releases(name))]
        assert found == list(range(1, found[-1] + 1)), name
        done = memory.read(agent.settings["memory"]).done
        # The one that was on the way may be there without the service having got to say so.
        assert found[-1] in ((reports,) if every else (max(done, 1), done + 1)), name


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def kill_while_sending(folder: Path, reports: int) -> None:
    (folder / "data").mkdir()
    service = Mortal(folder / "data", DATABASE_URL="")
    try:
        hurt_while_sending(folder, service, reports, 2)
    finally:
        service.hurt()


def test_nothing_is_lost_and_nothing_doubled_when_the_service_is_killed(tmp_path: Path) -> None:
    kill_while_sending(tmp_path, reports=15)


@pytest.mark.soak
def test_nor_when_it_is_killed_during_a_thousand_reports(tmp_path: Path) -> None:
    kill_while_sending(tmp_path, reports=125)


def test_nor_when_its_database_crashes(tmp_path: Path) -> None:
    need_root()  # its processes are another user's
    (tmp_path / "data").mkdir()
    with postgresql.running(durable=True) as server:
        service = WithMortalDatabase(tmp_path / "data", DATABASE_URL=server.fresh())
        try:
            hurt_while_sending(tmp_path, service, 15, 2)
        finally:
            Mortal.hurt(service)


def test_nor_when_its_disk_is_full(tmp_path: Path) -> None:
    need_root()
    data = tmp_path / "data"
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", str(data)], check=True)
    try:
        service = Mortal(data, DATABASE_URL="")
        try:
            pages = Service(service.address, service.environment)
            running = Running(pages, data, make_tokens(pages, data, ["web1"]))
            agent = running.agent(tmp_path / "web1")
            agent.keep(*(hourly(number) for number in range(1, 20)))
            with suppress(OSError), (data / "filler").open("wb", buffering=0) as filler:
                while filler.write(b"x" * 4096):
                    pass
            code, said = agent.send()
            assert (code, "503" in said, "disk is full" in said) == (1, True, True), said
            assert agent.waiting() > 0
            (data / "filler").unlink()
            assert agent.send() == (0, "all is sent")
            check(running, {"web1": agent}, 19, every=True)
        finally:
            service.hurt()
    finally:
        subprocess.run(["umount", "--lazy", str(data)], check=True)
