"""Vulnerabilities on pages: the list, and where each thing's page tells its own."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests import advisories
from tests.web.test_lists import rows_of, text
from tightship.store.acknowledging import acknowledge
from tightship.store.models import FoundGroup

pytestmark = pytest.mark.usefixtures("cast")


def test_each_is_told_with_who_uses_it_and_what_mends_it(alice: Client) -> None:
    page = text(alice.get("/vulnerabilities"))
    assert "2 vulnerabilities." in page
    assert "By 1 advisories as of" in page
    row = next(row for row in rows_of(alice, "/vulnerabilities.json") if row["version"] == "5.2.1")
    assert row["vulnerability"] == "CVE-2025-48432"
    assert (row["fixed"], row["applications"]) == (["5.2.2"], ["shop"])
    assert (row["servers"], row["groups"], row["severity"]) == (2, 3, "medium")


def test_the_pages_of_package_application_server_and_instance_tell_theirs(alice: Client) -> None:
    for address in ("/packages/django", "/applications/shop", "/servers/web2"):
        assert "CVE-2025-48432" in text(alice.get(address)), address
    assert "CVE-2025-48432" not in text(alice.get("/applications/api"))
    groups = FoundGroup.objects.filter(until=None, application__name="shop")
    stale = groups.get(server__name="web2", type="web")
    finding = "has a known vulnerability shop/django-5.2.1:CVE-2025-48432"
    assert finding in text(alice.get(f"/groups/{stale.pk}"))
    clean = groups.get(server__name="web1", type="web")
    assert finding not in text(alice.get(f"/groups/{clean.pk}")), "web1 was restarted"
    assert "No advisory that is known here is about" in text(alice.get("/applications/api"))


def test_its_finding_says_what_to_do_and_how_to_acknowledge(alice: Client) -> None:
    (row,) = rows_of(alice, "/findings.json?kind=vulnerable&application=shop")
    assert row["subject"] == "shop/django-5.2.1:CVE-2025-48432"
    assert row["do"] == "Upgrade it to 5.2.2 or later, and restart what uses it."
    number = json.loads(alice.get("/findings.json?kind=vulnerable").content)["rows"]
    assert len(number) == 2


def test_an_acknowledged_one_comes_last_and_is_marked(alice: Client, now: datetime) -> None:
    until = now + timedelta(days=9)
    acknowledge("vulnerable", "*/django-5.2.1:*", "restart tonight", "me", now - timedelta(seconds=1), until)
    rows = rows_of(alice, "/vulnerabilities.json")
    assert [(row["version"], row["signs"]) for row in rows] == [("4.2.11", []), ("5.2.1", ["acknowledged"])]
    assert [row["version"] for row in rows_of(alice, "/vulnerabilities.json?acknowledged=no")] == ["4.2.11"]


def test_with_old_advisories_nothing_is_called_clean(alice: Client, now: datetime, settings: Any) -> None:
    advisories.fill([advisories.record("GHSA-1", "nobody-uses-it", [advisories.upto("1")])], now)
    assert "No vulnerabilities." in text(alice.get("/vulnerabilities"))
    settings.ADVISORIES_OLD_AFTER = timedelta(0)
    page = text(alice.get("/vulnerabilities"))
    assert "That can’t be said." in page
    assert "No vulnerabilities." not in page
    covers = json.loads(alice.get("/vulnerabilities.json").content)["covers"]
    assert covers["lacking"][0].startswith("The advisories are 0 days old")
    assert "That can’t be said." in text(alice.get("/packages/django"))
