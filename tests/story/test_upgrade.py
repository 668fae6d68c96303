"""A package is upgraded under a running process: maybe stale, then surely, then gone; and the past stays."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.applications import WSGI, application, called, folder, free_port, own, running
from tests.story.typing_it import Row, Tightship, as_owner, as_root

NAME = called("billing")
PACKAGE = "tariffs"


def wheel(directory: Path, version: str) -> Path:
    """A package of our own in one version, for an installer to install."""
    info = f"{PACKAGE}-{version}.dist-info"
    path = directory / f"{PACKAGE}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{PACKAGE}.py", f"version = {version!r}\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(
            f"{info}/RECORD", f"{PACKAGE}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"
        )
    return path


def install(home: Path, version: str) -> None:
    """As people do it: by an installer, into the environment of what runs."""
    # Nothing else may be touched: a new owner, too, makes a file newer than the process.
    path = wheel(home, version)
    target = ["--python", str(home / "venv/bin/python")]
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-index", "--no-cache"]
    subprocess.run([*uv, *target, str(path)], check=True)


class Told:
    """What the verbs told at one point of the story."""

    def __init__(self, tightship: Tightship) -> None:
        self.said = tightship.gather()
        self.at = datetime.now(UTC).isoformat()
        self.scan = scanned(tightship)
        self.changes = [row["change"] for row in tightship.rows("changes", "--application", NAME)]
        (self.application,) = tightship.rows("applications", "--search", NAME)
        self.page = tightship.run("applications", "--search", NAME, "--partial").stdout


def scanned(tightship: Tightship) -> Row:
    """The process group of our application in a scan."""
    groups = tightship.scan()["state"]["groups"]
    (group,) = [group for group in groups if NAME in group["cwd"]]
    return dict(group)


@pytest.fixture(scope="module")
def tightship() -> Iterator[Tightship]:
    with folder() as data:
        yield as_root(data)


@pytest.fixture(scope="module")
def story(tightship: Tightship) -> Iterator[dict[str, Any]]:
    """The whole story, told once: before, upgraded, scanned, gathered, restarted."""
    told: dict[str, Any] = {}
    files = {**WSGI, f"{NAME}.py": f"import {PACKAGE}\n{WSGI['intranet.py']}"}
    with application(NAME, files, ["waitress"]) as home:
        install(home, "1.0")
        port = free_port()
        waitress = [home / "venv/bin/waitress-serve", f"--listen=127.0.0.1:{port}", f"{NAME}:app"]
        with running(waitress, home, port=port):
            told["before"] = Told(tightship)
            install(home, "2.0")
            told["scan after the upgrade"] = scanned(tightship)
            told["after the upgrade"] = Told(tightship)
        with running(waitress, home, port=port):
            told["after the restart"] = Told(tightship)
            yield told


def test_before_the_upgrade_nothing_is_stale(story: dict[str, Any]) -> None:
    assert story["before"].scan["stale"] == []
    assert story["before"].application["signs"] == []


def test_a_scan_after_the_upgrade_says_maybe_stale(story: dict[str, Any]) -> None:
    assert {sign["what"] for sign in story["scan after the upgrade"]["stale"]} == {PACKAGE}


def test_gathered_again_the_change_and_what_still_runs_are_told(story: dict[str, Any]) -> None:
    after = story["after the upgrade"]
    assert f"{PACKAGE} 1.0 → 2.0; the process still runs 1.0" in after.changes
    assert after.application["signs"] == ["stale"]
    assert "stale" in after.page


def test_after_a_restart_it_is_gone(story: dict[str, Any]) -> None:
    after = story["after the restart"]
    assert after.scan["stale"] == []
    assert after.application["signs"] == []
    assert "restarted" in after.changes


def test_before_is_still_known(story: dict[str, Any], tightship: Tightship) -> None:
    def versions(*at: str) -> list[Any]:
        return [row["version"] for row in tightship.rows("who-uses", PACKAGE, "--application", NAME, *at)]

    assert versions("--at", story["before"].at) == ["1.0"]
    assert versions() == ["2.0"]


def test_an_hour_as_an_ordinary_user_between_two_as_root_changes_nothing(data: Path) -> None:
    name = called("ledger")
    files = {**WSGI, f"{name}.py": WSGI["intranet.py"]}
    with application(name, files, ["waitress"]) as home, running_as_root(home):
        as_root(data).gather()
        before = told_of(as_root(data), name)
        assert len(before[0]) == 1
        own(data)
        assert "Partial" in as_owner(data).gather() or not as_owner(data).user
        assert told_of(as_root(data), name) == before
        as_root(data).gather()
        assert told_of(as_root(data), name) == before


def running_as_root(home: Path) -> Any:
    """An application that the ordinary user can't look into."""
    port = free_port()
    waitress = [home / "venv/bin/waitress-serve", f"--listen=127.0.0.1:{port}", f"{home.name}:app"]
    return running(waitress, home, port=port, user=None, group=None, extra_groups=None)


def told_of(tightship: Tightship, name: str) -> tuple[list[Row], list[Row], list[Row]]:
    """What is known of an application, but for the sign that it was not fully read.

    Nor since when: seen from outside only, its process group goes by another key.
    """
    packages = tightship.rows("packages", "--application", name)
    changes = tightship.rows("changes", "--application", name)
    applications = [
        {**row, "signs": None, "since": None} for row in tightship.rows("applications", "--search", name)
    ]
    return applications, packages, changes
