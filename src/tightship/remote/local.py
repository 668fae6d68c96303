"""Runs the probe on this server, by one fixed command: `python3 -I -S -`, the probe on standard input."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tightship.remote.program import source

PROGRAM = "tightship_probe"

SECONDS = 120.0
"""For a whole scan. The probe has deadlines of its own; this is for a server that stands still."""

SECONDS_TO_TYPE = 180.0
"""More, with sudo: the time in which someone types a password."""

OLDEST = (3, 6)

_SYSTEMS_PYTHONS = ("/usr/bin/python3", "/usr/local/bin/python3")

_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TERM", "HOME", "USER", "LOGNAME", "DISPLAY", "SUDO_ASKPASS")
"""What sudo needs to ask for a password; nothing of the caller's Python."""


class ProbeError(Exception):
    """The probe gave no report; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class ProbeRun:
    """What the probe printed: on `stdout` one report, on `stderr` what it had to say beside."""

    stdout: bytes
    stderr: str
    returncode: int


def run_probe(*, sudo: bool = False, arguments: Sequence[str] = (), timeout: float | None = None) -> ProbeRun:
    """One report of this server, as JSON. Raises `ProbeError`.

    With `sudo` only the probe runs as root, by the system's own Python: root is not to run what
    an ordinary user may have written, and this program's environment may be that user's.
    `timeout` is in seconds.
    """
    python = [_sudo(), "--", systems_python()] if sudo else [sys.executable]
    command = [*python, "-I", "-S", "-", *arguments]
    done = run(source(PROGRAM), command, timeout or (SECONDS + SECONDS_TO_TYPE * sudo))
    if done.returncode != 0:
        raise ProbeError(_reason(done, sudo))
    if not _is_report(done.stdout):
        raise ProbeError(f"the probe printed something else than one report: {_beginning(done.stdout)}")
    return done


def run(program: str, command: Sequence[str], timeout: float) -> ProbeRun:
    """Pipe a program's source into `command`, and wait for it to end. Raises `ProbeError`."""
    environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd="/", env=environment)
    except OSError as error:
        raise ProbeError(f"{command[0]} could not be started: {error.strerror}") from None
    try:
        stdout, stderr = process.communicate(program.encode(), timeout)
    except subprocess.TimeoutExpired:
        _give_up(process)
        raise ProbeError(f"the probe did not end within {timeout:g} seconds") from None
    except BaseException:
        _give_up(process)
        raise
    return ProbeRun(stdout, stderr.decode("utf-8", "backslashreplace").strip(), process.returncode)


def systems_python() -> str:
    """The Python that root may run: root's own, that nobody else can write. Raises `ProbeError`."""
    for python in _SYSTEMS_PYTHONS:
        if _is_roots(Path(python)) and _version(python) >= OLDEST:
            return python
    raise ProbeError(
        "sudo needs the system's own Python (/usr/bin/python3, 3.6 or later), which is not there"
    )


def _give_up(process: subprocess.Popen[bytes]) -> None:
    # An ordinary user can't kill what sudo started: it ends by itself when nobody listens to it.
    with suppress(PermissionError):
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        with suppress(OSError):
            if pipe is not None:
                pipe.close()


def _sudo() -> str:
    found = shutil.which("sudo")
    if found is None:
        raise ProbeError("sudo is not installed: install it, or run `tightship` itself as root")
    return found


def _is_roots(python: Path) -> bool:
    try:
        status = python.stat()
    except OSError:
        return False
    return status.st_uid == 0 and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _version(python: str) -> tuple[int, ...]:
    command = [python, "-I", "-S", "-c", "import sys; print(*sys.version_info[:2])"]
    asked = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    return tuple(int(part) for part in asked.stdout.split()) if asked.returncode == 0 else ()


def _reason(done: ProbeRun, sudo: bool) -> str:
    said = done.stderr.splitlines()[-1].strip() if done.stderr else "it said nothing"
    who = "sudo could not run the probe" if sudo else f"the probe ended with {done.returncode}"
    return f"{who}: {said}"


def _is_report(printed: bytes) -> bool:
    try:
        report = json.loads(printed)
    except ValueError:
        return False
    return isinstance(report, dict) and "schema" in report


def _beginning(printed: bytes) -> str:
    return ascii(printed[:60].decode("utf-8", "backslashreplace")) if printed else "nothing"
