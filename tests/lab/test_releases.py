"""Servers of several Debian releases beside each other: the probe tells of each what is true there."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.servers_of_the_lab import need_lab, target
from tightship.fleet.report import load
from tightship.lab import Lab, Server, up
from tightship.remote import prepared
from tightship.remote.program import source
from tightship.remote.ssh import run_all, run_on

RELEASES = {"bullseye": "3.9", "bookworm": "3.11", "trixie": "3.13"}

SERVES = """\
import http.server, importlib.metadata, json, sys
class Tells(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        found = importlib.metadata.distributions()
        packages = sorted([one.metadata["Name"].lower(), one.version] for one in found)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"python": sys.version.split()[0], "packages": packages}).encode())
http.server.HTTPServer(("127.0.0.1", 8001), Tells).serve_forever()
"""
UNIT = "[Service]\nUser=nobody\nExecStart=/srv/shop/venv/bin/python /srv/shop/serves.py\n"
ASKS = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8001').read().decode())"
SHELLS = ("dash", "bash", "tcsh", "fish", "zsh", "mksh")

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def releases() -> Iterator[Lab]:
    need_lab()
    with up(list(RELEASES), suites=list(RELEASES)) as lab:
        yield lab


def plant(server: Server) -> None:
    """A venv with two packages that lie there as pip would have laid them, and a unit that runs in it."""
    server.copy({"/srv/shop/serves.py": SERVES, "/etc/systemd/system/shop.service": UNIT})
    server.run("python3 -m venv --without-pip /srv/shop/venv")
    site = server.run("echo /srv/shop/venv/lib/python3.*/site-packages").stdout.strip()
    for name, version in (("jinja2", "3.1.6"), ("shop", "2.4.1")):
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        server.copy({f"{site}/{name}-{version}.dist-info/METADATA": metadata})
    server.run("systemctl daemon-reload && systemctl start shop")
    server.run(f'until python3 -c "{ASKS}" 2>/dev/null; do sleep 0.1; done')


def test_the_probe_tells_the_truth_on_each_over_ssh(releases: Lab) -> None:
    for server in releases:
        plant(server)
    outcomes = run_all([target(server) for server in releases], source("tightship_probe"))
    told = {one.target.name: one for one in outcomes}
    for release, python in RELEASES.items():
        assert (told[release].kind, told[release].why) == ("ok", "")
        report = load(told[release].stdout)
        assert report.state is not None
        assert (report.state.complete, report.state.unread) == (True, [])
        truth = json.loads(releases[release].run(f'python3 -c "{ASKS}"').stdout)
        assert truth["python"].startswith(f"{python}.")
        (group,) = [one for one in report.state.groups if one.unit == "shop.service"]
        (environment,) = [one for one in report.state.environments if one.key == group.environment]
        packages = report.sets[environment.packages or ""]
        assert group.python == truth["python"]
        assert [[one.name, one.version] for one in packages] == truth["packages"]
        assert [one.port for one in group.listeners] == [8001]


def test_the_installed_probe_runs_on_each_by_sudo_alone(releases: Lab) -> None:
    for server in releases:
        assert run_on(target(server), prepared.placing()).kind == "ok"
        server.run(
            "useradd --create-home deploy && cp -r /root/.ssh ~deploy/ && chown -R deploy: ~deploy/.ssh"
        )
        server.copy({"/etc/sudoers.d/tightship": prepared.sudoers("deploy") + "\n"}, mode=0o440)
        outcome = run_on(target(server, user="deploy"), "", sudo=True, installed=prepared.PATH)
        assert (outcome.kind, outcome.why) == ("ok", "")
        assert load(outcome.stdout).live.privileged


def test_whichever_shell_somebody_logs_in_with(releases: Lab) -> None:
    server = releases["trixie"]
    packages = " ".join(SHELLS)
    server.run(f"apt-get -qq update && apt-get -qq -y install {packages} </dev/null", timeout=300)
    server.run("useradd --create-home sailor && cp -r /root/.ssh ~sailor/ && chown -R sailor: ~sailor/.ssh")
    server.copy({"/etc/sudoers.d/sailor": prepared.sudoers("sailor") + "\n"}, mode=0o440)
    run_on(target(server), prepared.placing())
    said = "import os\nprint('here', os.getppid() > 1)\n"
    for shell in SHELLS:
        server.run(f"usermod --shell $(command -v {shell}) sailor")
        plain = run_on(target(server, user="sailor"), said)
        assert (shell, plain.kind, plain.why, plain.stdout) == (shell, "ok", "", b"here True\n")
        as_root = run_on(target(server, user="sailor"), said, sudo=True, installed=prepared.PATH)
        assert (shell, as_root.kind, as_root.why) == (shell, "ok", "")
        assert load(as_root.stdout).live.privileged
