"""The verbs that list, over a real store."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.cli.conftest import Tightship


@pytest.mark.parametrize("verb", ["ports", "who-uses"])
def test_before_anything_was_recorded_each_verb_says_how_to_begin(verb: str, fresh: Tightship) -> None:
    done = fresh(verb, *(["django"] if verb == "who-uses" else []))
    assert done.returncode == 2
    assert done.stderr.startswith("tightship: Nothing was recorded yet: no database at ")


def test_applications_are_told_with_ports_and_releases(recorded: Tightship) -> None:
    done = recorded("applications")
    assert done.returncode == 0
    header, row = done.stdout.splitlines()
    assert header.startswith("Application")
    assert row.split()[:2] == ["shop", "2.4.1"]
    assert "8001" in row
    assert "web1, web2" in row
    assert "2 of 2 servers" in done.stderr


def test_ports_also_have_those_of_other_programs(recorded: Tightship) -> None:
    rows = list(csv.DictReader(io.StringIO(recorded("ports", "--csv", "--server", "web1").stdout)))
    assert {(row["port"], row["application"] or row["program"]) for row in rows} == {
        ("8001", "shop"),
        ("5432", "postgres"),
    }


def test_the_ports_of_a_server_end_with_those_that_are_free(recorded: Tightship) -> None:
    said = recorded("ports", "--server", "web1")
    assert "The next free ports: 8002, 8003, 8004, 8005, 8006.\nTaken: 5432, 8001.\n" in said.stderr


def test_who_uses_finds_the_versions_that_match(recorded: Tightship) -> None:
    def users(specifier: str) -> list[tuple[str, str]]:
        rows = json.loads(recorded("who-uses", specifier, "--json").stdout)["rows"]
        return [(row["server"], row["version"]) for row in rows]

    assert users("django") == [("web1", "5.2.1"), ("web2", "5.2.2")]
    assert users("Django<5.2.2") == [("web1", "5.2.1")]
    assert users("jinja2<3.1.6") == [("web1", "3.1.5")], "on disk is 3.1.6, and 3.1.5 still runs"


def test_who_uses_knows_the_past(recorded: Tightship) -> None:
    changes = json.loads(recorded("changes", "--json", "--package", "jinja2").stdout)["rows"]
    assert len(changes) == 1
    after = json.loads(recorded("who-uses", "jinja2", "--json", "--at", changes[0]["at"]).stdout)["rows"]
    assert [(row["version"], row["state"]) for row in after] == [
        ("3.1.5", "still running"),
        ("3.1.6", "on disk only"),
    ]


def test_an_upgrade_under_a_running_process_is_a_change_that_names_what_still_runs(
    recorded: Tightship,
) -> None:
    out = recorded("changes", "--search", "jinja2").stdout
    assert "3.1.5" in out
    assert "3.1.6" in out
    assert "still runs" in out
    assert "stale" in recorded("applications").stdout


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["ports", "--colour", "red"], "No such option '--colour'"),
        (["ports", "--port", "many"], "expected a number, got 'many'"),
        (["ports", "--sort", "colour"], "expected one of port, server"),
        (["ports", "--protocol", "udp"], "'tcp', 'unix'"),
        (["ports", "--at", "the day before"], "how long ago: 90m, 3h, 2d, 1w"),
        (["who-uses", "jinja2<<3"], "'<<3' is no list of versions"),
        (["who-uses", "<3"], "expected a package's name"),
        (["who-uses"], "Missing argument 'SPECIFIER'"),
    ],
)
def test_what_is_asked_wrongly_is_told_with_what_is_possible(
    typed: list[str], says: str, recorded: Tightship
) -> None:
    done = recorded(*typed)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stdout == ""


def test_before_the_first_report_nothing_is_covered(recorded: Tightship) -> None:
    done = recorded("applications", "--at", "2020-01-01")
    assert done.returncode == 2
    assert "None found" in done.stderr


def test_silent_servers_make_the_answer_incomplete(recorded: Tightship) -> None:
    done = recorded("applications", TIGHTSHIP_SILENT_AFTER="0")
    assert done.returncode == 2
    assert "0 of 2 servers; 2 silent: web1, web2" in done.stderr
    assert recorded("applications", "--partial", TIGHTSHIP_SILENT_AFTER="0").returncode == 0


def test_help_names_the_filters_of_the_listing(recorded: Tightship) -> None:
    out = recorded("ports", "--help").stdout
    for option in ("--server", "--application", "--protocol [tcp|unix]", "--json", "--at WHEN"):
        assert option in out


def test_at_rest_is_asked_with_the_filters_that_it_has(recorded: Tightship) -> None:
    done = recorded("who-uses", "django", "--at-rest", "--server", "web1")
    assert (done.returncode, done.stdout) == (0, "")
    assert "None found" in done.stderr
    assert (
        "--stage does not go with --at-rest" in recorded("who-uses", "x", "--at-rest", "--stage", "a").stderr
    )
