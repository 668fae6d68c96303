"""`tightship outdated` and `tightship index`, as they are typed, beside a real index on loopback."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.cli.conftest import Tightship
from tests.index.simple import Simple, serving, wheel

INDEX = {
    "django": [
        wheel("django", "5.2.1"),
        wheel("django", "5.2.2"),
        wheel("django", "5.2.9"),
        wheel("django", "6.0", **{"requires-python": ">=3.12"}),
    ],
    "jinja2": [wheel("jinja2", "3.1.6"), wheel("jinja2", "3.1.5", yanked="broke includes")],
    "zope-interface": [wheel("zope.interface", "7.2"), wheel("zope.interface", "8.0")],
}

Typed = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def simple() -> Iterator[Simple]:
    with serving(INDEX) as found:
        yield found


@pytest.fixture
def asking(simple: Simple, tmp_path: Path) -> dict[str, str]:
    """The variables with which pip's configuration is this index, and nothing was asked before."""
    simple.asked.clear()
    mine = {
        "PIP_INDEX_URL": simple.url,
        "PIP_CONFIG_FILE": os.devnull,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    return {**mine, "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": ""}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A buildout of two files, as old ones look."""
    directory = tmp_path / "shop"
    directory.mkdir()
    (directory / "buildout.cfg").write_text(
        "[buildout]\nextends = versions.cfg\nparts =\n[versions]\n# ours, until the upgrade\nDjango = 5.2.1\n"
    )
    (directory / "versions.cfg").write_text(
        "[versions]\nDjango = 5.2\n# why\nJinja2=3.1.5\nzope.interface   = 7.2\nours = 1.0\n"
    )
    return directory


@pytest.fixture
def typed(fresh: Tightship, asking: dict[str, str]) -> Typed:
    return lambda *words: fresh(*words, **asking)


def rows(done: CompletedProcess[str]) -> dict[str, Any]:
    return {row["package"]: row for row in json.loads(done.stdout)["outdated"]}


def test_a_project_is_told_what_is_newer_than_what_it_pins_without_any_fleet(
    typed: Typed, project: Path
) -> None:
    done = typed("outdated", f"{project}/", "--json", "--python", "3.11")

    found = rows(done)
    assert done.returncode == 0
    assert found["Django"] == {
        "package": "Django",
        "version": "5.2.1",
        "bugfix": "5.2.9",
        "minor": "",
        "major": "",
        "needs": "6.0 needs Python 3.12",
        "yanked": "",
        "ignored": "",
        "at": "buildout.cfg:6",
        "overrides": "5.2 in versions.cfg:2",
        "orphan": "",
    }
    assert found["Jinja2"]["yanked"] == "broke includes"
    assert found["zope.interface"]["major"] == "8.0"
    assert json.loads(done.stdout)["on_no_index"] == ["ours"]


def test_pins_are_raised_by_the_level_and_nothing_else_changes(typed: Typed, project: Path) -> None:
    (project / "versions.cfg").chmod(0o640)

    done = typed("outdated", f"{project}/", "--write", "--level", "bugfix")

    assert done.returncode == 0
    assert "buildout.cfg:6: django 5.2.1 -> 5.2.9\n" in done.stdout
    assert (project / "buildout.cfg").read_text().endswith("# ours, until the upgrade\nDjango = 5.2.9\n")
    assert (project / "versions.cfg").read_text() == (
        "[versions]\nDjango = 5.2\n# why\nJinja2=3.1.6\nzope.interface   = 7.2\nours = 1.0\n"
    )
    assert stat.S_IMODE((project / "versions.cfg").stat().st_mode) == 0o640
    assert sorted(path.name for path in project.iterdir()) == ["buildout.cfg", "versions.cfg"]


def test_a_file_that_changed_while_the_index_was_asked_is_left_alone(
    project: Path, asking: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tightship.cli import project as of_project
    from tightship.cli.running import Cannot

    for name, value in asking.items():
        monkeypatch.setenv(name, value)
    known = of_project._known

    def typing_meanwhile(*words: Any) -> Any:
        (project / "versions.cfg").write_text("[versions]\nJinja2=3.1.4\n")
        return known(*words)

    monkeypatch.setattr(of_project, "_known", typing_meanwhile)
    with pytest.raises(Cannot, match=r"versions.cfg changed meanwhile. Nothing was written; type it again"):
        of_project.answer(of_project.Asked(f"{project}/", "bugfix", (), True, False, "", False))
    assert "Django = 5.2.1" in (project / "buildout.cfg").read_text()


def test_only_what_is_named_is_raised(typed: Typed, project: Path) -> None:
    typed("outdated", f"{project}/", "--write", "--level", "major", "--only", "zope_interface")

    assert "zope.interface   = 8.0\n" in (project / "versions.cfg").read_text()
    assert "Jinja2=3.1.5" in (project / "versions.cfg").read_text()


def test_how_far_has_to_be_said_before_anything_is_written(typed: Typed, project: Path) -> None:
    done = typed("outdated", f"{project}/", "--write")

    assert done.returncode == 2
    assert "--write: say how far: --level bugfix" in done.stderr


def test_what_a_project_ignores_has_a_reason_and_a_day(typed: Typed, project: Path) -> None:
    rule = '[[outdated.ignore]]\npackage = "zope.interface>=8"\nbecause = "Plone 6.0"\nuntil = 2999-01-01\n'
    (project / "tightship.toml").write_text(rule)

    found = rows(typed("outdated", f"{project}/", "--json"))

    assert found["zope.interface"]["major"] == ""
    assert found["zope.interface"]["ignored"] == "zope-interface>=8 until 2999-01-01: Plone 6.0"

    (project / "tightship.toml").write_text(rule.replace("2999-01-01", '"soon"'))
    done = typed("outdated", f"{project}/")
    assert done.returncode == 2
    assert "tightship.toml: outdated.ignore.0.until: expected a date, without quotation marks" in done.stderr


def test_offline_what_was_kept_is_told_and_what_never_was_asked_is_said(
    typed: Typed, project: Path, simple: Simple
) -> None:
    never = typed("outdated", f"{project}/", "--offline")
    assert never.returncode == 2
    assert "Never asked for: django, jinja2, ours, zope-interface." in never.stdout + never.stderr
    assert simple.asked == []

    typed("outdated", f"{project}/")
    before = len(simple.asked)
    done = typed("outdated", f"{project}/", "--offline")
    assert done.returncode == 0
    assert "5.2.9" in done.stdout
    assert len(simple.asked) == before


def test_an_index_that_can_not_be_asked_is_no_answer(
    fresh: Tightship, project: Path, asking: dict[str, str]
) -> None:
    done = fresh("outdated", f"{project}/", **{**asking, "PIP_INDEX_URL": "http://127.0.0.1:9/simple"})

    assert done.returncode == 2
    assert "http://127.0.0.1:9/simple can't be asked: " in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["./nowhere/"], "no such directory"),
        (["./", "--owner", "x"], "--owner does not go with a directory"),
        (["./", "--csv"], "--csv does not go with a directory"),
        (["shop", "--write"], "--write goes with a directory: tightship outdated . --write"),
        (["shop", "--application", "blog"], "which of them?"),
    ],
)
def test_what_does_not_go_together_is_said(typed: Typed, words: list[str], said: str) -> None:
    done = typed("outdated", *words)

    assert done.returncode == 2
    assert said in done.stderr


def test_a_directory_that_pins_nothing_is_told_what_was_looked_for(typed: Typed, tmp_path: Path) -> None:
    done = typed("outdated", f"{tmp_path}/")

    assert done.returncode == 2
    assert "pins nothing: no versions.cfg, requirements.txt" in done.stderr


def test_a_fleet_is_told_what_is_newer_once_an_index_was_asked(
    recorded: Tightship, asking: dict[str, str], simple: Simple
) -> None:
    before = recorded("outdated", **asking)
    assert before.returncode == 2
    assert "Nobody asked the package indexes yet: tightship index update." in before.stderr
    assert recorded("index", **asking).returncode == 2

    done = recorded("index", "update", **asking)
    assert done.returncode == 0
    assert "2 packages asked for; something newer is there for 3 versions in use" in done.stdout
    assert sorted(set(simple.asked)) == ["django", "jinja2"]

    found = json.loads(recorded("outdated", "--json", **asking).stdout)["rows"]
    assert [(row["package"], row["version"], row["bugfix"]) for row in found] == [
        ("django", "5.2.1", "5.2.9"),
        ("django", "5.2.2", "5.2.9"),
        ("jinja2", "3.1.5", "3.1.6"),
    ]
    assert recorded("outdated", "shop", "--level", "major", **asking).stdout == ""
    assert "as of" in recorded("index", **asking).stdout
