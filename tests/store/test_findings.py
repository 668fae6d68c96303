"""Findings, as they come and go with reports. On both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import reports
from tests.reports import WHEN, application, environment, group, packages
from tests.store.conftest import HOUR
from tightship.fleet.declared import declared
from tightship.fleet.findings.endoflife import parse
from tightship.store import acknowledging, endings, findings, judging
from tightship.store.declaring import declare
from tightship.store.models import Finding, Judged
from tightship.store.querying import view
from tightship.store.recording import record

pytestmark = pytest.mark.django_db

NEWER = [{"how": "newer", "what": "django"}]


def held(told: Any, at: datetime | None = None, **filters: str) -> list[tuple[str, str, str]]:
    rows = told.rows("findings", at=at, **filters)
    return [(row["kind"], row["severity"], row["subject"]) for row in rows]


STALE = ("stale-process", "notice", "shop/-/web1:unit:shop.service")
SURELY = ("stale-process", "warning", "shop/-/web1:unit:shop.service")
MIXED = ("mixed", "notice", "shop/-")


def test_a_finding_begins_with_a_report_and_ends_with_one(told: Any, shop: Any) -> None:
    told(shop())
    assert held(told) == []
    told(shop(stale=NEWER))
    begun = told.now
    told(shop(stale=NEWER))
    (row,) = told.rows("findings")
    assert row["since"] == begun
    told(shop(ticks=2000))
    assert held(told) == []
    assert held(told, at=begun) == [STALE]
    assert Finding.objects.filter(kind="stale-process").count() == 1


def test_what_becomes_certain_stays_the_same_finding(told: Any, shop: Any) -> None:
    told(shop("5.2.1", stale=NEWER))
    (before,) = told.rows("findings")
    told(shop("5.2.2", stale=NEWER))
    assert held(told) == [SURELY]
    (after,) = told.rows("findings")
    assert (after["id"], after["since"]) == (before["id"], before["since"])
    assert after["evidence"] == ["django: 5.2.1 runs, on disk is 5.2.2."]


def test_an_unchanged_report_is_still_one_update(told: Any, shop: Any) -> None:
    told(shop(stale=NEWER))
    document = reports.head(reports.report(applications=[shop(stale=NEWER)], at=told.now + HOUR))
    with CaptureQueriesContext(connection) as captured:
        assert record(document, "web1", told.now + HOUR).kind == "unchanged"
    assert len(captured) == 1


def test_a_partial_reading_ends_no_finding(told: Any, shop: Any) -> None:
    told(shop(stale=NEWER))
    told(complete=False, unread=[{"what": "/proc", "why": "permission denied"}])
    assert held(told) == [("unread", "warning", "web1"), STALE]


def test_an_application_in_two_releases_is_mixed_until_the_last_follows(told: Any, shop: Any) -> None:
    told(shop(), server="web1")
    told(shop(), server="web2")
    told(shop(release="2.5.0", ticks=2), server="web1")
    assert held(told) == [MIXED]
    (row,) = told.rows("findings")
    assert row["evidence"] == [
        "shop with no stage known runs in 2 releases.",
        "2.4.1 on 1 server: web2.",
        "2.5.0 on 1 server: web1.",
    ]
    told(shop(release="2.5.0", ticks=2), server="web2")
    assert held(told) == []


def test_stages_are_not_mixed_with_each_other(told: Any, shop: Any) -> None:
    told(shop(unit="shop-production.service"), server="web1")
    told(shop(unit="shop-test.service", release="2.5.0rc1"), server="test1")
    assert held(told) == []


def test_mixed_ends_where_it_is_gone_from_the_server_that_was_behind(told: Any, shop: Any) -> None:
    told(shop(), server="web1")
    told(shop(release="2.5.0"), server="web2")
    assert held(told) == [MIXED]
    told(server="web1")
    assert held(told) == []


def test_only_the_first_few_servers_of_a_release_are_named(told: Any, shop: Any) -> None:
    for number in range(7):
        told(shop(), server=f"web{number}")
    told(shop(release="2.5.0"), server="web9")
    (row,) = told.rows("findings", kind="mixed")
    assert row["evidence"][1] == "2.4.1 on 7 servers: web0, web1, web2, web3, web4 and 2 more."


def test_a_package_that_stands_twice_is_read_from_what_is_stored(told: Any) -> None:
    lines = [*packages(django="5.2.1"), "django\t4.2.11\t\t\t\tshadowed"]
    told(application("shop", lines))
    assert held(told) == [("duplicate", "notice", "web1:venv:/srv/shop/venv")]


def test_an_end_of_life_begins_on_its_day_without_any_report(told: Any, shop: Any) -> None:
    told(shop(python="3.7.3"))
    told(application("api", packages(fastapi="1"), python="3.12.1"), server="web2")
    assert held(told) == [("end-of-life", "warning", "shop/-/web1:python-3.7")]
    after = view(datetime(2028, 11, 1, tzinfo=UTC))
    assert findings.at_or_above(after, "warning", {"server": "web2", "kind": "end-of-life"}) == 1
    before = view(datetime(2028, 10, 31, 23, tzinfo=UTC))
    assert findings.at_or_above(before, "warning", {"server": "web2", "kind": "end-of-life"}) == 0


def test_newer_dates_end_a_finding_and_begin_another(told: Any, shop: Any) -> None:
    told(shop(python="3.7.3"))
    told(application("api", packages(fastapi="1"), python="3.12.1"), server="web2")
    dates = parse("python 3.7 2030-01-01 wish\npython 3.12 2026-01-01 wish\npython 3.13 2029-10-31 x", "here")
    changed = endings.update(dates, told.now)
    assert [one.series for one, _was in changed] == ["3.7", "3.12"]
    told.now += HOUR
    assert judging.judge_all(told.now) == 2
    assert held(told) == [("end-of-life", "warning", "api/-/web2:python-3.12")]
    assert endings.endings()["python", "3.7"].source == "wish"
    assert endings.update(dates, told.now) == []


def test_a_server_that_no_longer_reports_is_silent_since_it_was_expected(told: Any, shop: Any) -> None:
    told(shop())
    heard = told.now
    told.now += 5 * HOUR
    assert held(told) == [("silent", "warning", "web1")]
    (row,) = told.rows("findings")
    assert row["since"] == heard + timedelta(hours=3)
    assert row["evidence"] == [f"Its last report came in at {heard:%Y-%m-%d %H:%M} UTC, 5 hours before."]
    told(shop())
    assert held(told) == []


def test_a_clock_that_goes_wrong_and_right_again(told: Any, shop: Any) -> None:
    told(shop())
    there = (told.now + HOUR + timedelta(minutes=5)).isoformat()
    told(shop(), live={"at": there, "sent": there})
    assert held(told) == [("clock-skew", "warning", "web1")]
    assert told(shop()).kind == "recorded"
    assert held(told) == []
    assert told(shop()).kind == "unchanged"


def test_one_machine_under_two_names_is_told_while_both_report(told: Any, shop: Any) -> None:
    machine = {"machine_id": "a" * 32}
    told(shop(), server="web1", system=machine)
    told(shop(), server="web2", system=machine)
    assert held(told) == [("two-names", "warning", "web2")]
    for _hour in range(4):
        told(shop(), server="web2", system=machine)
    assert held(told) == [("silent", "warning", "web1")], "it was renamed"


def test_two_machines_under_one_name_are_told_until_a_week_after(told: Any, shop: Any) -> None:
    for machine in "ab":
        told(shop(), system={"machine_id": machine * 32})
    assert held(told) == [], "a machine may be replaced"
    told(shop(), system={"machine_id": "a" * 32})
    assert held(told) == [("two-machines", "warning", "web1")]
    told(shop("5.2.2", ticks=2), system={"machine_id": "a" * 32})
    assert held(told) == [("two-machines", "warning", "web1")], "another report does not mend it"
    told.now += timedelta(days=8)
    told(shop("5.2.2", ticks=2), system={"machine_id": "a" * 32})
    assert held(told) == []


# Acknowledging


def test_what_is_acknowledged_is_shown_and_not_counted(told: Any, shop: Any) -> None:
    told(shop(stale=NEWER))
    told(shop(), server="web2", complete=False)
    made = acknowledging.acknowledge(*STALE[::2], "Sunday", "alice", told.now, told.now + 5 * HOUR)
    assert made.findings == 1
    assert held(told) == [("unread", "warning", "web2"), STALE]
    row = told.rows("findings")[1]
    assert (row["because"], row["by"], row["acknowledged"]) == ("Sunday", "alice", told.now + 5 * HOUR)
    assert held(told, acknowledged="no") == [("unread", "warning", "web2")]
    summary = findings.summary(view(told.now))
    assert ([one.kind for one in summary.counted], summary.acknowledged) == (["unread"], 1)


def test_an_acknowledgement_ends_by_itself_and_can_be_withdrawn(told: Any, shop: Any) -> None:
    told(shop(stale=NEWER))
    about = (STALE[0], STALE[2])
    first = acknowledging.acknowledge(*about, "longer", "alice", told.now, told.now + 2 * HOUR)
    acknowledging.acknowledge(*about, "shorter", "bob", told.now, told.now + HOUR)
    assert told.rows("findings", acknowledged="yes")[0]["because"] == "longer"
    acknowledging.withdraw(first.id, "alice", told.now)
    assert told.rows("findings", acknowledged="yes")[0]["because"] == "shorter"
    told.now += HOUR
    assert held(told, acknowledged="yes") == []
    assert held(told, acknowledged="no") == [STALE]
    assert acknowledging.withdraw(first.id, "alice", told.now) is None
    assert [one.because for one in acknowledging.every(told.now, past=True)] == ["shorter", "longer"]
    assert acknowledging.every(told.now) == []


def test_a_pattern_covers_what_comes_later_and_comes_back(told: Any, shop: Any) -> None:
    told(shop())
    made = acknowledging.acknowledge("*", "shop/*", "a playground", "alice", told.now, told.now + 90 * HOUR)
    assert made.findings == 0
    told(shop(stale=NEWER))
    assert held(told, acknowledged="yes") == [STALE]
    told(shop(ticks=2))
    told(shop(ticks=2, stale=NEWER))
    assert held(told, acknowledged="yes") == [STALE]
    told(application("other", packages(six="1"), stale=NEWER), server="web2")
    assert [subject for _kind, _severity, subject in held(told, acknowledged="no")] == [
        "other/-/web2:unit:other.service"
    ]


def test_the_baseline_accepts_each_finding_by_itself(told: Any, shop: Any) -> None:
    told(shop(stale=NEWER))
    known = [(row["kind"], row["subject"]) for row in told.rows("findings")]
    assert acknowledging.accept_all(known, "day one", "alice", told.now, told.now + 90 * HOUR) == 1
    told(shop(stale=NEWER, conflict=[{"what": "python", "how": "maps", "value": "x"}]))
    assert [kind for kind, _severity, _subject in held(told, acknowledged="no")] == ["conflict"]


# Names


def bring(told: Any, **applications: Any) -> None:
    declare(declared({"applications": applications}, {}), "fleet.toml", told.now)


def test_findings_past_and_present_and_what_was_acknowledged_go_by_declared_names(
    told: Any, shop: Any
) -> None:
    told(shop(stale=NEWER))
    then = told.now
    told(shop(ticks=2))
    told(shop(ticks=2, stale=NEWER))
    acknowledging.acknowledge(STALE[0], STALE[2], "Sunday", "alice", told.now, told.now + 90 * HOUR)
    bring(told, webshop={"found_as": ["unit:shop"]})
    named = ("stale-process", "notice", "webshop/-/web1:unit:shop.service")
    assert held(told) == held(told, at=then) == [named]
    assert held(told, acknowledged="yes", application="webshop") == [named]
    ids = list(Finding.objects.order_by("pk").values())
    told(shop(ticks=2, stale=NEWER, user="other"))
    assert list(Finding.objects.order_by("pk").values()) == ids, "the next report finds nothing to change"


def test_declaring_makes_and_mends_mixed_and_leaves_no_old_name(told: Any, shop: Any) -> None:
    told(shop(), server="web1")
    told(shop(release="2.5.0"), server="web2")
    told(application("portal", release="1.0"), server="web3")
    bring(told, webshop={"found_as": ["unit:shop", "unit:portal"]})
    assert held(told) == [("mixed", "notice", "webshop/-")]
    assert told.rows("findings")[0]["evidence"][0] == "webshop with no stage known runs in 3 releases."
    bring(told, a={"found_as": ["unit:shop"], "stages": {"production": {"servers": ["web1"]}}})
    assert held(told) == []
    assert "shop" not in {row["application"] for row in told.rows("applications")}


def test_two_patterns_that_claim_one_group_become_a_finding_and_go(told: Any, shop: Any) -> None:
    told(shop())
    bring(told, a={"found_as": ["unit:shop"]}, b={"found_as": ["path:/srv/shop"]})
    assert held(told) == [("conflict", "notice", "a/-/web1:unit:shop.service")]
    bring(told, a={"found_as": ["unit:shop"]})
    assert held(told) == []


# Rules


def test_all_servers_are_judged_once_by_the_rules_of_a_new_release(told: Any, shop: Any) -> None:
    told(shop(stale=NEWER))
    Finding.objects.all().delete()
    assert judging.catch_up(told.now) == 1
    assert held(told) == [STALE]
    assert judging.catch_up(told.now) == 0
    Judged.objects.update(rules="those of yesterday")
    assert judging.catch_up(told.now + HOUR) == 1


def test_judging_again_changes_nothing(told: Any, shop: Any) -> None:
    told(shop(stale=NEWER, python="3.7.3"))
    told(shop(release="2.5.0"), server="web2")
    before = list(Finding.objects.order_by("pk").values())
    judging.judge_all(told.now + HOUR)
    assert list(Finding.objects.order_by("pk").values()) == before


def test_an_application_on_many_servers_is_judged_once_where_all_are_judged(told: Any, shop: Any) -> None:
    for number in range(4):
        told(shop(release=f"2.{number}.0"), server=f"web{number}")
    Finding.objects.all().delete()
    with CaptureQueriesContext(connection) as captured:
        judging.judge_all(told.now)
    assert held(told) == [MIXED]
    assert sum("ROW_NUMBER()" in query["sql"] for query in captured) == 1


def test_the_number_of_queries_of_a_report_does_not_grow_with_what_is_found(told: Any) -> None:
    def queries(server: str, count: int) -> int:
        some = [
            application(f"{server}{n}", packages(six="1"), stale=NEWER, python="3.7.3") for n in range(count)
        ]
        told(server=server)
        told.now += HOUR
        document = reports.report(server, some, at=told.now)
        with CaptureQueriesContext(connection) as captured:
            record(document, server, told.now)
        return len(captured)

    few = queries("web1", 2)
    assert queries("web2", 40) <= few + 1
    assert findings.at_or_above(view(told.now), "notice", {}) == 84


def test_what_a_finding_is_told_with_is_whole(told: Any, shop: Any) -> None:
    told(shop(stale=NEWER))
    told(shop(ticks=2))
    told(shop(ticks=2, stale=NEWER))
    (row,) = told.rows("findings")
    found = findings.finding(view(told.now), row["id"])
    assert found is not None
    assert [time.until is None for time in found.times] == [True, False]
    assert found.holds
    assert found.group_id
    over = findings.finding(view(told.now), found.times[1].id)
    assert over is not None
    assert not over.holds
    assert findings.finding(view(WHEN), row["id"]) is None


def test_the_findings_of_a_group_are_its_own_its_instances_and_its_applications(told: Any, shop: Any) -> None:
    dirty = [{"how": "tag", "release": "2", "commit": "0f" * 20, "dirty": True, "where": "/srv/shop"}]
    worker = {**group("shop", stale=NEWER, releases=dirty), "key": "unit:shop-worker.service"}
    told(shop(releases=dirty), groups=[worker])
    told(shop(), server="web2")
    said = findings.of_group(view(told.now), "web1", worker["key"], "shop", "", "/srv/shop")
    assert [row["kind"] for row in said] == ["dirty", "mixed", "stale-process"]


def test_hostile_names_are_cut_and_kept_apart(told: Any) -> None:
    long = "x" * 3000
    told(application("shop", packages(six="1"), names=[{"name": long, "how": "supervisor"}], stale=NEWER))
    (row,) = told.rows("findings")
    assert len(str(row["subject"])) <= 300


def test_an_environment_alone_has_no_findings(told: Any) -> None:
    told(environments=[environment("venv:/srv/rest", packages(django="4.2.11"), at_rest=True)])
    assert held(told) == []
