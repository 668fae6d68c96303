"""What a process group is called, from what was seen."""

from __future__ import annotations

from typing import Any

import pytest

from tests import reports
from tightship.fleet.naming import DeclaredNames, Pattern, named, released
from tightship.fleet.report import ProcessGroup


def group(**more: Any) -> ProcessGroup:
    said = {"names": [], "unit": "", "base": "", "cwd": "", **more}
    return ProcessGroup.model_validate(reports.group(**said))


SCM = {"how": "package", "release": "2.4.2.dev3+g1a2b3c4d", "commit": "1a2b3c4d", "where": "shop"}
DIRTY_SCM = {**SCM, "release": "2.4.2.dev3+g1a2b3c4d.d20260101", "dirty": True}


def names(**by_how: str) -> list[dict[str, str]]:
    return [{"how": how, "name": name} for how, name in by_how.items()]


@pytest.mark.parametrize(
    ("candidates", "application", "how"),
    [
        (names(module="shop.wsgi", unit="shop-web.service", directory="shop"), "shop", "module"),
        (names(module="config.wsgi", directory="shop"), "shop", "directory"),
        (names(module="config", checkout="webshop", directory="shop"), "webshop", "checkout"),
        (names(supervisor="shop:worker", module="tasks"), "shop", "supervisor"),
        (names(supervisor="shop-web:shop-web"), "shop", "supervisor"),
        (names(unit="shop-worker@2.service"), "shop", "unit"),
        (names(unit="shop-celery-beat.service"), "shop", "unit"),
        (names(unit="gunicorn.service", directory="app"), "app", "directory"),
        (names(buildout="intranet", directory="instance"), "intranet", "buildout"),
        (names(directory="shop-acceptance"), "shop", "directory"),
        (names(script="nightly_import.py"), "nightly_import", "script"),
        (names(module="app", unit="web.service"), "app", "module"),
        ([], "gunicorn", "program"),
    ],
)
def test_the_best_candidate_names_the_application(
    candidates: list[dict[str, str]], application: str, how: str
) -> None:
    found = named(group(names=candidates))
    assert (found.application, found.how) == (application, how)


@pytest.mark.parametrize(
    ("where", "stage"),
    [
        ({"unit": "shop-acceptance.service"}, "acceptance"),
        ({"unit": "shop-acc-web.service"}, "acceptance"),
        ({"base": "/srv/shop/production"}, "production"),
        ({"base": "/srv/test/shop"}, "test"),
        ({"supervisor": "shop_staging:web"}, "staging"),
        ({"base": "/srv/shop"}, ""),
        ({"base": "/srv/contest"}, ""),
    ],
)
def test_a_stage_is_told_by_a_word_of_its_own(where: dict[str, str], stage: str) -> None:
    assert named(group(names=names(module="shop"), **where)).stage == stage


def test_what_was_declared_comes_first() -> None:
    declared = DeclaredNames((Pattern("webshop", "unit", "shop-*", "acceptance"),))
    found = named(group(names=names(module="shop"), unit="shop-web.service"), declared)
    assert (found.application, found.stage, found.how) == ("webshop", "acceptance", "declared unit:shop-*")


def test_a_path_pattern_holds_for_the_directory_itself_too() -> None:
    found = named(group(base="/srv/shop"), DeclaredNames((Pattern("webshop", "path", "/srv/shop/*"),)))
    assert found.application == "webshop"


def test_the_operating_systems_own_is_no_application() -> None:
    assert named(group(kind="system", names=names(script="unattended-upgrade"))).application == ""


@pytest.mark.parametrize(
    ("candidates", "release"),
    [
        ([{"how": "tag", "release": "2.4.1", "commit": "ab"}, {"how": "package", "release": "2.5"}], "2.4.1"),
        ([{"how": "tag", "release": "2.4.1", "dirty": True}], "2.4.1+dirty"),
        ([{"how": "commit", "commit": "0123456789abcdef"}], "0123456789ab"),
        ([{"how": "package", "release": "1.0", "where": "django"}], ""),
        ([{"how": "package", "release": "1.0", "where": "Shop"}], "1.0"),
        # setuptools-scm's version of a commit: it says more than the commit, where it is of that very commit.
        ([{"how": "commit", "commit": "1a2b3c4d5e6f7"}, SCM], "2.4.2.dev3+g1a2b3c4d"),
        ([{"how": "commit", "commit": "1a2b3c4d5e6f7", "dirty": True}, SCM], "2.4.2.dev3+g1a2b3c4d+dirty"),
        ([{"how": "commit", "commit": "77777777777777"}, SCM], "777777777777"),
        ([{"how": "tag", "release": "2.4.2", "commit": "1a2b3c4d5e6f7"}, SCM], "2.4.2"),
        ([SCM], "2.4.2.dev3+g1a2b3c4d"),
        # Installed when it was dirty: it says so itself, and is not the commit without the changes.
        ([DIRTY_SCM], "2.4.2.dev3+g1a2b3c4d.d20260101"),
        ([{"how": "commit", "commit": "1a2b3c4d5e6f7", "dirty": True}, DIRTY_SCM], DIRTY_SCM["release"]),
        ([{"how": "commit", "commit": "1a2b3c4d5e6f7", "dirty": False}, DIRTY_SCM], "1a2b3c4d5e6f"),
        ([], ""),
    ],
)
def test_the_release_is_the_best_candidates(candidates: list[dict[str, Any]], release: str) -> None:
    assert released(group(releases=candidates), "shop")[0] == release
