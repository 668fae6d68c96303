"""Real Python applications, running on this server: what the probe is tried on, and the truth beside it.

Each has an environment of its own, with copies of packages from the environment that the tests run
in: nothing is downloaded. Where the tests are root's, an ordinary user owns and runs them. Each
answers `/truth` with what it knows of itself.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests import parts
from tightship.fleet.report import Environment, ProcessGroup, Report, load
from tightship.remote.program import source

USER = 12345
"""Who owns and runs the applications where the tests are root's. Nobody's name in /etc/passwd."""

VARIABLES = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
"""As little as a supervisor hands on."""

PATIENCE = 30.0
"""Seconds that a process may take to listen, or to end."""


@dataclass(frozen=True)
class Site:
    """An application that runs."""

    home: Path
    venv: Path
    port: int
    pid: int

    @property
    def name(self) -> str:
        """What it is called: its module, and its directory."""
        return self.home.name

    def truth(self) -> dict[str, Any]:
        """What one of its processes says: path, packages {name: version}, prefix, python, pid."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/truth", timeout=PATIENCE) as answer:
            return dict(json.load(answer))


# Environments


@cache
def interpreter() -> str:
    """A Python that the ordinary user may run too."""
    for candidate in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        real = os.path.realpath(candidate)
        if os.access(real, os.X_OK) and _runs_as_user(real):
            return real
    return parts.need(
        "a Python for all", "that of the tests is for root only, and there is no /usr/bin/python3"
    )


def _runs_as_user(python: str) -> bool:
    with contextlib.suppress(OSError):
        command = [python, "-I", "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        return subprocess.run(command, check=False, **as_user()).returncode == 0
    return False


def as_user() -> dict[str, Any]:
    """Arguments of subprocess that make the ordinary user run it; none where we are one ourselves."""
    return {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}


def uid() -> int:
    return USER if os.geteuid() == 0 else os.geteuid()


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A new directory that everybody may enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="tightship-", dir="/tmp"))
    path.chmod(0o755)
    try:
        yield path.resolve()
    finally:
        shutil.rmtree(path, ignore_errors=True)


def make_venv(path: Path, packages: Sequence[str] = ()) -> Path:
    """A venv with copies of `packages`, and of what they need, from the tests' own environment."""
    subprocess.run([interpreter(), "-m", "venv", "--without-pip", str(path)], check=True)
    for name in sorted(_with_needs(packages)):
        _copy(importlib.metadata.distribution(name), path)
    return path


def site_packages(venv: Path) -> Path:
    return next((venv / "lib").glob("python3.*/site-packages"))


def add_package(venv: Path, name: str, version: str, module: str = "") -> Path:
    """Put a small package of our own into a venv; gives its dist-info. The same name again: an upgrade."""
    place = site_packages(venv)
    for older in place.glob(f"{name}-*.dist-info"):
        shutil.rmtree(older)
    (place / f"{name}.py").write_text(module or f"version = {version!r}\n")
    info = place / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text(f"{name}.py,,\n{info.name}/METADATA,,\n{info.name}/RECORD,,\n")
    own(place / f"{name}.py")
    own(info)
    return info


def _with_needs(packages: Sequence[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(packages)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        needs = importlib.metadata.requires(name) or []
        waiting += [_name(need) for need in needs if ";" not in need]
    return found


def _name(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    assert match
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def _copy(distribution: importlib.metadata.Distribution, venv: Path) -> None:
    place = site_packages(venv)
    tops = {file.parts[0] for file in distribution.files or () if file.parts[0] != ".."}
    for top in sorted(tops - {"__pycache__"}):
        source = Path(str(distribution.locate_file(top)))
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.po", "*.mo", "tests")
            shutil.copytree(source, place / top, ignore=ignored, dirs_exist_ok=True)
        elif source.exists():
            shutil.copy(source, place / top)
    for entry in distribution.entry_points.select(group="console_scripts"):
        _write_script(venv, entry)


def _write_script(venv: Path, entry: importlib.metadata.EntryPoint) -> None:
    script = venv / "bin" / entry.name
    imported = f"from {entry.module} import {entry.attr}"
    script.write_text(f"#!{venv}/bin/python\nimport sys\n{imported}\nsys.exit({entry.attr}())\n")
    script.chmod(0o755)


def copy_probe(place: Path) -> None:
    """The probe's source where everybody may read it."""
    found = importlib.util.find_spec("tightship_probe")
    assert found
    assert found.origin
    shutil.copytree(
        Path(found.origin).parent, place / "tightship_probe", ignore=shutil.ignore_patterns("__pycache__")
    )


def own(path: Path) -> None:
    """Give a file, or a directory with all in it, to the ordinary user."""
    if os.geteuid() != 0:
        return
    for place in [path, *path.rglob("*")]:
        os.chown(place, USER, USER, follow_symlinks=False)


def make_checkout(home: Path, tag: str) -> None:
    """Make `home` a git checkout with everything committed but its venv, and tagged."""
    who = ["-c", "user.name=Shop", "-c", "user.email=shop@example.com"]
    git = [parts.program("git", "git"), "-C", str(home), *who]
    (home / ".gitignore").write_text("venv/\n__pycache__/\n")
    for words in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all"],
        ["commit", "--quiet", "-m", "A shop"],
        ["tag", tag],
    ):
        subprocess.run(git + words, check=True)


# Processes


def wait_for_another_second() -> None:
    """Past the seconds by which a process' start, counted in ticks since the boot, may be off."""
    time.sleep(2.5)


def free_port() -> int:
    """Below those that the kernel hands out: no connection of anybody's takes it before it is used."""
    while True:
        port = random.randrange(20000, 32000)
        with contextlib.suppress(OSError), socket.socket() as found:
            found.bind(("127.0.0.1", port))
            return port


@contextlib.contextmanager
def running(
    argv: Sequence[str | Path],
    cwd: Path,
    env: Mapping[str, str] | None = None,
    port: int | None = None,
    **more: Any,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the ordinary user, waited for until it listens on `port`, ended by its pid.

    `env` comes on top of VARIABLES; `more` goes to subprocess.Popen (user=0, for one).
    """
    with tempfile.TemporaryFile() as said:
        wanted = {"stdin": subprocess.DEVNULL, "stdout": said, "stderr": said, **as_user(), **more}
        process = subprocess.Popen([*map(str, argv)], cwd=cwd, env=VARIABLES | dict(env or {}), **wanted)
        try:
            if port is not None:
                _wait_until_it_listens(process, port, said)
            yield process
        finally:
            _end(process)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, said: Any) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    said.seek(0)
    pytest.fail(f"{process.args!r} does not listen on {port}: {said.read().decode(errors='replace')[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# The probe


def scanned(*arguments: str, python: str = sys.executable, **more: Any) -> Report:
    """The report that the probe prints when it is piped into a Python. `more` goes to subprocess.run."""
    command = [python, "-I", "-", *arguments]
    code = source("tightship_probe").encode()
    done = subprocess.run(command, input=code, capture_output=True, check=False, **{"cwd": "/", **more})
    assert (done.returncode, done.stderr) == (0, b"")
    return load(done.stdout)


def group_at(report: Report, home: Path, program: str = "") -> ProcessGroup:
    """The one process group that runs in a directory."""
    assert report.state
    found = [one for one in report.state.groups if one.cwd == str(home) and program in ("", one.program)]
    assert len(found) == 1, [(one.key, one.cwd) for one in report.state.groups]
    return found[0]


def packages_of(report: Report, group: ProcessGroup) -> dict[str, str]:
    """What its environment holds: {name: version}; the first of each name on the import path."""
    environment = environment_of(report, group)
    assert environment.packages
    return {one.name: one.version for one in report.sets[environment.packages] if not one.shadowed}


def environment_of(report: Report, group: ProcessGroup) -> Environment:
    assert report.state
    return next(one for one in report.state.environments if one.key == group.environment)


# The applications

TRUTH = '''\
"""What this process knows of itself."""
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import sys


def told():
    packages = {}
    for found in importlib.metadata.distributions():
        packages.setdefault(re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower(), found.version)
    said = {"path": sys.path, "packages": packages, "prefix": sys.prefix, "pid": os.getpid(),
            "python": platform.python_version()}
    return json.dumps(said).encode()
'''

DJANGO = {
    "manage.py": (
        "import os, sys\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
        "from django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n"
    ),
    "pyproject.toml": '[project]\nname = "shop"\ndynamic = ["version"]\n',
    "shop/__init__.py": "",
    "shop/settings.py": (
        "SECRET_KEY = 'for tests'\nALLOWED_HOSTS = ['*']\nROOT_URLCONF = 'shop.urls'\nUSE_I18N = False\n"
        "WSGI_APPLICATION = 'shop.wsgi.application'\n"
    ),
    "shop/urls.py": (
        "from django.http import HttpResponse\nfrom django.urls import path\nfrom shop.truth import told\n"
        "urlpatterns = [path('truth', lambda request: HttpResponse(told()))]\n"
    ),
    "shop/wsgi.py": (
        "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
        "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"
    ),
    "shop/truth.py": TRUTH,
}

ASGI = {
    "stock/__init__.py": "",
    "stock/truth.py": TRUTH,
    "stock/asgi.py": (
        "from stock.truth import told\n\n\nasync def app(scope, receive, send):\n"
        "    assert scope['type'] == 'http'\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': told()})\n"
    ),
}

WSGI = {
    "intranet.py": (
        "from truth import told\n\n\ndef app(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Type', 'application/json')])\n    return [told()]\n"
    ),
    "truth.py": TRUTH,
}


def write(home: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)


@contextlib.contextmanager
def application(
    name: str, files: Mapping[str, str], packages: Sequence[str], tag: str = ""
) -> Iterator[Path]:
    """The directory `srv/NAME` of an application that could be started; its venv is in it."""
    with folder() as root:
        home = root / "srv" / name
        write(home, files)
        make_venv(home / "venv", packages)
        if tag:
            make_checkout(home, tag)
        own(home)
        yield home


def called(name: str) -> str:
    """The name with letters behind it that no other process of this machine has: a test's own application."""
    return name + "".join(random.SystemRandom().choices("abcdefghijklmnopqrstuvwxyz", k=6))


@contextlib.contextmanager
def _site(home: Path, arguments: Sequence[str | Path], port: int) -> Iterator[Site]:
    with running(arguments, home, port=port) as process:
        site = Site(home, home / "venv", port, process.pid)
        site.truth()  # listens before its workers are ready
        yield site


@contextlib.contextmanager
def django_running(name: str) -> Iterator[Site]:
    """A Django project behind gunicorn with two workers, in a checkout of its tag 2.4.1."""
    files = {place.replace("shop", name): text.replace("shop", name) for place, text in DJANGO.items()}
    with application(name, files, ["django", "gunicorn"], tag="2.4.1") as home:
        port = free_port()
        gunicorn: list[str | Path] = [
            home / "venv/bin/gunicorn",
            "--workers",
            "2",
            "--bind",
            f"127.0.0.1:{port}",
            f"{name}.wsgi",
        ]
        with _site(home, gunicorn, port) as site:
            yield site


@contextlib.contextmanager
def uvicorn_running(name: str) -> Iterator[Site]:
    """An ASGI application behind uvicorn, started as `python -m uvicorn`."""
    files = {place.replace("stock", name): text.replace("stock", name) for place, text in ASGI.items()}
    with application(name, files, ["uvicorn"]) as home:
        port = free_port()
        uvicorn: list[str | Path] = [
            home / "venv/bin/python",
            "-m",
            "uvicorn",
            f"{name}.asgi:app",
            "--port",
            str(port),
        ]
        with _site(home, uvicorn, port) as site:
            yield site


@contextlib.contextmanager
def waitress_running(name: str) -> Iterator[Site]:
    """A WSGI application behind waitress."""
    files = {place.replace("intranet", name): text for place, text in WSGI.items()}
    with application(name, files, ["waitress"]) as home:
        port = free_port()
        waitress: list[str | Path] = [
            home / "venv/bin/waitress-serve",
            f"--listen=127.0.0.1:{port}",
            f"{name}:app",
        ]
        with _site(home, waitress, port) as site:
            yield site


@pytest.fixture(scope="session")
def django_site() -> Iterator[Site]:
    with django_running("shop") as site:
        yield site


@pytest.fixture(scope="session")
def uvicorn_site() -> Iterator[Site]:
    with uvicorn_running("stock") as site:
        yield site


@pytest.fixture(scope="session")
def waitress_site() -> Iterator[Site]:
    with waitress_running("intranet") as site:
        yield site
