"""The real parts that tests use: databases, browsers, old Pythons, root's rights.

Where one is missing the test is skipped, and the end of the run names each missing part. Where
everything is required (TIGHTSHIP_REQUIRE_ALL=1, as in CI) it fails instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

MARK = "needs "

HEADLESS = (
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
"""How Chromium is started: by root too, without a screen, asking nobody outside."""


def need(part: str, why: str) -> NoReturn:
    """End this test: `part` is not there. `need("PostgreSQL", "initdb was not found")`."""
    if os.environ.get("TIGHTSHIP_REQUIRE_ALL") == "1":
        pytest.fail(f"{part} is required here: {why}", pytrace=False)
    pytest.skip(f"{MARK}{part}: {why}")


def need_root() -> None:
    """For what only root can set up: other users' processes, namespaces, mounts."""
    if os.geteuid() != 0:
        need("root", "run as an ordinary user")


def program(name: str, part: str) -> str:
    """Path of a program of the system. Needs `part` where it is not there."""
    return shutil.which(name) or need(part, f"{name} was not found")


def missing_parts(reasons: list[str]) -> dict[str, int]:
    """'part: why' -> how many tests were skipped for it, in the order of `reasons`."""
    return dict(Counter(reason.removeprefix(MARK) for reason in reasons))


@cache
def python36() -> str | None:
    """A real Python 3.6, the oldest that servers run. None where there is none: not required."""
    for candidate in _candidates36():
        command = [candidate, "-I", "-S", "-c", "import sys; print(*sys.version_info[:2])"]
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        if asked.stdout.split() == ["3", "6"]:
            return candidate
    return None


def _candidates36() -> Iterator[str]:
    found = shutil.which("python3.6")
    if found:
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    if os.access(pyenv, os.R_OK | os.X_OK):
        yield from map(str, sorted(pyenv.glob("versions/3.6.*/bin/python3.6")))
