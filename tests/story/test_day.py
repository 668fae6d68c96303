"""A day of scans while everything changes: the timeline tells what happened, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import parts


def day(scans: int, seed: int) -> dict[str, Any]:
    """The day in namespaces of its own: nothing else is there to be scanned."""
    parts.need_root()
    unshare = parts.program("unshare", "unshare")
    command = [unshare, "--pid", "--fork", "--kill-child", "--mount-proc", "--net"]
    command += [sys.executable, "-m", "tests.story.day", str(scans), str(seed)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
    top = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, check=False, cwd=top, env=environment)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return dict(json.loads(done.stdout))


def check(told: dict[str, Any]) -> None:
    assert told["problems"] == []
    assert told["told"] == told["expected"]
    assert len(told["told"]) > 5, "something happened"


@pytest.mark.soak
def test_sixty_scans_while_everything_changes() -> None:
    check(day(60, 1))


@pytest.mark.soak
def test_three_thousand_scans_while_everything_changes() -> None:
    told = day(3000, 2)
    check(told)
    first, last = told["cpu"]
    assert last < 2 * first, "no scan became slower"
