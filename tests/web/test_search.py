"""The one box, over HTTP: its page, the list below it, and its JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape
from urllib.parse import quote

import pytest
from django.test import Client

from tightship.store import known

pytestmark = pytest.mark.usefixtures("cast")


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    known.forget()
    yield
    known.forget()


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.content
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


def hrefs(client: Client, address: str) -> list[str]:
    inside = client.get(address).content.decode().partition('<main id="main">')[2]
    return [unescape(found) for found in re.findall(r'href="(/[^"]*)"', inside)]


def test_a_page_groups_what_was_found_and_says_what_it_covers(alice: Client) -> None:
    page = text(alice, "/search?q=shop")
    assert "What is called “shop”?" in page
    assert re.search(r"\d things\. Covers 2 of 3 servers; 1 silent", page)
    assert "Applications shop Sites shop.example.com shop on 2 servers Releases" in page


@pytest.mark.parametrize(
    ("asked", "address"),
    [
        ("shop", "/applications/shop"),
        ("web1", "/servers/web1"),
        ("shop.example.com", "/sites?q=shop.example.com"),
        ("8001", "/ports?port=8001"),
        ("web1:8001", "/ports?server=web1&port=8001"),
        ("django", "/packages/django"),
        ("django 4.2", "/packages/django"),
        ("2.5.0", "/groups?application=shop&release=2.5.0"),
    ],
)
def test_each_thing_leads_to_where_it_is_shown(alice: Client, asked: str, address: str) -> None:
    assert address in hrefs(alice, f"/search?q={quote(asked)}")
    assert alice.get(address).status_code == 200


def test_nothing_asked_says_what_can_be_found(alice: Client) -> None:
    page = text(alice, "/search")
    assert "What are you looking for?" in page
    assert "Ports 8001" in page
    assert "/ leads to the box on every page" in page


def test_nothing_found_says_so_and_what_can_be_found(alice: Client) -> None:
    page = text(alice, "/search?q=nosuchthing")
    assert "Nothing that is known, also not with one letter changed." in page
    assert "What can be found" in page


def test_what_is_near_is_told_as_near(alice: Client) -> None:
    assert "Nothing is called exactly so. Near it:" in text(alice, "/search?q=intrnaet")


def test_every_page_has_the_box_with_the_moment(alice: Client) -> None:
    page = alice.get("/servers/web1?at=2999-01-01")
    assert page.status_code == 400
    for address in ("/", "/packages", "/nosuch", "/search?q=x"):
        assert '<form class="find"' in alice.get(address).content.decode()
    assert 'name="at" value="2026-01-01"' in alice.get("/packages?at=2026-01-01").content.decode()


def test_nobody_searches_without_a_login(visitor: Client) -> None:
    assert visitor.get("/search?q=shop").status_code == 302
    assert visitor.get("/search/found?q=shop").status_code == 302
    assert visitor.get("/search.json?q=shop").status_code == 401
    assert '<form class="find"' not in visitor.get("/login").content.decode()


def test_a_past_moment_stays_in_every_link(alice: Client, now: datetime) -> None:
    then = (now - timedelta(hours=20)).strftime("%Y-%m-%dT%H:%M")
    found = [one for one in hrefs(alice, f"/search?q=shop&at={then}") if "shop" in one]
    assert found
    assert all("at=" in one for one in found)
    assert "2.5.0" not in text(alice, f"/search?q=shop&at={then}")
    assert "at=" in alice.get(f"/search/found?q=shop&at={then}").content.decode()


def test_the_list_below_the_box_is_one_that_can_be_chosen_from(alice: Client) -> None:
    part = alice.get("/search/found?q=web").content.decode()
    assert '<div id="found-list" role="listbox" aria-label="Found"' in part
    names = re.findall(r'role="option"[^>]* id="([^"]+)"', part)
    assert len(set(names)) == len(names) >= 3
    assert "<html" not in part
    assert alice.get("/search/found?q=").content.decode().strip() == ""
    assert "listbox" not in alice.get("/search/found?q=nosuchthing").content.decode()


def test_the_json_is_what_the_page_says(alice: Client) -> None:
    said = json.loads(alice.get("/search.json?q=shpo").content)
    assert (said["search"], said["near"], said["total"]) == ("shpo", True, said["total"])
    assert said["groups"][0]["things"][0] == {"name": "shop", "said": "", "page": ["application", "shop"]}
    assert said["covers"]["silent"] == ["old1"]
    refused = alice.get("/search.json?q=shop&at=never")
    assert (refused.status_code, refused["Content-Type"]) == (400, "application/problem+json")


@pytest.mark.parametrize(
    "typed", ["\0", "<script>alert(1)</script>", "a" * 10_000, '"><b>', "%00", "\u202e", "'"]
)
def test_whatever_is_typed_is_answered_and_escaped(alice: Client, typed: str) -> None:
    assert json.loads(alice.get("/search.json", {"q": typed}).content)["groups"] is not None
    for address in ("/search", "/search/found"):
        answer = alice.get(address, {"q": typed})
        assert answer.status_code == 200
        assert b"<script>alert" not in answer.content
        assert b"<b>" not in answer.content


def test_a_search_costs_a_fixed_number_of_queries(alice: Client, django_assert_max_num_queries) -> None:
    alice.get("/search/found?q=shop")
    with django_assert_max_num_queries(12):
        alice.get("/search/found?q=shop")
    with django_assert_max_num_queries(17):
        alice.get("/search?q=nosuchthing")
