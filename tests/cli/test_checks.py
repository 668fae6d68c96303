"""What the doctor concludes from facts, and that every complaint comes with its fix."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tightship.cli import checks
from tightship.cli.checks import Check, Database, Place, Rights, Serving

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PLACE = Place("/var/lib/tightship", exists=True, writable=True, free=50 * 1024**3, file_system="ext4")
DATABASE = Database(
    "sqlite",
    "/var/lib/tightship/tightship.sqlite3",
    version=(3, 40, 1),
    journal="wal",
    now=NOW,
    newest_report=NOW - timedelta(minutes=20),
)
ROOT = Rights(0, "root", may_trace=True, trace_scope=1)
SERVING = Serving(True, ("tightship.example.com",), 1)


def level(check: Check | None) -> str:
    assert check is not None
    assert check.fix or check.level == "ok"
    return check.level


def test_a_tidy_set_up_has_nothing_to_complain_about() -> None:
    found = [
        checks.python((3, 11, 2)),
        checks.probe_python("/usr/bin/python3", (3, 6, 8)),
        checks.system("linux"),
        checks.rights(ROOT),
        checks.data_directory(PLACE),
        checks.space(PLACE),
        checks.database(DATABASE),
        checks.journal(DATABASE, PLACE),
        checks.migrations(DATABASE),
        checks.clock(NOW, DATABASE),
        checks.recorded(NOW, DATABASE),
        checks.port(8000, ""),
        checks.secret_key(SERVING),
        checks.allowed_hosts(SERVING),
        checks.administrator(SERVING),
    ]
    assert {check.level for check in found if check} == {"ok"}
    assert None not in found


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (checks.python((3, 9, 2)), "fail"),
        (checks.probe_python("", ()), "warn"),
        (checks.probe_python("/usr/bin/python3", ()), "warn"),
        (checks.probe_python("/usr/bin/python3", (3, 5, 3)), "warn"),
        (checks.system("darwin"), "warn"),
        (checks.data_directory(replace(PLACE, writable=False)), "fail"),
        (checks.data_directory(replace(PLACE, exists=False, writable=False)), "fail"),
        (checks.data_directory(replace(PLACE, exists=False)), "ok"),
        (checks.space(replace(PLACE, free=1024**2)), "fail"),
        (checks.settings("DATABASE_URL: expected postgresql://..."), "fail"),
        (checks.settings(""), "ok"),
        (checks.space(replace(PLACE, free=500 * 1024**2)), "warn"),
        (checks.database(replace(DATABASE, error="unable to open database file")), "fail"),
        (checks.database(replace(DATABASE, exists=False)), "warn"),
        (checks.database(replace(DATABASE, version=(3, 7, 17))), "fail"),
        (checks.journal(DATABASE, replace(PLACE, file_system="nfs4")), "fail"),
        (checks.journal(replace(DATABASE, journal="delete"), PLACE), "warn"),
        (checks.migrations(replace(DATABASE, waiting=("store.0002_x",))), "warn"),
        (checks.migrations(replace(DATABASE, unknown=("store.0009_x",))), "fail"),
        (checks.clock(NOW.replace(year=2099) + timedelta(days=400), DATABASE), "fail"),
        (checks.clock(NOW.replace(year=1999), DATABASE), "fail"),
        (checks.clock(NOW, replace(DATABASE, now=NOW - timedelta(minutes=5))), "warn"),
        (checks.clock(NOW, replace(DATABASE, newest_report=NOW + timedelta(days=1))), "warn"),
        (checks.recorded(NOW, replace(DATABASE, newest_report=None)), "warn"),
        (checks.recorded(NOW, replace(DATABASE, newest_report=NOW - timedelta(days=1))), "warn"),
        (checks.port(8000, "Port 8000 is taken by x. Choose another: y"), "warn"),
        (checks.secret_key(replace(SERVING, secret_key=False)), "warn"),
        (checks.allowed_hosts(replace(SERVING, allowed_hosts=("*",))), "warn"),
        (checks.allowed_hosts(replace(SERVING, allowed_hosts=("localhost", "127.0.0.1"))), "ok"),
        (checks.administrator(replace(SERVING, administrators=0)), "warn"),
        (checks.debug(replace(SERVING, debug=True)), "warn"),
    ],
)
def test_each_trouble_is_told_with_its_fix(check: Check | None, expected: str) -> None:
    assert level(check) == expected


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (replace(ROOT, may_trace=False), "CAP_SYS_PTRACE"),
        (Rights(1000, "alice", may_trace=False, trace_scope=1), "only seen from outside"),
        (Rights(1000, "alice", may_trace=False, trace_scope=2), "ptrace_scope"),
        (Rights(1000, "alice", may_trace=False, hidden=True), "hidepid"),
    ],
)
def test_what_the_probe_may_not_read_is_said(facts: Rights, says: str) -> None:
    check = checks.rights(facts)
    assert level(check) == "warn"
    assert says in check.says


def test_sudo_is_only_advised_where_it_is() -> None:
    alice = Rights(1000, "alice", may_trace=False)
    assert "--sudo" not in checks.rights(alice).fix
    assert "--sudo" in checks.rights(replace(alice, sudo=True)).fix


def test_a_postgresql_needs_no_journal_check() -> None:
    assert checks.journal(replace(DATABASE, vendor="postgresql"), PLACE) is None


@pytest.mark.parametrize("check", [checks.migrations, lambda facts: checks.recorded(NOW, facts)])
def test_nothing_is_concluded_from_a_database_that_did_not_answer(check) -> None:  # type: ignore[no-untyped-def]
    assert check(replace(DATABASE, error="connection refused")) is None
