"""The local database of advisories, and the findings that come of it. On both databases."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import reports
from tests.advisories import OLD, REAL, Json, real, record, upto
from tests.reports import WHEN, application, environment, packages
from tests.store.conftest import HOUR
from tightship.fleet.advisories import advisory
from tightship.store import acknowledging, advisories, retiring
from tightship.store.advisories import Fewer, Filled, Record, fill, filled, lacking, packed
from tightship.store.models import Finding, Vulnerability, VulnerableVersion
from tightship.store.recording import record as recorded

pytestmark = pytest.mark.django_db


def filling(documents: Iterable[Json], **more: Any) -> Filled:
    given = [Record(advisory(one), packed(json.dumps(one))) for one in documents]
    return fill(given, ["all.zip"], more.pop("now", WHEN), **more)


def vulnerable(told: Any, **filters: str) -> list[tuple[str, str]]:
    rows = told.rows("findings", kind="vulnerable", **filters)
    return [(row["severity"], row["subject"]) for row in rows]


def shop(**versions: str) -> Any:
    return application("shop", packages(**versions))


SANDBOX = ("warning", "shop/jinja2-2.10:CVE-2019-10906")
REDOS = ("warning", "shop/jinja2-2.10:CVE-2020-28493")


def test_nothing_is_known_until_it_was_filled() -> None:
    assert filled() is None
    assert lacking(WHEN, None).startswith("No advisories are known here")
    filling(real(WHEN))
    found = filled()
    assert found
    assert (found.advisories, found.vulnerabilities) == (2 * len(REAL), len(REAL))
    assert (found.at, found.newest, found.sources) == (WHEN, WHEN, ("all.zip",))
    assert lacking(WHEN + timedelta(days=7), found) == ""
    assert lacking(WHEN + timedelta(days=8), found).startswith("The advisories are 8 days old. Bring")


def test_a_mirror_that_stands_still_is_old_however_often_it_is_fetched() -> None:
    filling(real(WHEN - timedelta(days=30)))
    said = lacking(WHEN, filled())
    assert said.startswith("The advisories are 30 days old: the newest of those that came on 2026-11-20 was")
    assert "written on 2026-10-21. Bring them up to date" in said


def test_what_is_in_use_is_held_against_new_advisories(told: Any) -> None:
    told(shop(jinja2="2.10"))
    assert vulnerable(told) == []
    filling(real(), now=told.now)
    assert vulnerable(told) == [SANDBOX, REDOS]
    (row, _other) = told.rows("findings", kind="vulnerable")
    assert row["evidence"] == [
        "jinja2 2.10 has CVE-2019-10906 (high): Jinja2 sandbox escape via string formatting",
        "Mended in 2.10.1.",
        "Also known as GHSA-462w-v97r-4m45, PYSEC-2019-217.",
    ]


def test_what_comes_into_use_is_held_against_known_advisories(told: Any) -> None:
    filling(real())
    told(shop(jinja2="2.10"))
    assert vulnerable(told) == [SANDBOX, REDOS]
    begun = told.now
    told(shop(jinja2="2.10.1"))
    assert vulnerable(told) == [
        ("warning", "shop/jinja2-2.10.1:CVE-2020-28493"),
        SANDBOX,  # no process was started anew: it still runs 2.10
        REDOS,
    ]
    told(application("shop", packages(jinja2="3.1.6"), ticks=2000))
    assert vulnerable(told) == []
    assert [row["subject"] for row in told.rows("findings", at=begun)] == [SANDBOX[1], REDOS[1]]


def test_an_old_release_of_each_has_what_its_advisories_say(told: Any) -> None:
    filling(real())
    told(shop(**OLD))
    assert {subject.rpartition(":")[2] for _severity, subject in vulnerable(told)} == {
        one.cve for one in REAL
    }


def test_one_finding_for_an_application_on_all_its_servers(told: Any) -> None:
    filling(real())
    for number in range(3):
        told(shop(jinja2="2.10"), server=f"web{number}")
    told(application("wiki", packages(jinja2="2.10")), server="web9")
    assert len(vulnerable(told)) == 4
    told(application("shop", packages(jinja2="3.1.6"), ticks=2000), server="web0")
    assert len(vulnerable(told, application="shop")) == 2
    for number in (1, 2):
        told(application("shop", packages(jinja2="3.1.6"), ticks=2000), server=f"web{number}")
    assert {subject.partition("/")[0] for _severity, subject in vulnerable(told)} == {"wiki"}


def test_a_retired_server_takes_its_findings_along(told: Any) -> None:
    filling(real())
    told(
        shop(jinja2="2.10"), environments=[environment("venv:/opt/job", packages(pyyaml="5.1"), at_rest=True)]
    )
    assert len(vulnerable(told)) == 4
    retiring.retire("web1", told.now + HOUR)
    assert Finding.objects.filter(until=None).count() == 0


def test_what_is_at_rest_counts(told: Any) -> None:
    filling(real())
    told(environments=[environment("venv:/opt/job", packages(pyyaml="5.1"), at_rest=True)])
    assert vulnerable(told) == [
        ("critical", "at rest/pyyaml-5.1:CVE-2019-20477"),
        ("critical", "at rest/pyyaml-5.1:CVE-2020-1747"),
    ]
    told()
    assert vulnerable(told) == []


def test_what_the_operating_system_brings_is_a_notice(told: Any) -> None:
    filling(real())
    lines = [reports.package_line(reports.Package("pyyaml", "5.1", "os"))]
    told(application("shop", lines))
    assert vulnerable(told) == [
        ("notice", "shop/os:pyyaml-5.1:CVE-2019-20477"),
        ("notice", "shop/os:pyyaml-5.1:CVE-2020-1747"),
    ]


def test_a_shadowed_version_is_not_what_is_imported(told: Any) -> None:
    filling(real())
    lines = [
        reports.package_line(reports.Package("jinja2", "2.10", shadowed=True)),
        reports.package_line(reports.Package("jinja2", "3.1.6")),
    ]
    told(application("shop", sorted(lines)))
    assert vulnerable(told) == []


def test_an_export_is_the_whole_truth(told: Any) -> None:
    told(shop(jinja2="2.10"))
    documents = real()
    filling(documents, now=told.now)
    before = dict(Finding.objects.filter(kind="vulnerable").values_list("subject", "pk"))
    kept = [one for one in documents if "CVE-2020-28493" not in one["aliases"]]
    filling(kept, now=told.now + HOUR)
    assert vulnerable(told) == [SANDBOX]
    (still,) = Finding.objects.filter(kind="vulnerable", until=None)
    assert still.pk == before[SANDBOX[1]]
    assert VulnerableVersion.objects.count() == 1
    assert not Vulnerability.objects.filter(name="CVE-2020-28493").exists()


def test_a_withdrawn_advisory_ends_what_it_said(told: Any) -> None:
    told(shop(jinja2="2.10"))
    one = record("GHSA-1", "jinja2", [upto("2.10.1")])
    filling([one, *real()], now=told.now)
    assert len(vulnerable(told)) == 3
    found = filling([{**one, "withdrawn": "2026-11-20T00:00:00Z"}, *real()], now=told.now)
    assert (found.withdrawn, len(vulnerable(told))) == (1, 2)


def test_an_id_that_comes_later_changes_nothing_about_what_was_acknowledged(told: Any) -> None:
    told(shop(jinja2="2.10"))
    one = record("PYSEC-1", "jinja2", [upto("2.10.1")])
    filling([one], now=told.now)
    until = told.now + timedelta(days=30)
    acknowledging.acknowledge("vulnerable", "*:PYSEC-1", "no templates of others", "me", told.now, until)
    filling([{**one, "aliases": ["CVE-1"]}, record("GHSA-1", "jinja2", [upto("3")], aliases=["CVE-1"])])
    (row,) = told.rows("findings")
    assert row["subject"] == "shop/jinja2-2.10:PYSEC-1"
    assert row["acknowledged"] == until
    assert row["evidence"][-1] == "Also known as CVE-1, GHSA-1."


def test_far_fewer_advisories_are_refused(told: Any) -> None:
    told(shop(jinja2="2.10"))
    filling(real(), now=told.now)
    with pytest.raises(Fewer, match="1 advisories instead of 20"):
        filling([record("GHSA-1", "jinja2", [upto("1")])])
    assert vulnerable(told) == [SANDBOX, REDOS]
    assert filling([record("GHSA-1", "jinja2", [upto("1")])], even_fewer=True).advisories == 1
    assert vulnerable(told) == []


def test_the_list_is_narrowed_to_whom_and_what_is_asked(told: Any) -> None:
    resting = [environment("venv:/opt/job", packages(pyyaml="5.1"), at_rest=True)]
    system = [reports.package_line(reports.Package("urllib3", "1.24.1", "os"))]
    wiki, blog = application("wiki", packages(jinja2="2.10")), application("blog", system)
    told(shop(**OLD), wiki, server="web1", environments=resting)
    told(blog, server="web2")
    filling(real(told.now), now=told.now)

    def listed(query: str = "", **filters: str) -> list[Any]:
        return list(told.rows("vulnerabilities", query=query, **filters))

    assert len(listed()) == len(REAL)
    mine = listed(application="wiki")
    assert [(row["applications"], row["servers"], row["groups"]) for row in mine] == [(["wiki"], 1, 1)] * 2
    ours = listed(package="urllib3")
    assert [(row["applications"], row["servers"], row["signs"]) for row in ours] == [
        (["blog", "shop"], 2, ["partly the operating system's"])
    ] * 2
    assert [row["signs"] for row in listed(os="yes")] == [["the operating system's"]] * 2
    assert len(listed(os="no")) == len(REAL)
    assert [(row["signs"], row["servers"]) for row in listed(at_rest="yes")] == [(["at rest"], 1)] * 2
    assert len(listed(at_rest="no")) == len(REAL)
    assert {row["package"] for row in listed(server="web2")} == {"urllib3"}
    assert {row["severity"] for row in listed(severity="critical")} == {"critical"}
    assert [row["vulnerability"] for row in listed("sandbox")] == ["CVE-2019-10906"]
    assert listed(owner="nobody") == []


def test_an_unchanged_report_asks_nothing_about_advisories(told: Any) -> None:
    filling(real())
    told(shop(jinja2="2.10"))
    document = reports.head(reports.report(applications=[shop(jinja2="2.10")], at=told.now + HOUR))
    with CaptureQueriesContext(connection) as captured:
        assert recorded(document, "web1", told.now + HOUR).kind == "unchanged"
    assert len(captured) == 1


def test_what_was_filled_in_order_or_later_is_the_same(told: Any) -> None:
    told(shop(**OLD), environments=[environment("venv:/opt/job", packages(pyyaml="5.1"), at_rest=True)])
    filling(real(), now=told.now)
    later = sorted(vulnerable(told))
    Finding.objects.all().delete()
    VulnerableVersion.objects.all().delete()
    filling(real(), now=told.now)
    assert sorted(vulnerable(told)) == later
    assert len(later) == len(REAL) + 2


def test_an_advisory_is_found_by_package_version_and_id() -> None:
    filling(real())
    old, new, every = advisories.about([("jinja2", "2.10.1"), ("jinja2", "3.1.6"), ("django", None)])
    assert [name for name, _modified in old] == ["GHSA-g3rq-g295-4j3m", "PYSEC-2021-66"]
    assert (new, len(every)) == ([], 4)
    found = advisories.record("GHSA-g3rq-g295-4j3m")
    assert found == next(one for one in real() if one["id"] == "GHSA-g3rq-g295-4j3m")
    assert advisories.record("GHSA-nothing") is None
