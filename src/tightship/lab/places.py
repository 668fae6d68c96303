"""Where the lab keeps things, and the lock that makes one of several wait."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tightship.lab.failing import LabError

RUNNING = Path("/run/tightship-lab")
"""What is up now: a folder for each lab. One for the whole machine, as its network is one."""

LOCK = Path("/run/lock/tightship-lab")


def disks() -> Path:
    """Where roots and the servers' own files are: a place with room, on a disk of this machine."""
    named = os.environ.get("TIGHTSHIP_LAB")
    return Path(named) if named else Path("/var/cache/tightship/lab")


def closed_folder(path: Path) -> None:
    """Root's alone: below it are keys, and programs with root's rights that are never brought up to date."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
    except OSError as error:
        raise LabError(
            f"{path} can't be made: {error.strerror}. TIGHTSHIP_LAB names another place."
        ) from None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nobody else is inside with the same `path`. The lock ends with whoever held it, however that ends."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not inherited: a server that was started meanwhile must not keep it.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LabError(f"{path} could not be opened: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
