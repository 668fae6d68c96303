"""Real servers for tests: Debian with systemd and sshd, booted once for all tests that ask for `lab`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import parts
from tightship.lab import Lab, LabError, Server, up, why_not

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
