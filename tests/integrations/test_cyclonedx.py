"""What runs, as CycloneDX: valid, the same for the same state, and nothing in it that would lie."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests import reports
from tests.reports import WHEN
from tightship.fleet.found import from_report
from tightship.fleet.report import Package, load
from tightship.integrations.cyclonedx import Ran, Subject, bill

PACKAGES = [
    Package("django", "5.2.1"),
    Package("django", "4.2", shadowed=True),
    Package("apt", "2.6.0", "os"),
    Package("ours", "1.0", "git+https://git.example.com/ours", "ab" * 20),
    Package("shop", "2.4.1", "file:///srv/shop", editable=True),
    Package("nothing", ""),
]


def ran(server: str, packages: list[Package] | None = PACKAGES, **more: Any) -> Ran:
    told = reports.report(server, [reports.application("shop", ports=[8001], **more)], at=WHEN)
    found = from_report(load(told), server, WHEN)
    return Ran(server, found.groups["unit:shop.service"], packages, WHEN)


SHOP = Subject("shop", False, [("owner", "web team"), ("covers", "1 of 1 servers")])


def said(text: str) -> Any:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    return json.loads(text)


def test_one_instance_is_the_subject_itself() -> None:
    found = said(bill(SHOP, [ran("web1")]))

    root = found["metadata"]["component"]
    assert (root["type"], root["name"], root["version"]) == ("application", "shop", "2.4.1")
    assert {"name": "tightship:owner", "value": "web team"} in root["properties"]
    assert {"name": "tightship:server", "value": "web1"} in root["properties"]
    assert found["metadata"]["timestamp"] == WHEN.isoformat()
    needs = next(one for one in found["dependencies"] if one["ref"] == root["bom-ref"])
    assert "package:django==5.2.1" in needs["dependsOn"]
    assert "interpreter:3.11.7" in needs["dependsOn"]


def test_a_package_url_stands_only_where_it_is_true() -> None:
    urls = {one["name"]: one.get("purl") for one in said(bill(SHOP, [ran("web1")]))["components"]}

    assert urls == {
        "django": "pkg:pypi/django@5.2.1",
        "ours": f"pkg:pypi/ours@1.0?vcs_url=git%2Bhttps://git.example.com/ours%40{'ab' * 20}",
        "apt": None,
        "shop": None,
        "nothing": None,
        "python": None,
    }


def test_what_it_listens_on_is_a_service() -> None:
    (service,) = said(bill(SHOP, [ran("web1")]))["services"]

    assert service["name"] == "shop web"
    assert service["endpoints"] == ["tcp://127.0.0.1:8001"]


def test_several_instances_stand_apart_each_with_its_own_packages() -> None:
    found = said(bill(SHOP, [ran("web1"), ran("web2", [Package("django", "5.2.2")])]))

    needs = {one["ref"]: one.get("dependsOn", []) for one in found["dependencies"]}
    assert needs["subject:shop"] == ["instance:shop@web1:/srv/shop", "instance:shop@web2:/srv/shop"]
    assert "package:django==5.2.2" in needs["instance:shop@web2:/srv/shop"]
    assert "package:django==5.2.1" not in needs["instance:shop@web2:/srv/shop"]


def test_a_server_is_a_device_with_its_instances() -> None:
    found = said(bill(Subject("web1", True), [ran("web1")]))

    assert found["metadata"]["component"]["type"] == "device"
    assert [one["name"] for one in found["components"] if one["type"] == "application"] == ["shop"]


def test_what_could_not_be_read_is_said_and_is_no_empty_list() -> None:
    root = said(bill(SHOP, [ran("web1", None)]))["metadata"]["component"]

    assert {"name": "tightship:packages-unread", "value": "unit:shop.service"} in root["properties"]


def test_the_same_state_gives_the_same_bytes_in_whatever_order_it_is_read() -> None:
    some = [ran("web1"), ran("web2")]

    assert bill(SHOP, some) == bill(SHOP, some[::-1])
    assert bill(SHOP, some) != bill(SHOP, [ran("web1")])


@pytest.mark.parametrize("name", ["../..", "a b\u202e", "%00", "ü" * 40])
def test_whatever_a_user_calls_a_package_the_bill_stays_valid(name: str) -> None:
    said(
        bill(
            SHOP, [ran("web1", [Package(name, "1.0; rm -r /"), Package(name, "x" * 200, "https://x/\u00e4")])]
        )
    )


def test_nothing_that_runs_is_an_empty_bill() -> None:
    found = said(bill(SHOP, []))

    assert "components" not in found
    assert found["metadata"]["timestamp"].startswith("1970-")
