"""Recording a report: once, in order, completely."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests import reports
from tests.reports import WHEN
from tests.store.conftest import HOUR
from tightship.fleet.report import Refused, load
from tightship.store.models import Change, FoundGroup, Member, PackageSet, Server
from tightship.store.recording import NeedSets, NeedState, record

pytestmark = pytest.mark.django_db


def test_the_first_report_makes_a_server_known(told: Any, shop: Any) -> None:
    recorded = told(shop(ports=[8001]))
    assert (recorded.kind, recorded.first, recorded.changes) == ("recorded", True, 1)
    (row,) = told.rows("applications")
    assert (row["application"], row["releases"], row["ports"], row["servers"]) == (
        "shop",
        ["2.4.1"],
        ["8001"],
        ["web1"],
    )


def test_the_same_report_again_changes_nothing(told: Any, shop: Any) -> None:
    told(shop())
    before = Server.objects.values().get()
    document = reports.report(applications=[shop()], at=told.now)
    assert record(document, "web1", told.now + HOUR).kind == "repeated"
    assert Server.objects.values().get() == before


def test_an_unchanged_hour_moves_only_when_it_was_last_seen(told: Any, shop: Any) -> None:
    told(shop())
    before = list(FoundGroup.objects.values())
    assert told(shop()).kind == "unchanged"
    assert list(FoundGroup.objects.values()) == before
    assert Server.objects.get().last_seen == told.now


def test_a_digest_alone_is_enough_for_an_unchanged_hour(told: Any, shop: Any) -> None:
    told(shop())
    later = told.now + HOUR
    assert (
        record(reports.head(reports.report(applications=[shop()], at=later)), "web1", later).kind
        == "unchanged"
    )


def test_an_unknown_digest_asks_for_the_state(told: Any, shop: Any) -> None:
    with pytest.raises(NeedState):
        record(reports.head(reports.report(applications=[shop()])), "web1", WHEN)
    assert not Server.objects.exists()


def test_unknown_sets_are_asked_for_by_name_and_nothing_is_stored(told: Any, shop: Any) -> None:
    whole = reports.report(applications=[shop()])
    with pytest.raises(NeedSets) as asked:
        record(reports.head(whole, keep=["state"]), "web1", WHEN)
    assert asked.value.digests == sorted(load(whole).sets)
    assert not Server.objects.exists()
    record(whole, "web1", WHEN)
    assert record(reports.head(whole, keep=["state"]), "web2", WHEN).kind == "recorded"


def test_a_report_that_comes_late_does_not_undo_a_newer_one(told: Any, shop: Any) -> None:
    told(shop("5.2.1"))
    told(shop("5.2.2", ticks=2000))
    late = reports.report(
        applications=[shop("5.2.1")], at=told.now - HOUR / 2, live={"sent": told.now.isoformat()}
    )
    assert record(late, "web1", told.now).kind == "late"
    assert told.rows("packages", query="django")[0]["versions"] == ["5.2.2"]


@pytest.mark.parametrize("year", [1971, 2099])
def test_a_server_whose_clock_is_years_off_is_still_put_in_order(told: Any, shop: Any, year: int) -> None:
    there = datetime(year, 1, 1, tzinfo=WHEN.tzinfo)
    for hour, version in enumerate(["5.2.1", "5.2.2", "5.2.3"]):
        at = there + hour * HOUR
        document = reports.report(
            applications=[shop(version, ticks=1000 + hour)], at=at, live={"sent": at.isoformat()}
        )
        assert record(document, "web1", WHEN + hour * HOUR).kind == "recorded"
    server = Server.objects.get()
    assert server.reported_at == WHEN + 2 * HOUR
    assert abs(server.skew or 0) > timedelta(days=365).total_seconds()
    told.now = WHEN + 2 * HOUR
    assert told.rows("packages", WHEN + HOUR, query="django")[0]["versions"] == ["5.2.2"]


def test_a_package_set_stands_once_for_the_whole_fleet(told: Any, shop: Any) -> None:
    for server in ("web1", "web2", "web3"):
        told(shop(), server=server)
    assert PackageSet.objects.count() == 1
    assert Member.objects.count() == 2


def test_what_is_refused_leaves_everything_as_it_was(told: Any, shop: Any) -> None:
    told(shop())
    before = Server.objects.values().get()
    whole = reports.report(applications=[shop("5.2.2")], at=told.now + HOUR)
    for broken in (whole[: len(whole) // 2], whole.replace(b"5.2.2", b"5.2.3", 1), b"{}"):
        with pytest.raises(Refused):
            record(broken, "web1", told.now + HOUR)
    assert Server.objects.values().get() == before
    assert record(whole, "web1", told.now + HOUR).kind == "recorded"


NASTY = [
    "a\x00b",
    "\ud800",
    "<script>alert(1)</script>",
    "\u202egnp.exe",
    "x" * 5000,
    "' OR 1=1 --",
    "%s",
    "日本",
]


@pytest.mark.parametrize("text", NASTY)
def test_whatever_an_applications_user_names_the_rest_of_the_server_is_stored(
    told: Any, shop: Any, text: str
) -> None:
    nasty = reports.application(
        "nasty",
        [f"{text}\t{text}", "django\t5.0"],
        key=f"unit:{text}.service",
        user=text,
        base=f"/srv/{text}",
        cwd=f"/srv/{text}",
        release=text,
        names=[{"name": text, "how": "module"}],
        listeners=[{"protocol": "unix", "path": f"/run/{text}.sock"}],
    )
    assert told(nasty, shop()).kind == "recorded"
    assert {"shop"} <= {row["application"] for row in told.rows("applications")}
    assert len(told.rows("applications")) == 2
    assert told.rows("packages", query="django")[0]["versions"] == ["5.2.1", "5.0"]
    told(shop())
    assert len(told.rows("applications")) == 1
    assert Change.objects.filter(kind="gone").count() == 1


def test_two_servers_do_not_mix(told: Any, shop: Any) -> None:
    told(shop("5.2.1"), server="web1")
    told(shop("5.2.2"), server="web2")
    assert [row["server"] for row in told.rows("groups")] == ["web1", "web2"]
    assert told.rows("packages", query="django")[0]["spread"] == ["5.2.2 × 1", "5.2.1 × 1"]


def test_a_server_with_no_name_of_its_own_goes_by_its_hostname(told: Any) -> None:
    assert record(reports.report("db1"), "", WHEN).server == "db1"


def test_naming_it_anew_keeps_its_history(told: Any, shop: Any) -> None:
    told(shop())
    told(shop(names=[{"name": "webshop", "how": "unit"}]))
    assert [row["application"] for row in told.rows("applications")] == ["webshop"]
    assert [row["change"] for row in told.rows("changes", application="webshop")] == [
        "named webshop, was shop"
    ]
