"""Starts the zoo's processes and asks them what is true."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import applications, parts

HERE = Path(__file__).parent
TOP = HERE.parents[1]
PINS = TOP / "requirements" / "zoo.txt"
PATIENCE = 60.0
"""Seconds until a process must have told its truth."""
_UV = TOP / ".venv" / "bin" / "uv"
_PIDS = re.compile(r"pid=(\d+)")


@dataclass
class Living:
    """A process of a case that is to be found as one process group."""

    keep: Keep
    pid: int
    """the first process of the group"""
    ask: int | str | None
    told: Path | None
    expected: dict[str, Any]
    alone: bool = False
    """its children are groups of their own: it is a supervisor"""
    truth: dict[str, Any] = field(default_factory=dict)

    def learn(self) -> None:
        """Ask until it answers."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self.truth = self._asked()
                break
            except (OSError, ValueError, http.client.HTTPException) as error:
                if time.monotonic() > until or not self.keep.lives():
                    raise AssertionError(f"no answer: {error!r}\n{self.keep.said()}") from None
                time.sleep(0.05)
        assert "error" not in self.truth, self.truth
        container = self.expected.pop("in_container", "")
        if container:
            self.pid = int(self.keep.call(["podman", "inspect", "--format", "{{.State.Pid}}", container]))
        if self.expected.pop("inside", False):
            self.pid = _outside(self.pid, self.truth["pid"])
        if self.expected.pop("below", False):
            self.pid = _below(self.pid, self.truth["pid"])

    def _asked(self) -> dict[str, Any]:
        if self.told is not None:
            return dict(json.loads(self.told.read_text()))
        if self.ask is None:
            return {}
        if isinstance(self.ask, str):
            return _over(_unix(self.ask))
        return _over(socket.create_connection(("127.0.0.1", self.ask), 10))

    def pids(self) -> set[int]:
        """Its processes: it, and what it started that runs the same program."""
        if self.alone:
            return {self.pid}
        exe = os.readlink(f"/proc/{self.pid}/exe")
        return {pid for pid in _descendants(self.pid) if _exe(pid) == exe}

    def listeners(self) -> set[tuple[str, str, int]]:
        """(tcp or unix, address or path, port) that `ss` shows for its processes."""
        inside = ["nsenter", f"--net=/proc/{self.pid}/ns/net"] if os.geteuid() == 0 else []
        said = subprocess.run([*inside, "ss", "-Hlxtnp"], capture_output=True, text=True, check=True).stdout
        wanted, found = self.pids(), set()
        for line in said.splitlines():
            if wanted.isdisjoint(map(int, _PIDS.findall(line))):
                continue
            kind, local = line.split()[0], line.split()[4]
            if kind == "tcp":
                address, _, port = local.rpartition(":")
                found.add(("tcp", _plain(address), int(port)))
            elif kind == "u_str":
                found.add(("unix", local, 0))
        return found


class Keep:
    """What a case is started with: its directory, its environments, its processes."""

    def __init__(self, name: str, root: Path) -> None:
        self.name = name
        self.root = root
        self.home = root / "srv" / name
        self.home.mkdir(parents=True)
        shutil.copy(HERE / "telling.py", self.home)
        brought = HERE / "cases" / name
        for entry in brought.iterdir() if brought.is_dir() else ():
            if entry.is_dir() and entry.name != "__pycache__":
                shutil.copytree(entry, self.home / entry.name, dirs_exist_ok=True)
        self.living: list[Living] = []
        self._started: list[subprocess.Popen[bytes]] = []
        self._closing = contextlib.ExitStack()
        self._log = self.root / "said.log"
        self.python = applications.interpreter()

    # Ground

    def write(self, files: Mapping[str, str]) -> None:
        """Files below home, by their names."""
        applications.write(self.home, files)

    def port(self) -> int:
        return applications.free_port()

    def venv(
        self,
        name: str,
        *requirements: str,
        python: str = "",
        options: Sequence[str] = (),
        made_by: str = "uv",
    ) -> Path:
        """A venv below home, with pinned packages from the index. `made_by`: uv or venv."""
        place = self.home / name
        python = python or self.python
        place.parent.mkdir(parents=True, exist_ok=True)
        if made_by == "uv":
            self.uv("venv", "--quiet", "--python", python, *options, str(place))
        else:
            self.call([python, "-m", "venv", *options, str(place)])
        self.install(place, *requirements)
        return place

    def install(self, venv: Path, *words: str) -> None:
        """Install into a venv what `uv pip install` is told; pinned, but where a version is asked for."""
        if words:
            pins = [] if any("==" in word for word in words) else ["--constraint", str(PINS)]
            self.uv("pip", "install", "--quiet", "--python", str(venv / "bin" / "python"), *pins, *words)

    def uv(self, *words: str, env: Mapping[str, str] | None = None) -> str:
        """Run uv as ourselves; gives its standard output."""
        # A linked file would change its owner in the cache, too.
        return self.call([str(_UV), *words], env={"UV_LINK_MODE": "copy"} | dict(env or {}))

    def call(
        self,
        argv: Sequence[str | Path],
        env: Mapping[str, str] | None = None,
        fails: str | None = None,
        **more: Any,
    ) -> str:
        """Run a command as ourselves, to prepare; gives its standard output, or `fails` where it may fail."""
        told = {"cwd": self.home, **more}
        done = subprocess.run(
            [*map(str, argv)],
            env=os.environ | dict(env or {}),
            capture_output=True,
            text=True,
            check=False,
            **told,
        )
        if done.returncode and fails is not None:
            return fails
        assert done.returncode == 0, f"{argv}: {done.stderr[-3000:]} {done.stdout[-1000:]}"
        return done.stdout

    def git(self, *words: str, cwd: Path | None = None) -> str:
        who = ["-c", "user.name=Shop", "-c", "user.email=shop@example.com", "-c", "init.defaultBranch=main"]
        who += ["-c", "protocol.file.allow=always", "-c", "safe.directory=*"]
        return self.call([parts.program("git", "git"), *who, *words], cwd=cwd or self.home).strip()

    # Processes

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        ask: int | str | None = None,
        told: str = "",
        cwd: Path | str = "",
        env: Mapping[str, str] | None = None,
        alone: bool = False,
        popen: Mapping[str, Any] | None = None,
        **expected: Any,
    ) -> Living:
        """Start a process as the ordinary user, with nearly no variables. It is to be found as `expected`.

        Its truth comes over HTTP from the port or unix socket `ask`, or from the file `told` that
        `telling.leave` writes. `popen` goes to subprocess.Popen.
        """
        applications.own(self.root)
        with self._log.open("ab") as log:
            wanted: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            wanted |= {"start_new_session": True, **applications.as_user(), **(popen or {})}
            process = subprocess.Popen(
                [*map(str, argv)],
                cwd=self.home / cwd,
                env=applications.VARIABLES | dict(env or {}),
                **wanted,
            )
        self._started.append(process)
        return self.expect(process.pid, ask=ask, told=told, alone=alone, **expected)

    def detached(self, argv: Sequence[str | Path]) -> None:
        """Run a command as the ordinary user that leaves a process behind, and ends."""
        applications.own(self.root)
        subprocess.run(
            [*map(str, argv)],
            cwd=self.home,
            env=applications.VARIABLES,
            check=True,
            **applications.as_user(),
        )

    def expect(
        self, pid: int, *, ask: int | str | None = None, told: str = "", alone: bool = False, **expected: Any
    ) -> Living:
        """A process group that is to be found, its first process being `pid`.

        With `below=True` it is that child of `pid` that the answering process descends from, with
        `inside=True` the answering process itself, which is in a pid namespace of its own.
        """
        if isinstance(ask, str):
            ask = str(self.home / ask)
        living = Living(self, pid, ask, self.home / told if told else None, expected, alone)
        self.living.append(living)
        return living

    def appears(self, name: str) -> None:
        """Wait until a file below home is there."""
        until = time.monotonic() + PATIENCE
        while not (self.home / name).exists():
            in_time = time.monotonic() < until and self.lives()
            assert in_time, f"{name} did not appear\n{self.said()}"
            time.sleep(0.02)

    def closing(self, what: contextlib.AbstractContextManager[Any]) -> Any:
        """Enter something that is left when the case ends."""
        return self._closing.enter_context(what)

    def lives(self) -> bool:
        return all(process.poll() is None for process in self._started) if self._started else True

    def said(self) -> str:
        return self._log.read_text(errors="replace")[-3000:] if self._log.exists() else ""

    def close(self) -> None:
        """End what was started, by its pids."""
        self._closing.close()
        for process in reversed(self._started):
            _end(process)
        for living in self.living:
            _kill(living)
        shutil.rmtree(self.root, ignore_errors=True)


@contextlib.contextmanager
def kept(name: str) -> Iterator[Keep]:
    root = Path(tempfile.mkdtemp(prefix="tightship-", dir="/tmp")).resolve()
    root.chmod(0o755)
    keep = Keep(name, root)
    try:
        yield keep
    finally:
        keep.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    all_of_it = _descendants(process.pid)
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid in all_of_it - {process.pid}:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _kill(living: Living) -> None:
    """End what detached itself: the process that told its truth below our own directory."""
    with contextlib.suppress(OSError):
        if os.readlink(f"/proc/{living.pid}/cwd").startswith(str(living.keep.root)):
            os.kill(living.pid, signal.SIGKILL)


def _descendants(pid: int) -> set[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found, more = {pid}, True
    while more:
        new = {child for child, parent in parents.items() if parent in found} - found
        found |= new
        more = bool(new)
    return found


def _below(ancestor: int, pid: int) -> int:
    """The child of `ancestor` that `pid` is, or descends from."""
    while True:
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        if parent == ancestor:
            return pid
        assert parent > 1, f"{pid} does not descend from {ancestor}"
        pid = parent


def _outside(ancestor: int, pid: int) -> int:
    """The number, as we see it, of the descendant that calls itself `pid` in its own namespace."""
    for found in sorted(_descendants(ancestor), reverse=True):
        status = Path(f"/proc/{found}/status").read_text()
        if int(status.partition("NSpid:")[2].split("\n")[0].split()[-1]) == pid:
            return found
    raise AssertionError(f"nobody below {ancestor} calls itself {pid}")


def _exe(pid: int) -> str:
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/{pid}/exe")
    return ""


def _plain(address: str) -> str:
    return {"*": "::"}.get(address, address.strip("[]").partition("%")[0])


def _unix(path: str) -> socket.socket:
    found = socket.socket(socket.AF_UNIX)
    found.settimeout(10)
    found.connect(path)
    return found


def _over(connection: socket.socket) -> dict[str, Any]:
    with connection:
        asking = http.client.HTTPConnection("localhost", timeout=10)
        asking.sock = connection
        asking.request("GET", "/", headers={"Connection": "close"})
        answer = asking.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise ValueError(f"{answer.status} {body[:500]!r}")
        return dict(json.loads(body))
