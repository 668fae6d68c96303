"""What hostile processes are made of: a user's venv, a process in it, a file system that never answers."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.parts import need, need_root

ALICE = 70_000 + os.getpid() % 10_000
"""Whose processes are hostile, where root runs the tests; otherwise our own user's are. Of this run alone:
somebody else's run beside it is not to be hit by what hangs here."""

SLEEPS = """
import socket, time
server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen()
print("up", flush=True); time.sleep(600)
"""
"""It listens: an application like any other."""

_PATIENCE = 60.0
"""Seconds, more than any deadline of the probe: what takes longer hangs."""


class Scene:
    """A folder, `place`, with the user's files; `start` starts his processes, `scan` the probe."""

    def __init__(self, place: Path, probe: Path) -> None:
        self.place = place
        self.probe = probe
        self.user = ALICE if os.getuid() == 0 else os.getuid()
        self.processes: list[subprocess.Popen[str]] = []
        self.sessions: set[int] = set()
        self.give(place)

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.communicate()

    def give(self, *paths: Path) -> None:
        """The user's from now on."""
        for path in paths:
            if os.getuid() == 0:
                os.lchown(path, self.user, self.user)

    def folder(self, name: str) -> Path:
        path = self.place / name
        for parent in [*reversed(path.relative_to(self.place).parents), path.relative_to(self.place)]:
            if not (self.place / parent).is_dir():
                (self.place / parent).mkdir()
                self.give(self.place / parent)
        return path

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder(os.path.dirname(name)) / os.path.basename(name)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        self.give(path)
        return path

    def link(self, name: str, target: str | Path) -> None:
        path = self.folder(os.path.dirname(name)) / os.path.basename(name)
        path.symlink_to(target)
        self.give(path)

    def fifo(self, name: str) -> Path:
        path = self.folder(os.path.dirname(name)) / os.path.basename(name)
        os.mkfifo(path)
        self.give(path)
        return path

    def venv(self, name: str = "shop/venv") -> Path:
        """A venv as `python -m venv` makes it, with one package on it."""
        python = Path(python_of_all())
        version = subprocess.check_output(
            [python, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], text=True
        )
        self.link(f"{name}/bin/python", python)
        self.write(f"{name}/pyvenv.cfg", f"home = {python.parent}\ninclude-system-site-packages = false\n")
        self.site = f"{name}/lib/python{version.strip()}/site-packages"
        self.package("honest", "1.0")
        return self.place / name

    def package(self, name: str, version: str) -> None:
        self.write(f"{self.site}/{name}-{version}.dist-info/METADATA", f"Name: {name}\nVersion: {version}\n")

    def start(self, *command: str | Path, code: str = SLEEPS, **more: Any) -> subprocess.Popen[str]:
        """A process of the user's, listening; `command` is what stands before `-c code`."""
        process = self.popen([*command, "-c", code], **more)
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        return process

    def popen(self, command: list[str | Path], **more: Any) -> subprocess.Popen[str]:
        if os.getuid() == 0:
            more = {"user": self.user, "group": self.user, "extra_groups": [], **more}
        more = {"stdout": subprocess.PIPE, "cwd": self.place, "env": {"PATH": os.defpath}, **more}
        process = subprocess.Popen(command, text=True, **more)
        self.processes.append(process)
        return process

    def scan(self, **more: Any) -> dict[str, Any]:
        """The probe's report. It ends in time, whatever happens."""
        return self.scan_by(**more)

    def scan_by(self, *command: str, **more: Any) -> dict[str, Any]:
        """The same, by a command that runs the probe in its own way."""
        done = self.run_probe(*command, **more)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def run_probe(
        self, *command: str, patience: float = _PATIENCE, **more: Any
    ) -> subprocess.CompletedProcess[str]:
        """In a session of its own, by which its readers are told from those of somebody else's scan."""
        command = command or (python_of_all(), "-I", str(self.probe))
        pipe = subprocess.PIPE
        more = {"cwd": "/", "stdout": pipe, "stderr": pipe, **more}
        with subprocess.Popen(command, text=True, start_new_session=True, **more) as process:
            self.sessions.add(process.pid)
            try:
                stdout, stderr = process.communicate(timeout=patience)
            finally:
                process.kill()
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    def readers(self) -> list[int]:
        """Pids of readers for the user that our scans started, and that live (or hang) now."""
        name, pids = f"tsread:{self.user:x}", [int(name) for name in os.listdir("/proc") if name.isdigit()]
        return [pid for pid in pids if comm(pid) == name and _session(pid) in self.sessions]

    def group(self, report: dict[str, Any], process: subprocess.Popen[str]) -> dict[str, Any]:
        """The report's process group of a process."""
        (key,) = [key for key, live in report["live"]["groups"].items() if process.pid in live["pids"]]
        (group,) = [group for group in report["state"]["groups"] if group["key"] == key]
        found: dict[str, Any] = group
        return found

    def pids(self, report: dict[str, Any]) -> set[int]:
        """Of all processes that the report tells of."""
        live = report["live"]
        return {pid for one in [*live["groups"].values(), *live["passing"]] for pid in one["pids"]}

    def packages(self, report: dict[str, Any], group: dict[str, Any]) -> list[str]:
        """Lines of the package set of a process group's environment."""
        (found,) = [one for one in report["state"]["environments"] if one["key"] == group["environment"]]
        lines: list[str] = report["sets"][found["packages"]]
        return lines

    def unread(self, report: dict[str, Any], group: dict[str, Any]) -> str:
        """All that is unread of a process group and its environment, as text."""
        found = [one for one in report["state"]["environments"] if one["key"] == group["environment"]]
        entries = group["unread"] + [entry for one in found for entry in one["unread"]]
        return "\n".join(f"{entry['what']}: {entry['why']}" for entry in entries)

    def scan_of(self, process: subprocess.Popen[str]) -> tuple[list[str], str]:
        """Packages and what is unread, as the probe's report has them of a process."""
        report = self.scan()
        group = self.group(report, process)
        return self.packages(report, group), self.unread(report, group)


class Server:
    """File systems whose files never answer a read, until they are let go."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.mounted: list[tuple[Path, subprocess.Popen[str]]] = []

    def __enter__(self) -> Server:
        need_root()
        if not os.path.exists("/dev/fuse"):
            need("FUSE", "there is no /dev/fuse")
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()

    def mount(self, name: str, *options: str) -> subprocess.Popen[str]:
        """A folder of the user's in which every name is a file that never answers, only says "read"."""
        place = self.scene.folder(name)
        program = Path(__file__).parent / "fuse_server.py"
        process = subprocess.Popen(
            [sys.executable, program, place, str(self.scene.user), *options],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.mounted.append((place, process))
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def let_go(self) -> None:
        """End it all: the kernel ends the waiting of those who read."""
        while self.mounted:
            place, process = self.mounted.pop()
            process.kill()
            process.communicate()
            ctypes.CDLL(None).umount2(os.fsencode(place), 2)


def python_of_all() -> str:
    """A Python that every user may run: root's own may lie where only root may look."""
    return shutil.which("python3", path="/usr/bin:/usr/local/bin") or need("a system's Python", "no python3")


def comm(pid: int) -> str:
    """A process' name; empty when there is none."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def state(pid: int) -> str:
    """R, S, D, Z, ...; X when there is none."""
    return (_fields(pid) or ["X"])[0]


def _session(pid: int) -> int:
    """0 when there is none, or it is about to go."""
    fields = _fields(pid)
    return int(fields[3]) if fields and fields[0] not in "ZX" else 0


def _fields(pid: int) -> list[str]:
    """/proc/PID/stat from the third on."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.02)
