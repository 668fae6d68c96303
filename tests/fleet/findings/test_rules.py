"""The rules, by equality: what was found, and what that means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import reports
from tests.reports import WHEN, environment, group, packages
from tightship.fleet.findings import KINDS, RULES, Finding, Known, SetFacts, of_server
from tightship.fleet.findings.endoflife import by_series, parse
from tightship.fleet.findings.packages import AT_REST, Exposure, facts_of, vulnerable
from tightship.fleet.findings.releases import mixed
from tightship.fleet.findings.servers import silence, silent_evidence, two_machines, two_names
from tightship.fleet.found import Found, PackageChange, from_report
from tightship.fleet.remembering import remembered
from tightship.fleet.report import Package, load

OLD = packages(django="5.2.1")
NEW = packages(django="5.2.2", jinja2="3.1.6")
ENDINGS = by_series(
    parse("python 3.7 2023-06-27 guide\npython 3.11 2027-10-31 guide\ndjango 4.2 2026-04-30 site", "here")
)


def found(*applications: Any, server: str = "web1", **more: Any) -> Found:
    return from_report(load(reports.report(server, applications, **more)), server, WHEN)


def shop(lines: list[str] = OLD, **more: Any) -> Any:
    return reports.application("shop", lines, **more)


def kinds(*applications: Any, known: Known | None = None, **more: Any) -> list[Finding]:
    return of_server(found(*applications, **more), known or Known())


def the(kind: str, *applications: Any, known: Known | None = None, **more: Any) -> Finding:
    (finding,) = [one for one in kinds(*applications, known=known, **more) if one.kind == kind]
    return finding


def test_a_tidy_server_has_none() -> None:
    assert kinds(shop(ports=[8001]), known=Known(endings={}, skew=3.0)) == []


def test_what_was_upgraded_under_a_process_is_stale_for_certain() -> None:
    before, after = found(shop(OLD)), found(shop(NEW))
    known = Known(
        differences=lambda _a, _b: [
            PackageChange("django", "5.2.1", "5.2.2"),
            PackageChange("jinja2", "", "3.1.6"),
        ]
    )
    assert of_server(remembered(before, after), known) == [
        Finding(
            "stale-process",
            "warning",
            "unit:shop.service",
            "shop/-/web1:unit:shop.service",
            ("django: 5.2.1 runs, on disk is 5.2.2.",),
            "Restart it.",
            "sudo systemctl restart shop.service",
            "web1",
            "shop",
            "",
            "unit:shop.service",
        )
    ]


def test_a_sign_of_something_newer_is_only_maybe() -> None:
    stale = [{"how": "newer", "what": "django"}, {"how": "deleted", "what": "/srv/shop/x.so"}]
    finding = the("stale-process", shop(stale=stale))
    assert finding.severity == "notice"
    assert finding.evidence == (
        "Installed after it started: django.",
        "It still holds files that are gone: /srv/shop/x.so.",
    )


@pytest.mark.parametrize(
    ("more", "command"),
    [
        ({}, "sudo systemctl restart shop.service"),
        ({"unit": "", "supervisor": "shop:web"}, "sudo supervisorctl restart shop:web"),
        ({"unit": "a;reboot.service"}, "sudo systemctl restart 'a;reboot.service'"),
        ({"container": "shop"}, "sudo docker restart shop"),
        ({"unit": ""}, ""),
    ],
)
def test_the_command_restarts_what_started_it_and_runs_nothing_that_a_name_holds(
    more: dict[str, Any], command: str
) -> None:
    finding = the("stale-process", shop(stale=[{"how": "newer", "what": "django"}], **more))
    assert finding.command == command


def test_a_process_of_the_operating_system_is_not_judged() -> None:
    stale = [{"how": "newer", "what": "apt"}]
    assert kinds(shop(stale=stale, kind="system", python="3.7.3"), known=Known(endings=ENDINGS)) == []


def test_changes_in_a_checkout_are_told_once_for_all_processes_of_an_instance() -> None:
    dirty = [{"how": "tag", "release": "2.4.1", "commit": "0f" * 20, "dirty": True, "where": "/srv/shop"}]
    worker = {**group("shop", releases=dirty), "key": "unit:shop-worker.service"}
    finding = the("dirty", shop(releases=dirty), groups=[worker])
    assert (finding.severity, finding.subject) == ("warning", "shop/-/web1:/srv/shop")
    assert finding.evidence == (
        "The checkout /srv/shop has changes that are not committed, on top of tag 2.4.1.",
    )
    assert (finding.where, finding.command) == ("web1", "git -C /srv/shop status --short")


def test_a_commit_without_a_tag_is_untagged() -> None:
    commit = [{"how": "commit", "release": "", "commit": "0f" * 20, "dirty": False, "where": "/srv/shop"}]
    finding = the("untagged", shop(releases=commit))
    assert finding.severity == "notice"
    assert finding.evidence == ("The checkout /srv/shop stands at commit 0f0f0f0f0f0f, which has no tag.",)


def test_a_release_that_something_else_names_is_not_untagged() -> None:
    both = [
        {"how": "release.json", "release": "2.4.1"},
        {"how": "commit", "commit": "0f" * 20, "where": "/srv/shop"},
    ]
    assert kinds(shop(releases=both)) == []


def test_an_application_in_two_releases_is_mixed() -> None:
    finding = mixed(
        "shop", "production", {"2.5.0": ["web2"], "2.4.1": ["web3", "web1"]}, {"2.5.0": 1, "2.4.1": 7}
    )
    assert finding == Finding(
        "mixed",
        "warning",
        "production",
        "shop/production",
        (
            "shop in production runs in 2 releases.",
            "2.4.1 on 7 servers: web1, web3 and 5 more.",
            "2.5.0 on 1 server: web2.",
        ),
        KINDS["mixed"].do,
        "tightship applications --search shop",
        "",
        "shop",
        "production",
    )
    assert mixed("shop", "production", {"2.5.0": ["web1"]}, {"2.5.0": 1}) is None


def test_where_no_stage_is_known_mixed_is_a_notice() -> None:
    finding = mixed("shop", "", {"1": ["a"], "2": ["b"]}, {"1": 1, "2": 1})
    assert finding is not None
    assert (finding.severity, finding.subject) == ("notice", "shop/-")


def test_a_python_that_ended_is_told_with_its_date_and_source() -> None:
    finding = the("end-of-life", shop(python="3.7.3"), known=Known(endings=ENDINGS))
    assert (finding.severity, finding.subject) == ("warning", "shop/-/web1:python-3.7")
    assert finding.evidence == (
        "It runs Python 3.7.3. Python 3.7 has had no security fixes since 2023-06-27.",
        "Source: guide.",
    )
    assert str(finding.not_before) == "2023-06-28 00:00:00+00:00", "the last day is whole"


def test_an_end_to_come_is_a_finding_from_that_day_on() -> None:
    finding = the("end-of-life", shop(), known=Known(endings=ENDINGS))
    assert str(finding.not_before) == "2027-11-01 00:00:00+00:00"


def test_what_the_operating_system_brings_along_may_still_be_mended() -> None:
    own = {"pythons": [{"path": "/usr/bin/python3.7", "version": "3.7.3"}]}
    finding = the("end-of-life", shop(python="3.7.3"), known=Known(endings=ENDINGS), system=own)
    assert finding.severity == "notice"
    assert (
        "Debian GNU/Linux 12 (bookworm) brings this Python along, and may still mend it." in finding.evidence
    )


def test_the_django_that_runs_counts_not_the_one_on_disk() -> None:
    facts = {"old": SetFacts(django="4.2.11"), "new": SetFacts(django="5.2.1")}
    server = remembered(found(shop(packages(django="4.2.11"))), found(shop()))
    (one,) = server.groups.values()
    by_digest = {one.loaded: facts["old"], one.packages: facts["new"]}
    findings = of_server(server, Known(lambda digest: by_digest[digest], endings=ENDINGS))
    assert [one.subject for one in findings if one.kind == "end-of-life"] == [
        "shop/-/web1:python-3.11",
        "shop/-/web1:django-4.2",
    ]


def test_what_of_a_package_set_matters() -> None:
    lines = [
        Package("django", "5.2.1"),
        Package("django", "4.2.11", shadowed=True),
        Package("six", "1.16.0"),
        Package("six", "1.16.0", shadowed=True),
        Package("idna", "3.7"),
        Package("idna", "3.3", "os", shadowed=True),
    ]
    assert facts_of(lines) == SetFacts("5.2.1", "", (("django", "5.2.1", ("4.2.11",)),))


def test_a_package_that_stands_twice_is_told_once_for_its_environment() -> None:
    known = Known(lambda _digest: SetFacts("5.2.1", "", (("django", "5.2.1", ("4.2.11",)),)))
    worker = {**group("shop"), "key": "unit:shop-worker.service"}
    finding = the("duplicate", shop(), known=known, groups=[worker])
    assert (finding.severity, finding.subject) == ("notice", "web1:venv:/srv/shop/venv")
    assert finding.evidence == ("django: 5.2.1 is used, 4.2.11 stands behind it.",)


@pytest.mark.parametrize(
    ("one", "other", "is_one"),
    [
        ("0.0.0.0", "0.0.0.0", True),
        ("127.0.0.1", "0.0.0.0", True),
        ("0.0.0.0", "::", True),
        ("127.0.0.1", "127.0.0.2", False),
    ],
)
def test_two_that_share_a_port_are_a_conflict_where_their_addresses_meet(
    one: str, other: str, is_one: bool
) -> None:
    findings = kinds(
        (listening("shop", one), environment("venv:/srv/shop/venv")),
        (listening("api", other), environment("venv:/srv/api/venv")),
    )
    assert [(finding.kind, finding.severity, finding.subject) for finding in findings] == (
        [("port-conflict", "critical", "web1:8001")] if is_one else []
    )


def listening(name: str, address: str, **more: Any) -> Any:
    listener = {"protocol": "tcp", "address": address, "port": 8001, "how": "process"}
    return group(name, **{"listeners": [listener], **more})


def test_processes_of_one_instance_and_containers_may_share_a_port() -> None:
    worker = {**listening("shop", "0.0.0.0"), "key": "unit:shop-2.service"}
    boxed = listening("api", "0.0.0.0", container="api")
    assert kinds(groups=[listening("shop", "0.0.0.0"), worker, boxed]) == []


def test_an_incomplete_report_warns_and_says_what_was_not_read() -> None:
    unread = [{"what": "/srv/wiki", "why": "permission denied"}]
    finding = the("unread", shop(), complete=False, unread=unread)
    assert (finding.severity, finding.subject) == ("warning", "web1")
    assert finding.evidence == (
        "The report is incomplete: what it does not name may still run.",
        "/srv/wiki: permission denied.",
    )
    assert the("unread", shop(), unread=unread).severity == "notice"


def test_a_process_group_that_was_kept_is_unread_and_keeps_its_findings() -> None:
    stale = [{"how": "newer", "what": "django"}]
    server = remembered(
        found(shop(stale=stale)), found(complete=False, unread=[{"what": "processes", "why": "no right"}])
    )
    assert [one.kind for one in of_server(server, Known())] == ["stale-process", "unread"]


@pytest.mark.parametrize(
    ("skew", "said"),
    [(None, ""), (119.0, ""), (-119.0, ""), (120.0, "120 seconds behind"), (-90_000.0, "25 hours ahead of")],
)
def test_a_clock_that_is_off_by_two_minutes_is_told(skew: float | None, said: str) -> None:
    findings = kinds(shop(), known=Known(skew=skew))
    told = [f"Its clock was {said} ours when that was first seen."] if said else []
    assert [finding.evidence[0] for finding in findings] == told


def test_sources_that_disagree_are_told_with_what_was_set_aside() -> None:
    conflict = [{"what": "python", "how": "maps", "value": "/opt/python3.6"}]
    finding = the("conflict", shop(conflict=conflict))
    assert finding.evidence == ("python: maps says /opt/python3.6, and was not believed.",)


def test_servers_that_are_silent_or_not_one_machine() -> None:
    assert silence("web1").subject == "web1"
    assert silent_evidence(WHEN, WHEN.replace(hour=15)) == (
        "Its last report came in at 2026-11-20 10:00 UTC, 5 hours before.",
    )
    assert two_names("web2", "abc", ["web1"]).evidence == ("web1 reports with machine id abc too.",)
    turns = two_machines("web1", ["abc", "def"])
    assert turns.evidence == ("It reported in turn with machine id abc and def.",)


def every_finding() -> Iterator[Finding]:
    stale = [{"how": "newer", "what": "django"}]
    commit = [{"how": "commit", "commit": "0f" * 20, "dirty": True, "where": "/srv/shop"}]
    facts = SetFacts("4.2.11", "", (("django", "4.2.11", ("5.2.1",)),))
    yield from kinds(
        shop(stale=stale, releases=commit, conflict=[{"what": "python", "how": "maps", "value": "x"}]),
        groups=[listening("one", "::"), listening("two", "::")],
        unread=[{"what": "x", "why": "y"}],
        known=Known(lambda _digest: facts, endings=ENDINGS, skew=300.0),
    )
    yield silence("web1")
    yield two_names("web2", "abc", ["web1"])
    yield two_machines("web1", ["abc", "def"])
    one = mixed("shop", "", {"1": ["a"], "2": ["b"]}, {"1": 1, "2": 1})
    assert one
    yield one
    yield vulnerable(EXPOSURE, "shop", "-", by_system=False)


EXPOSURE = Exposure(
    7, "jinja2", "2.10", "CVE-1", ("GHSA-1",), "critical", "Sandbox escape", ("2.10.1", "3.0")
)


def test_a_vulnerability_is_told_with_what_mends_it() -> None:
    finding = vulnerable(EXPOSURE, "shop", "-", by_system=False)
    assert (finding.severity, finding.subject) == ("critical", "shop/jinja2-2.10:CVE-1")
    assert finding.evidence == (
        "jinja2 2.10 has CVE-1 (critical): Sandbox escape",
        "Mended in 2.10.1 and 3.0.",
        "Also known as GHSA-1.",
    )
    assert finding.do == "Upgrade it to 2.10.1 or later, and restart what uses it."
    assert finding.command == "tightship who-uses 'jinja2==2.10'"


def test_what_the_operating_system_brings_may_be_mended_and_is_a_notice() -> None:
    finding = vulnerable(EXPOSURE, "shop", "-", by_system=True)
    assert (finding.severity, finding.subject) == ("notice", "shop/os:jinja2-2.10:CVE-1")
    assert "The operating system brings it, and may have mended it" in finding.evidence[1]
    assert vulnerable(EXPOSURE, "", AT_REST, by_system=False).subject == "at rest/jinja2-2.10:CVE-1"


def test_each_kind_is_found_with_a_severity_that_it_is_said_to_have() -> None:
    findings = list(every_finding())
    assert {finding.kind for finding in findings} == set(KINDS)
    assert len(RULES) == 9
    for finding in findings:
        assert finding.severity in KINDS[finding.kind].severities, finding.kind
        assert finding.do, finding.kind
