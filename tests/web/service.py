"""A real service over a database of its own, for browsers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

TOP = Path(__file__).parents[2]
RECORD = """
import django; django.setup()
from datetime import UTC, datetime
from tests.web.cast import record_cast
record_cast(datetime.now(UTC))
"""

DEMO = """
import os
from pathlib import Path
from tightship.cli.demo import SMALLEST, fill
fill(Path(os.environ["TIGHTSHIP_DATA"]), SMALLEST)
"""
"""Fills with the simulated fleet of `tightship demo`."""


class Service:
    def __init__(self, address: str, environment: dict[str, str]) -> None:
        self.address, self.environment = address, environment

    def link(self) -> str:
        """A fresh link that logs in."""
        return web(self.environment, "link").strip()


def web(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tightship.web", *arguments],
        env=environment,
        cwd=TOP,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def python(environment: dict[str, str], program: str) -> None:
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=TOP, check=True)


@contextmanager
def serving(data: Path, fill: str = RECORD, **variables: str) -> Iterator[Service]:
    """Pages over a database in `data`, filled by the Python program `fill`."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "TIGHTSHIP_DATA": str(data),
        "DJANGO_SETTINGS_MODULE": "tightship.web.settings",
        **variables,
    }
    web(environment, "prepare", address)
    if fill:
        python(environment, fill)
    process = subprocess.Popen(
        [sys.executable, "-m", "tightship.web", "serve", "127.0.0.1", str(port), "1"],
        env=environment,
        cwd=TOP,
        stdin=subprocess.PIPE,
    )
    try:
        _wait(port, process)
        yield Service(address, environment)
    finally:
        process.terminate()
        process.wait(20)
        assert process.stdin is not None
        process.stdin.close()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            sleep(0.05)
    raise RuntimeError("the web process ended")
