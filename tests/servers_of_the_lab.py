"""Real servers for tests: Debian with systemd and sshd, booted once for all tests that ask for `lab`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import parts
from tightship.lab import Lab, LabError, Server, up, why_not
from tightship.remote.target import Target

BESIDE = ("cron", "supervisor", "fail2ban", "unattended-upgrades")
"""Debian's packages in the servers of tests, besides what every server has. None of them is enabled."""

NAMES = ("web1", "web2")


def need_lab() -> None:
    """Ends the test where no server can be booted."""
    reason = why_not()
    if reason:
        parts.need("lab", reason)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Two servers, `lab["web1"]` and `lab["web2"]`, shared: leave them as they were."""
    need_lab()
    try:
        servers = up(NAMES, more=BESIDE)
    except LabError as error:
        parts.need("lab", str(error))
    with servers:
        yield servers


@pytest.fixture
def web1(lab: Lab) -> Server:
    return lab["web1"]


@pytest.fixture
def deploy(web1: Server) -> Iterator[Server]:
    """web1, where an ordinary user `deploy` may log in."""
    web1.enter("useradd", "--create-home", "--shell", "/bin/bash", "deploy", check=False)
    web1.enter("sh", "-c", "cp -r /root/.ssh ~deploy/ && chown -R deploy: ~deploy/.ssh")
    yield web1
    # Else the next user who gets this number gets this one's systemd, with it its home.
    web1.enter("sh", "-c", "systemctl stop user@$(id -u deploy).service", check=False)
    web1.enter("userdel", "--force", "--remove", "deploy", check=False)


def target(server: Server, **more: Any) -> Target:
    """How `remote` reaches it: with the keys of its lab."""
    return Target(server.name, options=("-F", str(server.folder.parent / "ssh_config")), **more)
