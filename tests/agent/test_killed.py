"""The service is killed while it takes in reports: what it acknowledged is there, the rest comes later."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.agent.agents import Agent, Running, make_tokens
from tests.agent.test_sending import hourly
from tests.web.service import TOP, Service, web

AGENTS = 8


class Mortal:
    """A service that can be killed with all that it started, and started again on the same port."""

    def __init__(self, data: Path) -> None:
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", 0))
            self.port = trial.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            "TIGHTSHIP_DATA": str(data),
            "DJANGO_SETTINGS_MODULE": "tightship.web.settings",
        }
        web(self.environment, "prepare", self.address)
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tightship.web", "serve", "127.0.0.1", str(self.port), "2"],
            env=self.environment, cwd=TOP, stdin=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        end = time.monotonic() + 40
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("it does not answer")

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


def release_numbers(releases: list[str]) -> list[int]:
    return [int(release.partition(".")[2]) for release in releases]


def kill_while_sending(folder: Path, reports: int, kills: int) -> None:
    (folder / "data").mkdir()
    service = Mortal(folder / "data")
    names = [f"web{number}" for number in range(AGENTS)]
    try:
        tokens = make_tokens(Service(service.address, service.environment), folder / "data", names)
        running = Running(Service(service.address, service.environment), folder / "data", tokens)
        agents = {name: running.agent(folder / name, name) for name in names}
        for agent in agents.values():
            agent.keep(*(hourly(number, hours=reports + 1) for number in range(1, reports + 1)))
        with ThreadPoolExecutor(AGENTS) as pool:
            failed = 0
            for _ in range(kills):
                begun = [pool.submit(agent.send) for agent in agents.values()]
                done_before = taken(agents)
                _until(lambda before=done_before: taken(agents) >= before + AGENTS * reports // (3 * kills))
                service.kill()
                codes = [one.result()[0] for one in begun]
                failed += sum(codes)
                check(running, agents, reports)
                service.start()
            assert failed, "it was killed when everything had been sent"
            assert [code for code, _said in pool.map(Agent.send, agents.values())] == [0] * AGENTS
        check(running, agents, reports, every=True)
    finally:
        service.kill()


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


def _until(true: object) -> None:
    end = time.monotonic() + 120
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)


def test_nothing_is_lost_and_nothing_doubled_when_the_service_is_killed(tmp_path: Path) -> None:
    kill_while_sending(tmp_path, reports=15, kills=2)


@pytest.mark.soak
def test_nor_when_it_is_killed_during_a_thousand_reports(tmp_path: Path) -> None:
    kill_while_sending(tmp_path, reports=125, kills=2)
