"""`forget --before`: what ended long ago goes, what holds now stays, and no page answers for what is gone."""

from __future__ import annotations

from typing import Any

import pytest

from tests import reports
from tests.store.conftest import HOUR
from tightship.fleet.moments import BadMoment
from tightship.store.forgetting import AT_A_TIME, forget, forgettable
from tightship.store.models import Application, Change, Finding, FoundGroup, Instance, Member, PackageSet
from tightship.store.querying import view

pytestmark = pytest.mark.django_db


@pytest.fixture
def history(told: Any, shop: Any) -> Any:
    """shop was upgraded, blog went away, an hour between; web2 has not changed since the beginning."""
    told(shop("5.2.1"), server="web2")
    told(shop("5.2.1"), reports.application("blog", reports.packages(flask="3.0")))
    told(shop("5.2.2", ticks=2000, release="2.5.0"))
    told(shop("5.2.3", ticks=3000))
    return told


def test_what_ended_before_is_gone_and_what_holds_now_stays(history: Any) -> None:
    before = {name: history.rows(name) for name in ("applications", "groups", "packages", "ports", "servers")}
    outcome = forget(history.now - HOUR / 2)
    assert outcome.removed["intervals"] > 0
    assert {name: history.rows(name) for name in before} == before
    assert not FoundGroup.objects.filter(until__lt=history.now - HOUR / 2).exists()
    assert [change.at for change in Change.objects.all()] == [history.now] * Change.objects.count()


def test_the_past_that_is_kept_still_answers(history: Any) -> None:
    then = history.now - HOUR / 2
    before = history.rows("packages", then, query="django")
    forget(then)
    assert history.rows("packages", then, query="django") == before


def test_nothing_is_answered_for_a_moment_before(history: Any) -> None:
    forget(history.now - HOUR / 2)
    with pytest.raises(BadMoment, match=r"what was before 2026-11-20 .* was forgotten"):
        view(history.now, history.now - 2 * HOUR)
    view(history.now, history.now - HOUR / 4)


def test_package_sets_and_names_that_nothing_needs_any_more_go_too(history: Any) -> None:
    sets = PackageSet.objects.count()
    forget(history.now - HOUR / 2)
    assert PackageSet.objects.count() == sets - 1, "blog's; 5.2.1 is web2's, 5.2.2 ended just then"
    assert not Application.objects.filter(name="blog").exists()
    assert not Instance.objects.filter(application__name="blog").exists()
    assert not Member.objects.exclude(set__in=PackageSet.objects.all()).exists()


def test_findings_that_ended_before_are_gone_and_those_that_hold_stay(told: Any, shop: Any) -> None:
    told(shop("5.2.1"))
    told(shop("5.2.2"))  # under the running process: stale
    told(shop("5.2.2", ticks=2000))
    held = Finding.objects.filter(until=None).count()
    assert Finding.objects.filter(kind="stale-process").exclude(until=None).exists()
    assert forget(told.now + HOUR / 2).removed["findings"] == 1
    assert not Finding.objects.filter(kind="stale-process").exists()
    assert Finding.objects.filter(until=None).count() == held


def test_a_dry_run_counts_and_removes_nothing(history: Any) -> None:
    groups = FoundGroup.objects.count()
    counted = forgettable(history.now)
    assert counted.removed["intervals"] > 0
    assert FoundGroup.objects.count() == groups
    assert forget(history.now).removed["intervals"] == counted.removed["intervals"]
    assert forget(history.now).total == 0


def test_what_was_forgotten_can_come_again(history: Any, shop: Any) -> None:
    forget(history.now)
    history(shop("5.2.3", ticks=3000), reports.application("blog", reports.packages(flask="3.0")))
    assert [row["application"] for row in history.rows("applications")] == ["blog", "shop"]
    assert history.rows("packages", query="flask")[0]["versions"] == ["3.0"]


def test_more_than_one_portion_is_forgotten(told: Any, shop: Any) -> None:
    told(shop())
    group = FoundGroup.objects.get()
    FoundGroup.objects.bulk_create(
        FoundGroup(server=group.server, key=str(n), since=told.now - HOUR, until=told.now, data=group.data)
        for n in range(AT_A_TIME + 10)
    )
    assert forget(told.now + HOUR).removed["intervals"] == AT_A_TIME + 10
