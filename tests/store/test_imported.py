"""What was imported from a file, in the store: seen as what runs, never silent, never in a probe's place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.store.conftest import HOUR, Told
from tightship.fleet.declared import declared
from tightship.fleet.imported import Imported, report_of
from tightship.fleet.report import Package
from tightship.store import details, silences
from tightship.store.declaring import declare
from tightship.store.listing import Params
from tightship.store.querying import covers, view
from tightship.store.recording import Recorded, ReportsItself, record
from tightship.store.retiring import retire
from tightship.store.using import who_uses

Shop = Callable[..., tuple[Any, Any]]

FILE = "shop.json (pip inspect)"


def imported(
    told: Told, *versions: str, application: str = "shop", stage: str = "", server: str = "lambda-1"
) -> Recorded:
    told.now += HOUR
    packages = [Package(*one.split("==")) for one in versions]
    said = Imported("pip inspect", packages, "3.12.1")
    report = report_of(said, "shop.json", server, application, stage, told.now)
    return record(report, server, told.now, imported=FILE)


def users(told: Told, specifier: str) -> list[tuple[object, object, object]]:
    rows = who_uses(specifier).page(view(told.now), Params()).rows
    return [(row["application"], row["server"], row["stage"]) for row in rows]


def test_it_is_seen_as_what_runs(told: Told) -> None:
    imported(told, "jinja2==3.1.4", "shop==2.4.1", stage="acceptance")

    assert users(told, "jinja2<3.1.6") == [("shop", "lambda-1", "acceptance")]
    (row,) = told.rows("instances")
    assert (row["releases"], row["pythons"]) == (["2.4.1"], ["3.12.1"])
    (server,) = told.rows("servers")
    assert (server["signs"], server["seen"]) == (["imported"], told.now)
    found = details.server(view(told.now), "lambda-1")
    assert found
    assert found.imported == FILE


def test_the_same_file_again_changes_nothing_but_its_age(told: Told) -> None:
    imported(told, "jinja2==3.1.4")
    assert imported(told, "jinja2==3.1.4").kind == "unchanged"
    (server,) = told.rows("servers")
    assert server["seen"] == told.now


def test_what_is_newer_is_told_and_is_not_stale(told: Told) -> None:
    imported(told, "jinja2==3.1.4")
    imported(told, "jinja2==3.1.6")

    assert told.rows("instances")[0]["signs"] == []
    assert "jinja2 3.1.4 → 3.1.6" in [row["change"] for row in told.rows("changes")]
    assert users(told, "jinja2<3.1.6") == []


def test_several_applications_of_one_server_stay_beside_each_other(told: Told) -> None:
    imported(told, "jinja2==3.1.4")
    imported(told, "jinja2==3.1.5", stage="acceptance")
    imported(told, "django==5.2.1", application="blog")
    imported(told, "jinja2==3.1.6")

    assert users(told, "jinja2") == [("shop", "lambda-1", ""), ("shop", "lambda-1", "acceptance")]
    assert users(told, "django") == [("blog", "lambda-1", "")]
    assert len(told.rows("environments")) == 3


def test_it_is_never_silent(told: Told) -> None:
    imported(told, "jinja2==3.1.4")
    told.now += timedelta(days=200)

    assert covers(view(told.now)).all
    assert silences.note(told.now, HOUR).silent == []
    assert told.rows("servers")[0]["signs"] == ["imported"]
    assert told.rows("findings", kind="silent") == []
    found = details.server(view(told.now), "lambda-1")
    assert found
    assert not found.silent


def test_a_server_that_a_probe_reads_is_not_imported(told: Told, shop: Shop) -> None:
    told(shop(), server="web1")
    before = told.rows("changes")
    with pytest.raises(ReportsItself):
        imported(told, "jinja2==2.0", server="web1")

    assert users(told, "jinja2==2.0") == []
    assert told.rows("changes") == before


def test_once_a_probe_reads_it_that_is_what_counts(told: Told, shop: Shop) -> None:
    imported(told, "jinja2==2.0", server="web1")
    told(shop(), server="web1")

    assert users(told, "jinja2==2.0") == []
    assert told.rows("servers")[0]["signs"] == []
    with pytest.raises(ReportsItself):
        imported(told, "jinja2==2.0", server="web1")


def test_a_retired_server_may_go_on_as_an_imported_one(told: Told, shop: Shop) -> None:
    told(shop(), server="web1")
    retire("web1", told.now)
    imported(told, "jinja2==2.0", server="web1")

    assert users(told, "jinja2") == [("shop", "web1", "")]
    assert told.rows("servers")[0]["signs"] == ["imported"]


def test_its_name_and_stage_outlive_what_is_declared(told: Told) -> None:
    imported(told, "jinja2==3.1.4", application="web", stage="klant-x")
    declare(declared({"applications": {"shop": {"owner": "web team"}}}, {}), "fleet.toml", told.now)

    assert users(told, "jinja2") == [("web", "lambda-1", "klant-x")]
