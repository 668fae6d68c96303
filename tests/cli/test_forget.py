"""`tightship forget`, over a real store."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Tightship


def test_a_dry_run_says_how_much_it_would_be(recorded: Tightship) -> None:
    done = recorded("forget", "--before", "1h", "--dry-run")
    assert done.returncode == 0
    assert "Would remove what ended before" in done.stdout
    assert done.stdout.endswith(": nothing.\n"), "all of it happened just now"


def test_forgetting_what_is_older_than_everything_removes_nothing(recorded: Tightship) -> None:
    done = recorded("forget", "--before", "400d", "--json")
    assert json.loads(done.stdout)["removed"]["intervals"] == 0
    refused = recorded("applications", "--at", "500d")
    assert refused.returncode == 2
    assert "was forgotten" in refused.stderr


@pytest.mark.parametrize("typed", [["--before", "soon"], ["--before", ""], []])
def test_what_is_no_moment_is_refused(recorded: Tightship, typed: list[str]) -> None:
    done = recorded("forget", *typed)
    assert done.returncode == 2
    assert "--before" in done.stderr
