"""The wheel installs with its pinned requirements, away from the checkout, and runs alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests import parts

TOP = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(TOP)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def away(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a new venv in which the wheel is installed, with what it needs and nothing else."""
    folder = tmp_path_factory.mktemp("away")
    venv.create(folder / "venv")
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "venv/bin/python"), "install", "--quiet"]
    pins = subprocess.run(
        [*pip, "--require-hashes", "-r", str(TOP / "requirements/run.txt")],
        capture_output=True,
        text=True,
        check=False,
    )
    if pins.returncode != 0:
        parts.need("a package index", pins.stderr.strip().splitlines()[-1])
    subprocess.run([*pip, "--no-deps", str(wheel)], check=True)
    return folder


def tightship(away: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(away), "TIGHTSHIP_DATA": str(away / "data")}
    command = [str(away / "venv/bin/tightship"), *arguments]
    return subprocess.run(command, cwd=away, env=environment, capture_output=True, text=True, check=False)


def test_every_file_of_the_sources_is_inside_and_nothing_else(wheel: Path) -> None:
    sources = TOP / "src"
    ours = {str(path.relative_to(sources)) for path in sources.rglob("*") if path.is_file()}
    ours = {path for path in ours if "__pycache__" not in path}
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert inside == ours
    for kind in ("web/templates/", "web/static/", "store/migrations/0001"):
        assert any(kind in name for name in inside), kind


def test_what_it_requires_is_what_is_pinned(away: Path) -> None:
    command = [sys.executable, "-m", "pip", "--python", str(away / "venv/bin/python"), "check"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_it_says_its_version_and_its_verbs(away: Path) -> None:
    version = tightship(away, "--version")
    assert (version.returncode, version.stderr) == (0, "")
    assert (
        subprocess.check_output(
            [away / "venv/bin/python", "-I", "-c", "import tightship; print(tightship.__version__)"],
            text=True,
            cwd=away,
        ).strip()
        in version.stdout
    )
    assert "who-uses" in tightship(away, "--help").stdout


def test_it_scans_this_server(away: Path) -> None:
    scan = tightship(away, "scan", "--json", "--partial")
    assert scan.returncode == 0, scan.stderr
    assert json.loads(scan.stdout)["schema"] == "tightship.report/1"


def test_it_remembers_in_a_database_of_its_own(away: Path) -> None:
    gathered = tightship(away, "gather")
    assert gathered.returncode == 0, gathered.stderr
    servers = tightship(away, "servers", "--json")
    assert servers.returncode == 0, servers.stderr
    assert len(json.loads(servers.stdout)["rows"]) == 1


def test_no_page_and_no_database_is_needed_for_help(away: Path) -> None:
    code = "import sys, tightship.cli; sys.exit('django' in sys.modules)"
    assert subprocess.run([away / "venv/bin/python", "-I", "-c", code], cwd=away, check=False).returncode == 0
