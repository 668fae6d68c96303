"""What `scan` and `gather` say of a report."""

from __future__ import annotations

import pytest

from tests import reports
from tests.reports import application, packages
from tightship.cli import scanned
from tightship.cli.gather import told
from tightship.cli.running import Cannot
from tightship.cli.scan import probe_here
from tightship.fleet.report import Report, load
from tightship.store.recording import Recorded

DENIED = "permission denied"


def a_report(**more: object) -> Report:
    shop = application("shop", packages(django="5.2.1", jinja2="3.1.6"), ports=[8001])
    blog = application(
        "blog",
        [],
        unread=[{"what": "environ", "why": DENIED}],
        stale=[{"how": "deleted", "what": "/srv/x.so"}],
    )
    blind = reports.environment("venv:/srv/blind", None, unread=[{"what": "site-packages", "why": DENIED}])
    cron = reports.group("update-check", kind="system", names=[], releases=[], environment="")
    return load(reports.report("web1", [shop, blog], groups=[cron], environments=[blind], **more))  # type: ignore[arg-type]


def test_each_application_is_a_row_with_ports_release_and_packages() -> None:
    report = a_report()
    blog, shop = scanned.rows(report, scanned.found(report), scanned.APPLICATIONS)
    assert (shop["application"], shop["release"], shop["packages"]) == ("shop", "2.4.1", 2)
    assert shop["ports"] == ["127.0.0.1:8001"]
    assert shop["stale"] == ""
    assert blog["stale"] == "maybe"


def test_the_systems_own_programs_are_only_shown_when_asked_for() -> None:
    report = a_report()
    server = scanned.found(report)
    assert len(scanned.rows(report, server, scanned.EVERYTHING)) == 3
    assert "1 of the system's own not shown" in scanned.ending(report, server, 2)


def test_packages_that_could_not_be_read_are_no_zero() -> None:
    worker = reports.group("worker", environment="venv:/srv/blind")
    blind = reports.environment("venv:/srv/blind", None)
    report = load(reports.report("web1", groups=[worker], environments=[blind]))
    (row,) = scanned.rows(report, scanned.found(report), scanned.APPLICATIONS)
    assert row["packages"] == "not read"


def test_what_was_not_read_is_told_by_reason() -> None:
    report = a_report(unread=[{"what": "/etc/nginx", "why": "too many files"}])
    missing = scanned.unread(report, scanned.found(report))
    assert missing == {
        "too many files": {"/etc/nginx": []},
        DENIED: {"environ": ["blog"], "site-packages": ["/srv/blind"]},
    }


def test_many_unread_things_are_counted() -> None:
    owners = [f"p{n}" for n in range(9)]
    (line,) = scanned.summary({DENIED: {"environ": owners, "maps": [], "fd": []}}, most=2)
    assert line == "Not read, permission denied: environ (p0, p1 and 7 more), maps and 1 more"


@pytest.mark.parametrize(
    ("result", "says"),
    [
        (Recorded("recorded", "web1", first=True), "The first report of this server."),
        (Recorded("recorded", "web1", changes=1), "1 change since the report before."),
        (Recorded("unchanged", "web1"), "Unchanged web1: 2 process groups of applications, 2 packages."),
        (Recorded("repeated", "web1"), "recorded before"),
        (Recorded("late", "web1"), "a newer report"),
        (Recorded("recorded", "web1", complete=False), "Partial: "),
    ],
)
def test_gather_says_what_came_of_it(result: Recorded, says: str) -> None:
    assert says in told(result, a_report())


def test_another_system_is_told_where_to_run_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(Cannot, match=r"This is macOS.*on the server itself"):
        probe_here(sudo=False)


def test_no_sudo_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    from tightship.remote.local import ProbeError

    with pytest.raises(ProbeError, match="sudo is not installed"):
        probe_here(sudo=True)
