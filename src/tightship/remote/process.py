"""Runs a program of this machine that talks to another: with a deadline, bounded output, and an end.

`subprocess.communicate` waits for as long as anybody holds the pipe, and keeps whatever comes.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Literal

CHUNK = 64 * 1024

_LOOK_UP = 0.25
"""Seconds after which somebody who waits looks whether it is still wanted."""

_TO_DIE = 2.0
"""Seconds between a polite end and the other one."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended. `stopped`: it did not end by itself, and why."""

    returncode: int
    stdout: bytes
    stderr: bytes
    stopped: Literal["", "late", "too much", "unwanted"] = ""


def run(
    command: Sequence[str],
    stdin: bytes,
    *,
    seconds: float,
    most: int,
    unwanted: threading.Event | None = None,
) -> Ended:
    """Run `command` with `stdin`, for at most so many seconds and bytes of output; then it is ended, with
    all that it started. Raises `OSError` when it can't be started."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A session of its own: no terminal to ask for passwords at, and one name for all that it starts.
        start_new_session=True,
    ) as process:
        exchange = _Exchange(process, stdin, most)
        try:
            why = exchange.run(time.monotonic() + seconds, unwanted)
        except BaseException:
            _end(process)
            raise
        if why:
            _end(process)
        returncode = process.wait()
    return Ended(returncode, bytes(exchange.stdout), bytes(exchange.stderr), why)


class _Exchange:
    """Writes what a program is to read, and reads what it writes, as far as either goes."""

    def __init__(self, process: subprocess.Popen[bytes], stdin: bytes, most: int) -> None:
        assert process.stdin is not None
        self.process, self.left, self.most = process, memoryview(stdin), most
        self.stdout, self.stderr = bytearray(), bytearray()
        self.selector = selectors.DefaultSelector()
        os.set_blocking(process.stdin.fileno(), False)
        self.selector.register(process.stdin, selectors.EVENT_WRITE)
        for pipe, kept in ((process.stdout, self.stdout), (process.stderr, self.stderr)):
            assert pipe is not None
            self.selector.register(pipe, selectors.EVENT_READ, kept)

    def run(
        self, until: float, unwanted: threading.Event | None
    ) -> Literal["", "late", "too much", "unwanted"]:
        with self.selector:
            while self.selector.get_map():
                left = until - time.monotonic()
                if left <= 0:
                    return "late"
                if unwanted is not None and unwanted.is_set():
                    return "unwanted"
                for key, _events in self.selector.select(min(left, _LOOK_UP)):
                    self._write() if key.data is None else self._read(key)
                if len(self.stdout) + len(self.stderr) > self.most:
                    return "too much"
                if self.process.poll() is not None and self._is_over():
                    return ""
        return ""

    def _write(self) -> None:
        assert self.process.stdin is not None
        try:
            self.left = self.left[os.write(self.process.stdin.fileno(), self.left[:CHUNK]) :]
        except BlockingIOError:
            return
        except OSError:  # nobody reads any more; what it said meanwhile says why
            self.left = self.left[:0]
        if not self.left:
            self.selector.unregister(self.process.stdin)
            with suppress(OSError):
                self.process.stdin.close()

    def _read(self, key: selectors.SelectorKey) -> None:
        pipe: IO[bytes] = key.fileobj  # type: ignore[assignment] # registered above
        data = os.read(pipe.fileno(), CHUNK)
        if data:
            key.data.extend(data)
        else:
            self.selector.unregister(pipe)

    def _is_over(self) -> bool:
        """It ended. What a child of it holds open is not waited for: ssh leaves a master behind, for one."""
        for key, _events in self.selector.select(0):
            if key.data is not None:
                self._read(key)
                return False
        return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """The program, and what it started."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_TO_DIE)
            if how == signal.SIGKILL:
                return
