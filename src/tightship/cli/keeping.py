"""What stays of `serve` while it serves: starts the web process, reads this server each hour, ends all.

It is small, and the only part that stays root where root started it. What it runs, it runs by a
fixed command; nothing that a page or a report says reaches it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from types import FrameType

from tightship.cli.identity import Identity

HOUR = 3600.0
TEND = 5.0
"""Seconds between looking after what runs beside the web process."""
FIRST_DELAY, LONGEST_DELAY = 5.0, 300.0
"""Seconds until it is started again."""
PATIENCE = 8.0
"""Seconds that the web process has to end by itself."""


class Stop(BaseException):
    """We were told to end."""


def us(*arguments: str) -> list[str]:
    """The command line of one of our own programs, by the interpreter that runs us."""
    return [sys.executable, "-I", "-m", *arguments]


@dataclass(slots=True)
class Companion:
    """A program that runs beside the web process, and is started again when it ends: each time later."""

    command: Sequence[str]
    identity: Identity
    variables: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    next_start: float = 0.0
    delay: float = FIRST_DELAY

    def tend(self) -> None:
        """Start it, where it does not run and it is time."""
        if self.process and self.process.poll() is not None:
            self.process = None
            if monotonic() - self.started > LONGEST_DELAY:
                self.delay = FIRST_DELAY
            self.next_start = monotonic() + self.delay
            self.delay = min(self.delay * 2, LONGEST_DELAY)
        if self.process is None and monotonic() >= self.next_start:
            self.started = monotonic()
            self.process = _started(self.command, self.identity, self.variables)

    def end(self) -> None:
        if self.process:
            end(self.process)


def keep(
    web: Sequence[str],
    identity: Identity,
    variables: Mapping[str, str],
    started: Callable[[subprocess.Popen[bytes]], None],
    look: Callable[[], None],
    beside: Companion | None = None,
) -> int:
    """Run the web process until it or we are told to end; `look` once an hour. Returns the exit code.

    `started` is called once, when the web process runs; then what runs `beside` it is started.
    """
    before = {
        number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    }
    process = None
    try:
        process = _started(web, identity, variables)
        started(process)
        return _watched(process, look, beside)
    except Stop:
        return 0
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        if beside:
            beside.end()
        if process:
            end(process)
        for number, handler in before.items():
            signal.signal(number, handler)


def _started(
    command: Sequence[str], identity: Identity, variables: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    # Nobody writes to its standard input: it ends when that does, so also when we are killed.
    return subprocess.Popen(
        command,
        cwd="/",
        env=dict(variables),
        stdin=subprocess.PIPE,
        start_new_session=True,
        **identity.popen(),
    )


def _watched(process: subprocess.Popen[bytes], look: Callable[[], None], beside: Companion | None) -> int:
    next_look = monotonic() + HOUR
    while True:
        if beside:
            beside.tend()
        try:
            return process.wait(timeout=max(0.0, min(next_look - monotonic(), TEND)))
        except subprocess.TimeoutExpired:
            if monotonic() >= next_look:
                look()
                next_look = monotonic() + HOUR


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stop


def end(process: subprocess.Popen[bytes]) -> None:
    """End the web process and its workers: asked first, then killed."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            _kill_session(process)
    if process.stdin:
        process.stdin.close()


def _kill_session(process: subprocess.Popen[bytes]) -> None:
    # It was started as the leader of its own process group: the workers are in it.
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
