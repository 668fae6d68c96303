"""A cgroup for each server, wherever this machine has some: version 2, or both side by side."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tightship.lab.failing import LabError

TOP = Path("/sys/fs/cgroup")
OURS = "tightship-lab"
_SIDE_BY_SIDE = ("unified", "systemd", "memory", "pids")
_SECONDS = 30.0


def version2() -> Path | None:
    """Where version 2 is mounted."""
    return next((path for path in (TOP, TOP / "unified") if (path / "cgroup.controllers").exists()), None)


def groups(name: str) -> list[Path]:
    """The folders of one server's cgroup, that of version 2 first. `name`: LAB/SERVER."""
    if version2() == TOP:
        return [TOP / OURS / name]
    return [TOP / tree / OURS / name for tree in _SIDE_BY_SIDE if (TOP / tree / "cgroup.procs").exists()]


def make(name: str) -> list[Path]:
    made = groups(name)
    for group in made:
        try:
            group.mkdir(parents=True)
        except OSError as error:
            raise LabError(f"the cgroup {group} could not be made: {error.strerror}") from None
    return made


def pids(name: str) -> Iterator[int]:
    """Every process in it, and below."""
    for folder, _, files in os.walk(groups(name)[0]):
        if "cgroup.procs" in files:
            with suppress(OSError):
                yield from map(int, (Path(folder) / "cgroup.procs").read_text().split())


def empty(name: str, seconds: float) -> bool:
    """Whether all its processes end by themselves within that time."""
    end = time.monotonic() + seconds
    while any(True for _ in pids(name)):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def kill(name: str) -> None:
    """End every process in it. Raises `LabError` if one does not go."""
    end = time.monotonic() + _SECONDS
    while living := [pid for pid in pids(name) if pid > 0]:
        for pid in living:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > end:
            raise LabError(f"these processes of {name} do not end: {' '.join(map(str, living))}")
        time.sleep(0.01)


def remove(name: str) -> None:
    """Remove the empty groups, and the folders above that are empty then."""
    for group in groups(name):
        for folder, _, _ in os.walk(group, topdown=False):
            _remove(Path(folder))
        for above in (group.parent, group.parent.parent):
            with suppress(OSError):
                above.rmdir()


def _remove(folder: Path) -> None:
    # What has just ended may still be counted for a moment.
    end = time.monotonic() + _SECONDS
    while folder.exists():
        try:
            folder.rmdir()
        except OSError as error:
            if time.monotonic() > end:
                raise LabError(f"the cgroup {folder} can't be removed: {error.strerror}") from None
            time.sleep(0.01)
