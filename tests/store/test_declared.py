"""Declared names reach the store: everything is called by them, and nothing happened."""

from __future__ import annotations

import tomllib
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import reports
from tests.reports import packages
from tests.store.conftest import HOUR
from tightship.fleet.declared import declared
from tightship.store import details
from tightship.store.declaring import Outcome, declare
from tightship.store.models import (
    Application,
    Change,
    Declaration,
    FoundGroup,
    FoundListener,
    FoundSite,
    Instance,
)
from tightship.store.names import declared_names
from tightship.store.querying import view
from tightship.store.recording import record

pytestmark = pytest.mark.django_db

SHOP = """
[applications.shop]
owner = "web team"
url = "https://shop.example.com"
labels = { customer = "acme", tier = "gold" }
found_as = ["unit:portal*"]
"""


def portal(**more: Any) -> tuple[Any, Any]:
    return reports.application("portal", packages(django="5.2.1"), **{"ports": [8001], **more})


def bring(told: Any, text: str, **more: Any) -> Outcome:
    return declare(declared(tomllib.loads(text), {}), "fleet.toml", told.now, **more)


def snapshot() -> list[Any]:
    models = (FoundGroup, FoundListener, FoundSite, Change, Instance, Application, Declaration)
    return [list(model._default_manager.order_by("pk").values()) for model in models]


def site(name: str) -> dict[str, Any]:
    return {
        "names": [f"{name}.example.com"],
        "ports": [443],
        "to": "127.0.0.1:8001",
        "server": "nginx",
        "where": f"/etc/nginx/{name}",
        "group": f"unit:{name}.service",
    }


def applications(told: Any, at: datetime | None = None) -> list[Any]:
    return [row["application"] for row in told.rows("applications", at)]


def test_what_was_found_goes_by_its_declared_name_everywhere(told: Any) -> None:
    told(portal(), sites=[site("portal")])
    outcome = bring(told, SHOP)
    (said,) = outcome.applications
    assert (said.name, said.groups, said.servers, list(said.was)) == ("shop", 1, 1, ["portal"])
    assert list(outcome.vanished) == ["portal"]
    (row,) = told.rows("applications")
    assert (row["application"], row["owner"], row["url"]) == ("shop", "web team", "https://shop.example.com")
    assert row["labels"] == ["customer=acme", "tier=gold"]
    for listing in ("instances", "groups", "ports", "sites"):
        assert [row["application"] for row in told.rows(listing)] == ["shop"], listing
    assert FoundGroup.objects.get().named_by == "declared unit:portal*"
    assert list(Application.objects.values_list("name", flat=True)) == ["shop"]
    assert Instance.objects.get().application.name == "shop"


def test_the_past_goes_by_it_too_and_nothing_happened(told: Any) -> None:
    told(portal(), sites=[site("portal")])
    then = told.now
    told(portal(ports=[8002], release="2.5.0", ticks=2000))
    before = told.rows("changes")
    bring(told, SHOP)
    assert applications(told, then) == ["shop"]
    assert [row["application"] for row in told.rows("ports", then)] == ["shop"]
    assert [row["application"] for row in told.rows("sites", then)] == ["shop"]
    after = told.rows("changes")
    assert [row["change"] for row in after] == [row["change"] for row in before]
    assert {row["application"] for row in after} == {"shop", ""}, "the first report is the server's"
    assert FoundGroup.objects.count() == 2


def test_the_next_report_finds_nothing_to_change(told: Any) -> None:
    told(portal(), sites=[site("portal")])
    bring(told, SHOP)
    before = snapshot()
    told(portal(), sites=[site("portal")], system={"kernel": "6.2"})
    changed = [row["change"] for row in told.rows("changes")]
    assert changed[0].startswith("kernel")
    assert snapshot()[:3] == before[:3], "the same intervals, still open"


def test_what_comes_later_goes_by_it_too(told: Any) -> None:
    told(server="web1")
    bring(told, SHOP)
    told(portal(), server="web2")
    assert applications(told) == ["shop"]
    assert told.rows("applications")[0]["owner"] == "web team"


def test_the_same_again_changes_nothing(told: Any) -> None:
    told(portal(), sites=[site("portal")])
    assert bring(told, SHOP).changed
    before = snapshot()
    told.now += HOUR
    again = bring(told, SHOP)
    assert not again.changed
    assert snapshot() == before


def test_a_trial_changes_nothing(told: Any) -> None:
    told(portal())
    before = snapshot()
    outcome = bring(told, SHOP, dry_run=True)
    assert outcome.changed
    assert outcome.applications[0].was == ["portal"]
    assert list(outcome.vanished) == ["portal"]
    assert snapshot() == before


def test_taken_from_the_file_again_all_is_as_it_was(told: Any) -> None:
    told(portal(), sites=[site("portal")])
    told(portal(ports=[8002], ticks=2000))
    before = snapshot()
    bring(told, SHOP)
    outcome = bring(told, "")
    assert list(outcome.vanished) == ["shop"]
    assert [(one.name, one.was) for one in outcome.applications] == [("portal", ["shop"])]

    def without_numbers(rows: list[Any]) -> list[Any]:
        return [
            {
                name: value
                for name, value in row.items()
                if name not in ("id", "application_id", "instance_id")
            }
            for some in rows[:-1]
            for row in some
        ]

    assert without_numbers(snapshot()) == without_numbers(before)


def test_two_found_names_become_one_application_with_one_instance(told: Any) -> None:
    worker = reports.group("portal-jobs", type="worker", base="/srv/portal", cwd="/srv/portal", names=[
        {"name": "jobs", "how": "module"}])  # fmt: skip
    told(portal(), groups=[worker])
    assert applications(told) == ["jobs", "portal"]
    bring(told, SHOP)
    assert applications(told) == ["shop"]
    assert Instance.objects.count() == 1


def test_a_name_that_changed_is_told_by_the_names_of_now(told: Any) -> None:
    told(portal(names=[{"name": "old", "how": "module"}]))
    told(portal(names=[{"name": "new", "how": "module"}]))
    assert told.rows("changes")[0]["change"] == "named new, was old"
    bring(told, SHOP)
    assert Change.objects.filter(kind="named").count() == 0, "it was shop all the time"
    bring(told, "")
    assert told.rows("changes")[0]["change"] == "named new, was old"
    bring(told, '[applications.shop.stages.test]\nservers = ["web1"]\nfound_as = ["unit:none"]')
    assert told.rows("changes")[0]["change"] == "named new, was old"


def test_a_servers_stage_reaches_instances_and_ports(told: Any) -> None:
    told(portal(), server="web1")
    told(portal(), server="test1")
    bring(told, '[applications.portal.stages.acceptance]\nservers = ["test1"]')
    assert {row["server"]: row["stage"] for row in told.rows("instances")} == {
        "web1": "",
        "test1": "acceptance",
    }
    assert {row["server"]: row["stage"] for row in told.rows("ports")} == {"web1": "", "test1": "acceptance"}
    told(portal(ticks=5000), server="test1")
    assert {row["stage"] for row in told.rows("groups", server="test1")} == {"acceptance"}


def test_two_that_claim_the_same_are_a_conflict_that_is_shown(told: Any) -> None:
    told(portal())
    bring(told, SHOP + '[applications.webshop]\nfound_as = ["path:/srv/portal"]')
    (row,) = told.rows("groups")
    assert (row["application"], row["signs"]) == ("shop", ["conflict"])
    detail = details.group(view(told.now), row["id"])
    assert detail is not None
    assert detail.found.set_aside == "webshop by path:/srv/portal"
    assert detail.described.owner == "web team"
    told(portal(), system={"kernel": "6.2"})
    assert told.rows("groups")[0]["signs"] == ["conflict"]
    assert FoundGroup.objects.count() == 1


def test_patterns_that_name_nothing_are_told_with_what_comes_near(told: Any) -> None:
    told(portal(), groups=[reports.group("cron", kind="system")])
    outcome = bring(
        told,
        """
        [applications.shop]
        found_as = ["unit:portal", "user:portal", "unit:protal", "unit:cron"]
        [applications.late]
        found_as = ["path:/srv/portal"]
        [applications.other.stages.test]
        servers = ["wbe1"]
        """,
    )
    assert {str(one.pattern): one.why for one in outcome.idle} == {
        "unit:protal": "the nearest that runs is unit:portal.service",
        "unit:cron": "it matches unit:cron.service, which is no application but the operating system's own",
        "path:/srv/portal": "unit:portal of shop stands before it; put the more specific one first",
    }, "the second that matches is no idler where the first is of the same application"
    assert list(outcome.unknown_servers) == [("wbe1", "web1")]


def test_a_release_that_its_package_tells_needs_the_right_name(told: Any) -> None:
    releases = [{"how": "package", "release": "3.1", "where": "acme-shop"}]
    told(portal(releases=releases))
    assert told.rows("groups")[0]["release"] == ""
    bring(told, '[applications.acme-shop]\nfound_as = ["unit:portal"]')
    assert told.rows("groups")[0]["release"] == "3.1"
    told(portal(releases=releases), system={"kernel": "6.2"})
    assert "release" not in {row["kind"] for row in Change.objects.values("kind")}


def test_applications_are_found_by_owner_and_label(told: Any) -> None:
    told(portal(), reports.application("blog"))
    bring(told, SHOP)

    def having(**filters: str) -> list[Any]:
        return [row["application"] for row in told.rows("applications", **filters)]

    assert having(owner="web team") == ["shop"]
    assert having(label="customer=acme") == ["shop"]
    assert having(label="tier") == ["shop"]
    assert having(label="customer=ACME") == having(label="custom") == having(owner="nobody") == []
    assert [row["application"] for row in told.rows("applications", query="acme")] == ["shop"]


def test_an_application_that_is_declared_stays_though_nothing_runs(told: Any) -> None:
    told(reports.application("blog"))
    bring(told, SHOP)
    assert applications(told) == ["blog"]
    found = details.application(view(told.now), "shop")
    assert found is not None
    assert found.described.labels == ["customer=acme", "tier=gold"]
    bring(told, "")
    assert details.application(view(told.now), "shop") is None


def test_a_name_that_left_traces_in_the_timeline_stays_known(told: Any) -> None:
    told(portal())
    told()
    bring(told, SHOP)
    assert [row["application"] for row in told.rows("changes")] == ["shop", ""]
    assert details.application(view(told.now), "portal") is None


def test_recording_asks_one_small_thing_more(told: Any) -> None:
    told(portal())
    bring(told, SHOP)
    told(portal(ticks=2000))
    with CaptureQueriesContext(connection) as captured:
        told(portal(ticks=3000))
    asked = [query["sql"] for query in captured if "store_declaration" in query["sql"]]
    assert len(asked) == 1
    assert "digest" in asked[0]
    with CaptureQueriesContext(connection) as captured:
        later = reports.head(reports.report(applications=[portal(ticks=3000)], at=told.now))
        assert record(later, "web1", told.now).kind in ("unchanged", "repeated")
    assert declared_names().patterns


def test_many_servers_are_named_in_few_statements(told: Any) -> None:
    for number in range(30):
        told(portal(), server=f"web{number}")
    with CaptureQueriesContext(connection) as captured:
        bring(told, SHOP)
    assert len(captured) < 84, "one instance each makes its own update; all else is together"
