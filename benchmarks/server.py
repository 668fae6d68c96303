"""A server's worth of applications, each in a venv of its own, that do nothing but stand there."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

APPLICATIONS = 20
PACKAGES = 100
WORKERS = 4
SLEEPS = 100
_FIRST_USER = 62_001

_APPLICATION = """
import os, socket, time
server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen()
for number in range(%d):
    if os.fork() == 0:
        break
time.sleep(36000)
"""
_LONG = "A sentence of a description as they are, neither long nor short, and of no use to anybody.\n"
_CLASSIFIERS = "".join(f"Classifier: Programming Language :: Python :: 3.{minor}\n" for minor in range(8, 15))


@dataclass(frozen=True)
class Server:
    venvs: list[Path]
    sites: list[Path]
    """the site-packages of each"""


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Made in `folder`, running; ended when it is left."""
    folder.chmod(0o755)
    venvs = [_venv(folder / f"srv/application{number}", number) for number in range(APPLICATIONS)]
    processes = [_start(venv, number) for number, venv in enumerate(venvs)]
    processes += [subprocess.Popen(["sleep", "36000"]) for _ in range(SLEEPS)]
    try:
        _wait_for_workers(processes[:APPLICATIONS])
        yield Server(venvs, [next(venv.glob("lib/python*/site-packages")) for venv in venvs])
    finally:
        for process in processes[:APPLICATIONS]:
            os.killpg(process.pid, 9)
        for process in processes:
            process.kill()
            process.wait()


def _venv(folder: Path, number: int) -> Path:
    folder.mkdir(parents=True)
    venv = folder / "venv"
    subprocess.run([_python_of_all(), "-m", "venv", "--without-pip", venv], check=True)
    (site,) = venv.glob("lib/python*/site-packages")
    chance = random.Random(number)
    for name in chance.sample(range(300), PACKAGES):
        _package(
            site,
            f"package{name}",
            f"{chance.randrange(9)}.{chance.randrange(20)}.{chance.randrange(20)}",
            chance,
        )
    (folder / "application.py").write_text(_APPLICATION % WORKERS)
    if os.geteuid() == 0:
        subprocess.run(["chown", "-Rh", str(_FIRST_USER + number), folder], check=True)
    return venv


def _python_of_all() -> str:
    """Root's own may lie where other users may not look."""
    return "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


def _package(site: Path, name: str, version: str, chance: random.Random) -> None:
    (site / name).mkdir()
    (site / name / "__init__.py").write_text("")
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir()
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: A package\nAuthor: Somebody\n"
    needs = "".join(
        f"Requires-Dist: package{chance.randrange(300)} >=1\n" for _ in range(chance.randrange(8))
    )
    (folder / "METADATA").write_text(head + _CLASSIFIERS + needs + "\n" + _LONG * chance.randrange(5, 80))
    (folder / "RECORD").write_text(f"{name}/__init__.py,,\n" * chance.randrange(5, 60))
    (folder / "WHEEL").write_text(
        "Wheel-Version: 1.0\nGenerator: none\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    (folder / "INSTALLER").write_text("pip\n")


def _start(venv: Path, number: int) -> subprocess.Popen[bytes]:
    user = _FIRST_USER + number if os.geteuid() == 0 else None
    groups: list[int] | None = [] if user else None
    return subprocess.Popen(
        [venv / "bin/python", "application.py"],
        cwd=venv.parent, user=user, extra_groups=groups, env={"PATH": os.defpath}, start_new_session=True,
    )  # fmt: skip


def _wait_for_workers(masters: list[subprocess.Popen[bytes]]) -> None:
    until = time.monotonic() + 60
    for master in masters:
        children = Path(f"/proc/{master.pid}/task/{master.pid}/children")
        while len(children.read_text().split()) < WORKERS:
            if time.monotonic() > until:
                sys.exit("benchmarks: the applications did not start")
            time.sleep(0.05)
