"""`diff`: servers, instances, stages and moments beside one another."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import reports
from tests.store.conftest import HOUR
from tightship.store.comparing import Apart, Compared, Side, apart
from tightship.store.listing import Params
from tightship.store.models import FoundGroup
from tightship.store.querying import view
from tightship.store.things import Thing, UnknownThing, understood

pytestmark = pytest.mark.django_db

POSTGRES = [{"protocol": "tcp", "address": "127.0.0.1", "port": 5432, "program": "postgres"}]


def differing(told: Any, *sides: Side | str, **params: Any) -> list[tuple[Any, ...]]:
    listing = Compared([side if isinstance(side, Side) else Side(side) for side in sides])
    names = [column.name for column in listing.columns]
    rows = listing.page(view(told.now), Params(**params)).rows
    return [tuple(row[name] for name in names) for row in rows]


@pytest.fixture
def fleet(told: Any, shop: Any) -> Any:
    told(shop("5.2.1", ports=[8001]), server="web1", listeners=POSTGRES)
    told(
        shop("5.2.2", ports=[8001], release="2.5.0"), reports.application("blog", ports=[8002]), server="web2"
    )
    return told


def test_two_servers_differ_in_what_runs_its_versions_and_its_ports(fleet: Any) -> None:
    assert differing(fleet, "web1", "web2") == [
        ("application", "blog", "", "2.4.1"),
        ("application", "shop", "2.4.1", "2.5.0"),
        ("port", "127.0.0.1:5432", "postgres", ""),
        ("port", "127.0.0.1:8002", "", "blog"),
        ("package", "django in shop", "5.2.1", "5.2.2"),
    ]


def test_a_server_does_not_differ_from_itself(fleet: Any) -> None:
    assert differing(fleet, "web1", "web1") == []


def test_two_instances_differ_in_release_and_packages(fleet: Any) -> None:
    assert differing(fleet, "shop@web1", "shop@web2") == [
        ("release", "", "2.4.1", "2.5.0"),
        ("package", "django", "5.2.1", "5.2.2"),
    ]
    assert differing(fleet, "shop@web1", "shop@web2", filters={"what": "package"}) == [
        ("package", "django", "5.2.1", "5.2.2")
    ]
    assert differing(fleet, "shop@web1", "shop@web2", query="releas") == [("release", "", "2.4.1", "2.5.0")]


def test_a_server_then_and_now(fleet: Any, shop: Any) -> None:
    then = fleet.now
    fleet(shop("5.2.9", ports=[8001], ticks=2000), server="web1", listeners=POSTGRES)
    assert differing(fleet, Side("web1", then), "web1") == [("package", "django in shop", "5.2.1", "5.2.9")]
    before = differing(fleet, Side("web1", then - 5 * HOUR), "web1", size=500)
    assert all(a == "" for _what, _subject, a, _b in before), "it was not known then"


def test_what_runs_is_compared_not_what_lies_on_disk(fleet: Any, shop: Any) -> None:
    fleet(shop("5.2.2", ports=[8001]), server="web1")  # upgraded, and not restarted
    assert ("package", "django", "5.2.1", "5.2.2") in differing(fleet, "shop@web1", "shop@web2")


def test_two_stages_of_an_application(told: Any, shop: Any) -> None:
    told(shop("5.2.1"), server="web1")
    told(shop("5.2.2"), server="test1")
    FoundGroup.objects.filter(server__name="web1").update(stage="production")
    FoundGroup.objects.filter(server__name="test1").update(stage="acceptance")
    assert differing(told, "shop/acceptance", "shop/production") == [("package", "django", "5.2.2", "5.2.1")]
    assert apart(view(told.now), "shop") == [], "stages may differ"


def test_an_applications_servers_are_told_where_they_differ(fleet: Any, shop: Any) -> None:
    fleet(shop("5.2.1", ports=[8001]), server="web3")
    assert apart(view(fleet.now), "shop") == [
        Apart("", "release", "", [("2.4.1", ["web1", "web3"]), ("2.5.0", ["web2"])]),
        Apart("", "package", "django", [("5.2.1", ["web1", "web3"]), ("5.2.2", ["web2"])]),
    ]


def test_many_servers_with_the_same_packages_cost_no_more_queries(fleet: Any, shop: Any) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            apart(view(fleet.now), "shop")
        return len(captured)

    before = queries()
    for number in range(6):
        fleet(shop("5.2.1", ports=[8001]), server=f"more{number}")
    assert queries() == before


def test_names_may_hold_what_else_would_part_them(told: Any) -> None:
    odd = reports.group("odd", names=[{"name": "team/shop", "how": "unit"}])
    told((odd, reports.environment("venv:/srv/odd/venv")), server="a@b")
    assert understood("a@b").server == "a@b"
    assert understood("team/shop").application == "team/shop"
    assert understood("team/shop@a@b") == Thing("a@b", "team/shop")


@pytest.mark.parametrize("text", ["wbe1", "shop@nowhere", "shop/nostage", "", "@", "/", "\0", "x" * 10_000])
def test_what_is_not_known_is_said_with_what_is_near(fleet: Any, text: str) -> None:
    with pytest.raises(UnknownThing, match="nothing is known as") as told:
        understood(text)
    assert len(str(told.value)) < 400
    if text == "wbe1":
        assert "near: web1" in str(told.value)
