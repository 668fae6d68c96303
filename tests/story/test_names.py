"""An application that runs gets a name, another, and its own back: and keeps its history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.applications import WSGI, application, called, folder, free_port, running
from tests.story.typing_it import Tightship, as_root

FOUND, ACCOUNTS, BOOKKEEPING = called("ledger"), called("accounts"), called("bookkeeping")


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """The directory of an application that runs."""
    with application(FOUND, {**WSGI, f"{FOUND}.py": WSGI["intranet.py"]}, ["waitress"]) as home:
        port = free_port()
        waitress = [home / "venv/bin/waitress-serve", f"--listen=127.0.0.1:{port}", f"{FOUND}:app"]
        with running(waitress, home, port=port):
            yield home


@pytest.fixture(scope="module")
def tightship(home: Path) -> Iterator[Tightship]:
    """`tightship` over a store in which it was gathered."""
    with folder() as data:
        found = as_root(data)
        found.gather()
        yield found


def declare(tightship: Tightship, text: str) -> str:
    file = tightship.data / "fleet.toml"
    file.write_text(text)
    return tightship.run("declare").stdout


def names(tightship: Tightship, *at: str) -> set[str]:
    told = {str(row["application"]) for row in tightship.rows("applications", *at)}
    return told & {FOUND, ACCOUNTS, BOOKKEEPING}


def named(name: str, home: Path, more: str = "") -> str:
    return f'[applications.{name}]\nfound_as = ["path:{home}/*"]\nowner = "finance"\n{more}'


def test_a_name_is_given_changed_and_taken_back(tightship: Tightship, home: Path) -> None:
    first = datetime.now(UTC).isoformat()
    assert names(tightship) == {FOUND}

    said = declare(tightship, named(ACCOUNTS, home))
    assert f"{ACCOUNTS}: 1 process group on 1 server (was: {FOUND})" in said
    assert names(tightship) == {ACCOUNTS}
    (row,) = tightship.rows("applications", "--owner", "finance")
    assert (row["application"], row["owner"]) == (ACCOUNTS, "finance")

    assert names(tightship, "--at", first) == {ACCOUNTS}, "the past goes by its name too"

    before = tightship.rows("changes")
    tightship.gather()
    assert names(tightship) == {ACCOUNTS}, "what is gathered goes by it"
    kinds = [row["change"] for row in tightship.rows("changes", "--application", ACCOUNTS)]
    assert not any(word in change for change in kinds for word in ("appeared", "gone", "named")), kinds

    stage = f'[applications.{BOOKKEEPING}.stages.production]\nservers = ["{row["servers"][0]}"]\n'
    said = declare(tightship, named(BOOKKEEPING, home, stage))
    assert f"{BOOKKEEPING}: 1 process group on 1 server, in production (was: {ACCOUNTS})" in said
    assert f"{ACCOUNTS}: gone" in said
    assert names(tightship) == names(tightship, "--at", first) == {BOOKKEEPING}
    (row,) = tightship.rows("applications", "--stage", "production")
    assert row["application"] == BOOKKEEPING

    assert f"{FOUND}: 1 process group on 1 server (was: {BOOKKEEPING})" in declare(tightship, "")
    assert names(tightship) == names(tightship, "--at", first) == {FOUND}
    (row,) = [row for row in tightship.rows("applications") if row["application"] == FOUND]
    assert (row["owner"], row["stages"]) == ("", [])
    assert len(tightship.rows("changes")) >= len(before)
    assert "Nothing changed" in tightship.run("declare").stdout
