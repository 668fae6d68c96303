"""`tightship agent` as it is typed, on real servers over real ssh; and what it says of others."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agent.agents import Agent, Authority, Running, service_for, tls_in_front
from tests.agent.test_sending import hourly
from tightship.cli.agent import installed, removed, row
from tightship.lab import Lab, Server, network
from tightship.remote import agent as remote
from tightship.remote.ssh import Outcome
from tightship.remote.target import Target

Typed = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def running(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("service")
    with service_for(data, [], TIGHTSHIP_ALLOWED_HOSTS=network.gateway(lab.number)) as running:
        yield running


@pytest.fixture
def typed(lab: Lab, running: Running) -> Iterator[Typed]:
    def type_(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tightship", "agent", arguments[0]]
        ssh = ["--ssh-config", str(lab.folder / "ssh_config")]
        done = subprocess.run(
            [*command, *ssh, *arguments[1:]],
            env=running.service.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "tightship_" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    yield type_
    type_("remove", "web1", "web2")


@pytest.fixture
def where(lab: Lab, running: Running, authority: Authority) -> Iterator[list[str]]:
    here = network.gateway(lab.number)
    with tls_in_front(running.port, authority.context(f"IP:{here}"), here) as front:
        yield ["--url", f"https://{here}:{front.port}", "--ca", authority.file]


def valid(running: Running) -> list[tuple[str, int]]:
    """(server, number) of the tokens that are valid."""
    asked = running.asked("SELECT server, id FROM store_token WHERE revoked IS NULL ORDER BY server, id")
    return [(server, number) for server, number in asked]


@pytest.mark.soak
def test_two_servers_are_set_up_tell_how_they_do_and_are_as_they_were(
    typed: Typed, where: list[str], running: Running
) -> None:
    done = typed("install", "web1", "web2", *where)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.partition(" (")[0] for line in done.stdout.splitlines()] == [
        "web1: installed",
        "web2: installed",
    ]
    names = running.asked("SELECT name FROM store_server ORDER BY name")
    assert names == [("web1",), ("web2",)]
    tokens = valid(running)
    assert [server for server, _number in tokens] == ["web1", "web2"]

    status = typed("status", "web1", "web2", "--json")
    assert status.returncode == 0, status.stdout
    rows = json.loads(status.stdout)["rows"]
    assert [(one["server"], one["spooled"], one["lost"], one["error"]) for one in rows] == [
        ("web1", 0, 0, ""),
        ("web2", 0, 0, ""),
    ]
    assert all(one["last_sent"] for one in rows)

    again = typed("install", "web1", *where)
    assert (again.returncode, again.stdout) == (0, "web1: as it was, its report was sent\n")
    assert valid(running) == tokens
    new = typed("install", "web1", *where, "--new-token")
    assert (new.returncode, new.stdout) == (0, "web1: installed (1 changes), its report was sent\n")
    assert valid(running)[0][1] > tokens[1][1]
    assert len(valid(running)) == 2

    gone = typed("remove", "web1", "web2")
    assert gone.stdout == "web1: removed, its token is revoked\nweb2: removed, its token is revoked\n"
    assert (gone.returncode, valid(running)) == (0, [])
    assert typed("status", "web1").returncode == 2
    assert "no agent is installed" in typed("status", "web1").stdout


def test_a_server_that_does_not_answer_holds_up_nobody_and_gets_no_token(
    typed: Typed, where: list[str], running: Running
) -> None:
    done = typed("install", "nowhere.invalid", "web2", *where)
    assert done.returncode == 2
    assert done.stdout.startswith("web2: installed (")
    assert done.stderr.startswith("nowhere.invalid: its name leads nowhere")
    assert [server for server, _number in valid(running)] == ["web2"]
    assert typed("status", "nowhere.invalid", "web2").returncode == 2
    assert "its token is still valid" in typed("remove", "nowhere.invalid").stderr


def test_where_the_service_does_not_answer_it_is_installed_and_said(typed: Typed, lab: Lab) -> None:
    url = f"http://{network.gateway(lab.number)}:9"
    done = typed("install", "web1", "--url", url, "--insecure-http")
    assert done.returncode == 2
    assert "but its report was not sent" in done.stderr
    assert "connection refused" in done.stderr
    assert "connection refused" in typed("status", "web1").stdout


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["web1"], "Missing option '--url'"),
        (["--url", "https://a"], "Name servers, or declare them"),
        (["web1", "--url", "https://a", "--file", "/nowhere.toml"], "/nowhere.toml"),
        (["-oProxyCommand=touch /tmp/x", "--url", "https://a"], "No such option"),
        (["--url", "https://a", "--", "-oProxyCommand=touch /tmp/x"], "begins with a dash"),
        (["web1", "--url", "ftp://a"], "--url: expected an address as https://tightship.example.com"),
        (["web1", "--url", "https://a\nb = c"], "--url: expected an address"),
        (["web1", "--url", "http://a"], "say --insecure-http"),
        (["web1", "--url", "https://a", "--proxy", "socks://a"], "--proxy: expected http://HOST:PORT"),
        (["web1", "--url", "https://a", "--ca", "/etc/hostname"], "--ca: expected certificates"),
        (["web1", "--url", "https://a", "--ca", "/nowhere"], "--ca: /nowhere: no such file or directory"),
    ],
)
def test_what_can_not_be_meant_is_said(typed: Typed, arguments: list[str], why: str) -> None:
    done = typed("install", *arguments)
    assert (done.returncode, why in done.stderr) == (2, True), done.stderr


def test_nobody_takes_it_from_all_servers_by_leaving_out_a_name(typed: Typed) -> None:
    done = typed("remove")
    assert (done.returncode, "Name the servers" in done.stderr) == (2, True)


def test_declared_servers_are_reached_as_they_are_declared(
    typed: Typed, where: list[str], running: Running, lab: Lab, deploy: Server, tmp_path: Path
) -> None:
    """By an ordinary user, who may use sudo there; the token is for the name, not for the address."""
    sudo = "ALL=(root) NOPASSWD: ALL"
    deploy.copy({"/etc/sudoers.d/deploy": f"deploy {sudo}\n"}, mode=0o440)
    file = tmp_path / "fleet.toml"
    file.write_text(f'[servers.shop1]\naddress = "deploy@{lab["web1"].address}"\n')
    try:
        done = typed("install", "--file", str(file), *where, "--sudo")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("shop1: installed")
        assert [server for server, _number in valid(running)] == ["shop1"]
        assert typed("remove", "shop1", "--file", str(file), "--sudo").returncode == 0
    finally:
        deploy.run("rm /etc/sudoers.d/deploy")


# The bundle


def test_the_bundle_is_what_install_brings_but_the_token(tmp_path: Path, authority: Authority) -> None:
    command = [sys.executable, "-m", "tightship", "agent", "bundle", "--output", str(tmp_path / "agent")]
    done = subprocess.run(
        [*command, "--url", "https://tightship.example.com", "--ca", authority.file],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    wanted = remote.wanted("https://tightship.example.com", Path(authority.file).read_bytes())
    for path, file in remote.files(wanted).items():
        there = tmp_path / "agent" / path[1:]
        assert there.read_bytes() == file.content
        assert stat.S_IMODE(there.stat().st_mode) == file.mode
        assert str(there) in done.stdout
    assert not (tmp_path / "agent" / remote.TOKEN[1:]).exists()
    again = subprocess.run([*command, "--url", "https://a"], capture_output=True, text=True, check=False)
    assert (again.returncode, "is there already" in again.stderr) == (2, True)


@pytest.mark.parametrize("language", ["puppet", "yaml"])
def test_what_the_page_shows_for_puppet_and_ansible_names_every_file_and_folder(language: str) -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/agent.md").read_text()
    (shown,) = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    files = remote.files(remote.wanted("https://tightship.example.com"), "token")
    assert [path for path in (*files, *remote.FOLDERS) if path not in shown] == []
    assert {f"{file.mode:o}" for file in files.values()} == {"644", "640"}
    assert ("0644" in shown, "0640" in shown, "2750" in shown) == (True, True, True)


def test_its_settings_are_understood_by_the_agent(tmp_path: Path) -> None:
    from tightship_agent.settings import parsed

    wanted = remote.wanted("https://a.example.com/x", b"-----BEGIN CERTIFICATE-----", "http://p:3128", False)
    settings = parsed(remote.settings(wanted))
    assert (settings.url, settings.ca) == ("https://a.example.com/x", remote.CA)
    assert settings.proxy == ("http", "p", 3128, "")
    assert (settings.token, settings.spool, settings.memory) == (remote.TOKEN, remote.SPOOL, remote.MEMORY)
    assert parsed(remote.settings(remote.wanted("http://a", insecure_http=True))).insecure_http


# In words


def outcome(kind: Any = "ok", because: str = "", **said: Any) -> Outcome:
    fine = {
        "installed": True,
        "changed": [],
        "token": "",
        "timer": "active",
        "probe": "success",
        "sender": "success",
    }
    printed = json.dumps({**fine, "status": {"last_error": "", "version": "1"}, **said}).encode()
    return Outcome(Target("web1"), kind, printed if kind == "ok" else b"", why=because)


@pytest.mark.parametrize(
    ("came", "text", "fine"),
    [
        (outcome(), "web1: as it was, its report was sent", True),
        (outcome(changed=["a", "b"]), "web1: installed (2 changes), its report was sent", True),
        (outcome("late", "no answer within 120 seconds"), "web1: no answer within 120 seconds", False),
        (outcome(timer="inactive"), "its timer does not run", False),
        (outcome(probe="exit-code"), "the probe failed: journalctl", False),
        (outcome(status={"last_error": "\x1b[31mno"}), "not sent: \\x1b[31mno", False),
        (outcome(status=None, why="agent.conf: wrong"), "not sent: agent.conf: wrong", False),
        (outcome(status=[]), "does not say how it goes", False),
    ],
)
def test_what_came_of_a_server_in_a_line(came: Outcome, text: str, fine: bool) -> None:
    line = installed(came)
    assert (text in line.text, line.fine) == (True, fine), line.text


@pytest.mark.parametrize("printed", [b"", b"[]", b"<p>", b"[" * 5000, b'{"status": 7}', b'{"changed": 3}'])
def test_whatever_a_server_prints_is_a_line_and_a_row(printed: bytes) -> None:
    came = Outcome(Target("web1"), "ok", printed)
    assert not installed(came).fine
    assert removed(came, token_ended=False).text.startswith("web1: ")
    assert row(came)["error"]


def test_bad_numbers_and_moments_of_a_server_are_left_out() -> None:
    told = row(outcome(status={"last_try": "yesterday", "spooled": "many", "dropped": [], "cut": 3}))
    assert (told["last_try"], told["spooled"], told["lost"], told["error"]) == (None, None, 3, "")


def test_an_agent_that_was_never_tried_has_nothing_to_tell(tmp_path: Path) -> None:
    status = Agent(tmp_path / "agent").keep(hourly(1)).status()
    assert (status["spooled"], status["last_try"], status["last_error"]) == (1, None, "")
