"""Real clients of OSV's API ask a real service: pip-audit and uv, about real old releases from the index.

What `tightship vulnerable` says of the same releases has to be the same, one by one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from uv import find_uv_bin

from tests.advisories import OLD, REAL, export, real
from tests.cli.conftest import program
from tests.reports import application, packages, report
from tests.web.service import Service, serving

PROJECT = """
[project]
name = "shop"
version = "1"
requires-python = ">=3.11"
dependencies = ["jinja2==2.10"]
"""


def run(*command: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **more)


def environment(folder: Path, *wanted: str) -> Path:
    """A new environment with these packages alone, or with all that they need."""
    done = run(find_uv_bin(), "venv", "-q", "--python", sys.executable, folder)
    assert done.returncode == 0, done.stderr
    done = run(find_uv_bin(), "pip", "install", "-q", "--python", folder / "bin" / "python", *wanted)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Old releases, installed."""
    pinned = [f"{name}=={version}" for name, version in OLD.items()]
    return environment(tmp_path_factory.mktemp("old") / "venv", "--no-deps", *pinned)


@pytest.fixture(scope="module")
def auditor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return (
        environment(tmp_path_factory.mktemp("pip-audit") / "venv", "pip-audit>=2.9,<3") / "bin" / "pip-audit"
    )


@pytest.fixture(scope="module")
def service(old: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that knows of those releases, and of the advisories about them."""
    folder = tmp_path_factory.mktemp("service")
    tightship = program(folder / "data")
    said = run(find_uv_bin(), "pip", "list", "--format", "json", "--python", old / "bin" / "python")
    installed = {one["name"]: one["version"] for one in json.loads(said.stdout)}
    assert installed.keys() == OLD.keys()
    shop = application("shop", packages(**installed))
    assert tightship("record", "-", typed=report("web1", [shop], datetime.now(UTC))).returncode == 0
    assert tightship("advisories", "update", str(export(folder / "all.zip", real()))).returncode == 0
    with serving(folder / "data", fill="") as running:
        yield running


def audited(auditor: Path, old: Path, address: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (site_packages,) = old.glob("lib/python3*/site-packages")
    asked = (
        "-s",
        "osv",
        "--osv-url",
        f"{address}/v1/query",
        "--aliases",
        "-f",
        "json",
        "--progress-spinner=off",
    )
    alone = {**os.environ, "XDG_CACHE_HOME": str(folder)}
    return run(auditor, "--path", site_packages, *asked, "--cache-dir", folder / "cache", env=alone)


def folded(done: subprocess.CompletedProcess[str]) -> dict[tuple[str, frozenset[str]], list[str]]:
    """(package, all ids of one vulnerability) -> what mends it. pip-audit folds aliases as well."""
    found = json.loads(done.stdout)["dependencies"]
    return {
        (one["name"], frozenset({hole["id"], *hole["aliases"]})): hole["fix_versions"]
        for one in found
        for hole in one.get("vulns", [])
    }


SERIES = {one.cve for one in REAL if len(one.ranges) > 1}
"""Mended in several series. Of these pip-audit reads the first range alone: to Django 2.2 it says 1.11.23."""


def test_pip_audit_finds_what_vulnerable_finds(
    auditor: Path, old: Path, service: Service, tmp_path: Path
) -> None:
    done = audited(auditor, old, service.address, tmp_path)
    assert done.returncode == 1, done.stderr
    ours = program(Path(service.environment["TIGHTSHIP_DATA"]))("vulnerable", "--json")
    rows = json.loads(ours.stdout)["rows"]
    told = {
        (row["package"], frozenset({row["vulnerability"], *row["aliases"]})): row["fixed"] for row in rows
    }
    theirs = folded(done)
    assert theirs.keys() == told.keys()
    assert len(told) == len(REAL)
    other = {names for (_package, names), fixed in told.items() if fixed != theirs[_package, names]}
    assert {name for names in other for name in names & SERIES} == SERIES
    assert len(other) == len(SERIES)


@pytest.mark.soak  # test_osv has the answer that it gets
def test_pip_audit_gets_no_all_clear_from_a_service_without_advisories(
    auditor: Path, old: Path, tmp_path: Path
) -> None:
    with serving(tmp_path / "data", fill="") as empty:
        done = audited(auditor, old, empty.address, tmp_path)
    assert done.returncode != 0
    assert "No known vulnerabilities" not in done.stdout + done.stderr


def test_uv_audit_finds_them_too(service: Service, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    there: dict[str, Any] = {"cwd": tmp_path, "env": {**os.environ, "UV_CACHE_DIR": str(tmp_path / "cache")}}
    done = run(find_uv_bin(), "audit", "--preview", "--service-url", service.address, **there)
    assert done.returncode == 1, done.stderr
    for one in REAL:
        assert (one.pysec in done.stdout or one.ghsa in done.stdout) == (one.package == "jinja2"), one
