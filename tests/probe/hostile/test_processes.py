"""Processes that are not what they should be: odd command lines, many descriptors, gone while being read."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.parts import need_root
from tests.probe.hostile.scene import SLEEPS, Scene


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        (b"<script>alert(1)</script>", "<script>alert(1)</script>"),
        (b"\x1b[2J\x07\r\n", "\\x1b[2J\\x07\\x0d\\x0a"),
        (b"caf\xe9 \xe2\x80\xae", "caf\\xe9 \\u202e"),
        (b"'\"; rm -rf / #", "'\"; rm -rf / #"),
    ],
)
def test_an_odd_argument_is_told_harmlessly(scene: Scene, argument: bytes, expected: str) -> None:
    python = scene.venv() / "bin/python"
    process = scene.popen([python, "-c", SLEEPS, os.fsdecode(argument)])
    assert process.stdout is not None
    process.stdout.readline()
    group = scene.group(scene.scan(), process)
    assert group["command"][-1] == expected
    assert group["command"][0] == str(python)


def test_arguments_of_a_megabyte_are_cut_and_told(scene: Scene) -> None:
    python = scene.venv() / "bin/python"
    process = scene.popen([python, "-c", SLEEPS, *(["x" * 100_000] * 10)])
    assert process.stdout is not None
    process.stdout.readline()
    report = scene.scan()
    group = scene.group(report, process)
    assert "cmdline: longer than" in scene.unread(report, group)
    assert sum(map(len, group["command"])) < 10_000
    assert scene.packages(report, group) == ["honest\t1.0"]


def test_a_command_line_wiped_to_nothing_is_unread_and_never_empty(scene: Scene) -> None:
    wipe = """
import ctypes
fields = open("/proc/self/stat").read().rpartition(")")[2].split()
ctypes.memset(int(fields[45]), 0, int(fields[46]) - int(fields[45]))
"""
    process = scene.start(scene.venv() / "bin/python", code=wipe + SLEEPS)
    report = scene.scan()
    group = scene.group(report, process)
    assert "cmdline: an empty command line" in scene.unread(report, group)
    assert group["command"] == []


def test_a_name_with_parentheses_and_spaces_fools_nobody(scene: Scene) -> None:
    rename = "open('/proc/self/comm', 'w').write(') R 1 1 (x')\n"
    process = scene.start(scene.venv() / "bin/python", code=rename + SLEEPS)
    assert scene.scan_of(process)[0] == ["honest\t1.0"]


def test_a_process_that_poses_as_a_reader_is_told_like_any_other(scene: Scene) -> None:
    """Else its owner could hide it, or stop all reading of another's."""
    need_root()
    pose = f"open('/proc/self/comm', 'w').write('tsread:{scene.user:x}')\n"
    process = scene.start(scene.venv() / "bin/python", code=pose + SLEEPS)
    report = scene.scan()
    assert report["live"]["abandoned"] == []
    assert scene.packages(report, scene.group(report, process)) == ["honest\t1.0"]


def test_many_descriptors_are_counted_up_to_a_bound(scene: Scene) -> None:
    number = min(70_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100)
    hold = f"import os, resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({number + 100},) * 2)\n"
    hold += f"for _ in range({number}): os.dup(0)\n"
    process = scene.start(scene.venv() / "bin/python", code=hold + SLEEPS, stdin=subprocess.DEVNULL)
    report = scene.scan()
    group = scene.group(report, process)
    assert scene.packages(report, group) == ["honest\t1.0"]
    # Its socket is the last of them: beyond the bound it is not looked for, and that is said.
    told = str(report["state"]["unread"])
    assert bool(group["listeners"]) != ("a process with more than 65536" in told)


def test_hundreds_of_processes_of_one_user_are_bounded(scene: Scene) -> None:
    """Forked from one, as a bomb would be, each with a group and a title of its own."""
    bomb = """
import os, time
for number in range(300):
    if os.fork() == 0:
        os.setsid()
        code = f"import time; time.sleep(600); {number}"
        os.execv(os.sys.executable, [os.sys.executable, "-S", "-c", code])
"""
    process = scene.start(scene.venv() / "bin/python", code=bomb + SLEEPS)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    try:
        assert scene.scan_of(process)[0] == ["honest\t1.0"]
    finally:
        for pid in children.read_text().split():
            os.kill(int(pid), 9)


def test_processes_that_come_and_go_while_they_are_read(scene: Scene) -> None:
    python = scene.venv() / "bin/python"
    steady = scene.start(python)
    stop = threading.Event()

    def come_and_go() -> None:
        while not stop.is_set():
            scene.popen([python, "-S", "-c", ""], stdout=subprocess.DEVNULL).wait()

    threads = [threading.Thread(target=come_and_go) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(8):
            assert scene.scan_of(steady)[0] == ["honest\t1.0"]
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_working_directory_that_is_deleted(scene: Scene) -> None:
    python = scene.venv() / "bin/python"
    gone = scene.folder("gone")
    process = scene.start(python, cwd=gone)
    gone.rmdir()
    report = scene.scan()
    group = scene.group(report, process)
    assert group["cwd"] == str(gone)
    assert scene.packages(report, group) == ["honest\t1.0"]


def test_a_zombie_and_a_stopped_process(scene: Scene) -> None:
    python = scene.venv() / "bin/python"
    stopped = scene.start(python)
    os.kill(stopped.pid, 19)
    zombie = scene.popen([python, "-c", ""])
    time.sleep(0.3)
    report = scene.scan()
    assert scene.packages(report, scene.group(report, stopped)) == ["honest\t1.0"]
    assert not [one for one in report["live"]["groups"].values() if zombie.pid in one["pids"]]
