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
from time import monotonic
from types import FrameType

from tightship.cli.identity import Identity

HOUR = 3600.0
PATIENCE = 8.0
"""Seconds that the web process has to end by itself."""


class Stop(BaseException):
    """We were told to end."""


def us(*arguments: str) -> list[str]:
    """The command line of one of our own programs, by the interpreter that runs us."""
    return [sys.executable, "-I", "-m", *arguments]


def keep(
    web: Sequence[str],
    identity: Identity,
    variables: Mapping[str, str],
    started: Callable[[subprocess.Popen[bytes]], None],
    look: Callable[[], None],
) -> int:
    """Run the web process until it or we are told to end; `look` once an hour. Returns the exit code.

    `started` is called once, when the web process runs.
    """
    before = {
        number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    }
    process = None
    try:
        # Nobody writes to its standard input: it ends when that does, so also when we are killed.
        process = subprocess.Popen(
            web,
            cwd="/",
            env=dict(variables),
            stdin=subprocess.PIPE,
            start_new_session=True,
            **identity.popen(),
        )
        started(process)
        return _watched(process, look)
    except Stop:
        return 0
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        if process:
            end(process)
        for number, handler in before.items():
            signal.signal(number, handler)


def _watched(process: subprocess.Popen[bytes], look: Callable[[], None]) -> int:
    next_look = monotonic() + HOUR
    while True:
        try:
            return process.wait(timeout=max(0.0, next_look - monotonic()))
        except subprocess.TimeoutExpired:
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
