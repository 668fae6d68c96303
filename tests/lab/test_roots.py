"""The Debian that servers lie on: built once, whoever asks, and anew when it is to be another."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.servers_of_the_lab import need_lab
from tightship.lab import roots
from tightship.lab.settings import Settings

BUILD = [sys.executable, "-m", "tightship.lab", "base"]
WANTED = Settings("bookworm", "http://mirror", {"etc/apt/sources.list": b"deb http://mirror bookworm main"})


def test_what_a_root_is_made_with_is_in_its_name() -> None:
    first = roots.digest(WANTED, ["cron"])
    assert roots.digest(WANTED, ["cron"]) == first
    others = [
        roots.digest(WANTED, []),
        roots.digest(replace(WANTED, suite="bullseye"), ["cron"]),
        roots.digest(replace(WANTED, files={"etc/pip.conf": b""}), ["cron"]),
    ]
    assert len({first, *others}) == 4


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    need_lab()
    return os.environ | {"TIGHTSHIP_LAB": str(tmp_path / "lab")}


@pytest.mark.soak
def test_two_who_build_at_once_get_one_root(environment: dict[str, str]) -> None:
    both = [subprocess.Popen(BUILD, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    first, second = (Path(one.communicate()[0].strip()) for one in both)
    assert first == second
    assert list(first.parent.iterdir()) == [first]
    assert (first / "usr/sbin/sshd").exists()


def test_a_builder_that_is_killed_leaves_nobody_at_work(environment: dict[str, str]) -> None:
    folder = Path(environment["TIGHTSHIP_LAB"]) / "roots"
    builder = subprocess.Popen(BUILD, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while builder.poll() is None and not list(folder.glob("building-*/debootstrap")):
        time.sleep(0.02)
    assert builder.poll() is None
    builder.kill()
    builder.communicate()  # ends when nobody has its output any more
    end = time.monotonic() + 10
    while at_work(folder) and time.monotonic() < end:
        time.sleep(0.02)
    assert at_work(folder) == []
    assert str(folder) not in Path("/proc/self/mountinfo").read_text()


def at_work(folder: Path) -> list[str]:
    running = subprocess.run(["ps", "-ww", "-eo", "stat,args"], capture_output=True, text=True, check=True)
    return [line for line in running.stdout.splitlines() if str(folder) in line and line[0] != "Z"]
