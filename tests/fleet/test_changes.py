"""Changes: what differs between two states of a server, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests import reports
from tests.reports import Json
from tightship.fleet.changes import Change, changes, sentence
from tightship.fleet.found import Found, from_report
from tightship.fleet.remembering import remembered
from tightship.fleet.report import Package, load

DJANGO_1 = reports.packages(django="5.2.1", shop="1")
DJANGO_2 = reports.packages(django="5.2.2", shop="1")


class History:
    """Reports of one server, one after the other."""

    def __init__(self) -> None:
        self.known: Found | None = None
        self.sets: dict[str, Sequence[Package]] = {}

    def then(self, *applications: tuple[Json, Json], at: datetime = reports.WHEN, **more: Any) -> list[str]:
        report = load(reports.report(applications=applications, at=at, **more))
        self.sets.update(report.sets)
        now = remembered(self.known, from_report(report, "web1", at))
        found = changes(self.known, now, self.sets.__getitem__)
        self.known = now
        return [sentence(change) for change in found]


def shop(lines: Sequence[str] = DJANGO_1, **more: Any) -> tuple[Json, Json]:
    return reports.application("shop", lines, **more)


@pytest.fixture
def history() -> History:
    found = History()
    assert found.then(shop()) == ["first seen: Debian GNU/Linux 12 (bookworm)"]
    return found


def test_the_same_report_is_no_change(history: History) -> None:
    assert history.then(shop()) == []


def test_an_upgrade_under_a_running_process_says_what_still_runs(history: History) -> None:
    assert history.then(shop(DJANGO_2)) == ["django 5.2.1 → 5.2.2; the process still runs 5.2.1"]
    assert history.then(shop(DJANGO_2)) == []
    found = history.known.groups["unit:shop.service"]  # type: ignore[union-attr]
    assert found.surely_stale


def test_a_second_upgrade_still_names_what_runs(history: History) -> None:
    history.then(shop(DJANGO_2))
    lines = reports.packages(django="5.2.3", shop="1")
    assert history.then(shop(lines)) == ["django 5.2.2 → 5.2.3; the process still runs 5.2.1"]


def test_a_restart_ends_it(history: History) -> None:
    history.then(shop(DJANGO_2))
    assert history.then(shop(DJANGO_2, ticks=2000)) == ["restarted"]
    assert not history.known.groups["unit:shop.service"].surely_stale  # type: ignore[union-attr]


def test_an_upgrade_with_a_restart_runs_the_new_version(history: History) -> None:
    assert history.then(shop(DJANGO_2, ticks=2000)) == ["django 5.2.1 → 5.2.2", "restarted"]


def test_taking_the_upgrade_back_ends_it_too(history: History) -> None:
    history.then(shop(DJANGO_2))
    history.then(shop(DJANGO_1))
    assert not history.known.groups["unit:shop.service"].surely_stale  # type: ignore[union-attr]


def test_a_release_a_port_and_an_application_that_goes(history: History) -> None:
    assert history.then(shop(release="2.5.0", ports=[8001])) == ["2.4.1 → 2.5.0", "listens on 127.0.0.1:8001"]
    assert history.then(shop(release="2.5.0", ports=[8002])) == [
        "no longer listens on 127.0.0.1:8001",
        "listens on 127.0.0.1:8002",
    ]
    assert history.then() == ["gone, was 2.5.0"]


def test_packages_that_come_and_go(history: History) -> None:
    lines = reports.packages(django="5.2.1", pillow="11.0")
    assert history.then(shop(lines, ticks=2)) == ["pillow 11.0 installed", "shop 1 removed", "restarted"]


def test_a_reboot_and_a_kernel(history: History) -> None:
    changed = history.then(shop(), system={"boot": "another", "kernel": "6.1.0-19-amd64"})
    assert changed[:2] == ["rebooted", "kernel 6.1.0-18-amd64 → 6.1.0-19-amd64"]


def test_a_shadowed_duplicate_is_not_what_is_used(history: History) -> None:
    assert history.then(shop([*DJANGO_1, "django\t4.0\t\t\t\tshadowed"])) == []


@pytest.mark.parametrize("kind", ["seen", "appeared", "gone", "restarted", "rebooted", "named", "system"])
def test_each_kind_has_words(kind: str) -> None:
    assert sentence(Change(kind))


# What could not be read


def unread(**more: Any) -> tuple[Json, Json]:
    """The same process, seen by somebody who may not look into it."""
    group, environment = reports.application("shop", **more)
    group.update(key="user:shop cwd:? python", cwd="", environment="", releases=[], names=[], listeners=[])
    group["unread"] = [{"what": "environ", "why": "permission denied"}]
    return group, {**environment, "key": "unused", "lines": None, "packages": None}


def test_what_an_ordinary_user_cannot_see_stays_as_root_saw_it(history: History) -> None:
    assert history.then(unread(), complete=False) == []
    group = history.known.groups["unit:shop.service"]  # type: ignore[union-attr]
    assert group.kept
    assert group.release == "2.4.1"
    assert history.then(shop()) == []


def test_what_was_not_seen_by_an_incomplete_report_is_kept_and_marked(history: History) -> None:
    assert history.then(complete=False) == []
    assert history.known.groups["unit:shop.service"].kept  # type: ignore[union-attr]
    assert history.then(complete=False) == []
    assert history.then() == ["gone, was 2.4.1"]


OTHERS = [{"what": "processes of other users", "why": "only root may read them"}]


def test_what_an_ordinary_user_saw_running_is_gone_when_that_user_sees_it_no_more(history: History) -> None:
    assert history.then(shop(), complete=False, unread=OTHERS) == []
    assert history.then(complete=False, unread=OTHERS) == ["gone, was 2.4.1"]


def test_what_only_root_saw_is_not_gone_because_an_ordinary_user_never_sees_it(history: History) -> None:
    for _reading in range(3):
        assert history.then(complete=False, unread=OTHERS) == []
    assert history.known.groups["unit:shop.service"].kept  # type: ignore[union-attr]


def test_nothing_outlives_a_reboot(history: History) -> None:
    changed = history.then(complete=False, unread=OTHERS, system={"boot": "another"})
    assert changed == ["rebooted", "gone, was 2.4.1"]


def test_a_restart_is_seen_also_where_nothing_else_may_be_read(history: History) -> None:
    group, environment = unread(ticks=2000, command=[])
    group["key"] = "unit:shop.service"
    assert history.then((group, environment), complete=False, unread=OTHERS) == ["restarted"]
    known = history.known.groups["unit:shop.service"]  # type: ignore[union-attr]
    assert (known.release, known.loaded, known.kept) == ("2.4.1", None, True)
    # Nobody knows whether the upgrade came before or after that restart.
    assert history.then(shop(DJANGO_2, ticks=2000)) == ["django 5.2.1 → 5.2.2"]


def test_two_that_started_in_one_tick_are_told_apart_by_their_command(history: History) -> None:
    blog = reports.application("blog", user="shop", release="3.0")
    history.then(shop(), blog)
    assert history.then(unread(), complete=False, unread=OTHERS) == []
    assert sorted(history.known.groups) == ["unit:blog.service", "unit:shop.service"]  # type: ignore[union-attr]


def test_a_port_whose_program_cannot_be_seen_is_still_that_programs(history: History) -> None:
    sshd = {"protocol": "tcp", "address": "0.0.0.0", "port": 22, "program": "sshd"}
    nameless = [{**sshd, "program": ""}, {**sshd, "address": "127.0.0.1", "port": 8001, "program": ""}]
    history.then(shop(ports=[8001]), listeners=[sshd])
    history.then(unread(), complete=False, unread=OTHERS, listeners=nameless)
    assert [listener.program for listener in history.known.listeners] == ["sshd"]  # type: ignore[union-attr]


def test_sites_and_resting_environments_outlast_a_partial_reading(history: History) -> None:
    site = {"names": ["shop.example.com"], "where": "/etc/nginx/sites-enabled/shop"}
    nightly = reports.environment("venv:/srv/nightly", [], at_rest=True)
    history.then(shop(), sites=[site], environments=[nightly])
    history.then(complete=False, unread=OTHERS)
    assert history.known is not None
    assert len(history.known.sites) == 1
    assert "venv:/srv/nightly" in history.known.environments


def test_a_package_of_an_instance_changes_once_for_all_its_processes(history: History) -> None:
    worker = reports.group(
        "shop-worker",
        environment="venv:/srv/shop/venv",
        base="/srv/shop",
        names=[{"name": "shop", "how": "module"}],
    )
    history.then(shop(), groups=[worker])
    changed = history.then(shop(DJANGO_2, ticks=2000), groups=[worker])
    assert changed == ["django 5.2.1 → 5.2.2; the process still runs 5.2.1", "restarted"]


def test_packages_that_could_not_be_read_are_those_of_before(history: History) -> None:
    group, environment = shop()
    hidden = {**environment, "lines": None, "packages": None, "unread": [{"what": "x", "why": "out of time"}]}
    assert history.then((group, hidden)) == []
    assert history.known.groups["unit:shop.service"].packages is not None  # type: ignore[union-attr]


def test_what_is_new_in_an_incomplete_report_is_new(history: History) -> None:
    assert history.then(reports.application("blog"), complete=False) == ["appeared in release 2.4.1"]


def test_time_moves_on(history: History) -> None:
    assert history.then(shop(), at=reports.WHEN + timedelta(hours=1)) == []
