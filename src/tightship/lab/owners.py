"""Whose a lab is: a process, known by its pid and start. Pids come again; the two together don't."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_AFTER_THE_NAME = 19
"""The start, in ticks since boot, among the words of /proc/PID/stat that follow the name in parentheses."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A lab without a `pid` is nobody's: it stays until it is taken down."""

    boot: str
    pid: int | None = None
    start: str | None = None

    def lives(self) -> bool:
        """Whether the lab is still wanted. After a restart of the machine nothing of it is there."""
        return self.boot == _boot() and (self.pid is None or _start(self.pid) == self.start)


def nobody() -> Owner:
    return Owner(_boot())


def process(pid: int) -> Owner:
    return Owner(_boot(), pid, _start(pid))


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _start(pid: int) -> str | None:
    """None for one that is gone, or dead and not yet buried."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if words[0] in "ZX" else words[_AFTER_THE_NAME]
