"""Any moment in the past, and what could not be read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import reports
from tests.reports import WHEN, application, packages
from tests.store.conftest import HOUR
from tightship.store import details
from tightship.store.intervals import read
from tightship.store.models import Server
from tightship.store.querying import view
from tightship.store.recording import record
from tightship.store.rows import known

pytestmark = pytest.mark.django_db


def test_each_listing_answers_for_a_moment_in_the_past(told: Any, shop: Any) -> None:
    told(shop("5.2.1", ports=[8001]))
    then = told.now
    told(shop("5.2.2", ports=[8002], release="2.5.0", ticks=2000))
    assert told.rows("applications", then)[0]["releases"] == ["2.4.1"]
    assert told.rows("ports", then)[0]["port"] == 8001
    assert told.rows("packages", then, query="django")[0]["versions"] == ["5.2.1"]
    assert len(told.rows("changes", then)) == 1
    assert told.rows("applications", then - HOUR) == []
    assert told.rows("servers", then - HOUR) == []


def test_an_upgrade_under_a_running_process_is_stale_until_the_restart(told: Any, shop: Any) -> None:
    told(shop("5.2.1"))
    told(shop("5.2.2"))
    (row,) = told.rows("groups")
    assert row["signs"] == ["stale"]
    detail = details.group(view(told.now), row["id"])
    assert detail is not None
    assert list(detail.stale) == [details.StaleVersion("django", "5.2.1", "5.2.2")]
    assert told.rows("changes")[0]["change"] == "django 5.2.1 → 5.2.2; the process still runs 5.2.1"
    told(shop("5.2.2"))
    assert told.rows("groups")[0]["signs"] == ["stale"]
    told(shop("5.2.2", ticks=2000))
    assert told.rows("groups")[0]["signs"] == []


def test_a_sign_of_the_probe_is_maybe_stale(told: Any, shop: Any) -> None:
    told(shop(stale=[{"how": "newer", "what": "django"}]))
    assert told.rows("groups")[0]["signs"] == ["stale"]
    assert details.overview(view(told.now)).stale == 1


def test_a_server_that_stopped_reporting_is_silent_and_never_current(told: Any, shop: Any) -> None:
    told(shop(), server="web1")
    for _hour in range(4):
        told(shop(), server="web2")
    page = told.rows("groups")
    assert {row["server"]: row["signs"] for row in page} == {"web1": ["silent"], "web2": []}
    covers = details.overview(view(told.now)).covers
    assert str(covers) == "1 of 2 servers; 1 silent"
    assert not covers.all


def test_an_ordinary_users_reading_between_roots_changes_nothing(told: Any, shop: Any) -> None:
    told(shop())
    group, _environment = shop()
    group.update(key="user:shop cwd:? python", cwd="", environment="", releases=[], names=[])
    group["unread"] = [{"what": "environ", "why": "permission denied"}]
    unread = [{"what": "processes of other users", "why": "only root may read them"}]
    told(groups=[group], complete=False, unread=unread)
    (row,) = told.rows("groups")
    assert (row["application"], row["packages"], row["signs"]) == ("shop", 2, ["unread"])
    assert details.overview(view(told.now)).covers.unread == ("web1",)
    told(shop())
    assert told.rows("groups")[0]["signs"] == []
    assert [row["change"] for row in told.rows("changes")] == ["first seen: Debian GNU/Linux 12 (bookworm)"]


versions = st.sampled_from(["5.2.1", "5.2.2", ""])
reported = st.lists(
    st.tuples(versions, st.sampled_from([1000, 2000]), st.sampled_from([8001, 8002])), max_size=7
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reported)
def test_found_at_a_moment_is_what_the_report_of_that_moment_said(
    db: None, sequence: list[tuple[str, int, int]]
) -> None:
    """A naive model: the newest report at or before the moment, as it was."""
    Server.objects.all().delete()
    history: list[tuple[datetime, set[tuple[str, str, tuple[int, ...]]]]] = []
    for hour, (version, ticks, port) in enumerate(sequence):
        at = WHEN + hour * HOUR
        some = [application("shop", packages(django=version), ticks=ticks, ports=[port])] if version else []
        record(reports.report("web1", some, at=at), "web1", at)
        history.append((at, {("unit:shop.service", version, (port,))} if version else set()))
    if not history:
        return
    server = Server.objects.get()
    for at, expected in history:
        found = known(server, read(server, at + timedelta(minutes=1)), at)
        said = set()
        for group in found.groups.values():
            digest = reports.digest_of_set(packages(django="5.2.1"))
            version = "5.2.1" if group.packages == digest else "5.2.2"
            said.add((group.key, version, tuple(listener.port for listener in group.group.listeners)))
        assert said == expected
