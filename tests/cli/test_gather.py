"""`tightship gather` over real ssh to real servers, as somebody types it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.cli.conftest import Tightship, program
from tests.web.service import serving
from tightship.cli import preparing
from tightship.lab import Lab, Server
from tightship.remote import prepared

APPLICATION = """\
[Service]
User=nobody
WorkingDirectory=/srv/shop
ExecStart=/usr/bin/python3 serves.py
"""


SERVES = """\
from http.server import HTTPServer, SimpleHTTPRequestHandler
HTTPServer(("127.0.0.1", 8001), SimpleHTTPRequestHandler).serve_forever()
"""


@pytest.fixture
def config(lab: Lab) -> str:
    return str(lab["web1"].folder.parent / "ssh_config")


@pytest.fixture
def shop(web1: Server) -> Iterator[Server]:
    """web1, with an application, for as long as a test needs it: others use this server, too."""
    web1.copy({"/srv/shop/serves.py": SERVES, "/etc/systemd/system/shop.service": APPLICATION})
    web1.enter("systemctl", "daemon-reload")
    web1.enter("systemctl", "start", "shop")
    yield web1
    web1.enter("systemctl", "stop", "shop")
    web1.enter("rm", "-r", "/srv/shop", "/etc/systemd/system/shop.service")
    web1.enter("systemctl", "daemon-reload")


def test_servers_are_read_and_recorded_each_with_its_own_result(
    shop: Server, lab: Lab, fresh: Tightship, config: str
) -> None:
    done = fresh("gather", "--ssh-config", config, "web1", "web2", "nosuch.invalid", "--within", "60")
    assert done.returncode == 2
    lines = {line.split()[1].rstrip(":"): line for line in done.stdout.splitlines()}
    assert lines["web1"] == "recorded     web1: 1 process group of applications, first report"
    assert lines["nosuch.invalid"].startswith("unreachable  nosuch.invalid: its name leads nowhere")
    assert "2 of 3 servers came in" in done.stderr
    (row,) = json.loads(fresh("applications", "--json").stdout)["rows"]
    assert (row["application"], row["servers"], row["ports"]) == ("shop", ["web1"], ["8001"])
    again = fresh("gather", "--ssh-config", config, "web*", "--json")
    assert again.returncode == 0
    assert {one["server"]: one["result"] for one in json.loads(again.stdout)} == {
        "web1": "unchanged",
        "web2": "unchanged",
    }
    servers = fresh("servers")
    assert (
        "Never read so far: nosuch.invalid (unreachable: its name leads nowhere"
        in servers.stderr + servers.stdout
    )


def test_a_server_that_fails_keeps_what_is_known_and_says_why(
    shop: Server, fresh: Tightship, config: str
) -> None:
    assert fresh("gather", "--ssh-config", config, "web1").returncode == 0
    shop.enter("systemctl", "stop", "ssh")
    try:
        done = fresh("gather", "--ssh-config", config, "web1")
    finally:
        shop.enter("systemctl", "start", "ssh")
    assert done.returncode == 2
    assert done.stdout.startswith("unreachable  web1: ")
    (row,) = json.loads(fresh("servers", "--json").stdout)["rows"]
    assert row["tried"].startswith("unreachable: ")
    assert json.loads(fresh("applications", "--json").stdout)["total"] == 1
    assert fresh("gather", "--ssh-config", config, "web1").returncode == 0
    (row,) = json.loads(fresh("servers", "--json").stdout)["rows"]
    assert row["tried"] == ""


def test_without_names_the_declared_servers_are_read(
    lab: Lab, fresh: Tightship, config: str, tmp_path: Path
) -> None:
    file = tmp_path / "fleet.toml"
    file.write_text(f'[servers.front]\naddress = "root@{lab["web1"].address}"\n[servers.web2]\n')
    done = fresh("gather", "--file", str(file), "--ssh-config", config)
    assert sorted(line.split()[1].rstrip(":") for line in done.stdout.splitlines()) == ["front", "web2"]


def test_the_clock_of_a_server_is_held_against_ours(web1: Server, fresh: Tightship, config: str) -> None:
    assert fresh("gather", "--ssh-config", config, "web1").returncode == 0
    (row,) = json.loads(fresh("servers", "--json").stdout)["rows"]
    assert row["server"] == "web1"
    assert "clock-skew" not in fresh("findings").stdout


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (("-oProxyCommand=touch /tmp/tightship-owned",), "No such option"),
        (("--", "-oProxyCommand=touch /tmp/tightship-owned"), "begins with a dash"),
        (("web1", "--file", "/nosuch.toml"), "/nosuch.toml"),
        (("nosuch*", "--ssh-config", "/dev/null"), "No server matches"),
    ],
)
def test_what_makes_no_sense_is_refused(fresh: Tightship, typed: tuple[str, ...], says: str) -> None:
    done = fresh("gather", *typed)
    assert done.returncode == 2
    assert says in done.stderr
    assert not Path("/tmp/tightship-owned").exists()


def test_prepare_installs_the_probe_and_prints_the_one_line_that_sudo_needs(
    deploy: Server, fresh: Tightship, config: str
) -> None:
    def gather(*words: str) -> CompletedProcess[str]:
        return fresh("gather", "--ssh-config", config, *words)

    try:
        refused = gather("--prepare", "--sudo", "deploy@web1")
        assert refused.returncode == 2
        assert refused.stderr.startswith("refused      web1: sudo: ")
        assert "It needs root once" in refused.stderr
        assert refused.stdout == ""
        done = gather("--prepare", "web1")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"prepared     web1: {prepared.PATH}\n")
        (line,) = re.findall(r"^    tightship( ALL=.*)$", done.stdout, re.MULTILINE)
        deploy.copy({"/etc/sudoers.d/tightship": f"deploy{line}\n"}, mode=0o440)
        assert gather("--prepare", "web1").stdout.startswith("as it was    web1\n")
        read = gather("--sudo", "deploy@web1", "--json")
    finally:
        deploy.enter("rm", "-rf", "/opt/tightship-probe", "/etc/sudoers.d/tightship")
    (came,) = json.loads(read.stdout)
    assert (came["result"], came["privileged"]) == ("recorded", True)


def test_prepare_names_who_became_root_by_sudo() -> None:
    done = [
        preparing.Prepared("web1", "", well=True, user="deploy"),
        preparing.Prepared("web2", "", well=True, user="deploy"),
        preparing.Prepared("web3", "", well=False),
    ]
    (where, line) = preparing.to_allow(done)
    assert where.startswith("\nOn web1, web2, for")
    assert line == '    deploy ALL=(root) NOPASSWD: /opt/tightship-probe/probe.py ""\n'


def test_prepare_wants_servers_that_are_named(fresh: Tightship) -> None:
    done = fresh("gather", "--prepare")
    assert done.returncode == 2
    assert "--prepare: name the servers" in done.stderr


def test_what_was_gathered_is_handed_over_to_a_service(
    shop: Server, lab: Lab, fresh: Tightship, config: str, tmp_path: Path
) -> None:
    with serving(tmp_path / "service", "pass") as service:
        there = program(tmp_path / "service")
        secret = there("token", "create", "--gather").stdout.strip()
        elsewhere = {"TIGHTSHIP_URL": service.address, "TIGHTSHIP_TOKEN": secret}
        done = fresh("gather", "--ssh-config", config, "web1", "web2", **elsewhere)
        assert done.returncode == 0, done.stderr
        assert "handed over  web1: 1 process group of applications" in done.stdout
        (row,) = json.loads(there("applications", "--json").stdout)["rows"]
        assert (row["application"], row["servers"]) == ("shop", ["web1"])
        # A token of one server reports for that server alone.
        own = there("token", "create", "--server", "web1").stdout.strip()
        refused = fresh("gather", "--ssh-config", config, "web2", **{**elsewhere, "TIGHTSHIP_TOKEN": own})
        assert refused.returncode == 2
        assert "not taken" in refused.stdout
        assert "This token is for scope report, not for gather" in refused.stdout
    assert not (tmp_path / "data" / "tightship.sqlite3").exists(), "nothing is recorded here"
    gone = fresh("gather", "--ssh-config", config, "web1", **elsewhere)
    assert gone.returncode == 2
    assert "Nothing answers at" in gone.stdout
