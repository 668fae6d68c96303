"""`vulnerable` and `advisories`, as they are typed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.advisories import OLD, REAL, directory, export, real, record, upto
from tests.cli.conftest import Tightship, program
from tests.reports import application, environment, packages, report


def reported(
    tightship: Tightship, *versions: tuple[str, dict[str, str]], hours: float = 0, **more: object
) -> None:
    at = datetime.now(UTC) - timedelta(hours=hours)
    shops = [application(name, packages(**some)) for name, some in versions]
    done = tightship("record", "-", typed=report("web1", shops, at, **more))  # type: ignore[arg-type]
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Tightship:
    """`tightship`, with old releases in use and at rest, and the advisories about them."""
    folder = tmp_path_factory.mktemp("vulnerable")
    tightship = program(folder / "data")
    resting = [environment("venv:/opt/job", packages(pyyaml="5.1"), at_rest=True)]
    reported(tightship, ("shop", OLD), ("wiki", {"jinja2": "2.10"}), environments=resting)
    done = tightship("advisories", "update", str(export(folder / "all.zip", real())))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{2 * len(REAL)} advisories about {len(REAL)} vulnerabilities")
    return tightship


def rows(tightship: Tightship, *arguments: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(tightship("vulnerable", *arguments, "--json").stdout)["rows"]
    return found


def test_the_worst_comes_first_with_what_mends_it_and_who_uses_it(filled: Tightship) -> None:
    done = filled("vulnerable")
    assert done.returncode == 1
    assert f"{len(REAL)} vulnerabilities that nobody acknowledged." in done.stderr
    found = {row["vulnerability"]: row for row in rows(filled)}
    assert [row["severity"] for row in found.values()] == ["critical"] * 3 + ["high"] * 3 + ["medium"] * 4
    sandbox = found["CVE-2019-10906"]
    assert (sandbox["package"], sandbox["version"], sandbox["fixed"]) == ("jinja2", "2.10", ["2.10.1"])
    assert (sandbox["applications"], sandbox["servers"], sandbox["groups"]) == (["shop", "wiki"], 1, 2)
    assert sandbox["aliases"] == ["GHSA-462w-v97r-4m45", "PYSEC-2019-217"]
    assert found["CVE-2020-1747"]["signs"] == ["at rest"]


def test_it_is_asked_for_one_application_severity_or_place(filled: Tightship) -> None:
    assert [row["applications"] for row in rows(filled, "wiki", "--severity", "high")] == [["wiki"]]
    assert len(rows(filled, "--at-rest", "yes", "--os", "no", "--server", "web1")) == 2


def test_a_name_that_nobody_heard_of_is_no_all_clear(filled: Tightship) -> None:
    done = filled("vulnerable", "shpo")
    assert done.returncode == 2
    assert "No application is known as 'shpo': nothing can be said about it." in done.stderr


def test_its_findings_are_acknowledged_and_do_not_count_then(filled: Tightship) -> None:
    known = ("--because", "none of its templates are of others", "--until", "4w")
    done = filled("findings", "acknowledge", "vulnerable", "wiki/jinja2-2.10:*", *known)
    assert "covers 2 findings" in done.stdout
    done = filled("vulnerable", "wiki", "--json")
    assert done.returncode == 0, "shop's are not the wiki's"
    assert all("acknowledged" in row["signs"] for row in json.loads(done.stdout)["rows"])


def test_the_state_of_the_advisories_is_told(filled: Tightship) -> None:
    done = filled("advisories")
    assert done.returncode == 0
    assert f"{2 * len(REAL)} advisories about {len(REAL)} vulnerabilities of packages of PyPI" in done.stdout


# When it can't be said


def test_without_advisories_nobody_gets_an_all_clear(fresh: Tightship) -> None:
    reported(fresh, ("shop", OLD))
    for arguments in (("vulnerable", "--partial"), ("advisories",)):
        done = fresh(*arguments)
        assert done.returncode == 2
        assert "No advisories are known here: tightship advisories update" in done.stdout + done.stderr


def test_nothing_found_is_an_all_clear_only_while_everything_is_known(
    fresh: Tightship, tmp_path: Path
) -> None:
    clean = ("shop", {"jinja2": "3.1.6"})
    reported(fresh, clean)
    folder = directory(tmp_path / "advisories", real())
    assert fresh("advisories", "update", str(folder)).returncode == 0
    assert fresh("vulnerable").returncode == 0
    old = fresh("vulnerable", "--partial", TIGHTSHIP_ADVISORIES_OLD_AFTER="0")
    assert old.returncode == 2
    assert "The advisories are 0 days old" in old.stderr
    silent = fresh("vulnerable", TIGHTSHIP_SILENT_AFTER="0")
    assert silent.returncode == 2
    assert "1 silent: web1" in silent.stderr
    assert fresh("vulnerable", "--at", "1h").returncode == 2, "nobody knew of these advisories then"


def test_an_export_that_can_not_be_read_changes_nothing(filled: Tightship, tmp_path: Path) -> None:
    page = tmp_path / "all.zip"
    page.write_text("<html>")
    done = filled("advisories", "update", str(page))
    assert done.returncode == 2
    assert f"{page} is no zip that can be read whole" in done.stderr
    assert done.stderr.strip().endswith("Nothing was changed.")
    few = export(page, [record("GHSA-1", "jinja2", [upto("2")])])
    assert "Only 1 advisories came, 20 are known" in filled("advisories", "update", str(few)).stderr
    assert len(rows(filled)) == len(REAL)


def test_broken_records_are_named_and_counted(fresh: Tightship, tmp_path: Path) -> None:
    folder = directory(tmp_path, real())
    for number in range(12):
        (folder / f"broken{number:02}.json").write_text("{")
    done = fresh("advisories", "update", str(folder))
    assert done.returncode == 0
    assert "broken00.json: no JSON" in done.stderr
    assert "And 2 more like these." in done.stderr
    assert "12 records could not be read" in done.stdout
