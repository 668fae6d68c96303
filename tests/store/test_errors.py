"""A database that can't: one clear sentence, nothing half stored, and the next report goes in.

Each in a process of its own, with a real SQLite file or PostgreSQL server.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests import reports
from tests.parts import need_root
from tests.postgresql import PostgreSQL, running

PROGRAM = """
import sys
from tightship.store.ready import migrate, set_up
if sys.argv[1] == "migrate":
    migrate()
else:
    set_up()
    from tightship.store.errors import StoreError
    from tightship.store.recording import record
    for path in sys.argv[2:]:
        if path == "-":  # whoever runs us changes something now
            print("waiting", flush=True)
            sys.stdin.readline()
            continue
        try:
            print(record(open(path, "rb").read(), "web1").kind, flush=True)
        except StoreError as error:
            print("StoreError:", error, flush=True)
"""


def documents(folder: Path, count: int = 3, size: int = 3) -> list[str]:
    """Reports on disk, each with another package set of `size` packages."""
    made = []
    for number in range(count):
        lines = [f"package-{n}\t1.{number}" for n in range(size)]
        path = folder / f"{number}.json"
        at = reports.WHEN + timedelta(hours=number)
        path.write_bytes(reports.report(applications=[reports.application("shop", lines)], at=at))
        made.append(str(path))
    return made


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    run("migrate", data=folder)
    return folder


def environment(data: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return {
        **kept,
        "TIGHTSHIP_DATA": str(data),
        "TIGHTSHIP_LOCK_SECONDS": "0.3",
        "TIGHTSHIP_SECRET_KEY": "x" * 40,
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        **more,
    }


def run(*arguments: str, data: Path, **more: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env=environment(data, **more),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


class Paused:
    """The program, standing at each `-`."""

    def __init__(self, data: Path, *arguments: str, **more: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "record", *arguments],
            env=environment(data, **more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> None:
        self.process.communicate(timeout=30)


def test_a_locked_database_says_so_and_takes_the_next(data: Path, tmp_path: Path) -> None:
    first, second, third = documents(tmp_path)
    paused = Paused(data, first, "-", second, "-", third)
    assert paused.said() == "recorded"
    assert paused.said() == "waiting"
    other = sqlite3.connect(data / "tightship.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    paused.go_on()
    said = paused.said()
    assert said.startswith("StoreError: The database")
    assert "is locked" in said
    assert "tightship.sqlite3" in said
    other.execute("ROLLBACK")
    other.close()
    assert paused.said() == "waiting"
    paused.go_on()
    assert paused.said() == "recorded"
    paused.end()


def test_a_full_disk_says_so_and_takes_the_next(tmp_path: Path) -> None:
    need_root()
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=True)
    try:
        run("migrate", data=folder)
        small, _other, last = documents(tmp_path)
        (tmp_path / "large").mkdir()
        (large,) = documents(tmp_path / "large", 1, 25_000)
        said = run("record", small, large, last, data=folder)
        assert said[0] == "recorded"
        assert said[1].startswith("StoreError: The database")
        assert "full" in said[1]
        assert said[2] == "recorded"
        with closing(sqlite3.connect(folder / "tightship.sqlite3")) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert database.execute("SELECT count(*) FROM store_packageset").fetchone() == (2,)
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_database_in_a_directory_that_is_not_there_says_so(data: Path, tmp_path: Path) -> None:
    (document,) = documents(tmp_path, 1)
    said = run("record", document, data=data, DATABASE_URL=f"sqlite://{data}/missing/tightship.sqlite3")
    assert "can't be opened" in said[0]


def test_a_database_that_was_never_made_up_says_what_makes_it(tmp_path: Path) -> None:
    (document,) = documents(tmp_path, 1)
    said = run("record", document, data=tmp_path)
    assert "tightship gather" in said[0]


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (document,) = documents(tmp_path, 1)
    (tmp_path / "tightship.sqlite3").write_bytes(b"not a database at all, but long enough to be one" * 100)
    assert "damaged" in run("record", document, data=tmp_path)[0]


def test_postgresql_may_go_and_come_back(tmp_path: Path) -> None:
    first, second, third = documents(tmp_path)
    with running() as server:
        url = server.fresh()
        run("migrate", data=tmp_path, DATABASE_URL=url)
        paused = Paused(tmp_path, first, "-", second, "-", third, DATABASE_URL=url)
        assert paused.said() == "recorded"
        assert paused.said() == "waiting"
        _end_connections(server)
        paused.go_on()
        said = paused.said()
        assert said.startswith("StoreError: The database")
        assert "can't be reached" in said
        assert server.url.split(":")[2].split("@")[0] not in said
        assert paused.said() == "waiting"
        paused.go_on()
        assert paused.said() == "recorded"
        paused.end()


def _end_connections(server: PostgreSQL) -> None:
    import psycopg

    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        )


def test_two_that_report_the_same_new_set_at_once_store_it_once(data: Path, tmp_path: Path) -> None:
    lines = [f"package-{n}\t1" for n in range(300)]
    path = tmp_path / "same.json"
    path.write_bytes(reports.report(applications=[reports.application("shop", lines)]))
    program = PROGRAM.replace('"web1"', 'str(__import__("os").getpid())')
    both = [
        subprocess.Popen(
            [sys.executable, "-c", program, "record", str(path)],
            env=environment(data, TIGHTSHIP_LOCK_SECONDS="20"),
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    assert [process.communicate(timeout=60)[0].strip() for process in both] == ["recorded"] * 4
    with closing(sqlite3.connect(data / "tightship.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM store_member").fetchone() == (300,)
        assert database.execute("SELECT count(*) FROM store_server").fetchone() == (4,)


def test_the_django_settings_of_an_application_are_not_ours(data: Path, tmp_path: Path) -> None:
    """Whoever types our verbs often has DJANGO_SETTINGS_MODULE set, as all tests here do."""
    (document,) = documents(tmp_path, 1)
    assert run("record", document, data=data, DJANGO_SETTINGS_MODULE="nowhere.settings") == ["recorded"]
