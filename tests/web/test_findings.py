"""Findings on the pages: what needs somebody, with evidence and what to do. Nothing changes by looking."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import reports
from tests.reports import packages
from tests.web.test_pages import text
from tightship.store.acknowledging import acknowledge
from tightship.store.recording import record

pytestmark = pytest.mark.usefixtures("cast")


def rows(alice: Client, **filters: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = alice.get("/findings.json", filters).json()["rows"]
    return found


def place(alice: Client, kind: str, subject: str = "") -> str:
    """The address of a finding's own page, as the list links to it."""
    page = alice.get("/findings", {"kind": kind, "subject": subject} if subject else {"kind": kind})
    found: str = re.findall(r'href="(/findings/[0-9]+)"', page.content.decode())[0]
    return found


def test_the_list_has_words_beside_its_colours(alice: Client) -> None:
    page = text(alice, "/findings")
    assert "What is not as it should be?" in page
    assert "no longer reports warning" in page
    assert '<span class="sign warning">warning</span>' in alice.get("/findings").content.decode()


def test_a_finding_has_a_place_of_its_own(alice: Client) -> None:
    page = text(alice, place(alice, "stale-process", "shop/-/web2:unit:shop.service"))
    assert "shop/-/web2:unit:shop.service runs older code than is on disk" in page
    assert "The evidence django: 5.2.1 runs, on disk is 5.2.2. jinja2: 3.1.4 runs, on disk is 3.1.6." in page
    assert "What to do Restart it. On web2, type: sudo systemctl restart shop.service" in page
    assert "until now" in page
    assert (
        "tightship findings acknowledge stale-process shop/-/web2:unit:shop.service "
        "--because &#x27;REASON&#x27; --until 30d"
    ) in alice.get(place(alice, "stale-process", "shop/-/web2:unit:shop.service")).content.decode()


def test_what_is_over_says_so_and_when_it_was(alice: Client, now: datetime) -> None:
    address = place(alice, "stale-process", "shop/-/web2:unit:shop.service")
    record(reports.report("web2", at=now), "web2", now)
    page = text(alice, address)
    assert "it is not so any more" in page
    then = (now - timedelta(minutes=5)).isoformat()
    assert "it is not so any more" not in text(alice, f"{address}?at={then.replace('+', '%2B')}")


def test_what_is_acknowledged_leaves_the_overview_and_stays_in_the_list(alice: Client, now: datetime) -> None:
    assert "1 × no longer reports" in text(alice, "/")
    acknowledge("silent", "old1", "it moves", "bob", now, now + timedelta(days=5))
    assert "1 × no longer reports" not in text(alice, "/")
    assert "And 1 finding that somebody acknowledged." in text(alice, "/")
    page = text(alice, place(alice, "silent"))
    assert "acknowledged by bob until" in page
    assert "it moves" in page
    assert "tightship findings withdraw 1" in page
    assert rows(alice, acknowledged="yes")[0]["subject"] == "old1"


def test_pages_about_a_thing_begin_with_its_findings(alice: Client) -> None:
    heading = "What is not as it should be"
    application = text(alice, "/applications/shop")
    assert heading in application
    assert application.index(heading) < application.index("Instances")
    assert (
        "notice runs in different releases shop/- : shop with no stage known runs in 2 releases."
        in application
    )
    assert "warning no longer reports old1" in text(alice, "/servers/old1")
    (group,) = alice.get("/groups.json", {"application": "api", "server": "web1"}).json()["rows"]
    assert group["signs"] == []


def test_a_server_without_findings_has_no_heading_for_them(alice: Client, now: datetime) -> None:
    shop = reports.application("tidy", packages(six="1"))
    record(reports.report("tidy1", [shop], at=now), "tidy1", now)
    assert "What is not as it should be" not in text(alice, "/servers/tidy1")


def test_an_unknown_finding_leads_to_all(alice: Client) -> None:
    answer = alice.get("/findings/999999")
    assert answer.status_code == 404
    assert "All findings" in answer.content.decode()


@pytest.mark.parametrize("filters", [{"severity": "bad"}, {"acknowledged": "perhaps"}, {"colour": "red"}])
def test_what_is_asked_wrongly_is_told(alice: Client, filters: dict[str, str]) -> None:
    answer = alice.get("/findings.json", filters)
    assert answer.status_code == 400
    assert "expected one of" in answer.json()["detail"]


def test_nobody_changes_anything_by_a_page(alice: Client) -> None:
    assert alice.post(place(alice, "silent")).status_code == 405


@pytest.mark.parametrize("address", ["/", "/findings", "/applications/shop"])
def test_more_findings_need_no_more_queries(alice: Client, now: datetime, address: str) -> None:
    def queries() -> int:
        alice.get(address)
        with CaptureQueriesContext(connection) as captured:
            alice.get(address)
        return len(captured)

    few = queries()
    for number in range(20):
        shop = reports.application("shop", packages(six="1"), stale=[{"how": "newer", "what": "six"}])
        record(reports.report(f"many{number}", [shop], at=now), f"many{number}", now)
    assert queries() <= few + 2
