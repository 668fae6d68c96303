"""What happened, as people tell it: one deployment is one sentence."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.reports import WHEN
from tightship.fleet.changes import Change
from tightship.fleet.happenings import LONGEST, Seen, happenings

MINUTE = timedelta(minutes=1)


def seen(
    kind: str,
    subject: str = "",
    before: str = "",
    after: str = "",
    *,
    server: str = "web1",
    at: datetime = WHEN,
) -> Seen:
    return Seen(at, server, Change(kind, subject, before, after, "unit:shop.service", "shop", "production"))


def sentences(*some: Seen) -> list[str]:
    return [one.sentence for one in happenings(some)]


def test_a_deployment_is_one_sentence() -> None:
    assert sentences(
        seen("restarted"),
        seen("package", "celery", "5.3.6", "5.4.0"),
        seen("release", "", "2.4.0", "2.4.1"),
    ) == ["shop on web1 went from 2.4.0 to 2.4.1; celery 5.3.6 → 5.4.0; restarted"]


def test_what_its_web_process_and_its_workers_share_is_told_once() -> None:
    web, worker = seen("release", "", "2.4.0", "2.4.1"), seen("release", "", "2.4.0", "2.4.1")
    assert sentences(web, worker, seen("restarted"), seen("restarted")) == [
        "shop on web1 went from 2.4.0 to 2.4.1; restarted"
    ]


def test_servers_that_followed_one_another_are_named_together() -> None:
    some = [
        seen("release", "", "2.4.0", "2.4.1", server=f"web{n}", at=WHEN + n * 20 * MINUTE)
        for n in range(1, 4)
    ]
    (told,) = happenings(some)
    assert told.sentence == "shop on web1, web2 and web3 went from 2.4.0 to 2.4.1"
    assert (told.at, told.until) == (WHEN + 20 * MINUTE, WHEN + 60 * MINUTE)


def test_a_server_on_which_something_else_changed_is_told_apart() -> None:
    assert sentences(
        seen("release", "", "2.4.0", "2.4.1"),
        seen("release", "", "2.3.0", "2.4.1", server="web2"),
    ) == ["shop on web2 went from 2.3.0 to 2.4.1", "shop on web1 went from 2.4.0 to 2.4.1"]


def test_steps_in_between_are_left_out() -> None:
    assert sentences(
        seen("package", "django", "5.2.1", "5.2.2"),
        seen("package", "django", "5.2.2", "5.2.3", at=WHEN + 30 * MINUTE),
    ) == ["shop on web1 django 5.2.1 → 5.2.3"]


def test_what_it_still_ran_until_the_restart_is_not_told() -> None:
    upgraded = Change("package", "django", "5.2.1", "5.2.2", "unit:shop.service", "shop", still_runs="5.2.1")
    restarted = Change("restarted", group="unit:shop.service", application="shop")
    later = WHEN + 60 * MINUTE
    assert sentences(Seen(WHEN, "web1", upgraded)) == [
        "shop on web1 django 5.2.1 → 5.2.2; the process still runs 5.2.1"
    ]
    assert sentences(Seen(WHEN, "web1", upgraded), Seen(later, "web1", restarted)) == [
        "shop on web1 django 5.2.1 → 5.2.2; restarted"
    ]


def test_what_was_taken_back_at_once_is_still_told() -> None:
    assert sentences(
        seen("release", "", "2.4.0", "2.4.1"), seen("release", "", "2.4.1", "2.4.0", at=WHEN + 30 * MINUTE)
    ) == ["shop on web1 changed, and changed back"]


def test_what_lies_further_apart_is_two_happenings() -> None:
    assert sentences(seen("restarted"), seen("release", "", "2.4.0", "2.4.1", at=WHEN + 120 * MINUTE)) == [
        "shop on web1 went from 2.4.0 to 2.4.1",
        "shop on web1 restarted",
    ]


def test_an_application_that_restarts_all_day_does_not_become_one_happening() -> None:
    some = [seen("restarted", at=WHEN + n * 60 * MINUTE) for n in range(24)]
    told = happenings(some)
    assert len(told) > 3
    assert all(one.until - one.at <= LONGEST for one in told)


def test_a_server_is_told_by_its_own_name() -> None:
    rebooted = Seen(WHEN, "web1", Change("rebooted"))
    kernel = Seen(WHEN, "web1", Change("system", "kernel", "6.1.0-28", "6.1.0-30"))
    assert sentences(kernel, rebooted) == ["web1 rebooted; kernel 6.1.0-28 → 6.1.0-30"]


def test_many_servers_are_counted() -> None:
    some = [seen("restarted", server=f"web{n:02}") for n in range(40)]
    assert sentences(*some) == ["shop on web00, web01, web02, web03, web04 and 35 more servers restarted"]


def test_nothing_is_nothing() -> None:
    assert happenings([]) == []
