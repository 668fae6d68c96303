"""What stays of `serve` while it serves, over real processes; only the hour is shorter here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest

from tightship.cli import keeping
from tightship.cli.identity import SELF
from tightship.cli.keeping import FIRST_DELAY, LONGEST_DELAY, Companion, keep

STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleeper = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", sleeper])
open(sys.argv[1], "w").write(str(child.pid))
os.rename(sys.argv[1], sys.argv[2])
time.sleep(60)
"""


def web(program: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", program, *arguments]


def test_it_looks_each_hour_until_the_web_process_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(keeping, "HOUR", 0.05)
    looks = []

    def look() -> None:
        looks.append(1)
        if len(looks) == 3:
            (tmp_path / "enough").touch()

    program = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)\nsys.exit(7)"
    code = keep(web(program, str(tmp_path / "enough")), SELF, os.environ, lambda _process: None, look)
    assert code == 7
    assert len(looks) >= 3


def test_told_to_end_it_ends_the_web_process_and_says_that_all_is_fine() -> None:
    started: list[subprocess.Popen[bytes]] = []

    def told(process: subprocess.Popen[bytes]) -> None:
        started.append(process)
        os.kill(os.getpid(), signal.SIGTERM)

    assert keep(web("import time; time.sleep(60)"), SELF, os.environ, told, lambda: None) == 0
    assert started[0].returncode == -signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, "as it was before"


def test_what_does_not_end_when_asked_is_killed_with_all_that_it_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(keeping, "PATIENCE", 0.1)
    child = tmp_path / "child"

    def told(_process: subprocess.Popen[bytes]) -> None:
        while not child.exists():
            sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    assert keep(web(STUBBORN, str(tmp_path / "new"), str(child)), SELF, os.environ, told, lambda: None) == 0
    for _ in range(1000):
        if ended(int(child.read_text())):
            return
        sleep(0.01)
    pytest.fail("it still runs")


def ended(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"  # whoever inherits it may not have waited for it yet


def test_a_web_process_that_ends_by_itself_is_told_by_its_code() -> None:
    assert keep(web("raise SystemExit(3)"), SELF, os.environ, lambda _process: None, lambda: None) == 3


def test_what_runs_beside_is_started_again_each_time_later_and_soon_after_a_long_life() -> None:
    beside = Companion([sys.executable, "-c", ""], SELF, os.environ)
    delays = []
    for _death in range(3):
        beside.next_start = 0
        beside.tend()
        assert beside.process
        beside.process.wait()
        beside.tend()
        assert beside.process is None, "not at once"
        delays.append(beside.next_start - monotonic())
    assert delays[0] < delays[1] < delays[2]
    beside.next_start = 0
    beside.tend()
    assert beside.process
    beside.process.wait()
    beside.started -= LONGEST_DELAY
    beside.tend()
    assert beside.next_start - monotonic() < FIRST_DELAY
