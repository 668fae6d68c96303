"""Listings: filters, order, search, pages, and a bounded number of queries."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import reports
from tightship.fleet.versions import BadSpecifier
from tightship.store import details
from tightship.store.listing import BadParams, Params, to_csv, to_json
from tightship.store.listings import LISTINGS
from tightship.store.listings.applications import by_whom
from tightship.store.listings.places import taken_on
from tightship.store.querying import view
from tightship.store.using import at_rest, versions_in_use, who_uses

pytestmark = pytest.mark.django_db

PORTS = [{"protocol": "tcp", "address": "0.0.0.0", "port": 22, "program": "sshd"}]


@pytest.fixture
def fleet(told: Any, shop: Any) -> Any:
    blog = reports.application("blog", reports.packages(flask="3.0", jinja2="3.1.6"), ports=[8002])
    told(shop("5.2.1", ports=[8001]), blog, server="web1", listeners=PORTS)
    told(shop("5.2.2", ports=[8001]), server="web2", listeners=PORTS)
    return told


@pytest.mark.parametrize("name", LISTINGS)
def test_each_listing_sorts_by_each_of_its_columns_and_searches(fleet: Any, name: str) -> None:
    listing = LISTINGS[name]
    everything = listing.page(view(fleet.now), Params(size=500))
    for column in listing.columns:
        if column.sortable:
            for sign in ("", "-"):
                page = listing.page(view(fleet.now), Params(sort=sign + column.name, size=500))
                assert len(page.rows) == everything.total, column.name
    assert listing.page(view(fleet.now), Params(query="no such thing")).total == 0
    assert listing.page(view(fleet.now), Params(query="a\0b % _ '")).total == 0


@pytest.mark.parametrize("name", LISTINGS)
def test_each_listing_filters_by_each_of_its_filters(fleet: Any, name: str) -> None:
    listing = LISTINGS[name]
    for item in listing.filters:
        meant = {"port": "1", "environment": "1", "since": "2d", "until": "2d"}
        value = item.choices[0] if item.choices else meant.get(item.name, "shop")
        listing.page(view(fleet.now), Params(filters={item.name: value}))


@pytest.mark.parametrize("name", LISTINGS)
def test_the_number_of_queries_does_not_grow_with_the_fleet(fleet: Any, name: str, shop: Any) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            LISTINGS[name].page(view(fleet.now), Params())
        return len(captured)

    before = queries()
    for number in range(6):
        fleet(shop("5.2.1", ports=[8001 + number]), server=f"more{number}", listeners=PORTS)
    # A page that was empty before has not asked for its rows.
    assert queries() <= max(before, 6) <= 13


def test_filters_find_what_they_name(fleet: Any) -> None:
    assert [row["server"] for row in fleet.rows("groups", application="shop")] == ["web1", "web2"]
    assert [row["application"] for row in fleet.rows("ports", port="8002")] == ["blog"]
    assert [row["application"] for row in fleet.rows("applications", server="web2")] == ["shop"]
    assert [row["package"] for row in fleet.rows("packages", server="web2")] == ["django", "jinja2"]
    assert [row["application"] for row in fleet.rows("applications", query="blo")] == ["blog"]


def test_a_filter_may_hold_whatever_somebody_typed(fleet: Any) -> None:
    for value in ("\0", "x" * 10_000, "%", "'; --"):
        assert fleet.rows("applications", server=value) == []


def test_changes_of_a_stretch_of_time(told: Any, shop: Any) -> None:
    told(shop("5.2.1"))
    between = told.now + timedelta(minutes=30)
    told(shop("5.2.2", ticks=2000))
    assert len(told.rows("changes")) == 3
    since = told.rows("changes", since=between.isoformat())
    assert {row["change"] for row in since} == {"django 5.2.1 → 5.2.2", "restarted"}
    assert [row["kind"] for row in told.rows("changes", until=between.isoformat())] == ["first seen"]
    assert len(told.rows("changes", since="2026-11-20")) == 3, "a day begins at midnight"
    assert len(told.rows("changes", since="3h")) == 3
    assert told.rows("changes", until="2026-11-19") == []


def test_a_free_port_is_really_free(fleet: Any) -> None:
    assert [(row["port"], row["program"]) for row in fleet.rows("ports", server="web1")] == [
        (22, "sshd"),
        (8001, "gunicorn"),
        (8002, "gunicorn"),
    ]


def test_the_ports_of_one_server_say_which_are_free_next(told: Any, shop: Any) -> None:
    site = {"names": ["old.example.com"], "ports": [80], "to": "127.0.0.1:8003"}
    told(shop("5.2.1", ports=[8001]), server="web1", listeners=PORTS, sites=[site])
    page = LISTINGS["ports"].page(view(told.now), Params(filters={"server": "web1"}))
    assert page.notes == ["The next free ports: 8002, 8004, 8005, 8006, 8007.", "Taken: 22, 8001, 8003."]
    assert json.loads(to_json(page))["notes"] == page.notes
    assert LISTINGS["ports"].page(view(told.now), Params()).notes == []
    assert LISTINGS["ports"].page(view(told.now), Params(filters={"server": "nosuch"})).notes == []


def test_a_port_is_an_applications_before_it_is_a_web_servers(told: Any, shop: Any) -> None:
    told(shop("5.2.1", ports=[8001]), server="web1", listeners=PORTS)
    taken = taken_on(view(told.now), "web1")
    assert {port: (who.by, who.how) for port, who in taken.items()} == {
        22: ("sshd", "program"),
        8001: ("shop", "application"),
    }


def test_applications_are_counted_by_stage(told: Any, shop: Any) -> None:
    told(shop("5.2.1", base="/srv/shop-acceptance"), server="web1")
    told(shop("5.2.1", base="/srv/shop-production"), server="web2")
    told(shop("5.2.1", base="/srv/shop-production"), server="web3")
    assert by_whom(view(told.now)) == [("stage", "acceptance", 1), ("stage", "production", 1)]
    assert by_whom(view(told.now, told.now)) == []


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        (Params(filters={"colour": "red"}), "filter 'colour': expected one of application, stage"),
        (Params(sort="-colour"), "order 'colour'"),
        (Params(page=0), "page"),
        (Params(filters={"sign": "happy"}), "sign"),
    ],
)
def test_what_a_listing_does_not_know_is_said(fleet: Any, params: Params, reason: str) -> None:
    with pytest.raises(BadParams, match=reason):
        LISTINGS["groups"].page(view(fleet.now), params)


def test_pages_follow_one_another(fleet: Any) -> None:
    pages = [LISTINGS["groups"].page(view(fleet.now), Params(page=n, size=2)) for n in (1, 2)]
    assert [len(page.rows) for page in pages] == [2, 1]
    assert pages[0].pages == 2


def test_the_same_listing_is_json_and_csv(fleet: Any) -> None:
    page = LISTINGS["groups"].page(view(fleet.now), Params())
    document = json.loads(to_json(page))
    assert document["total"] == 3
    assert document["covers"] == {"servers": 2, "silent": [], "unread": []}
    assert {row["application"] for row in document["rows"]} == {"shop", "blog"}
    assert to_csv(page).splitlines()[0].startswith("application,type,server")
    assert len(to_csv(page).splitlines()) == 4


def test_a_spreadsheet_runs_nothing(told: Any) -> None:
    told(reports.application("=cmd()", names=[{"name": "=cmd()", "how": "module"}]))
    page = LISTINGS["groups"].page(view(told.now), Params())
    assert "'=cmd()" in to_csv(page)


def test_who_uses_answers_for_versions(fleet: Any) -> None:
    def users(asked: str) -> list[tuple[Any, ...]]:
        rows = who_uses(asked).page(view(fleet.now), Params()).rows
        return [(row["application"], row["server"], row["version"]) for row in rows]

    assert users("jinja2<3.1.6") == [("shop", "web1", "3.1.4"), ("shop", "web2", "3.1.4")]
    assert users("Jinja2") == [("blog", "web1", "3.1.6"), *users("jinja2<3.1.6")]
    assert users("django==5.2.2") == [("shop", "web2", "5.2.2")]
    assert users("no-such-package") == []
    with pytest.raises(BadSpecifier):
        who_uses("django<<5")


def test_a_version_that_still_runs_is_in_use_though_another_is_on_disk(told: Any, shop: Any) -> None:
    told(shop("5.2.1"))
    told(shop("5.2.2"))

    def states(asked: str) -> list[tuple[Any, Any]]:
        rows = who_uses(asked).page(view(told.now), Params()).rows
        return [(row["version"], row["state"]) for row in rows]

    assert states("django<5.2.2") == [("5.2.1", "still running")]
    assert states("django>=5.2.2") == [("5.2.2", "on disk only")]
    assert states("django") == [("5.2.1", "still running"), ("5.2.2", "on disk only")]
    assert states("jinja2") == [("3.1.4", "")]
    assert [use.version for use in versions_in_use(view(told.now), "django")] == ["5.2.1"]
    assert told.rows("packages", query="django")[0]["spread"] == ["5.2.1 × 1"]
    told(shop("5.2.2", ticks=2000))
    assert states("django") == [("5.2.2", "")]


def test_who_uses_filters_by_the_version_of_that_package(fleet: Any) -> None:
    page = who_uses("django").page(view(fleet.now), Params(filters={"version": "3.1.4"}))
    assert page.total == 0
    page = who_uses("jinja2").page(view(fleet.now), Params(filters={"version": "3.1.4"}))
    assert [row["server"] for row in page.rows] == ["web1", "web2"]


def test_environments_at_rest_are_counted_apart_from_what_runs(told: Any, shop: Any) -> None:
    by = ["timer:nightly.timer"]
    told(
        shop("5.2.1"),
        environments=[
            reports.environment(
                "venv:/srv/night/venv", reports.packages(django="4.2"), at_rest=True, named_by=by
            )
        ],
    )
    running = who_uses("django").page(view(told.now), Params())
    assert [row["version"] for row in running.rows] == ["5.2.1"]
    assert json.loads(to_json(running))["beside"] == {"at rest": 1, "in buildouts": 0}
    assert who_uses("django>=5").page(view(told.now), Params()).beside == {"at rest": 0, "in buildouts": 0}
    rows = at_rest("django<5").page(view(told.now), Params()).rows
    assert [(row["version"], row["named_by"], row["server"]) for row in rows] == [("4.2", by, "web1")]
    assert at_rest("django>=5").page(view(told.now), Params()).total == 0
    told(shop("5.2.1"))
    assert at_rest("django").page(view(told.now), Params()).total == 0, "it is no longer named"
    assert told.rows("environments", at_rest="yes") == []


def test_only_one_application_still_uses_it(fleet: Any) -> None:
    uses = versions_in_use(view(fleet.now), "jinja2")
    assert [(use.version, use.applications, use.servers) for use in uses] == [
        ("3.1.6", ("blog",), ("web1",)),
        ("3.1.4", ("shop",), ("web1", "web2")),
    ]


def test_details_of_what_is_not_known_are_none(fleet: Any) -> None:
    now = view(fleet.now)
    assert details.server(now, "web9") is None
    assert details.application(now, "nope") is None
    assert details.package(now, "nope") is None
    assert details.group(now, 10**9) is None
    assert details.environment(now, 10**9) is None


def test_a_server_whole(fleet: Any) -> None:
    server = details.server(view(fleet.now), "web1")
    assert server is not None
    assert set(server.found.groups) == {"unit:shop.service", "unit:blog.service"}
    assert [listener.program for listener in server.found.listeners] == ["sshd"]
    assert server.live is not None


def test_a_machine_under_two_names_is_told(told: Any, shop: Any) -> None:
    told(shop(), server="web1", system={"machine_id": "m1"})
    told(shop(), server="web1-new", system={"machine_id": "m1"})
    server = details.server(view(told.now), "web1")
    assert server is not None
    assert list(server.renamed) == ["web1-new"]
