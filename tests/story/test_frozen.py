"""A build that was never tagged runs, is frozen, and is built elsewhere: the same packages and versions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.applications import folder, free_port
from tests.story.typing_it import Tightship, as_root

pytestmark = pytest.mark.soak

BUILDOUT = """
[buildout]
parts = app
{more}

[app]
recipe = zc.recipe.egg
eggs =
  django
  waitress
  zope.component
interpreter = py
"""
OLD = """
[versions]
django = 4.2.11
sqlparse = 0.4.4
"""
HELD = (
    "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
)


def call(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with folder() as path:
        yield path


@pytest.fixture(scope="module")
def tools(home: Path) -> Path:
    """A venv with zc.buildout, as bin/buildout is made."""
    call(sys.executable, "-m", "uv", "venv", "--quiet", "--seed", home / "tools")
    call(home / "tools/bin/pip", "install", "--quiet", "zc.buildout==6.0.1", "wheel")
    return home / "tools"


@contextmanager
def serving(top: Path, *command: str | Path) -> Iterator[None]:
    process = subprocess.Popen(command, cwd=top, stdin=subprocess.DEVNULL)
    try:
        time.sleep(1.5)
        assert process.poll() is None
        yield
    finally:
        process.terminate()
        process.wait()


def held(python: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads(call(python, "-c", HELD))
    return {name.lower().replace(".", "-").replace("_", "-"): version for name, version in found.items()}


def tightship(home: Path) -> Tightship:
    return as_root(home / "data")


def test_a_buildout_is_built_again_from_what_runs(home: Path, tools: Path) -> None:
    old, new = home / "museum", home / "again"
    for top in (old, new):
        top.mkdir()
    (old / "buildout.cfg").write_text(BUILDOUT.format(more="") + OLD)
    call(tools / "bin/buildout", "-q", cwd=old)
    port = free_port()
    (old / "serve.py").write_text(
        f"from waitress import serve\nserve(lambda e, s: [s('200 OK', [])] and [], port={port})\n"
    )
    with serving(old, old / "bin/py", old / "serve.py"):
        ours = tightship(home)
        ours.gather()
        frozen = ours.run("freeze", "museum", "--format", "versions.cfg", fine=(0, 2)).stdout

    (new / "versions.cfg").write_text(frozen)
    more = "extends = versions.cfg\nallow-picked-versions = false"
    # What builds is not what runs: only a buildout itself can say which it was.
    tool = "[versions]\nzc.buildout = 6.0.1\nzc.recipe.egg = 6.0.0\n"
    (new / "buildout.cfg").write_text(BUILDOUT.format(more=more) + tool)
    call(tools / "bin/buildout", "-q", cwd=new)

    assert "django = 4.2.11\n" in frozen
    assert held(new / "bin/py") == held(old / "bin/py")


@pytest.mark.parametrize("form", ["requirements.txt", "pylock.toml"])
def test_an_environment_is_installed_again_from_what_runs(home: Path, form: str) -> None:
    old, new = home / form / "shop", home / form / "again"
    old.mkdir(parents=True)
    uv = [sys.executable, "-m", "uv"]
    for venv in (old / "venv", new):
        call(*uv, "venv", "--quiet", venv)
    call(
        *uv,
        "pip",
        "install",
        "--quiet",
        "--python",
        old / "venv/bin/python",
        "flask==2.3.3",
        "waitress==2.1.2",
    )
    (old / "shop.py").write_text("def wsgi(environ, start):\n    start('200 OK', [])\n    return []\n")
    with serving(old, old / "venv/bin/waitress-serve", f"--listen=127.0.0.1:{free_port()}", "shop:wsgi"):
        ours = as_root(home / form / "data")
        ours.gather()
        name = next(row["application"] for row in ours.rows("applications") if row["application"] == "shop")
        frozen = ours.run("freeze", name, "--format", form, fine=(0, 2)).stdout

    (home / form / form).write_text(frozen)
    hashes = ["--require-hashes"] if form == "requirements.txt" else []
    call(*uv, "pip", "install", "--quiet", "--python", new / "bin/python", *hashes, "-r", home / form / form)

    assert held(new / "bin/python") == held(old / "venv/bin/python")
    assert os.path.exists(new / "bin/waitress-serve")
