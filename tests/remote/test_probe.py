"""The probe says the same of this server, however it gets there."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests import parts
from tightship.remote.local import run_probe
from tightship.remote.program import modules, pyz, source

if "tightship_probe/__main__.py" not in modules("tightship_probe"):
    pytest.skip("the probe has no main() yet", allow_module_level=True)


def report(command: list[str], given: bytes | None = None) -> dict[str, Any]:
    run = subprocess.run(command, input=given, capture_output=True, cwd="/", check=True)
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def steady(found: dict[str, Any]) -> dict[str, Any]:
    """What doesn't change between two scans while other tests start and stop processes."""
    state = found["state"]
    return {"schema": found["schema"], "system": state["system"], "complete": state["complete"]}


@pytest.fixture(scope="module")
def one_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("probe") / "probe.pyz"
    path.write_bytes(pyz("tightship_probe"))
    return str(path)


def test_one_file_a_pipe_and_scan_say_the_same(one_file: str) -> None:
    expected = steady(report([sys.executable, "-I", one_file]))
    assert steady(report([sys.executable, "-I", "-"], source("tightship_probe").encode())) == expected
    assert steady(json.loads(run_probe().stdout)) == expected


def test_a_real_python_3_6_says_the_same(one_file: str) -> None:
    python = parts.python36()
    if python is None:
        pytest.skip("no Python 3.6 was found here")
    expected = steady(report([sys.executable, "-I", one_file]))
    assert steady(report([python, "-I", one_file])) == expected
    assert steady(report([python, "-I", "-"], source("tightship_probe").encode())) == expected


def test_the_one_that_is_sent_is_the_one_that_is_here() -> None:
    spec = find_spec("tightship_probe")
    assert spec is not None
    assert spec.origin is not None
    here = Path(spec.origin).read_bytes()
    assert modules("tightship_probe")["tightship_probe/__init__.py"] == here
