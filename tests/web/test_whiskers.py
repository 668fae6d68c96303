"""Buildouts that tell of themselves, as Whiskers' clients do."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils.timezone import now as clock

from tests.web.test_pages import text
from tightship.store import tokens
from tightship.store.listing import Params
from tightship.store.models import Build
from tightship.store.querying import view
from tightship.store.using import who_uses

MUSEUM = {
    "buildoutname": "museum",
    "hostname": "web1",
    "directory": "/srv/shop",
    "python": "3.11.7",
    "packages": {"flask": "3.1.3", "jinja2": "3.1.6"},
    "picked": ["jinja2"],
    "pins": {
        "flask": {
            "version": "3.1.3",
            "file": "versions.cfg",
            "overrides": [{"version": "2.0", "file": "base.cfg"}],
        }
    },
    "required_by": {"jinja2": ["flask 3.1.3"]},
    "cascade": [
        {"file": "buildout.cfg", "extends": ["versions.cfg"]},
        {"file": "versions.cfg", "extends": ["base.cfg"]},
    ],
    "tools": {"zc.buildout": "6.0.1"},
}
LIST = {"buildoutname": "old", "packages": [{"name": "Flask", "version": "0.9"}]}


def as_form(said: Any) -> dict[str, Any]:
    return {
        "data": urlencode({"data": json.dumps(said)}),
        "content_type": "application/x-www-form-urlencoded",
    }


def as_json(said: Any) -> dict[str, Any]:
    return {"data": json.dumps(said), "content_type": "application/json"}


@pytest.mark.parametrize("address", ["/", "/buildouts/add", "/buildouts/add/"])
@pytest.mark.parametrize("sent", [as_form(LIST), as_json({"data": LIST}), as_json(MUSEUM)])
def test_who_types_here_needs_no_token(visitor: Client, address: str, sent: dict[str, Any]) -> None:
    answer = visitor.post(address, **sent)

    assert (answer.status_code, answer.content) == (201, b"Added buildout information to Whiskers.\n")
    assert visitor.post(address, **sent).status_code == 200, "it says the same again"
    assert Build.objects.count() == 1


@pytest.mark.parametrize(
    "more",
    [
        {"REMOTE_ADDR": "10.0.0.7"},
        {"HTTP_ORIGIN": "https://evil.example.com"},
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
        {"HTTP_REFERER": "https://evil.example.com/"},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
    ],
)
def test_anybody_else_needs_one(visitor: Client, more: dict[str, str]) -> None:
    answer = visitor.post("/buildouts/add", **as_form(LIST), **more)

    assert answer.status_code == 401
    assert "tightship token create --build" in answer.json()["detail"]
    assert not Build.objects.exists()


def test_behind_a_web_server_nobody_is_from_here(visitor: Client, settings: Any) -> None:
    settings.TRUSTED_PROXIES = frozenset({"127.0.0.1"})

    assert visitor.post("/", **as_form(LIST)).status_code == 401


@pytest.mark.parametrize("ending", ["", "/", "/buildouts/add", "/buildouts/add/"])
def test_a_token_may_stand_in_the_address(visitor: Client, ending: str) -> None:
    _made, secret = tokens.create("build", clock())

    answer = visitor.post(f"/whiskers/{secret}{ending}", **as_form(LIST), REMOTE_ADDR="10.0.0.7")

    assert answer.status_code == 201
    assert Build.objects.get().host == "10.0.0.7", "the old form does not say where it was built"


def test_a_token_for_something_else_is_refused(visitor: Client) -> None:
    _made, secret = tokens.create("read", clock())

    assert visitor.post(f"/whiskers/{secret}/", **as_form(LIST)).status_code == 403
    assert visitor.post("/whiskers/guessed/", **as_form(LIST)).status_code == 401


def test_the_token_of_a_buildout_opens_nothing_else(visitor: Client) -> None:
    _made, secret = tokens.create("build", clock())
    header = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}

    assert visitor.get("/packages.json", **header).status_code == 403
    assert visitor.post("/api/reports", "{}", "application/json", **header).status_code == 403
    assert (
        visitor.post("/buildouts/add", **as_json(MUSEUM), **header, REMOTE_ADDR="10.0.0.7").status_code == 201
    )


def test_nothing_is_taken_in_by_get_and_the_overview_stays_behind_its_door(visitor: Client) -> None:
    assert visitor.get("/buildouts/add", {"data": json.dumps(LIST)}).status_code == 405
    assert visitor.get("/").status_code == 302
    assert visitor.put("/", "x").status_code in (302, 405)
    assert not Build.objects.exists()


def test_a_build_that_failed_leaves_what_was_known(visitor: Client) -> None:
    visitor.post("/", **as_json(MUSEUM))

    answer = visitor.post("/", **as_json({**MUSEUM, "packages": {}}))

    assert answer.status_code == 400
    assert "a build that failed sends that" in answer.json()["detail"]
    assert Build.objects.get().until is None


def test_a_build_with_other_packages_ends_the_one_before(visitor: Client) -> None:
    visitor.post("/", **as_json(MUSEUM))
    visitor.post("/", **as_json({**MUSEUM, "packages": {"flask": "3.1.4"}}))

    assert Build.objects.filter(until=None).count() == 1
    assert Build.objects.count() == 2


def test_the_same_name_on_two_hosts_are_two(visitor: Client) -> None:
    for host in ("web1", "web2"):
        visitor.post("/", **as_json({**MUSEUM, "hostname": host}))

    assert Build.objects.filter(until=None).count() == 2


def test_a_buildout_has_a_page_with_its_pins_its_files_and_its_history(
    visitor: Client, alice: Client, cast: Any
) -> None:
    visitor.post("/", **as_json({**MUSEUM, "packages": {"flask": "3.1.2"}}))
    visitor.post("/", **as_json(MUSEUM))

    assert "museum web1 /srv/shop" in text(alice, "/buildouts")
    page = text(alice, f"/buildouts/{Build.objects.get(until=None, directory='/srv/shop').pk}")
    assert "What was museum built from? 2 packages, 1 of them picked; so since 2" in page
    assert "flask 3.1.3 pinned in versions.cfg over 2.0 in base.cfg –" in page
    assert "jinja2 3.1.6 picked flask 3.1.3" in page
    assert "buildout.cfg extends versions.cfg" in page
    assert "versions.cfg extends base.cfg 1 pin of it" in page
    assert "shop on web1" in page
    assert "flask 3.1.2 → 3.1.3" in page


def test_who_uses_counts_buildouts_too(visitor: Client, cast: Any) -> None:
    visitor.post("/", **as_json(MUSEUM))

    page = who_uses("flask>3").page(view(clock() + timedelta(seconds=1)), Params())
    assert page.beside["in buildouts"] == 1


def test_the_page_of_a_package_names_the_buildouts(visitor: Client, alice: Client, cast: Any) -> None:
    visitor.post("/", **as_json(MUSEUM))

    assert "Buildouts 1 buildout" in text(alice, "/packages/jinja2")
