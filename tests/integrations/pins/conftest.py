"""The real tools that pins are read for, in environments of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.parts import need

HERE = Path(__file__).parent

Asked = Callable[[Sequence[Path]], list[dict[str, Any]]]


def uv() -> str:
    """Path of uv. Needs it."""
    found = shutil.which("uv", path=f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}")
    return found or need("uv", "uv was not found")


@pytest.fixture(scope="session")
def venv_of_buildout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds zc.buildout 6 and mxdev, and nothing of ours."""
    place = tmp_path_factory.mktemp("venv-of-buildout") / "venv"
    python = place / "bin" / "python"
    for command in (
        ["venv", "--quiet", "--python", sys.executable, str(place)],
        ["pip", "install", "--quiet", "--python", str(python), "zc.buildout>=6,<7", "mxdev>=5"],
    ):
        made = subprocess.run([uv(), *command], capture_output=True, text=True, check=False)
        if made.returncode:
            need("zc.buildout 6", f"uv {command[0]} said: {made.stderr.strip()[-300:]}")
    return place


@pytest.fixture(scope="session")
def zc_buildout(venv_of_buildout: Path) -> Asked:
    """Asks the real zc.buildout what the [versions] of each directory's buildout.cfg come to: one process
    for all. {"versions": {PEP 503 name: value}, "sources": {name: file}} or {"error": what it said}."""

    def asked(directories: Sequence[Path]) -> list[dict[str, Any]]:
        said = subprocess.run(
            [venv_of_buildout / "bin" / "python", "-W", "ignore", HERE / "asking_buildout.py"],
            input="\n".join(map(str, directories)),
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": ""},
        )
        return [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")]

    return asked


@pytest.fixture(autouse=True)
def no_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever runs the tests may have a ~/.buildout/default.cfg."""
    monkeypatch.setenv("BUILDOUT_HOME", str(tmp_path / "no-defaults"))
