"""`tightship backup` and `tightship restore`, over real stores of both kinds."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from tests.cli.conftest import program
from tests.postgresql import PostgreSQL
from tests.reports import application, packages, report

LISTINGS = (
    "applications",
    "instances",
    "groups",
    "servers",
    "ports",
    "packages",
    "environments",
    "changes",
    "findings",
)

ALL_LISTINGS = """
import sys
from tightship.cli.running import run
for number, name in enumerate(sys.argv[1:]):
    sys.stdout.write("\\0" * bool(number))
    run([name, "--json"])
"""
"""In one process: they are many."""


class At:
    """`tightship` over a data directory, and a database of one kind."""

    def __init__(self, data: Path, url: str = "") -> None:
        self.data = data
        self.variables = {"DATABASE_URL": url} if url else {}
        self._tightship = program(data)

    def __call__(self, *arguments: str, typed: str | bytes = "") -> subprocess.CompletedProcess[str]:
        return self._tightship(*arguments, typed=typed, **self.variables)

    def fine(self, *arguments: str, typed: str | bytes = "") -> str:
        done = self(*arguments, typed=typed)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def cannot(self, *arguments: str) -> str:
        done = self(*arguments)
        assert done.returncode == 2, done.stdout
        return done.stderr

    def remembers(self) -> dict[str, Any]:
        """The rows of all listings."""
        done = subprocess.run(
            [sys.executable, "-c", ALL_LISTINGS, *LISTINGS],
            env={**os.environ, "TIGHTSHIP_DATA": str(self.data), **self.variables},
            capture_output=True,
            text=True,
            check=True,
        )
        answers = done.stdout.strip().split("\0")
        return {name: json.loads(answer)["rows"] for name, answer in zip(LISTINGS, answers, strict=True)}

    def servers(self) -> list[str]:
        return [row["server"] for row in json.loads(self("servers", "--json").stdout)["rows"]]

    def record(self, server: str, **versions: str) -> None:
        shop = application("shop", packages(**versions), ports=[8001])
        self.fine("record", "-", typed=report(server, [shop], datetime.now(UTC)))


@pytest.fixture
def at(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str, str], At]:
    def make(kind: str, name: str) -> At:
        url = ""
        if kind == "postgresql":
            pytest.importorskip("psycopg")
            running: PostgreSQL = request.getfixturevalue("postgresql")
            url = running.fresh()
        return At(tmp_path / name, url)

    return make


@pytest.fixture
def full(at: Callable[[str, str], At]) -> At:
    """A SQLite store that holds something."""
    store = at("sqlite", "full")
    store.record("web1", django="5.2.1", jinja2="3.1.5")
    return store


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("sqlite", "sqlite"),
        ("sqlite", "postgresql"),
        pytest.param("postgresql", "sqlite", marks=pytest.mark.soak),
        pytest.param("postgresql", "postgresql", marks=pytest.mark.soak),
    ],
)
def test_what_is_restored_is_what_was_remembered(
    at: Callable[[str, str], At], tmp_path: Path, source: str, target: str
) -> None:
    old, new = at(source, "old"), at(target, "new")
    for server, version in (("web1", "5.2.1"), ("web2", "5.2.1"), ("web1", "5.2.2")):
        old.record(server, django=version)
    token = old.fine("token", "create", "--server", "web1").strip()
    file = tmp_path / "backup.zip"
    assert "with the secret key" in old.fine("backup", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    assert "Restored" in new.fine("restore", str(file))
    remembered = old.remembers()
    assert [row["server"] for row in remembered["servers"]] == ["web1", "web2"]
    assert new.remembers() == remembered
    assert new.fine("token", "list") == old.fine("token", "list")
    assert token not in file.read_bytes().decode("latin-1")
    key = new.data / "secret-key"
    assert key.read_text() == (old.data / "secret-key").read_text()
    assert key.stat().st_mode & 0o777 == 0o600
    # It goes on from there: new rows get numbers of their own.
    new.record("web3", django="5.2.3", wheel="0.45")
    new.fine("token", "create", "--server", "web3")
    assert new.servers() == ["web1", "web2", "web3"]
    levels = {check["name"]: check["level"] for check in json.loads(new.fine("doctor", "--json"))}
    assert levels["migrations"] == "ok"


RECORDING = """
import sys
from datetime import UTC, datetime
from tightship.store.ready import set_up
set_up()
from tests.reports import application, packages, report
from tightship.store.recording import record
for number in range(10_000):
    shop = application(f"shop{number:05}", packages(django="5.2.1", own=f"1.{number}"), ports=[8001])
    now = datetime.now(UTC)
    record(report(f"web{number:05}", [shop], now), f"web{number:05}", now)
    print(number, flush=True)
"""


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_backup_is_of_one_moment_while_reports_come_in(
    at: Callable[[str, str], At], tmp_path: Path, kind: str
) -> None:
    old = at(kind, "old")
    old.record("aaa", django="5.2.1")
    recording = subprocess.Popen(
        [sys.executable, "-c", RECORDING],
        env={**os.environ, "TIGHTSHIP_DATA": str(old.data), **old.variables},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert recording.stdout is not None
    try:
        for number in range(3):
            for _ in range(20):
                assert recording.stdout.readline()
            old.fine("backup", str(tmp_path / f"{number}.zip"))
    finally:
        recording.kill()
        recording.wait()
    counts = []
    for number in range(3):
        new = at("sqlite", f"new{number}")
        new.fine("restore", str(tmp_path / f"{number}.zip"))
        with closing(sqlite3.connect(new.data / "tightship.sqlite3")) as database:
            assert database.execute("PRAGMA foreign_key_check").fetchall() == []
            names = [row[0] for row in database.execute("SELECT name FROM store_server ORDER BY name")]
            (instances,) = database.execute("SELECT count(*) FROM store_instance").fetchone()
            (tallies,) = database.execute("SELECT count(*) FROM store_tally").fetchone()
        assert names == ["aaa", *(f"web{number:05}" for number in range(len(names) - 1))], "none is left out"
        assert instances == tallies == len(names), "each report is there whole, or not at all"
        counts.append(len(names))
    assert 20 < counts[0] < counts[1] < counts[2]


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_is_there_is_only_given_up_when_that_is_said(
    at: Callable[[str, str], At], full: At, tmp_path: Path, kind: str
) -> None:
    file = str(tmp_path / "backup.zip")
    full.fine("backup", file)
    new = at(kind, "new")
    new.record("other", django="4.2")
    before = new.servers()
    assert "--replace" in new.cannot("restore", file)
    assert new.servers() == before
    new.fine("restore", "--replace", file)
    assert new.servers() == full.servers()


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_database_that_is_in_use_is_left_alone(
    at: Callable[[str, str], At], full: At, tmp_path: Path, kind: str
) -> None:
    file = str(tmp_path / "backup.zip")
    full.fine("backup", file)
    new = at(kind, "new")
    new.record("other", django="4.2")
    with closing(_connected(new)):
        assert "is in use" in new.cannot("restore", "--replace", file)
    assert new.servers() == ["other"]
    new.fine("restore", "--replace", file)


def _connected(store: At) -> Any:
    """As a web process is, between two requests."""
    if store.variables:
        import psycopg

        return psycopg.connect(store.variables["DATABASE_URL"], autocommit=True)
    connection = sqlite3.connect(store.data / "tightship.sqlite3")
    connection.execute("SELECT count(*) FROM store_server").fetchone()
    return connection


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_fails_in_the_middle_leaves_all_as_it_was(
    at: Callable[[str, str], At], full: At, tmp_path: Path, kind: str
) -> None:
    whole, odd = tmp_path / "backup.zip", tmp_path / "odd.zip"
    full.fine("backup", str(whole))
    new = at(kind, "new")
    new.record("other", django="4.2")
    before = new.servers()
    # A row that refers to nothing, in a file that is as it was written.
    _rewritten(whole, odd, {"tables/store.server.jsonl": b""})
    assert new.cannot("restore", "--replace", str(odd))
    assert new.servers() == before
    (new.data / ".restoring-killed").mkdir()
    new.fine("restore", "--replace", str(whole))
    assert not list(new.data.glob(".restoring-*")) or kind == "postgresql"


def _rewritten(source: Path, target: Path, changed: dict[str, bytes], **manifest: Any) -> None:
    """A backup with other contents, whose digests are right."""
    from hashlib import sha256

    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        said = json.loads(old.read("manifest.json")) | manifest
        for name in old.namelist():
            if name != "manifest.json":
                contents = changed.get(name, old.read(name))
                said["sha256"][name] = sha256(contents).hexdigest()
                new.writestr(name, contents)
        new.writestr("manifest.json", json.dumps(said))


def test_files_that_are_no_whole_backup_are_refused(
    full: At, at: Callable[[str, str], At], tmp_path: Path
) -> None:
    whole = tmp_path / "backup.zip"
    full.fine("backup", str(whole))
    contents = whole.read_bytes()
    new = at("sqlite", "new")
    for name, bad in {
        "cut": contents[: len(contents) // 2],
        "empty": b"",
        "text": b"hello\n" * 1000,
        "flipped": contents[:400] + bytes([contents[400] ^ 0xFF]) + contents[401:],
    }.items():
        (tmp_path / name).write_bytes(bad)
        assert "no whole backup" in new.cannot("restore", str(tmp_path / name)), name
    with zipfile.ZipFile(tmp_path / "foreign.zip", "w") as file:
        file.writestr("hello", "there")
    assert "no backup of Tightship's" in new.cannot("restore", str(tmp_path / "foreign.zip"))
    assert "no such file" in new.cannot("restore", str(tmp_path / "missing.zip")).lower()
    assert not (new.data / "tightship.sqlite3").exists()


def test_a_backup_of_a_newer_release_is_refused(
    full: At, at: Callable[[str, str], At], tmp_path: Path
) -> None:
    whole, newer = tmp_path / "backup.zip", tmp_path / "newer.zip"
    full.fine("backup", str(whole))
    with zipfile.ZipFile(whole) as file:
        migrations = json.loads(file.read("manifest.json"))["migrations"]
    _rewritten(whole, newer, {}, version="9.1", migrations=[*migrations, ["store", "0999_flying"]])
    said = at("sqlite", "new").cannot("restore", str(newer))
    assert "newer release, 9.1" in said
    _rewritten(whole, newer, {}, schema="tightship.backup/2")
    assert "tightship.backup/2" in at("sqlite", "new").cannot("restore", str(newer))


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_backup_of_an_older_release_is_brought_up_to_date(
    at: Callable[[str, str], At], tmp_path: Path, kind: str
) -> None:
    old = at("sqlite", "old")
    _made_by_an_older_release(old)
    file = str(tmp_path / "backup.zip")
    old.fine("backup", file)
    new = at(kind, "new")
    new.fine("restore", file)
    assert new.servers() == ["web1"]


def _made_by_an_older_release(store: At) -> None:
    program = (
        "from tightship.store.ready import set_up; set_up()\n"
        "from django.core.management import call_command\n"
        "from django.db import connection\n"
        "call_command('migrate', 'store', '0008', verbosity=0)\n"
        "call_command('migrate', 'auth', verbosity=0)\n"
        'connection.cursor().execute("INSERT INTO store_server (name, machine_id, first_seen, last_seen, '
        "reported_at, said_at, digest, complete, live, retired_because) VALUES ('web1', 'm', '2026-11-20', "
        "'2026-11-20', '2026-11-20', '2026-11-20', 'd', 1, '{}', '')\")\n"
    )
    store.data.mkdir()
    subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "TIGHTSHIP_DATA": str(store.data)}, check=True
    )


def test_a_file_that_exists_is_not_overwritten_unasked(full: At, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    file.write_text("precious")
    assert "exists already" in full.cannot("backup", str(file))
    assert file.read_text() == "precious"
    full.fine("backup", "--replace", str(file))
    assert zipfile.is_zipfile(file)
    assert "There is no directory" in full.cannot("backup", str(tmp_path / "none" / "backup.zip"))


def test_a_full_disk_leaves_the_backup_before(full: At, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    full.fine("backup", str(file))
    before = file.read_bytes()
    full.record("web2", **{f"package{number}": f"1+{secrets.token_hex(16)}" for number in range(2000)})
    done = subprocess.run(
        # 32 KiB a file: what SQLite itself needs beside the database, and less than the backup.
        ["sh", "-c", f"ulimit -f 64; exec {sys.executable} -m tightship backup --replace {file}"],
        env={**os.environ, "TIGHTSHIP_DATA": str(full.data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout
    assert f"{file} could not be written" in done.stderr
    assert file.read_bytes() == before
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_there_must_be_something_to_back_up(at: Callable[[str, str], At], tmp_path: Path) -> None:
    assert "Nothing was recorded yet" in at("sqlite", "none").cannot("backup", str(tmp_path / "backup.zip"))
    assert "nothing to back up" in at("postgresql", "none").cannot("backup", str(tmp_path / "backup.zip"))


def test_nothing_is_restored_below_a_service_that_runs(full: At, tmp_path: Path) -> None:
    file = str(tmp_path / "backup.zip")
    full.fine("backup", file)
    serving = subprocess.Popen(
        [sys.executable, "-m", "tightship", "work", "--until-eof", "--no-ssh"],
        env={**os.environ, "TIGHTSHIP_DATA": str(full.data)},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for_its_lease(full)
        assert "systemctl stop tightship" in full.cannot("restore", "--replace", file)
    finally:
        assert serving.stdin is not None
        serving.stdin.close()
        assert serving.wait(60) == 0
    full.fine("restore", "--replace", file)


def _wait_for_its_lease(store: At) -> None:
    for _ in range(600):
        with closing(sqlite3.connect(store.data / "tightship.sqlite3")) as database:
            if database.execute("SELECT count(*) FROM store_lease").fetchone()[0]:
                return
        sleep(0.1)
    raise AssertionError("it did not begin to work")
