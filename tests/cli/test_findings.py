"""`tightship findings` and `tightship end-of-life`, over a real store."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Tightship, program
from tests.reports import application, packages, report
from tightship.cli.findings import until_when

SUBJECT = "shop/-/web1:unit:shop.service"


@pytest.fixture
def drifted(tmp_path: Path) -> Tightship:
    """`tightship`, over two servers: web1's shop may be stale and runs another release than web2's."""
    tightship = program(tmp_path / "data")
    told(tightship, "web1", stale=[{"how": "newer", "what": "django"}])
    told(tightship, "web2", release="2.5.0")
    return tightship


def told(tightship: Tightship, server: str, **more: Any) -> None:
    state = {name: more.pop(name) for name in ("complete", "unread") if name in more}
    shop = application("shop", packages(django="5.2.1"), python="3.13.1", **more)
    done = tightship("record", "-", typed=report(server, [shop], datetime.now(UTC), **state))
    assert done.returncode == 0, done.stderr


def found(tightship: Tightship, *typed: str) -> list[tuple[str, str]]:
    rows = json.loads(tightship("findings", "--json", *typed).stdout)["rows"]
    return [(row["kind"], row["subject"]) for row in rows]


def test_findings_are_listed_with_evidence_and_what_to_do(drifted: Tightship) -> None:
    done = drifted("findings")
    assert done.returncode == 0
    assert "2 in all · 2 of 2 servers" in done.stderr
    rows = list(csv.DictReader(io.StringIO(drifted("findings", "--csv").stdout)))
    assert [row["subject"] for row in rows] == ["shop/-", SUBJECT]
    assert rows[1]["evidence"] == "Installed after it started: django."
    assert (rows[1]["do"], rows[1]["command"], rows[1]["where"]) == (
        "Restart it.",
        "sudo systemctl restart shop.service",
        "web1",
    )


def test_findings_can_be_narrowed_down(drifted: Tightship) -> None:
    assert found(drifted, "--kind", "mixed") == [("mixed", "shop/-")]
    assert found(drifted, "--server", "web1") == [("stale-process", SUBJECT)]
    assert found(drifted, "--subject", "*/web1:*") == [("stale-process", SUBJECT)]
    assert found(drifted, "--severity", "critical") == []
    assert found(drifted, "--owner", "nobody") == []
    assert "expected one of" in drifted("findings", "--sort", "colour").stderr


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ((), 0),
        (("--fail-on", "critical"), 0),
        (("--fail-on", "warning"), 0),
        (("--fail-on", "notice"), 1),
        (("--fail-on", "notice", "--application", "other"), 0),
        (("--fail-on", "notice", "--search", "django"), 1),
    ],
)
def test_a_severity_to_fail_on_decides_the_exit_code(
    drifted: Tightship, typed: tuple[str, ...], code: int
) -> None:
    assert drifted("findings", *typed).returncode == code


def test_what_is_wrong_goes_before_what_is_not_known(drifted: Tightship) -> None:
    told(drifted, "web3", release="", complete=False, unread=[{"what": "/srv", "why": "permission denied"}])
    assert drifted("findings").returncode == 2
    assert drifted("findings", "--partial").returncode == 0
    assert drifted("findings", "--fail-on", "critical").returncode == 2
    assert drifted("findings", "--fail-on", "critical", "--partial").returncode == 0
    done = drifted("findings", "--fail-on", "warning")
    assert done.returncode == 1
    assert "1 warning or worse that nobody acknowledged." in done.stderr


def test_an_acknowledgement_is_made_listed_and_withdrawn(drifted: Tightship) -> None:
    done = drifted(
        "findings", "acknowledge", "stale-process", SUBJECT, "--because", "Sunday", "--until", "5d"
    )
    assert done.returncode == 0
    assert done.stdout.startswith("Acknowledgement 1 holds until ")
    assert done.stdout.endswith("and covers 1 finding.\n")
    assert found(drifted, "--acknowledged", "no") == [("mixed", "shop/-")]
    assert found(drifted) == [("mixed", "shop/-"), ("stale-process", SUBJECT)]
    assert drifted("findings", "--fail-on", "notice", "--kind", "stale-process").returncode == 0
    listed = json.loads(drifted("findings", "acknowledged", "--json").stdout)["acknowledgements"]
    assert [(row["subject"], row["because"], row["findings"]) for row in listed] == [(SUBJECT, "Sunday", 1)]
    assert "is withdrawn; it covered 1 finding." in drifted("findings", "withdraw", "1").stdout
    assert drifted("findings", "--fail-on", "notice", "--kind", "stale-process").returncode == 1
    assert drifted("findings", "withdraw", "1").returncode == 2
    assert "Nothing is acknowledged." in drifted("findings", "acknowledged").stderr
    assert "withdrawn by" in drifted("findings", "acknowledged", "--all").stdout


def test_the_baseline_accepts_what_is_there_and_nothing_more(drifted: Tightship) -> None:
    assert "needs a reason" in drifted("findings", "--baseline").stderr
    done = drifted("findings", "--baseline", "--because", "day one")
    assert done.returncode == 0
    assert done.stdout.startswith("Acknowledged 2 findings until ")
    assert drifted("findings", "--fail-on", "notice").returncode == 0
    told(drifted, "web2", release="2.5.0", conflict=[{"what": "python", "how": "maps", "value": "x"}])
    assert drifted("findings", "--fail-on", "notice").returncode == 1
    again = drifted("findings", "--baseline", "--because", "day two", "--until", "7d")
    assert again.stdout.startswith("Acknowledged 1 finding until ")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["acknowledge", "stale-proces", SUBJECT, "--because", "x", "--until", "1d"], "mean stale-process?"),
        (
            ["acknowledge", "mixed", "shop/-", "--because", "x", "--until", "soon"],
            "'soon' is no end",
        ),
        (["acknowledge", "mixed", "shop/-", "--because", "x", "--until", "2020-01-01"], "is over already"),
        (["acknowledge", "mixed", "shop/-", "--because", " ", "--until", "1d"], "say why it may stay"),
        (["acknowledge", "mixed", "shop/-", "--until", "1d"], "Missing option '--because'"),
        (["--because", "x"], "belong to --baseline"),
        (["--baseline", "--because", "x", "--at", "1h"], "leave --at out"),
        (["--fail-on", "everything"], "'critical', 'warning', 'notice'"),
    ],
)
def test_what_is_typed_wrongly_is_told_with_what_is_possible(
    drifted: Tightship, typed: list[str], says: str
) -> None:
    done = drifted("findings", *typed)
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())


def test_before_anything_was_recorded_nothing_can_be_acknowledged(fresh: Tightship) -> None:
    done = fresh("findings", "acknowledge", "mixed", "shop/-", "--because", "x", "--until", "1d")
    assert done.returncode == 2
    assert "Nothing was recorded yet" in done.stderr


def test_an_end_is_a_date_or_so_long_from_now() -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert until_when("30d", now) == now + timedelta(days=30)
    assert until_when(" 12h", now) == now + timedelta(hours=12)
    assert until_when("2026-12-31", now).astimezone().date().isoformat() == "2026-12-31"


# End of life


def test_the_dates_of_this_release_are_there_before_anything_is_recorded(fresh: Tightship) -> None:
    dates = json.loads(fresh("end-of-life", "--json").stdout)["dates"]
    known = {(row["product"], row["series"]): row["ends"] for row in dates}
    assert known["python", "3.9"] == "2025-10-31"
    assert known["django", "4.2"] == "2026-04-30"
    assert all(row["source"].startswith("https://") for row in dates)


def test_newer_dates_come_from_a_file_and_all_servers_are_judged_by_them(
    drifted: Tightship, tmp_path: Path
) -> None:
    file = tmp_path / "python.json"
    file.write_text(
        json.dumps([{"cycle": "3.13", "eol": "2026-01-31"}, {"cycle": "3.9", "eol": "2025-10-31"}])
    )
    done = drifted("end-of-life", "update", str(file))
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert first == "Python 3.13: 2026-01-31, was 2029-10-31"
    assert last.endswith("2 servers judged by them.")
    assert found(drifted, "--kind", "end-of-life") == [
        ("end-of-life", "shop/-/web1:python-3.13"),
        ("end-of-life", "shop/-/web2:python-3.13"),
    ]
    assert "Nothing changed: all 2 dates are known." in drifted("end-of-life", "update", str(file)).stdout


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("python.json", "{", "is no JSON"),
        ("python.json", "[]", "expected the JSON of https://endoflife.date/api/python.json"),
        ("django.json", '[{"cycle": "4.2", "eol": "soon"}]', "entry 1: expected a date"),
        ("other.json", "[]", "Say --product python, or --product django"),
    ],
)
def test_what_is_no_file_of_dates_is_told(
    fresh: Tightship, tmp_path: Path, name: str, text: str, says: str
) -> None:
    file = tmp_path / name
    file.write_text(text)
    done = fresh("end-of-life", "update", str(file))
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())


def test_an_address_without_tls_is_not_asked(fresh: Tightship) -> None:
    done = fresh("end-of-life", "update", "http://127.0.0.1:9/python.json")
    assert done.returncode == 2
    assert "expected an https:// address, or a file" in done.stderr
