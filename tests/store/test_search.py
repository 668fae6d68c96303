"""Search: whatever has a name is found by it, where it is there, with one typing error, in few queries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import reports
from tests.web.cast import site
from tightship.fleet.declared import declared
from tightship.store import known, terms
from tightship.store.declaring import declare
from tightship.store.models import FoundSite, Term
from tightship.store.querying import view
from tightship.store.search import Found, search, search_covered, to_json

pytestmark = pytest.mark.django_db

FLEET = {
    "applications": {
        "shop": {"owner": "web team", "labels": {"customer": "acme"}, "found_as": ["unit:shop*"]},
        "intranet": {"owner": "office", "found_as": ["unit:intranet*"]},
    }
}


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """Each test has a database of its own, in which numbers begin anew."""
    known.forget()
    yield
    known.forget()


@pytest.fixture
def fleet(told: Any, shop: Any) -> Any:
    intranet = reports.application(
        "intranet", reports.packages(django="4.2.11", typing_extensions="4.1"), ports=[8002], release="1.0"
    )
    told(
        shop("5.2.1", ports=[8001]),
        intranet,
        server="web1",
        sites=[site("shop.example.com", 8001, "unit:shop.service")],
        listeners=[{"protocol": "tcp", "address": "0.0.0.0", "port": 22, "program": "sshd"}],
    )
    told(shop("5.2.1", ports=[8001]), server="web2")
    declare(declared(FLEET, {}), "fleet.toml", told.now)
    return told


Asking = Callable[..., list[str]]


@pytest.fixture
def find(fleet: Any) -> Asking:
    def find(text: str, at: datetime | None = None) -> list[str]:
        return named(search(view(fleet.now, at), text))

    return find


def named(found: Found) -> list[str]:
    return [f"{group.kind} {thing.name}" for group in found.groups for thing in group.things]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("shop", ["application shop", "site shop.example.com", "release shop 2.4.1"]),
        ("SHOP", ["application shop", "site shop.example.com", "release shop 2.4.1"]),
        ("hop", ["application shop", "site shop.example.com", "release shop 2.4.1"]),
        ("web2", ["server web2"]),
        ("shop.example.com", ["site shop.example.com"]),
        ("https://shop.example.com/basket?id=3", ["site shop.example.com"]),
        ("example com", ["site shop.example.com"]),
        ("8001", ["port 8001"]),
        (":22", ["port 22"]),
        ("web1:8001", ["port web1:8001", "server web1"]),
        ("web2:8002", ["port web2:8002", "server web2"]),
        ("typing_extensions", ["package typing-extensions"]),
        ("Typing.Extensions", ["package typing-extensions"]),
        ("django 4.2", ["version django 4.2.11"]),
        ("django==5.2.1", ["version django 5.2.1"]),
        ("django 5", ["version django 5.2.1"]),
        ("2.4.1", ["release shop 2.4.1"]),
        ("shop 2.4", ["release shop 2.4.1"]),
        ("3.1.4", ["version jinja2 3.1.4"]),
        ("web team", ["owner web team"]),
        ("acme", ["label customer=acme"]),
        ("customer=acme", ["label customer=acme"]),
        ("customer", ["label customer=acme"]),
        ("nothing like it", []),
        ("", []),
    ],
)
def test_things_are_found_by_what_they_are_called(find: Asking, text: str, found: list[str]) -> None:
    assert find(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("shpo", "application shop"),
        ("shop.exmaple.com", "site shop.example.com"),
        ("shpo.exmaple.com", "site shop.example.com"),
        ("djagno", "package django"),
        ("jinja", "package jinja2"),
        ("typingextension", "package typing-extensions"),
        ("customer acne", "label customer=acme"),
        ("intrnaet", "application intranet"),
        ("web taem", "owner web team"),
    ],
)
def test_one_typing_error_a_word_is_forgiven(find: Asking, text: str, found: str) -> None:
    assert found in find(text)


def test_of_what_is_near_that_with_the_fewest_errors_comes_first(told: Any, shop: Any) -> None:
    told(shop(), sites=[site(f"s{n}.example.com", 8001, "unit:shop.service") for n in range(120, 160)])
    assert named(search(view(told.now), "s145.exmaple.com"))[0] == "site s145.example.com"


def test_what_is_only_near_is_told_as_such(fleet: Any) -> None:
    now = view(fleet.now)
    assert search(now, "shpo").near
    assert not search(now, "shop").near
    assert not search(now, "nothing").near


def test_a_version_that_nobody_has_leads_to_the_package(fleet: Any) -> None:
    found = search(view(fleet.now), "django 9.9")
    assert found.near
    assert named(found) == ["package django"]


def test_another_number_is_no_typing_error(find: Asking) -> None:
    assert find("2.4.2") == []
    assert find("8009") == []


def test_a_port_on_which_nothing_listens_is_an_answer(fleet: Any) -> None:
    free = search(view(fleet.now), "web2:8002").groups[0].things[0]
    assert free.said == "nothing listens there"
    assert (free.listing, free.filters) == ("ports", {"server": "web2", "port": "8002"})
    assert search(view(fleet.now), "web1:22").groups[0].things[0].said == "sshd"
    assert search(view(fleet.now), "8001").groups[0].things[0].said == "shop on 2 servers"


def test_each_thing_says_what_tells_it_apart(fleet: Any) -> None:
    def said(text: str) -> list[str]:
        return [thing.said for group in search(view(fleet.now), text).groups for thing in group.things]

    assert said("shop") == ["web team, customer=acme", "shop on web1", "2 instances"]
    assert said("acme") == ["1 application"]
    assert said("web team") == ["1 application"]


def test_what_is_gone_is_found_then_and_not_now(fleet: Any, find: Asking, shop: Any) -> None:
    then = fleet.now
    fleet(shop("5.2.1", release="2.5.0", ticks=2000), server="web1")
    fleet(shop("5.2.1", release="2.5.0", ticks=2000), server="web2")
    for text in (
        "intranet",
        "shop.example.com",
        "shop 2.4.1",
        "typing-extensions",
        "office",
        "django 4.2.11",
        "8002",
    ):
        now = [name for name in find(text) if text.split()[0] not in ("shop", "django") or text in name]
        assert (text, now) == (text, [])
        assert find(text, then), text
    assert find("shop 2.5.0") == ["release shop 2.5.0"]
    assert find("shop 2.5.0", then) != ["release shop 2.5.0"]
    assert find("web1", then - timedelta(days=1)) == []


def test_hundreds_that_are_gone_do_not_hide_what_is_there(told: Any, shop: Any) -> None:
    for hour in range(3):
        old = [site(f"aa-{hour}-{n}.example.com", 8001, "unit:shop.service") for n in range(60)]
        told(shop(), sites=old)
    told(shop(), sites=[site("zz.example.com", 8001, "unit:shop.service")])
    assert named(search(view(told.now), "example.com")) == ["site zz.example.com"]


def test_there_are_more_than_are_shown(told: Any, shop: Any) -> None:
    told(shop(), sites=[site(f"s{n}.example.com", 8001, "unit:shop.service") for n in range(15)])
    group = search(view(told.now), "example", most=4).groups[0]
    assert (len(group.things), group.more, group.listing) == (4, 11, "sites")


def test_a_renamed_application_is_found_by_its_name_and_releases(fleet: Any, find: Asking) -> None:
    declare(declared({"applications": {"bazaar": {"found_as": ["unit:shop*"]}}}, {}), "fleet.toml", fleet.now)
    assert find("bazaar") == ["application bazaar", "release bazaar 2.4.1"]
    assert find("acme") == []


@pytest.mark.parametrize(
    "text",
    ["\0", "%", "_", "'\"; drop table", "a" * 10_000, "\x1b[31m", "é" * 300, "\ud800", "1" * 300, "a:" * 500,
     "٣:٣", "²", "[", "(", "\\", "-", "...", "a b c d e f g h i j k l m", "99999999999", "v", "==", "a==",
     "<1", "web1:", ":"],
)  # fmt: skip
def test_whatever_is_typed_is_answered(find: Asking, text: str) -> None:
    find(text)


def test_percent_and_underscore_are_no_wildcards(find: Asking) -> None:
    assert find("s%p") == []
    assert find("%") == []


@pytest.mark.parametrize("text", ["shop", "nosuchthing 4.2", "web1:8001", "django 5.2", "e", "example"])
def test_the_number_of_queries_does_not_grow_with_the_fleet(fleet: Any, shop: Any, text: str) -> None:
    def queries() -> int:
        search(view(fleet.now), text)
        with CaptureQueriesContext(connection) as captured:
            search(view(fleet.now), text)
        return len(captured)

    before = queries()
    for number in range(6):
        many = [site(f"{number}-{n}.example.com", 8001, "unit:shop.service") for n in range(20)]
        fleet(shop("5.2.1", ports=[8001 + number]), server=f"more{number}", sites=many)
    assert before <= queries() <= 13


def test_names_are_read_once_while_none_is_new(fleet: Any, shop: Any, find: Asking) -> None:
    find("shop")
    with CaptureQueriesContext(connection) as captured:
        find("nosuchthing")
    assert len(captured) == 1, "what is newest"
    fleet(shop(), server="nosuchthing")
    assert find("nosuchthing") == ["server nosuchthing"]


def test_a_report_without_new_names_writes_none(fleet: Any, shop: Any) -> None:
    before = list(Term.objects.values_list("kind", "of", "text"))
    with CaptureQueriesContext(connection) as captured:
        fleet(shop("5.2.2", ports=[8001]), server="web2")
    assert not any("store_term" in query["sql"] for query in captured)
    assert list(Term.objects.values_list("kind", "of", "text")) == before


def test_what_nothing_has_any_more_can_be_swept(fleet: Any, find: Asking) -> None:
    assert terms.sweep() == 0
    FoundSite.objects.all().delete()
    assert terms.sweep() == 1
    assert find("shop.example.com") == []
    assert find("shop 2.4.1") == ["release shop 2.4.1"]


def test_what_was_found_before_search_existed_is_found(fleet: Any, find: Asking) -> None:
    kept = sorted(Term.objects.values_list("kind", "of", "text"))
    Term.objects.all().delete()
    migration = import_module("tightship.store.migrations.0004_search")
    with connection.cursor() as cursor:
        cursor.execute(migration.SITES)
        cursor.execute(migration.RELEASES)
    assert sorted(Term.objects.values_list("kind", "of", "text")) == kept
    assert terms.fill() == 0
    Term.objects.all().delete()
    assert terms.fill() == len(kept)
    assert find("shop.example.com") == ["site shop.example.com"]


def test_a_name_of_any_length_and_letters_is_found(told: Any, shop: Any) -> None:
    name = "x" * 3000 + ".example.com"
    told(shop(), sites=[site(name, 8001, "unit:shop.service"), site("ümlaut.example", 1, "")])
    assert len(search(view(told.now), "x" * 100).groups[0].things) == 1
    assert named(search(view(told.now), "Ümlaut")) == ["site ümlaut.example"]


def test_the_answer_says_what_it_covers_and_is_json(fleet: Any) -> None:
    import json

    now = view(fleet.now)
    found = search_covered(now, "shop")
    document = json.loads(to_json(found, now))
    assert document["covers"] == {"servers": 2, "silent": [], "unread": []}
    assert document["groups"][0] == {
        "kind": "application",
        "things": [
            {"name": "shop", "said": "web team, customer=acme", "page": ["application", "shop"]},
        ],
        "more": 0,
        "at_least": False,
    }
