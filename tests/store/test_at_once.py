"""What several processes do at the same moment, on both databases."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import reports
from tests.reports import WHEN, application, packages
from tests.store.conftest import HOUR

READY = """
import sys
from datetime import datetime, UTC
from tightship.store.ready import migrate, set_up
set_up()
from django.db import connection
from tightship.store import tokens
from tightship.store.models import Change, Member, Server
from tightship.store.recording import record
"""
WAIT = """
connection.ensure_connection()
print("ready", flush=True)
sys.stdin.readline()
"""
Program = Callable[[str], subprocess.Popen[str]]


@pytest.fixture(params=["sqlite", "postgresql"])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Program:
    """Starts a program over one fresh database."""
    url = request.getfixturevalue("postgresql").fresh() if request.param == "postgresql" else ""
    variables = {**os.environ, "TIGHTSHIP_DATA": str(tmp_path), "DATABASE_URL": url}

    def start(text: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", READY + text],
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    said(start("migrate()"))
    return start


def said(process: subprocess.Popen[str]) -> str:
    out = process.communicate("\n", timeout=60)[0].strip()
    assert process.returncode == 0
    return out


def at_once(program: Program, text: str) -> list[str]:
    """What four processes print that do the same thing at the same moment."""
    processes = [program(WAIT + text) for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return sorted(said(process) for process in processes)


def test_a_login_link_that_is_followed_at_once_logs_in_once(program: Program) -> None:
    secret = said(program("print(tokens.new_link(datetime.now(UTC)))"))
    followed = at_once(program, f"print(tokens.consume_link({secret!r}, datetime.now(UTC)))")
    assert followed == ["False", "False", "False", "True"]


def test_a_new_server_that_reports_at_once_becomes_known_once(program: Program, tmp_path: Path) -> None:
    shop = application("shop", packages(**{f"package{n}": "1" for n in range(50)}))
    (tmp_path / "report.json").write_bytes(reports.report(applications=[shop]))
    text = f"print(record(open({str(tmp_path / 'report.json')!r}, 'rb').read(), 'web1').kind)"
    assert at_once(program, text) == ["recorded", "repeated", "repeated", "repeated"]
    counted = "print(Server.objects.count(), Change.objects.count(), Member.objects.count())"
    assert said(program(counted)) == "1 1 50"


def test_servers_that_bring_the_same_new_packages_at_once_all_get_in(
    program: Program, tmp_path: Path
) -> None:
    some = [
        application(f"shop{n}", packages(**{f"package{m}": "1" for m in range(n, n + 60)})) for n in range(3)
    ]
    (tmp_path / "report.json").write_bytes(reports.report(applications=some))
    document = f"open({str(tmp_path / 'report.json')!r}, 'rb').read()"
    text = f"import os; print(record({document}, str(os.getpid())).kind)"
    assert at_once(program, text) == ["recorded"] * 4
    assert said(program("print(Server.objects.count(), Member.objects.count())")) == "4 180"


def test_what_is_recorded_while_names_are_declared_goes_by_those_that_are_declared_last(
    program: Program, tmp_path: Path
) -> None:
    for hour in range(8):
        document = reports.report(
            applications=[application("portal", ports=[8001], ticks=hour)], at=WHEN + hour * HOUR
        )
        (tmp_path / f"{hour}.json").write_bytes(document)
    text = f"""
import os
from datetime import timedelta
from tightship.fleet.declared import declared
from tightship.store.declaring import declare
for hour in range(8):
    now = datetime.now(UTC)
    said = {{"applications": {{f"shop{{os.getpid()}}-{{hour}}": {{"found_as": ["unit:portal"]}}}}}}
    declare(declared(said, {{}}), "fleet.toml", now)
    with open({str(tmp_path)!r} + f"/{{hour}}.json", "rb") as file:
        record(file.read(), str(os.getpid()), now)
print("done")
"""
    assert at_once(program, text) == ["done"] * 4
    asked = """
from tightship.store.models import Application, Change, FoundGroup, FoundListener, Instance
from tightship.store.names import declared_names
(pattern,) = declared_names().patterns
for model in (FoundGroup, FoundListener):
    assert set(model.objects.values_list("application__name", flat=True)) == {pattern.application}, model
assert Application.objects.get().declared
print(FoundGroup.objects.count(), Instance.objects.count(), Change.objects.filter(kind="named").count())
"""
    assert said(program(asked)) == "32 4 0"


def test_servers_that_report_one_application_at_once_leave_mixed_as_it_is_in_the_end(
    program: Program, tmp_path: Path
) -> None:
    for release in ("1.0", "2.0"):
        shop = application("shop", packages(django="5.2.1"), release=release)
        (tmp_path / f"{release}.json").write_bytes(reports.report(applications=[shop], at=WHEN))
    deploy = f"""
import os
from datetime import timedelta
def tell(release, hour):
    with open(f"{tmp_path}/{{release}}.json", "rb") as file:
        then = datetime(2026, 11, 20, 10, tzinfo=UTC) + timedelta(hours=hour)
        record(file.read(), f"web{{os.getpid()}}", then)
"""
    through = """
for hour in range(0, 12, 2):
    tell("1.0", hour)
    tell("2.0", hour + 1)
print("done")
"""
    assert at_once(program, deploy + through) == ["done"] * 4
    asked = """
from tightship.store.models import Finding, FoundGroup
assert set(FoundGroup.objects.filter(until=None).values_list("release", flat=True)) == {"2.0"}
print(Finding.objects.filter(until=None, kind="mixed").count())
"""
    assert said(program(asked)) == "0"
    # Four new servers, a release behind.
    assert at_once(program, deploy + "tell('1.0', 20)\nprint('done')") == ["done"] * 4
    counted = "from tightship.store.models import Finding\n"
    counted += "print(Finding.objects.filter(until=None, kind='mixed').count())"
    assert said(program(counted)) == "1"


TAKE = """
from datetime import timedelta
from tightship.store import leases
print(leases.take("work", str(sys.argv) + str(__import__("os").getpid()), timedelta(minutes=1)))
"""


@pytest.mark.parametrize("known", [True, False])
def test_a_lease_is_one_process_alone(program: Program, known: bool) -> None:
    if known:
        free = "from tightship.store import leases\nfrom datetime import timedelta\n"
        said(program(free + 'leases.take("work", "gone", timedelta(seconds=-1))'))
    assert at_once(program, TAKE) == ["False", "False", "False", "True"]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], subprocess.Popen[str]]:
    """Starts a program that makes ready a database with nothing in it."""
    url = request.getfixturevalue("postgresql").fresh() if request.param == "postgresql" else ""
    variables = {**os.environ, "TIGHTSHIP_DATA": str(tmp_path), "DATABASE_URL": url}
    text = "from tightship.store.ready import migrate\nmigrate()\nprint('made')"
    return lambda: subprocess.Popen(
        [sys.executable, "-c", text],
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_who_starts_at_the_same_moment_makes_the_tables_once(
    empty: Callable[[], subprocess.Popen[str]],
) -> None:
    assert [said(process) for process in [empty() for _ in range(4)]] == ["made"] * 4


ADVISED = """
import os
from datetime import timedelta
from random import Random
from tests import advisories as written, reports
chance = Random(os.getpid())
for hour in range(4):
    at = datetime.now(UTC) - timedelta(hours=9 - hour)
    lines = reports.packages(**{f"p{n}": f"1.{chance.randrange(60)}" for n in range(12)})
    shop = reports.application(f"shop{chance.randrange(3)}", lines, ticks=hour)
    record(reports.report(f"web{os.getpid()}", [shop], at), f"web{os.getpid()}", at)
    below = [written.upto(f"1.{chance.randrange(60)}") for n in range(12)]
    some = [written.record(f"GHSA-{n}", f"p{n}", [upto]) for n, upto in enumerate(below)]
    written.fill(some, datetime.now(UTC), even_fewer=True)
print("done")
"""

JUDGED_ANEW = """
from tightship.store import advisories, exposures
from tightship.store.models import Finding, VulnerableVersion
def held():
    findings = Finding.objects.filter(until=None, kind="vulnerable").values_list("subject", flat=True)
    return set(findings), set(VulnerableVersion.objects.values_list("version", "vulnerability"))
found = held()
Finding.objects.filter(kind="vulnerable").delete()
VulnerableVersion.objects.all().delete()
advisories.match_all()
exposures.judge_all(datetime.now(UTC))
print(bool(found[0]), found == held())
"""


@pytest.mark.soak  # test_advisories has the same without the hurry
@pytest.mark.parametrize("program", ["postgresql"], indirect=True)  # SQLite has one writer at a time
def test_reports_and_new_advisories_at_once_leave_nothing_out(program: Program) -> None:
    assert at_once(program, ADVISED) == ["done"] * 4
    assert said(program(JUDGED_ANEW)) == "True True"
