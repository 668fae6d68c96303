"""Which versions of a package are, and were, in use."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests import reports
from tests.reports import WHEN
from tests.store.conftest import HOUR
from tightship.store import details
from tightship.store.models import Application
from tightship.store.querying import view
from tightship.store.using import FEW_SETS, no_longer_used, versions_in_use

pytestmark = pytest.mark.django_db


def test_a_version_says_since_when_it_is_seen_and_whose_it_is(told: Any, shop: Any) -> None:
    told(shop("5.2.1"), server="web1")
    told(shop("5.2.1"), server="web2")
    Application.objects.update(owner="web team")

    (use,) = versions_in_use(view(told.now), "django")

    assert use.first == WHEN + HOUR
    assert use.owners == ("web team",)


def test_versions_that_nobody_uses_any_more_keep_their_dates(told: Any, shop: Any) -> None:
    told(shop("5.2.1"), server="web1")
    told(shop("5.2.2", ticks=2000), server="web1")
    then = told.now

    ((version, seen),) = no_longer_used(view(told.now), "django")

    assert (version, seen.first, seen.last) == ("5.2.1", WHEN + HOUR, then)
    assert no_longer_used(view(told.now, then - timedelta(minutes=1)), "django") == []


def test_where_too_many_use_a_package_nobody_looks_for_dates(told: Any) -> None:
    for number in range(FEW_SETS + 1):
        lines = reports.packages(django="5.2.1", other=f"1.{number}")
        told(reports.application("shop", lines), server=f"web{number}")

    (use,) = versions_in_use(view(told.now), "django")

    assert use.first is None
    assert no_longer_used(view(told.now), "django") == []
    found = details.package(view(told.now), "django")
    assert found
    assert found.asked is None
