"""Brings together the facts that `checks` concludes from. Thin; asks this server, changes nothing."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tightship.cli.checks import Place, Rights

_CAP_SYS_PTRACE = 1 << 19


def rights() -> Rights:
    """How much the probe may read, as the user that runs us."""
    uid = os.geteuid()
    return Rights(
        uid=uid,
        user=_user(uid),
        may_trace=bool(capabilities(_text("/proc/self/status")) & _CAP_SYS_PTRACE),
        trace_scope=_number(_text("/proc/sys/kernel/yama/ptrace_scope")),
        hidden=uid != 0 and not Path("/proc/1").exists(),
        sudo=shutil.which("sudo") is not None,
    )


def capabilities(status: str) -> int:
    """The effective capabilities in a /proc/PID/status, as bits."""
    found = re.search(r"^CapEff:\s*([0-9a-f]+)", status, re.MULTILINE)
    return int(found[1], 16) if found else 0


def place(directory: Path) -> Place:
    """What is known of a directory, or of the nearest one above it that exists."""
    nearest = directory
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    return Place(
        path=str(directory),
        exists=directory.exists(),
        writable=os.access(nearest, os.W_OK | os.X_OK),
        free=shutil.disk_usage(nearest).free,
        file_system=file_system(os.path.realpath(nearest), _text("/proc/self/mountinfo").splitlines()),
    )


def file_system(path: str, mounts: Iterable[str]) -> str:
    """The type of the file system at a resolved `path`, from lines of /proc/self/mountinfo."""
    best, kind = "", ""
    for line in mounts:
        where, _, rest = line.partition(" - ")
        fields = where.split(" ")
        if len(fields) < 5 or not rest:
            continue
        mount = fields[4].replace("\\040", " ")
        # A later mount at the same place lies over the earlier one.
        if len(mount) >= len(best) and _below(path, mount):
            best, kind = mount, rest.split(" ")[0]
    return kind


def _below(path: str, directory: str) -> bool:
    return directory in ("/", path) or path.startswith(directory + "/")


def python_on_path() -> tuple[str, tuple[int, ...]]:
    """The `python3` that a shell here would run, and its version; empty where there is none."""
    path = shutil.which("python3")
    if not path:
        return "", ()
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return path, ()
    found = re.search(r"Python (\d+)\.(\d+)\.(\d+)", said.stdout + said.stderr)
    return path, tuple(map(int, found.groups())) if found else ()


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _text(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def _number(text: str) -> int | None:
    return int(text) if text.strip().isdigit() else None
