"""`tightship demo`: apart from the real store, and marked wherever it is shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.applications import free_port
from tests.cli.conftest import Tightship, program
from tests.cli.test_serve import LINK, SECONDS, _greeting, get
from tests.reports import application, packages, report


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a demo that was made."""
    folder = tmp_path_factory.mktemp("demo") / "kept"
    tightship = program(tmp_path_factory.mktemp("real"))
    done = tightship("demo", "--fill-only", "--keep", str(folder))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


@pytest.fixture
def demo(kept: Path) -> Tightship:
    """`tightship`, over the demo's database."""
    return program(kept)


def test_the_demo_has_thirty_servers_and_says_that_they_are_simulated(demo: Tightship) -> None:
    done = demo("servers", "--json")
    document = json.loads(done.stdout)
    assert document["total"] == 30
    assert document["covers"]["simulated"] is True
    assert document["covers"]["silent"] == ["old1"]
    assert "all simulated" in demo("servers").stderr


def test_all_that_can_go_wrong_is_in_it(demo: Tightship) -> None:
    rows = {row["application"]: row for row in json.loads(demo("applications", "--json").stdout)["rows"]}
    assert {"2.4.1", "2.5.0"} < set(rows["shop"]["releases"])
    assert "stale" in rows["shop"]["signs"]
    assert rows["maps"]["releases"] == ["2.1.0+dirty"]
    assert rows["maps"]["ports"] == rows["geocoder"]["ports"]
    assert rows["newsletter"]["releases"] == ["d20e9a5b71c8"]
    assert rows["museum"]["pythons"] == ["3.8.20"]
    assert "silent" in rows["timesheet"]["signs"]
    assert rows["shop"]["stages"] == ["acceptance", "production", "test"]
    assert rows["shop"]["owner"] == "web team"
    assert "customer=acme" in rows["shop"]["labels"]
    kinds = {row["kind"] for row in json.loads(demo("changes", "--json", "--all").stdout)["rows"]}
    assert {"release", "package", "restarted", "rebooted", "system", "listener", "gone"} <= kinds


def test_the_doctor_says_that_it_is_simulated(demo: Tightship) -> None:
    checks = {check["name"]: check for check in json.loads(demo("doctor", "--json").stdout)}
    assert checks["fleet"]["level"] == "warn"


def test_made_again_it_only_goes_on(demo: Tightship, kept: Path, fresh: Tightship) -> None:
    before = json.loads(demo("changes", "--json").stdout)["total"]
    assert fresh("demo", "--fill-only", "--keep", str(kept)).returncode == 0
    after = json.loads(demo("changes", "--json").stdout)
    assert (after["total"], after["covers"]["silent"]) == (before, ["old1"])
    done = fresh("demo", "--fill-only", "--keep", str(kept), "--servers", "40")
    assert (done.returncode, "holds 30 servers" in done.stderr) == (2, True)


def test_a_database_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    tightship = program(tmp_path)
    shop = report("web1", [application("shop", packages(django="5.2.1"))])
    assert tightship("record", "-", typed=shop).returncode == 0
    for real in (tightship, program(tmp_path / "other")):
        done = real("demo", "--fill-only", "--keep", str(tmp_path))
        assert (done.returncode, "holds a database that no demo made" in done.stderr) == (2, True)
    assert json.loads(tightship("servers", "--json").stdout)["total"] == 1


def test_where_your_own_data_is_no_demo_is_made(tmp_path: Path) -> None:
    done = program(tmp_path)("demo", "--fill-only", "--keep", str(tmp_path))
    assert (done.returncode, "where your own data is" in done.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_without_a_directory_there_is_nothing_to_fill(fresh: Tightship) -> None:
    done = fresh("demo", "--fill-only")
    assert (done.returncode, "--keep DIRECTORY" in done.stderr) == (2, True)


def test_it_is_served_and_leaves_nothing_behind(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", "tightship", "demo", "--bind", f"127.0.0.1:{free_port()}"],
        cwd="/",
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said = _greeting(process)
        link = LINK.search(said)
        assert link
        status, _address, page = get(link[0])
        assert (status, "None of these servers exists" in page) == (200, True)
        assert f"TIGHTSHIP_DATA={next(tmp_path.iterdir())}" in said
    finally:
        process.terminate()
        rest = process.communicate(timeout=SECONDS)[0]
    assert (process.returncode, rest.strip()) == (0, "")
    assert list(tmp_path.iterdir()) == []
