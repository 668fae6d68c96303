"""A service that takes in reports of `web1`, and an agent that has its token."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.agent.agents import Agent, Authority, Running, service_for

SERVERS = [f"web{number}" for number in range(1, 60)]
_next = count()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with service_for(tmp_path_factory.mktemp("service"), SERVERS) as running:
        yield running


@pytest.fixture
def server() -> str:
    """A server of the test's own."""
    return SERVERS[next(_next) % len(SERVERS)]


@pytest.fixture
def agent(running: Running, server: str, tmp_path: Path) -> Agent:
    return running.agent(tmp_path / "agent", server)


@pytest.fixture
def lonely(tmp_path: Path) -> Agent:
    """An agent whose service is not there."""
    return Agent(tmp_path / "agent")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "own")
