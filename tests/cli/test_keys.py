"""Tokens of programs and accounts of people."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Tightship, program


def test_a_tokens_secret_is_alone_on_the_output_and_only_its_digest_is_kept(tmp_path: Path) -> None:
    tightship = program(tmp_path)
    done = tightship("token", "create", "--server", "web1", "--days", "30")
    secret = done.stdout.strip()
    assert done.stdout == f"{secret}\n"
    assert secret.startswith("tightship_")
    assert "pushes reports of web1" in done.stderr
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert secret.encode() not in kept


def test_tokens_are_listed_and_revoked(fresh: Tightship) -> None:
    fresh("token", "create", "--server", "web1")
    fresh("token", "create", "--read", "--days", "1")
    assert fresh("token", "revoke", "1").returncode == 0
    lines = fresh("token", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["Number", "2", "1"]
    assert "revoked" in lines[2]
    assert "web1" in lines[2]
    assert "valid" in lines[1]
    again = fresh("token", "revoke", "1")
    assert again.returncode == 2
    assert "tightship token list" in again.stderr


@pytest.mark.parametrize("options", [[], ["--server", "web1", "--read"]])
def test_a_token_is_for_one_purpose(options: list[str], fresh: Tightship) -> None:
    done = fresh("token", "create", *options)
    assert done.returncode == 2
    assert "--server NAME" in done.stderr


def test_an_account_is_made_with_a_password_from_the_standard_input(tmp_path: Path) -> None:
    tightship = program(tmp_path)
    assert tightship("account", "add", "alice", "--administrator", typed="correct horse 9\n").returncode == 0
    assert tightship("account", "add", "bob", typed="battery staple 7\n").returncode == 0
    assert tightship("account", "list").stdout == "alice  administrator\nbob\n"
    with sqlite3.connect(tmp_path / "tightship.sqlite3") as connection:
        passwords = [row[0] for row in connection.execute("SELECT password FROM auth_user")]
    connection.close()
    assert all("$" in password and "horse" not in password for password in passwords)


@pytest.mark.parametrize(
    ("name", "typed", "says"),
    [
        ("alice", "", "No password came by the standard input"),
        ("alice", "short\n", "too short"),
        ("alice", "password1234\n", "too common"),
        ("no such/name", "correct horse 9\n", "valid username"),
    ],
)
def test_an_account_that_is_refused_says_why(name: str, typed: str, says: str, fresh: Tightship) -> None:
    done = fresh("account", "add", name, typed=typed)
    assert done.returncode == 2
    assert says in done.stderr


def test_an_account_is_made_once(fresh: Tightship) -> None:
    fresh("account", "add", "alice", typed="correct horse 9\n")
    done = fresh("account", "add", "alice", typed="correct horse 9\n")
    assert done.returncode == 2
    assert "already" in done.stderr


def test_a_password_is_never_an_option(fresh: Tightship) -> None:
    assert "No such option" in fresh("account", "add", "alice", "--password", "x").stderr


def test_tokens_of_many_servers_are_files_that_only_their_owner_reads(
    fresh: Tightship, tmp_path: Path
) -> None:
    done = fresh(
        "token", "create", "--from", "-", "--into", str(tmp_path / "t"), typed="web1\n# no\n\nweb/2\n"
    )
    assert (done.returncode, done.stdout) == (0, "")
    files = sorted((tmp_path / "t").iterdir())
    assert [(file.name, oct(file.stat().st_mode & 0o777)) for file in files] == [
        ("web%2F2.token", "0o600"),
        ("web1.token", "0o600"),
    ]
    assert files[1].read_text().startswith("tightship_")
    (tmp_path / "file").write_text("")
    refused = fresh("token", "create", "--server", "web9", "--into", str(tmp_path / "file"))
    assert refused.returncode == 2
    several = fresh("token", "create", "--server", "web3", "--server", "web4").stdout.splitlines()
    assert [line.split("\t")[0] for line in several] == ["web3", "web4"]


def test_a_token_is_replaced_and_the_old_one_ends_by_itself(fresh: Tightship) -> None:
    first = fresh("token", "create", "--server", "web1").stdout
    done = fresh("token", "rotate", "--server", "web1")
    assert done.returncode == 0
    assert done.stdout.startswith("tightship_")
    assert done.stdout != first
    assert "Token 2 replaces 1, which ends within 24 hours." in done.stderr
    assert fresh("token", "rotate", "7").returncode == 2
    again = fresh("token", "rotate", "1")
    assert (again.returncode, "not replaced before" in again.stderr) == (2, True), "one successor, not two"
    assert "--server NAME" in fresh("token", "rotate").stderr
