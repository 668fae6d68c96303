"""A store with two servers, and the program `tightship` over it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.reports import application, packages, report

Tightship = Callable[..., subprocess.CompletedProcess[str]]


def program(data: Path) -> Tightship:
    """Runs `tightship` over the data in a directory. `typed` comes by its standard input."""

    def tightship(
        *arguments: str, typed: str | bytes = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        ours = {
            name: value for name, value in os.environ.items() if not name.startswith(("TIGHTSHIP", "DJANGO"))
        }
        done = subprocess.run(
            [sys.executable, "-m", "tightship", *arguments],
            input=typed.encode() if isinstance(typed, str) else typed,
            capture_output=True,
            check=False,
            env={**ours, "TIGHTSHIP_DATA": str(data), "XDG_CONFIG_HOME": f"{data}-config", **variables},
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        assert "Traceback" not in err
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    return tightship


@pytest.fixture
def fresh(tmp_path: Path) -> Tightship:
    """`tightship`, with nothing recorded yet."""
    return program(tmp_path / "data")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Tightship:
    """`tightship`, with reports of web1 and web2; web1's jinja2 was upgraded under its process."""
    tightship = program(tmp_path_factory.mktemp("recorded"))
    postgres = {"protocol": "tcp", "address": "0.0.0.0", "port": 5432, "program": "postgres"}
    for server, lines in (
        ("web1", packages(django="5.2.1", jinja2="3.1.5")),
        ("web2", packages(django="5.2.2")),
        ("web1", packages(django="5.2.1", jinja2="3.1.6")),
    ):
        shop = application("shop", lines, ports=[8001])
        document = report(server, [shop], datetime.now(UTC), listeners=[postgres])
        done = tightship("record", "-", typed=document)
        assert done.returncode == 0, done.stderr
    return tightship
