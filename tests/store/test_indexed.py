"""What the indexes have, beside what is in use."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests import reports
from tests.store.conftest import HOUR
from tightship.fleet.newest import Candidate, Known, newest_first
from tightship.fleet.outdated import Ignore
from tightship.fleet.report import Package, package_line
from tightship.store import indexed
from tightship.store.models import Behind, Indexed

pytestmark = pytest.mark.django_db

DJANGO = ["6.0", "5.2.9", "5.2.1", "5.1.4", "4.2.30"]
NEEDS = {"6.0": ">=3.12"}


def known(*versions: str, **more: Any) -> Known:
    found = (Candidate(one, NEEDS.get(one, "")) for one in versions)
    return Known(newest_first(found), more.get("asked"), more.get("problem", ""))


@pytest.fixture
def fleet(told: Any, shop: Any) -> Any:
    """web1 and web2 run shop, in two versions of Django."""
    told(shop("5.2.1"), server="web1")
    told(shop("5.1.3"), server="web2")
    return told


def keep(fleet: Any, **said: Known) -> None:
    indexed.keep({name.replace("_", "-"): one for name, one in said.items()}, fleet.now)
    indexed.judge(fleet.now)


def row(fleet: Any, version: str, **filters: str) -> Any:
    return next(one for one in fleet.rows("outdated", **filters) if one["version"] == version)


def test_each_version_in_use_stands_beside_what_is_newer_by_the_step(fleet: Any) -> None:
    keep(fleet, django=known(*DJANGO, asked=fleet.now), jinja2=known("3.1.4", asked=fleet.now))

    assert [(one["package"], one["version"]) for one in fleet.rows("outdated")] == [
        ("django", "5.1.3"),
        ("django", "5.2.1"),
    ]
    older = row(fleet, "5.1.3")
    assert (older["bugfix"], older["minor"], older["major"]) == ("5.1.4", "5.2.9", "")
    assert older["needs"] == "6.0 needs Python 3.12"
    assert older["applications"] == ["shop"]
    assert older["used_by"] == 1


def test_what_its_python_can_run_is_offered_and_where_they_differ_each_its_own(told: Any) -> None:
    lines = reports.packages(django="5.2.1")
    told(reports.application("shop", lines, python="3.12.1"), server="web1")
    keep(told, django=known(*DJANGO))
    assert (row(told, "5.2.1")["major"], row(told, "5.2.1")["needs"]) == ("6.0", "")

    told(reports.application("shop", lines), server="web2")
    indexed.judge(told.now)
    assert row(told, "5.2.1")["major"] == "6.0 (Python 3.12)"
    assert row(told, "5.2.1")["needs"] == "6.0 needs Python 3.12 (Python 3.11)"


def test_filters_by_application_owner_server_and_level(fleet: Any) -> None:
    keep(fleet, django=known(*DJANGO))

    def versions(**filters: str) -> list[str]:
        return [str(one["version"]) for one in fleet.rows("outdated", **filters)]

    assert versions(application="shop") == ["5.1.3", "5.2.1"]
    assert versions(application="blog") == []
    assert versions(server="web2") == ["5.1.3"]
    assert versions(level="minor") == ["5.1.3"]
    assert versions(owner="nobody") == []


def test_what_nobody_asked_for_is_said_and_never_taken_for_up_to_date(fleet: Any) -> None:
    from tightship.store.listing import Params
    from tightship.store.listings.outdated import OUTDATED
    from tightship.store.querying import view

    page = OUTDATED.page(view(fleet.now), Params())
    assert page.notes == ["Nobody asked the package indexes yet: tightship index update."]

    keep(fleet, django=known(*DJANGO, asked=fleet.now), jinja2=known(problem="it is down"))
    (since, failed) = OUTDATED.page(view(fleet.now), Params()).notes
    assert since.startswith("What package indexes had as of 2")
    assert failed == "Of 1 not all could be asked the last time: it is down."


def test_an_ignored_version_is_not_offered_until_its_day(fleet: Any) -> None:
    rule = Ignore(package="Django>=5.2", because="our add-ons", until=fleet.now.date() + timedelta(days=30))
    assert indexed.ignore([rule]) == {"django"}
    assert indexed.ignore([rule]) == set()
    keep(fleet, django=known(*DJANGO))

    assert [one["version"] for one in fleet.rows("outdated")] == ["5.1.3"]
    assert row(fleet, "5.1.3")["minor"] == ""
    assert row(fleet, "5.1.3")["ignored"] == f"django>=5.2 until {rule.until}: our add-ons"

    indexed.judge(fleet.now + timedelta(days=31))
    assert row(fleet, "5.1.3")["minor"] == "5.2.9"


def test_an_ignored_version_whose_day_is_past_is_offered(fleet: Any) -> None:
    indexed.ignore([Ignore(package="django", because="later", until=date(2020, 1, 1))])
    keep(fleet, django=known(*DJANGO))

    assert row(fleet, "5.1.3")["minor"] == "5.2.9"


def test_what_was_taken_back_is_told(fleet: Any) -> None:
    keep(fleet, django=Known([Candidate("5.2.1", "", "a leak"), Candidate("5.1.3", "", "")]))

    assert row(fleet, "5.2.1")["yanked"] == "a leak"
    assert row(fleet, "5.1.3")["yanked"] == "no reason given"


def test_what_came_from_the_system_or_a_folder_is_of_no_index(told: Any) -> None:
    lines = [
        package_line(Package("apt", "2", "os")),
        package_line(Package("django", "5.0")),
        package_line(Package("ours", "1.0", "file:///srv/ours", editable=True)),
    ]
    told(reports.application("shop", lines), server="web1")

    assert indexed.in_use() == ["django"]


def test_nothing_is_asked_for_before_somebody_did_and_then_each_day(fleet: Any) -> None:
    assert indexed.due(fleet.now, 10) == indexed.never_asked() == []

    keep(fleet, django=known(*DJANGO, asked=fleet.now))
    assert indexed.never_asked() == ["jinja2"]
    assert indexed.due(fleet.now + HOUR, 10) == []
    assert indexed.due(fleet.now + 25 * HOUR, 10) == ["django"]

    keep(fleet, jinja2=known(problem="it is down"))
    assert indexed.due(fleet.now + 2 * HOUR, 10) == ["jinja2"]


def test_only_what_may_be_offered_is_kept_of_what_an_index_has(fleet: Any) -> None:
    keep(fleet, django=known("6.0", "5.1.3", "5.1.2", "1.0"), nosuchpackage=known("1"))

    assert "5.1.2" not in Indexed.objects.get().candidates
    assert Indexed.objects.get().newest == "6.0"


def test_a_version_that_nobody_uses_any_more_is_judged_no_longer(fleet: Any, shop: Any) -> None:
    keep(fleet, django=known(*DJANGO))
    assert Behind.objects.count() == 2

    fleet(shop("5.2.9", ticks=2000), server="web2")
    indexed.judge(fleet.now)
    assert [one["version"] for one in fleet.rows("outdated")] == ["5.2.1", "5.2.9"]


def test_the_past_has_no_newest_versions(fleet: Any) -> None:
    keep(fleet, django=known(*DJANGO))

    assert fleet.rows("outdated", at=fleet.now - HOUR) == []
