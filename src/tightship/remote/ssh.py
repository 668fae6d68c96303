"""Runs a small Python program on servers, by OpenSSH's own client, and brings back what it printed.

Whatever a server does is a result for that server, never an exception: it is off, it does not know us,
it has no Python, its shell greets with a banner, it dies in the middle, it accepts and never answers.

The user's ~/.ssh/config, known hosts, agent and jump hosts hold. Nothing is asked for: who isn't let in
without a password is refused, and a host key that nobody has accepted is, too.
"""

from __future__ import annotations

import re
import secrets
import shlex
import threading
import time
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from typing import Literal

from tightship.remote import process
from tightship.remote.process import Ended
from tightship.remote.target import Target

Kind = Literal[
    "ok", "unreachable", "unknown-key", "no-python", "refused", "interrupted", "late", "failed", "stopped"
]

SECONDS = 120.0
"""For one server, from the first packet to the last."""

SECONDS_TO_CONNECT = 15

MOST = 64 * 1024 * 1024
"""Bytes that a server may print."""

AT_ONCE = 10

_LOOK_UP = 0.25
"""Seconds after which somebody who waits looks whether it is still wanted."""

_OPTIONS = (
    "BatchMode=yes",
    # A server that is gone without a word is noticed within half a minute.
    "ServerAliveInterval=10",
    "ServerAliveCountMax=3",
    "LogLevel=INFO",
    "RequestTTY=no",
    "RemoteCommand=none",
    # The program needs none of this, and a server need not get it.
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    # A master that is there is used; one that we start would outlive us.
    "ControlMaster=no",
)

PYTHONS = (
    "/usr/bin/python3",
    "/usr/local/bin/python3",
    "/usr/libexec/platform-python",
    "/usr/bin/python3.?",
    "/usr/bin/python3.??",
    "/usr/local/bin/python3.?",
    "/usr/local/bin/python3.??",
    "/opt/python3*/bin/python3",
)
"""Where servers have one, by absolute paths: nobody's PATH decides what runs as root."""

_TOO_OLD = "*python3.[0-5]|*python2*"

# One line, without single quotes and exclamation marks, for any shell's quotes. What the login shell of
# the user prints by itself stands before the first mark, and after the last.
_SCRIPT = (
    "ran() {{ echo; echo $1 ends $2 $(date +%s); exit 0; }}; "
    "{sudo}echo; echo $1 begins; {installed}for p in {pythons}; do [ -x $p ] || continue; "
    "case $(readlink -f $p) in {too_old}) old=$p; continue;; esac; "
    "$sudo $p -I -S - {arguments}; ran $1 $?; done; "
    "echo $1 ends no-python $old"
)

# Root needs no sudo, and may have none. A variable of this name that came along is emptied.
_NO_SUDO = "sudo=; "
_SUDO = '[ $(id -u) = 0 ] && sudo= || sudo="sudo -n --"; '

# What others than root could have written is not run as root: then it is piped, as it is elsewhere.
_INSTALLED = (
    "if [ -x {path} ] && [ $(find {places} -maxdepth 0 -user 0 -not -perm /022 | wc -l) = {number} ]; "
    "then $sudo {path}; ran $1 $?; fi; "
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one server."""

    target: Target
    kind: Kind
    stdout: bytes = b""
    stderr: str = ""
    why: str = ""
    """a sentence without a full stop; empty where all went well"""
    seconds: float = 0.0
    clock: int | None = None
    """seconds since the epoch by the server's clock, when the program ended"""


def run_on(  # noqa: PLR0913 # each says something else about a run
    target: Target,
    program: str,
    *,
    arguments: Sequence[str] = (),
    sudo: bool = False,
    installed: str = "",
    timeout: float = SECONDS,
    unwanted: threading.Event | None = None,
) -> Outcome:
    """Pipe a program's source into the server's own Python. `arguments`: plain words.

    `installed`: where the same program may lie as root's file. With `sudo` that is run instead, by its
    path alone, so that sudo needs to allow nothing else.
    """
    mark = secrets.token_hex(8)
    began = time.monotonic()
    try:
        ended = process.run(
            command(target, mark, arguments, sudo=sudo, installed=installed),
            program.encode(),
            seconds=timeout,
            most=MOST,
            unwanted=unwanted,
        )
    except OSError as error:
        return Outcome(target, "failed", why=f"ssh could not be started here: {error.strerror}")
    return concluded(target, ended, mark, time.monotonic() - began, timeout)


def run_all(  # noqa: PLR0913 # each says something else about a run
    targets: Iterable[Target],
    program: str,
    *,
    arguments: Sequence[str] = (),
    sudo: bool = False,
    installed: str = "",
    timeout: float = SECONDS,
    at_once: int = AT_ONCE,
    stop: threading.Event | None = None,
) -> Generator[Outcome, None, None]:
    """The same on many, at most so many at once; each outcome as it comes. Who stops asking ends the rest.

    `stop`: when it is set, what runs is ended, and the rest not begun; each such outcome is `stopped`.
    """
    waiting = iter(targets)
    unwanted = threading.Event()
    running: set[Future[Outcome]] = set()

    def run_one(target: Target) -> Outcome:
        if unwanted.is_set():
            return Outcome(target, "stopped", why="not tried any more")
        return run_on(
            target,
            program,
            arguments=arguments,
            sudo=sudo,
            installed=installed,
            timeout=timeout,
            unwanted=unwanted,
        )

    with ThreadPoolExecutor(at_once, thread_name_prefix="ssh") as pool:
        try:
            while True:
                # Some more than run at once: whoever records one does not hold up the others.
                more = islice(waiting, max(0, 2 * at_once - len(running)))
                running |= {pool.submit(run_one, target) for target in more}
                if not running:
                    return
                done, running = wait(running, None if stop is None else _LOOK_UP, return_when=FIRST_COMPLETED)
                if stop is not None and stop.is_set():
                    unwanted.set()
                for future in done:
                    yield future.result()
        finally:
            unwanted.set()


def command(
    target: Target, mark: str, arguments: Sequence[str] = (), *, sudo: bool = False, installed: str = ""
) -> list[str]:
    """The words of the ssh command. Raises `ValueError` for an argument that is no plain word."""
    for word in (*arguments, *([installed] if installed else [])):
        if not re.fullmatch(r"[\w@%+=:,./-]+", word, re.ASCII):
            raise ValueError(f"an argument of a program on a server is a plain word, got {word!r}")
    if arguments and installed:
        raise ValueError("an installed program is run without arguments: sudo allows no others")
    script = _SCRIPT.format(
        pythons=" ".join(PYTHONS),
        too_old=_TOO_OLD,
        sudo=_SUDO if sudo else _NO_SUDO,
        installed=_of_installed(installed) if sudo and installed else "",
        arguments=" ".join(arguments),
    )
    # The first that is said holds.
    ours = () if "ConnectTimeout" in "".join(target.options) else (f"ConnectTimeout={SECONDS_TO_CONNECT}",)
    options = [word for option in (*_OPTIONS, *ours) for word in ("-o", option)]
    return ["ssh", *options, *target.words, f"exec /bin/sh -c '{script}' sh {shlex.quote(mark)}"]


def _of_installed(path: str) -> str:
    places = [path, *map(str, PurePosixPath(path).parents)][:-1]
    return _INSTALLED.format(path=path, places=" ".join(places), number=len(places))


def concluded(target: Target, ended: Ended, mark: str, seconds: float, timeout: float) -> Outcome:
    """What a run of ssh was. Pure."""
    stderr = ended.stderr.decode("utf-8", "backslashreplace").strip()
    said = _between(ended.stdout, mark)
    kind, why = _judged(target, ended, stderr, said, timeout)
    printed = said.printed if said else ended.stdout if kind == "ok" else b""
    return Outcome(target, kind, printed, stderr, why, seconds, said.clock if said else None)


@dataclass(frozen=True, slots=True)
class _Said:
    """What stands between the marks. `code`: of the program; empty: the second mark is missing."""

    printed: bytes
    code: str = ""
    rest: str = ""

    @property
    def clock(self) -> int | None:
        return int(self.rest) if self.code.isdecimal() and self.rest.isdecimal() else None


def _between(stdout: bytes, mark: str) -> _Said | None:
    begins, ends = f"\n{mark} begins\n".encode(), f"{mark} ends ".encode()
    _before, found, after = (b"\n" + stdout).partition(begins)
    if not found:
        return None
    printed, found, rest = after.partition(ends)
    if not found:
        return _Said(printed)
    code, _space, rest_of_line = rest.partition(b"\n")[0].decode("ascii", "replace").partition(" ")
    return _Said(printed.removesuffix(b"\n"), code, rest_of_line.strip())


def _judged(
    target: Target, ended: Ended, stderr: str, said: _Said | None, timeout: float
) -> tuple[Kind, str]:
    if ended.stopped == "unwanted":
        return "stopped", "stopped from here"
    if ended.stopped == "too much":
        return "failed", f"it printed more than {MOST >> 20} MB, and was ended"
    if said and said.code:
        return _of_program(said, stderr)
    if ended.stopped == "late":
        return "late", f"no answer within {timeout:g} seconds" + (
            "" if said else "; it did not get as far as running anything"
        )
    if said:
        return "interrupted", f"the connection ended in the middle: {_last(stderr)}"
    if ended.returncode == 0 and ended.stdout.strip():
        return "ok", ""  # a key for which the server runs one fixed command, whatever is asked
    return _of_ssh(target, ended, stderr)


def _of_program(said: _Said, stderr: str) -> tuple[Kind, str]:
    if said.code == "0":
        return "ok", ""
    if said.code == "no-python":
        older = f"; {said.rest} is older" if said.rest else ""
        return "no-python", f"there is no Python 3.6 or later in {', '.join(PYTHONS[:3])} and the like{older}"
    refusal = next((line for line in reversed(stderr.splitlines()) if line.startswith("sudo:")), "")
    if refusal:
        return "refused", f"sudo: {refusal.removeprefix('sudo:').strip()}"
    if "sudo: not found" in stderr or "sudo: command not found" in stderr:
        return "refused", "sudo is not installed there"
    return "failed", f"the program ended with {said.code}: {_last(stderr)}"


_OF_SSH: Sequence[tuple[str, Kind, str]] = (
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "unknown-key",
        "its host key is another than the one accepted",
    ),
    ("Host key verification failed", "unknown-key", "nobody has accepted its host key yet"),
    ("host key is known", "unknown-key", "nobody has accepted its host key yet"),
    ("Permission denied", "refused", "it does not let us in"),
    ("Too many authentication failures", "refused", "it does not let us in"),
    ("Could not resolve hostname", "unreachable", "its name leads nowhere"),
)


def _of_ssh(target: Target, ended: Ended, stderr: str) -> tuple[Kind, str]:
    last = _last(stderr)
    for sign, kind, why in _OF_SSH:
        if sign in stderr:
            hint = f". Look at it, and accept it: {_typed(target)}" if kind == "unknown-key" else f": {last}"
            return kind, why + hint
    if ended.returncode == 255:
        return "unreachable", last
    return "failed", f"its shell ended with {ended.returncode}: {last}"


def _typed(target: Target) -> str:
    """What a person types to get there, once."""
    return shlex.join(["ssh", *(word for word in target.words if word != "--")])


def _last(stderr: str) -> str:
    """What was said last, without what is no news."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Warning: Permanently added", "debug1:", "@"))]
    return told[-1][:300] if told else "it said nothing"
