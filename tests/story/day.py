"""A day of a server in as many scans as are asked for: run by test_day.py in namespaces of its own.

    python -m tests.story.day SCANS SEED

Applications start, stop, restart, fork, exec themselves and are upgraded; other processes pass by. After each
event the server is scanned by a program of its own and the report recorded. Prints as JSON what was
expected in the timeline, what stands there, and what went wrong.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests import applications
from tightship.remote.program import source

WORKERS = 2
SERVE = """
import os, signal, socket, sys, time
import tariffs

if sys.argv[-1] != "again":
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(sys.argv[1])))
    listener.listen()
    os.set_inheritable(listener.fileno(), True)
    number = listener.fileno()
else:
    number = int(sys.argv[2])

children = set()

def work():
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    while True:
        time.sleep(60)

def end(*_):
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    os._exit(0)

def anew(*_):
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    os.execv(sys.executable, [sys.executable, sys.argv[0], sys.argv[1], str(number), "again"])

signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGHUP, anew)
while True:
    while len(children) < 2:
        child = os.fork()
        if child == 0:
            work()
        children.add(child)
    open("ready", "w").write(str(os.getpid()))
    try:
        children.discard(os.wait()[0])
    except ChildProcessError:
        pass
"""

Told = tuple[str, str, str, str, str, str]
"""kind, application, subject, before, after, what still runs"""


class Application:
    """One application of the day."""

    def __init__(self, root: Path, number: int) -> None:
        self.name = f"depot{'abcdefghij'[number]}"
        self.home = root / "srv" / self.name
        self.home.mkdir(parents=True)
        self.port = 7001 + number
        applications.make_venv(self.home / "venv")
        (self.home / "serve.py").write_text(SERVE)
        self.version = 0
        self.loaded = 0
        self.upgrade()
        applications.own(self.home)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> list[Told]:
        self._begin()
        return [("appeared", self.name, "", "", "", "")]

    def _begin(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            (self.home / "ready").unlink()
        self.process = subprocess.Popen(
            ["venv/bin/python", "serve.py", str(self.port)],
            cwd=self.home,
            env=applications.VARIABLES,
            stdin=subprocess.DEVNULL,
            **applications.as_user(),
        )
        self.loaded = self.version
        self._await()

    def _await(self) -> None:
        until = time.monotonic() + 20
        while not (self.home / "ready").exists():
            assert time.monotonic() < until, f"{self.name} does not begin"
            time.sleep(0.005)

    def stop(self) -> list[Told]:
        assert self.process
        self.process.terminate()
        self.process.wait()
        self.process = None
        return [("gone", self.name, "", "", "", "")]

    def restart(self) -> list[Told]:
        self.stop()
        self._begin()
        return [("restarted", self.name, "", "", "", "")]

    def upgrade(self) -> list[Told]:
        before, self.version = self.version, self.version + 1
        applications.add_package(self.home / "venv", "tariffs", f"{self.version}.0")
        if not self.loaded:
            return []
        still = f"{self.loaded}.0"
        return [("package", self.name, "tariffs", f"{before}.0", f"{self.version}.0", still)]

    def lose_a_worker(self) -> list[Told]:
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and self._is_child(int(entry.name)):
                os.kill(int(entry.name), signal.SIGKILL)
                break
        return []

    def _is_child(self, pid: int) -> bool:
        assert self.process
        with contextlib.suppress(OSError):
            return (
                int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) == self.process.pid
            )
        return False

    def exec_itself(self) -> list[Told]:
        assert self.process
        (self.home / "ready").unlink()
        self.process.send_signal(signal.SIGHUP)
        self._await()
        return []


def passing(root: Path) -> subprocess.Popen[bytes]:
    """A Python that comes and goes, started by a shell: we ourselves are init here, whose children stay."""
    code = f"import time; time.sleep({random.choice(['0', '0.05', '0.3'])})"
    return subprocess.Popen(["sh", "-c", f"{sys.executable} -c '{code}'; true"], cwd=root)


def happening(apps: list[Application], chance: random.Random) -> list[Told]:
    """One event of the day, or none; what is to stand in the timeline for it."""
    app = chance.choice(apps)
    if app.process is None:
        return app.start() if chance.random() < 0.5 else []
    events = [app.stop, app.restart, app.upgrade, app.upgrade, app.lose_a_worker, app.exec_itself]
    return chance.choice(events)() if chance.random() < 0.6 else []


def scanned(program: str) -> tuple[bytes, str]:
    """A report by a program of its own, and what it said beside."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-"], input=program.encode(), capture_output=True, check=False, cwd="/"
    )
    return done.stdout, done.stderr.decode() + (f" ended with {done.returncode}" if done.returncode else "")


def readers() -> list[int]:
    """Readers of scans that are still there."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "comm").read_text().startswith("tsread"):
                found.append(int(entry.name))
    return found


def main(scans: int, seed: int) -> dict[str, Any]:
    chance = random.Random(seed)
    random.seed(seed)
    problems: list[str] = []
    expected: list[Told] = []
    costs: list[float] = []
    with applications.folder() as root:
        os.chdir(root)  # we ourselves are told, too, and are not to be a checkout that somebody works in
        os.environ["TIGHTSHIP_DATA"] = str(root / "data")
        (root / "data").mkdir()
        from tightship.store.ready import migrate

        migrate()
        from tightship.store.models import Change
        from tightship.store.recording import record

        apps = [Application(root, number) for number in range(5)]
        program = source("tightship_probe")
        record(scanned(program)[0], "day")
        others: list[subprocess.Popen[bytes]] = []
        for number in range(scans):
            expected += happening(apps, chance)
            if chance.random() < 0.3:
                others.append(passing(root))
            printed, said = scanned(program)
            if said:
                problems.append(f"scan {number}: {said[-500:]}")
                continue
            record(printed, "day")
            live = json.loads(printed)["live"]
            costs.append(live["cpu"])
            if live["abandoned"] or readers():
                problems.append(f"scan {number}: {live['abandoned']} {readers()}")
            others = [one for one in others if one.poll() is None]
        for app in apps:
            if app.process:
                app.stop()
        told = [
            (
                one.kind,
                one.application.name if one.application else "",
                one.subject,
                one.before,
                one.after,
                one.still_runs,
            )
            for one in Change.objects.order_by("at", "id").select_related("application")
            if one.kind != "seen"
        ]
    part = max(1, len(costs) // 10)
    return {
        "expected": expected,
        "told": told,
        "problems": problems,
        "cpu": [sum(costs[:part]) / part, sum(costs[-part:]) / part],
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
