"""`tightship diff` and `changes --told`, over a real store."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Tightship


def test_two_servers_beside_one_another(recorded: Tightship) -> None:
    done = recorded("diff", "web1", "web2")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].split() == ["What", "Of", "web1", "web2"]
    assert "django in shop" in done.stdout
    assert "2 of 2 servers" in done.stderr


def test_two_instances_as_json(recorded: Tightship) -> None:
    rows = json.loads(recorded("diff", "shop@web1", "shop@web2", "--json", "--what", "package").stdout)[
        "rows"
    ]
    assert rows == [
        {"what": "package", "subject": "django", "a": "5.2.1", "b": "5.2.2"},
        {"what": "package", "subject": "jinja2", "a": "3.1.5", "b": ""},
    ]


def test_the_exit_code_can_say_whether_something_differs(recorded: Tightship) -> None:
    assert recorded("diff", "web1", "web2", "--exit-code").returncode == 1
    assert recorded("diff", "web1", "web1", "--exit-code").returncode == 0


def test_a_thing_and_a_moment_are_then_and_now(recorded: Tightship) -> None:
    done = recorded("diff", "web1", "1h")
    assert done.returncode == 0
    assert ", now" in done.stdout.splitlines()[0], "it was not known an hour ago: everything differs"
    assert recorded("diff", "web1", "2h", "1h").stdout == ""


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["web1"], "Expected two things"),
        (["web1", "web2", "web3"], "Expected two things"),
        (["web1", "wbe2"], "near: web2"),
        (["web1", "web2", "--what", "colour"], ""),
    ],
)
def test_what_is_typed_wrongly_is_said(recorded: Tightship, typed: list[str], says: str) -> None:
    done = recorded("diff", *typed)
    assert says in done.stderr
    assert done.returncode == (2 if says else 0)


def test_changes_in_sentences(recorded: Tightship) -> None:
    done = recorded("changes", "--told")
    assert done.returncode == 0
    assert "shop on web1 jinja2 3.1.5 → 3.1.6; the process still runs 3.1.5" in done.stdout
    assert "web1 and web2 first seen" in done.stdout
