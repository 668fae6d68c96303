"""`tightship search`: the box of every page, in a terminal."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Tightship


@pytest.mark.parametrize(
    ("typed", "lines"),
    [
        (["shop"], [["application", "shop"], ["release", "shop", "2.4.1", "2", "instances"]]),
        (["web1"], [["server", "web1"]]),
        (["8001"], [["port", "8001", "shop", "on", "2", "servers"]]),
        (["web1:5432"], [["port", "web1:5432", "postgres"], ["server", "web1"]]),
        (["django", "5.2"], [["version", "django", "5.2.2"], ["version", "django", "5.2.1"]]),
        (["django==5.2.1"], [["version", "django", "5.2.1"]]),
    ],
)
def test_things_are_found_by_their_names(
    recorded: Tightship, typed: list[str], lines: list[list[str]]
) -> None:
    done = recorded("search", *typed)
    assert done.returncode == 0
    assert [line.split() for line in done.stdout.splitlines()[1:]] == lines
    assert "2 of 2 servers" in done.stderr


def test_a_typing_error_is_forgiven_and_told(recorded: Tightship) -> None:
    done = recorded("search", "djagno")
    assert done.returncode == 0
    assert "django" in done.stdout
    assert "Nothing is called exactly so. Near it:" in done.stderr


def test_nothing_found_is_an_exit_code_of_its_own(recorded: Tightship) -> None:
    done = recorded("search", "nosuchthing")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Nothing found · 2 of 2 servers" in done.stderr


def test_nothing_found_where_servers_are_silent_is_no_answer(recorded: Tightship) -> None:
    assert recorded("search", "nosuchthing", TIGHTSHIP_SILENT_AFTER="0").returncode == 2


def test_it_knows_the_past(recorded: Tightship) -> None:
    done = recorded("search", "shop", "--at", "2026-01-01")
    assert done.returncode == 2
    assert "as of 2026-01-01" in done.stderr
    assert recorded("search", "shop", "--at", "never").returncode == 2


def test_the_json_is_that_of_the_api(recorded: Tightship) -> None:
    said = json.loads(recorded("search", "shpo", "--json").stdout)
    assert said["near"] is True
    assert said["groups"][0]["things"][0]["name"] == "shop"
    assert said["covers"]["servers"] == 2


def test_before_anything_was_recorded_it_says_how_to_begin(fresh: Tightship) -> None:
    done = fresh("search", "shop")
    assert done.returncode == 2
    assert done.stderr.startswith("tightship: Nothing was recorded yet: no database at ")


def test_it_needs_a_text(recorded: Tightship) -> None:
    done = recorded("search")
    assert done.returncode == 2
    assert "Missing argument 'TEXT...'" in done.stderr


def test_a_text_in_other_letters_breaks_nothing(recorded: Tightship) -> None:
    assert recorded("search", "ü%_'\x1b[31m").returncode == 1
