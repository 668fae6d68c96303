"""The page that holds two things beside one another."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from django.test import Client

from tests.web.test_pages import text

pytestmark = pytest.mark.usefixtures("cast")


def test_before_anything_is_named_the_page_says_what_can_be_compared(alice: Client) -> None:
    page = text(alice, "/diff")
    assert "What differs?" in page
    assert "tightship diff A B" in page


def test_two_servers_beside_one_another(alice: Client) -> None:
    page = text(alice, "/diff?a=web1&b=web2")
    assert "What differs between web1 and web2?" in page
    assert "release – 2.4.1, 2.5.0 2.4.1" in text(alice, "/diff?a=shop@web1&b=shop@web2")
    rows = json.loads(alice.get("/diff.json?a=shop@web1&b=shop@web2&what=release").content)["rows"]
    assert rows == [{"what": "release", "subject": "", "a": "2.4.1, 2.5.0", "b": "2.4.1"}]


def test_a_thing_beside_itself_as_it_was(alice: Client) -> None:
    page = text(alice, "/diff?a=web1&then=20h")
    assert "What differs between web1, then and web1, now?" in page
    assert "django in shop 5.2.1" in page


def test_what_is_not_known_is_said(alice: Client) -> None:
    response = alice.get("/diff?a=wbe1&b=web2")
    assert response.status_code == 400
    assert "near: web1" in response.content.decode()
    assert alice.get("/diff?a=web1&then=soon").status_code == 400
    assert alice.get("/diff.json?a=web1").status_code == 400
    assert alice.get("/diff.json?a=web1&b=" + quote("\0")).status_code == 400


def test_an_applications_page_says_where_its_servers_differ(alice: Client) -> None:
    page = text(alice, "/applications/shop")
    assert "Where its servers differ" in page
    assert "release 2.4.1 web2 2.4.1, 2.5.0 web1" in page
