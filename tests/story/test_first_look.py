"""One command on a server shows the applications that run there: ports, release, exact packages."""

from __future__ import annotations

import http.cookiejar
import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import parts
from tests.applications import Site, free_port, own, running
from tests.story.typing_it import TOP, Row, Tightship, as_owner, as_root, as_somebody, program
from tightship.remote.program import pyz, source

RELEASES = {"shop": "2.4.1", "stock": "", "intranet": ""}


def ours(rows: list[Row], site: Site) -> list[Row]:
    """Of the groups in a report, those of one application."""
    return [row for row in rows if row["cwd"] == str(site.home)]


def one(rows: list[Row], **said: str) -> Row:
    """The one row that says this."""
    (row,) = [row for row in rows if all(row[name] == value for name, value in said.items())]
    return row


def test_each_application_is_told_with_its_port_and_release(
    sites: dict[str, Site], gathered: Tightship
) -> None:
    rows = gathered.rows("applications")
    for name, site in sites.items():
        row = one(rows, application=site.name)
        assert str(site.port) in row["ports"]
        assert row["releases"] == [RELEASES[name]] * bool(RELEASES[name])
        assert row["pythons"] == [site.truth()["python"]]
        assert row["signs"] == []


def test_each_port_is_told_with_who_listens(sites: dict[str, Site], gathered: Tightship) -> None:
    rows = gathered.table("ports")
    for site in sites.values():
        assert one(rows, port=str(site.port), listens="127.0.0.1")["application"] == site.name


@pytest.mark.parametrize("name", RELEASES)
def test_the_packages_are_exactly_those_that_the_process_sees(
    name: str, sites: dict[str, Site], gathered: Tightship
) -> None:
    rows = gathered.rows("packages", "--application", sites[name].name)
    assert {row["package"] for row in rows} == sites[name].truth()["packages"].keys()


def test_who_uses_a_package_is_told_with_its_version(sites: dict[str, Site], gathered: Tightship) -> None:
    for name, package in (("shop", "django"), ("stock", "uvicorn"), ("intranet", "waitress")):
        version = sites[name].truth()["packages"][package]
        users = gathered.rows("who-uses", f"{package}=={version}", "--application", sites[name].name)
        assert [row["version"] for row in users if row["base"] == str(sites[name].home)] == [version]
    assert gathered.rows("who-uses", f"waitress<{version}", "--application", sites["intranet"].name) == []


def test_scan_shows_them_without_recording(sites: dict[str, Site], data: Path) -> None:
    said = as_root(data).run("scan", fine=(0, 2)).stdout
    for site in sites.values():
        (line,) = [line for line in said.splitlines() if f"127.0.0.1:{site.port}" in line]
        assert line.startswith(f"{site.name} ")
        assert str(len(site.truth()["packages"])) in line.split()
    assert list(data.iterdir()) == []


def test_their_owner_sees_as_much_of_them_as_root(sites: dict[str, Site], data: Path) -> None:
    own(data)
    tightship = as_owner(data)
    tightship.gather()
    rows = tightship.rows("applications")
    for site in sites.values():
        assert str(site.port) in one(rows, application=site.name)["ports"]
        packages = tightship.rows("packages", "--application", site.name)
        assert {row["package"] for row in packages} == site.truth()["packages"].keys()


def test_another_user_is_told_what_is_missing_and_how_to_see_it(sites: dict[str, Site], data: Path) -> None:
    done = as_somebody(data).run("scan", fine=(2,))
    assert "Not read" in done.stderr
    assert "To see the rest: tightship scan" in done.stderr
    found = as_somebody(data).scan()
    assert found["state"]["complete"] is False
    # Whose they are can't be seen; that they are taken can. Those of tests are ephemeral.
    seen = [*found["state"]["listeners"], *found["live"]["listeners"]]
    assert {site.port for site in sites.values()} <= {listener["port"] for listener in seen}


def test_three_ways_to_run_the_probe_say_the_same(sites: dict[str, Site], data: Path) -> None:
    one_file = data / "probe.pyz"
    one_file.write_bytes(pyz("tightship_probe"))
    python = program(False)[0][0]
    ways: list[Row] = [
        as_root(data).scan(),
        json.loads(subprocess.run([python, "-I", str(one_file)], capture_output=True, check=True).stdout),
        json.loads(
            subprocess.run(
                [python, "-I", "-"], input=source("tightship_probe").encode(), capture_output=True, check=True
            ).stdout
        ),
    ]
    for site in sites.values():
        first, *others = [ours(way["state"]["groups"], site) for way in ways]
        assert len(first) == 1
        assert [first] * 2 == others
        environment = first[0]["environment"]
        packages = [packages_of(way, environment) for way in ways]
        assert packages == [site.truth()["packages"]] * 3


def packages_of(report: Row, environment: str) -> dict[str, str]:
    """Name -> version on the import path of an environment."""
    digest = one(report["state"]["environments"], key=environment)["packages"]
    lines = [line.split("\t") for line in report["sets"][digest]]
    return {line[0]: line[1] for line in lines if line[-1] != "shadowed"}


# Over HTTP


class Browser:
    """A person with a browser who came by the link."""

    def __init__(self, link: str) -> None:
        self.start = re.sub(r"^(https?://[^/]+).*", r"\1", link)
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(jar)
        self.opener.open(link, timeout=30).close()

    def page(self, path: str) -> str:
        with self.opener.open(self.start + path, timeout=30) as answer:
            return str(answer.read().decode())


@pytest.fixture(scope="module")
def served(gathered: Tightship) -> Iterator[Browser]:
    """The pages over the same store."""
    port = free_port()
    command, variables = program(False)
    serve = [*command, "serve", "--bind", f"127.0.0.1:{port}"]
    mine: dict[str, Any] = {"user": None, "group": None, "extra_groups": None}
    with running(serve, Path("/"), {**variables, "TIGHTSHIP_DATA": str(gathered.data)}, port, **mine):
        yield Browser(gathered.run("serve", "--link").stdout.strip())


def test_the_pages_show_each_application_with_its_port(sites: dict[str, Site], served: Browser) -> None:
    page = served.page("/applications?size=500")
    for site in sites.values():
        assert site.name in page
        assert str(site.port) in page


def test_the_pages_json_is_what_the_verb_prints(
    sites: dict[str, Site], served: Browser, gathered: Tightship
) -> None:
    for site in sites.values():
        rows = json.loads(served.page(f"/packages.json?application={site.name}&size=1000"))["rows"]
        assert rows == gathered.rows("packages", "--application", site.name)


def test_a_server_pushes_its_report_as_the_page_about_it_says(
    sites: dict[str, Site], served: Browser, gathered: Tightship, data: Path
) -> None:
    parts.program("curl", "curl")
    text = (TOP / "docs/how-to/push-reports.md").read_text()
    (script,) = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    files = {
        "push": re.sub(r"^   ", "", script, flags=re.MULTILINE).encode(),
        "probe": pyz("tightship_probe"),
    }
    secret = gathered.run("token", "create", "--server", "pushed").stdout.strip()
    files["header"] = f"Authorization: Bearer {secret}\n".encode()
    for name, content in files.items():
        (data / name).write_bytes(content)
    push = {
        "TIGHTSHIP_URL": served.start,
        "TIGHTSHIP_HEADER": str(data / "header"),
        "TIGHTSHIP_PROBE": str(data / "probe"),
        "PATH": f"{Path(program(False)[0][0]).parent}:/usr/bin:/bin",
    }
    for _time in ("the first, with its state", "the second, by its digest"):
        done = subprocess.run(
            ["sh", str(data / "push")], capture_output=True, text=True, check=False, env=push
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    rows = gathered.rows("ports", "--server", "pushed")
    for site in sites.values():
        (row,) = [row for row in rows if row["port"] == site.port]
        assert row["application"] == site.name
