"""`tightship work`, as it is typed: real processes, real servers, real databases."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Tightship, program
from tightship.cli.work import Fleet
from tightship.lab import Lab

SECONDS = 60


def until(happened: Callable[[], Any], seconds: float = SECONDS) -> Any:
    end = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)
    return found


class Worker:
    """A running `tightship work`, and what it says."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process, self.log = process, log

    def says(self, text: str) -> bool:
        said = self.log.read_text()
        assert "Traceback" not in said, said
        return text in said


@contextmanager
def working(data: Path, log: Path, *arguments: str, **variables: str) -> Iterator[Worker]:
    environment = {
        **os.environ,
        "TIGHTSHIP_DATA": str(data),
        "XDG_CONFIG_HOME": f"{data}-config",
        **variables,
    }
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "tightship", "work", *arguments], stderr=file, stdout=file, env=environment
        )
    try:
        yield Worker(process, log)
    finally:
        if process.poll() is None:
            process.terminate()
        assert process.wait(20) in (0, -signal.SIGKILL), log.read_text()


@pytest.fixture
def fresh(tmp_path: Path) -> Tightship:
    return program(tmp_path / "data")


@pytest.fixture
def config(lab: Lab) -> str:
    return str(lab["web1"].folder.parent / "ssh_config")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    directory = tmp_path / "data"
    directory.mkdir()
    (directory / "fleet.toml").write_text("[servers.web1]\n[servers.web2]\n")
    return directory


def test_all_servers_are_read_without_anyone_asking_and_only_one_does_it(
    lab: Lab, data: Path, tmp_path: Path, config: str
) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(working(data, tmp_path / "first", "--ssh-config", config))
        until(lambda: first.says("2 recorded") or first.says("2 partial"))
        second = stack.enter_context(working(data, tmp_path / "second", "--ssh-config", config))
        until(lambda: second.says("is at it: this one waits"))
    said = program(data)("servers", "--json").stdout
    assert '"web1"' in said
    assert '"web2"' in said
    assert "recorded" not in (tmp_path / "second").read_text()
    assert "Traceback" not in (tmp_path / "second").read_text()


def test_once_does_what_is_due_and_ends(lab: Lab, data: Path, config: str) -> None:
    tightship = program(data)
    assert tightship("work", "--once", "--ssh-config", config).returncode == 0
    again = tightship("work", "--once", "--ssh-config", config)
    assert (again.returncode, again.stderr) == (0, ""), "their turn comes in an hour"


@pytest.mark.soak
def test_a_server_that_fails_is_told_and_the_others_are_read(lab: Lab, data: Path, config: str) -> None:
    tightship = program(data)
    with lab["web2"].unplugged():
        config_with_little_patience = data / "ssh_config"
        config_with_little_patience.write_text("ConnectTimeout 2\n" + Path(config).read_text())
        done = tightship("work", "--once", "--ssh-config", str(config_with_little_patience))
    assert done.returncode == 2
    assert "work: web2: unreachable: " in done.stderr
    assert '"web1"' in tightship("servers", "--json").stdout


def test_a_file_that_changed_counts_at_once_and_a_broken_one_does_not(
    lab: Lab, data: Path, tmp_path: Path, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIGHTSHIP_DATA", str(data))
    monkeypatch.chdir(tmp_path)
    fleet = Fleet("", config)
    assert [target.name for target in fleet.servers()] == ["web1", "web2"]
    (data / "fleet.toml").write_text("[servers.web1]\n")
    assert [target.name for target in fleet.servers()] == ["web1"]
    (data / "fleet.toml").write_text("[servers.\n")
    assert [target.name for target in fleet.servers()] == ["web1"], "those of before"
    (data / "fleet.toml").write_text("[servers.web7]\n")
    assert [target.name for target in fleet.servers()] == ["web7"]
    seen = fleet._signature()
    (data / "fleet.toml").chmod(0o640)
    assert fleet._signature() != seen, "who could not read it before may now"


def run_out(data: Path) -> None:
    """As if minutes had passed."""
    with closing(sqlite3.connect(data / "tightship.sqlite3", timeout=20)) as database, database:
        database.execute("UPDATE store_lease SET until = '2020-01-01 00:00:00'")


@pytest.mark.soak
def test_one_that_was_killed_is_followed_by_another(data: Path, tmp_path: Path) -> None:
    tightship = program(data)
    nowhere = ("--ssh-config", "/dev/null")
    with working(data, tmp_path / "killed", *nowhere) as killed:
        until(lambda: "`tightship work` is running" in tightship("doctor").stdout)
        killed.process.kill()
        killed.process.wait()
    with working(data, tmp_path / "second", *nowhere) as second:
        until(
            lambda: second.says(f"process {killed.process.pid}") and second.says("is at it: this one waits")
        )
        run_out(data)
        until(lambda: f"process {second.process.pid}" in tightship("doctor").stdout)
    run_out(data)
    assert "`tightship work` ended at about" in tightship("doctor").stdout


def test_without_a_way_into_servers_silence_is_noted_beside_the_one_who_goes(
    data: Path, tmp_path: Path
) -> None:
    nowhere = ("--ssh-config", "/dev/null")
    with working(data, tmp_path / "stays", "--no-ssh") as stays:
        until(lambda: f"process {stays.process.pid}" in program(data)("doctor").stdout)
        with working(data, tmp_path / "goes", *nowhere) as goes:
            until(lambda: f"process {goes.process.pid}" in program(data)("doctor").stdout)
    assert (tmp_path / "stays").read_text() == ""


def test_it_ends_with_the_one_that_started_it(data: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tightship", "work", "--no-ssh", "--until-eof"],
        stdin=subprocess.PIPE,
        env={**os.environ, "TIGHTSHIP_DATA": str(data)},
    )
    time.sleep(1)
    assert process.poll() is None
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(20) == 0


def test_a_service_that_is_asked_elsewhere_does_not_work_here(fresh: Tightship) -> None:
    done = fresh("work", "--once", TIGHTSHIP_URL="https://tightship.example.com", TIGHTSHIP_TOKEN="x")
    assert done.returncode == 2
    assert "is for where the data is kept" in done.stderr
