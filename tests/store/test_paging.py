"""Pages out of many rows: the same rows in the same order as if all had been sorted. And what is counted."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import Q

from tightship.fleet.declared import declared
from tightship.fleet.simulated.cast import fleet_toml
from tightship.fleet.simulated.crowd import crowd
from tightship.fleet.simulated.story import Story
from tightship.store import paging, tallies, using
from tightship.store.declaring import declare
from tightship.store.filling import fill
from tightship.store.listing import Params, Row
from tightship.store.listings import LISTINGS
from tightship.store.models import FoundEnvironment, FoundGroup, FoundListener, Instance, Server, Tally
from tightship.store.querying import view
from tightship.store.using import who_uses
from tightship.store.wordings import FIELDS, text_of

END = datetime(2026, 11, 23, 17, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def recorded(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The story, and a small crowd beside it; then some of it is called otherwise."""
    told: dict[str, list[Any]] = {}
    for one in Story(END).told():
        told.setdefault(one.server, []).append(one)
    with django_db_blocker.unblock():
        for _server in fill({**told, **dict(crowd(6, END))}.items()):
            pass
        declare(declared(tomllib.loads(fleet_toml()), {}), "fleet.toml", END)
        yield
        call_command("flush", verbosity=0, interactive=False)


@pytest.fixture
def fleet(recorded: None, db: None) -> None:
    pass


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a small fleet takes the ways of a large one."""
    monkeypatch.setattr(paging, "SMALL", 4)
    monkeypatch.setattr(paging, "FEW", 2)
    monkeypatch.setattr(using, "MANY_SETS", 2)


def rows(listing: Any, **params: Any) -> list[Row]:
    """All rows of a list, page by page."""
    found: list[Row] = []
    number, pages = 1, 1
    while number <= pages:
        page = listing.page(view(END), Params(page=number, **params))
        found += page.rows
        number, pages = number + 1, page.pages
    assert page.total >= len({id(row) for row in found}) or listing.name == "who-uses"
    return found


ORDERS = [
    (name, sign + column.name)
    for name, listing in LISTINGS.items()
    for column in listing.columns
    if column.sortable
    for sign in ("", "-")
]


@pytest.mark.parametrize(("name", "order"), [*((name, "") for name in LISTINGS), *ORDERS])
def test_pages_hold_what_all_rows_sorted_hold(
    fleet: None, request: pytest.FixtureRequest, name: str, order: str
) -> None:
    sorted_whole = rows(LISTINGS[name], sort=order, size=10_000)
    request.getfixturevalue("few_at_once")
    if name in ("groups", "changes"):
        size = 200
    else:
        size = 60
    assert rows(LISTINGS[name], sort=order, size=size) == sorted_whole


@pytest.mark.parametrize("order", ["", "application", "-application", "-server"])
def test_the_first_pages_need_only_the_first_names(
    fleet: None, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    sorted_whole = rows(LISTINGS["instances"], sort=order, size=10_000)
    monkeypatch.setattr(paging, "SMALL", 4)
    monkeypatch.setattr(paging, "AT_FIRST", 1)
    assert rows(LISTINGS["instances"], sort=order, size=40) == sorted_whole
    monkeypatch.setattr(paging, "FEW", 1)
    assert rows(LISTINGS["instances"], sort=order, size=40) == sorted_whole


def test_who_does_not_ask_how_many_is_given_the_same_rows(fleet: None) -> None:
    asked = Params(size=30, filters={"application": "shop"})
    counted = LISTINGS["changes"].page(view(END), asked)
    page = LISTINGS["changes"].page(view(END), asked.with_(counted=False))
    assert page.rows == counted.rows
    assert 0 < page.total <= counted.total


@pytest.mark.parametrize("asked", ["django", "jinja2<3.1.6", "requests", "no-such-package"])
def test_who_uses_is_the_same_of_few_and_of_many(fleet: None, request: Any, asked: str) -> None:
    whole = rows(who_uses(asked), size=10_000)
    request.getfixturevalue("few_at_once")
    assert rows(who_uses(asked), size=30) == whole
    few = rows(who_uses(asked), size=30, filters={"kind": "application"})
    assert few == [row for row in whole if row["kind"] == "application"]


def test_what_is_counted_of_a_server_is_what_stands_there(fleet: None) -> None:
    for server in Server.objects.select_related("tally"):
        groups = FoundGroup.objects.filter(server=server, until=None)
        running = groups.filter(kind="application")
        tally = server.tally
        assert tally.groups == groups.count()
        assert tally.running == running.count()
        assert tally.instances == running.values("instance").distinct().count()
        assert tally.stale == running.filter(Q(maybe_stale=True) | Q(surely_stale=True)).count()
        assert tally.conflict == running.filter(conflict=True).count()
        assert tally.unread == running.filter(Q(unread=True) | Q(kept=True)).count()
        assert tally.listeners == FoundListener.objects.filter(server=server, until=None).count()
        assert tally.environments == FoundEnvironment.objects.filter(server=server, until=None).count()
    running_now = FoundGroup.objects.filter(until=None).exclude(instance=None).values("instance").distinct()
    assert Instance.objects.filter(running=True).count() == running_now.count()
    assert tallies.totals()["groups"] == FoundGroup.objects.filter(until=None).count()
    assert Tally.objects.count() == Server.objects.count()


@pytest.mark.parametrize("model", FIELDS, ids=lambda model: model.__name__)
def test_each_row_has_the_text_that_it_is_searched_by(fleet: None, model: Any) -> None:
    for *values, text in model._default_manager.values_list(*FIELDS[model], "wording__text"):
        assert text == text_of(values)
