"""The agent on a real server: systemd runs it, its reports arrive over TLS, and nothing of it is left."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import parts
from tests.agent.agents import Authority, Running, service_for, tls_in_front
from tests.lab.test_probe_on_a_server import plant, uproot
from tests.servers_of_the_lab import need_lab
from tightship.lab import Lab, LabError, Server, network, up
from tightship.remote import agent as remote
from tightship.remote.program import source

SERVICES = "tightship-agent.service tightship-agent-probe.service tightship-agent.timer"


@dataclass
class Set:
    """A server, and the service that it reports to."""

    server: Server
    running: Running
    wanted: remote.Wanted

    def order(self, program: str) -> dict[str, Any]:
        done = self.server.run("python3 -I -S -", stdin=program)
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    def place(self) -> dict[str, Any]:
        return self.order(remote.placing(self.wanted, self.running.tokens["web1"]))

    def state(self) -> dict[str, Any]:
        """The newest report of the spool, as the service of the unit made it."""
        newest = max((self.server.root / remote.SPOOL[1:]).glob("*.report"))
        said: dict[str, Any] = json.loads(gzip.decompress(newest.read_bytes()).partition(b"\n")[2])
        return said


@pytest.fixture(scope="module")
def running(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("service")
    with service_for(data, ["web1"], TIGHTSHIP_ALLOWED_HOSTS=network.gateway(lab.number)) as running:
        yield running


@pytest.fixture
def there(lab: Lab, running: Running, authority: Authority) -> Iterator[Set]:
    """Behind TLS, on this machine's address in the lab's network."""
    server, here = lab["web1"], network.gateway(lab.number)
    with tls_in_front(running.port, authority.context(f"IP:{here}"), here) as front:
        wanted = remote.wanted(f"https://{here}:{front.port}", Path(authority.file).read_bytes())
        try:
            yield Set(server, running, wanted)
        finally:
            server.run("python3 -I -S -", stdin=remote.removing(), check=False)


def test_it_is_set_up_and_its_report_arrives(there: Set) -> None:
    said = there.place()
    assert (said["ran"], said["timer"], said["probe"], said["sender"]) == (
        True,
        "active",
        "success",
        "success",
    )
    assert (said["status"]["last_error"], said["status"]["spooled"]) == ("", 0)
    ((complete, live),) = there.running.asked("SELECT complete, live FROM store_server WHERE name = 'web1'")
    assert (complete, json.loads(live)["privileged"]) == (1, True)
    assert there.place()["changed"] == []


def test_hardened_it_tells_what_a_bare_probe_of_roots_tells(there: Set) -> None:
    """Every listener, every package: what keeps it from the network and from writing hides nothing."""
    plant(there.server)
    try:
        there.place()
        bare = json.loads(there.server.run("python3 -I -S -", stdin=source("tightship_probe")).stdout)
        told = there.state()
    finally:
        uproot(there.server)
    assert told["state"] == bare["state"]
    assert told["digest"] == bare["digest"]
    assert {one["port"] for group in told["state"]["groups"] for one in group["listeners"]} >= {8000, 8001}
    assert 22 in {one["port"] for one in told["state"]["listeners"]}
    assert told["state"]["complete"]


def test_roots_part_has_no_network_and_writes_nothing_but_the_spool(there: Set) -> None:
    there.place()
    tries = """
import os, socket
for what in ("socket.create_connection(('127.0.0.1', 22), 2)", "open('/etc/mine', 'w')",
        "open('/srv/mine', 'w')", "open('/var/spool/tightship-agent/mine', 'w')"):
    try:
        eval(what)
    except OSError as error:
        print(error.errno)
    else:
        print("done")
"""
    there.server.copy({"/opt/tightship-agent/probe.pyz": tries})
    unit = "[Service]\nExecStart=\nExecStart=/usr/bin/python3 -I -S /opt/tightship-agent/probe.pyz\n"
    folder = "/run/systemd/system/tightship-agent-probe.service.d"
    there.server.copy({f"{folder}/tries.conf": unit})
    try:
        there.server.run("systemctl daemon-reload; systemctl start tightship-agent-probe.service")
        said = there.server.run("journalctl -o cat -t python3 -n 4 --no-pager").stdout
    finally:
        there.server.run(
            f"rm -r {folder} /var/spool/tightship-agent/mine; systemctl daemon-reload", check=False
        )
    assert said.split() == ["97", "30", "30", "done"]  # no such family of addresses; read-only


def test_the_sender_reads_the_token_and_the_spool_and_writes_neither(there: Set) -> None:
    there.place()
    as_sender = "runuser -u tightship-agent --"
    assert there.server.run(f"{as_sender} cat {remote.TOKEN}").stdout.startswith("tightship_")
    for path in (remote.TOKEN, f"{remote.SPOOL}/new", f"{remote.SPOOL}/lock", f"{remote.CODE}/agent.pyz"):
        assert there.server.run(f"{as_sender} sh -c 'echo >> {path}'", check=False).returncode != 0
    assert there.server.run("runuser -u nobody -- cat " + remote.TOKEN, check=False).returncode != 0
    assert there.server.run(f"runuser -u nobody -- ls {remote.SPOOL}", check=False).returncode != 0


def test_the_timer_comes_once_an_hour_and_not_on_the_hour(there: Set) -> None:
    there.place()
    said = there.server.run(
        "systemctl show tightship-agent.timer --property=TimersCalendar,RandomizedDelayUSec"
    )
    assert "OnCalendar=*-*-* *:00:00" in said.stdout
    assert "RandomizedDelayUSec=58min" in said.stdout
    assert there.server.run("systemctl is-enabled tightship-agent.timer").stdout.strip() == "enabled"


def test_what_waited_while_the_service_was_away_is_sent_by_the_next_run(there: Set) -> None:
    there.place()
    conf = there.server.root / "etc/tightship-agent/agent.conf"
    right = conf.read_text()
    conf.write_text("[agent]\nurl = https://127.0.0.1:1\n")
    for _ in range(2):
        assert there.server.run("systemctl start tightship-agent.service", check=False).returncode != 0
    assert there.order(remote.telling())["status"]["spooled"] == 2
    conf.write_text(right)
    there.server.run("systemctl start tightship-agent.service")
    assert there.order(remote.telling())["status"]["spooled"] == 0


def test_units_have_nothing_that_systemd_does_not_understand(there: Set) -> None:
    there.place()
    said = there.server.run(f"cd {remote.UNITS} && systemd-analyze verify {SERVICES}")
    assert (said.stdout, said.stderr) == ("", "")


def test_when_it_is_removed_nothing_is_left(there: Set) -> None:
    assert there.order(remote.removing())["changed"] == []
    there.place()
    assert "user tightship-agent" in there.order(remote.removing())["changed"]
    left = "find / -xdev -name 'tightship-agent*' -not -path '/proc/*'; getent passwd tightship-agent; true"
    assert there.server.run(left).stdout == ""
    assert there.server.run(f"systemctl list-units --all --no-legend {SERVICES}").stdout == ""
    assert there.order(remote.telling()) == {"installed": False, "token": ""}


def test_an_ordinary_user_is_told_that_root_is_needed(there: Set) -> None:
    done = there.server.run("runuser -u nobody -- python3 -I -S -", stdin=remote.telling(), check=False)
    assert (done.returncode, "root's rights are needed" in done.stderr) == (1, True)
    assert "Traceback" not in done.stderr


@pytest.mark.soak
@pytest.mark.parametrize("suite", ["bullseye", "trixie"])
def test_on_other_releases_of_debian(suite: str) -> None:
    """Python 3.9 and 3.13, systemd 247 and 257: set up, hardened, removed."""
    need_lab()
    try:
        servers = up(["old1"], suite=suite)
    except LabError as error:
        parts.need("lab", str(error))
    with servers:
        there = Set(servers["old1"], None, remote.wanted("https://127.0.0.1:1"))  # type: ignore[arg-type]
        said = there.order(remote.placing(there.wanted, "tightship_" + "x" * 30))
        assert (said["timer"], said["probe"], said["sender"]) == ("active", "success", "exit-code")
        assert "connection refused" in said["status"]["last_error"]
        bare = json.loads(there.server.run("python3 -I -S -", stdin=source("tightship_probe")).stdout)
        assert there.state()["state"] == bare["state"]
        verified = there.server.run(f"cd {remote.UNITS} && systemd-analyze verify {SERVICES}")
        assert (verified.stdout, verified.stderr) == ("", "")
        there.order(remote.removing())
        assert there.order(remote.telling()) == {"installed": False, "token": ""}
