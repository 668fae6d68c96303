"""The probe as root's own program on a server: put there over ssh, and all that sudo or a key must allow."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.servers_of_the_lab import target
from tightship.fleet.report import load
from tightship.lab import Server
from tightship.remote import prepared
from tightship.remote.program import script, source
from tightship.remote.ssh import Outcome, run_on

FOLDER = "/opt/tightship-probe"
RULES = "/etc/sudoers.d/tightship-probe"


@pytest.fixture
def server(deploy: Server) -> Iterator[Server]:
    yield deploy
    deploy.enter("rm", "-rf", FOLDER, RULES, "/srv/opt")


def place(server: Server) -> Outcome:
    return run_on(target(server), prepared.placing())


def placed(server: Server) -> prepared.Placed:
    outcome = place(server)
    assert (outcome.kind, outcome.why) == ("ok", "")
    return prepared.placed(outcome.stdout)


def gathered(server: Server, program: str = source("tightship_probe")) -> Outcome:
    return run_on(target(server, user="deploy"), program, sudo=True, installed=prepared.PATH)


def allow(server: Server, line: str) -> None:
    server.copy({RULES: line + "\n"}, mode=0o440)
    server.enter("visudo", "--check", "--strict", "--file", RULES)


def test_it_is_roots_alone_and_the_same_file_everywhere(server: Server) -> None:
    assert placed(server) == {"changed": True, "user": ""}
    owners = server.enter("stat", "--format", "%U:%G %a", FOLDER, prepared.PATH).stdout
    assert owners == "root:root 755\n" * 2
    assert server.enter("ls", "-A", FOLDER).stdout == "probe.py\n"
    assert server.enter("cat", prepared.PATH).stdout == script("tightship_probe").decode()


def test_a_second_time_changes_nothing_and_what_somebody_changed_is_put_right(server: Server) -> None:
    placed(server)
    assert placed(server) == {"changed": False, "user": ""}
    server.enter(
        "sh", "-c", f"chmod 777 {prepared.PATH}; echo >> {prepared.PATH}; touch {FOLDER}/.new-probe.py"
    )
    assert placed(server)["changed"]
    assert server.enter("stat", "--format", "%a", prepared.PATH).stdout == "755\n"
    assert server.enter("cat", prepared.PATH).stdout == script("tightship_probe").decode()


def test_with_the_one_line_of_sudoers_root_reads_and_nothing_else_is_allowed(server: Server) -> None:
    placed(server)
    allow(server, prepared.sudoers("deploy"))
    outcome = gathered(server)
    assert (outcome.kind, outcome.why) == ("ok", "")
    assert load(outcome.stdout).live.privileged
    for more in (f"{prepared.PATH} --root /tmp", "/usr/bin/python3 -I -S -", "id"):
        refused = server.run(f"runuser -u deploy -- sudo -n -- {more}", check=False)
        assert "a password is required" in refused.stderr


def test_nothing_of_the_callers_reaches_the_python_that_runs_as_root(server: Server) -> None:
    placed(server)
    allow(server, prepared.sudoers("deploy"))
    planted = "raise SystemExit('planted')\n"
    server.copy(
        {f"/home/deploy/{name}.py": planted for name in ("json", "os", "sitecustomize")}, user="deploy"
    )
    caller = f"cd /home/deploy; PYTHONPATH=/home/deploy PYTHONINSPECT=1 sudo -n -- {prepared.PATH}"
    report = server.run(f"runuser -u deploy -- sh -c '{caller}'").stdout
    assert load(report.encode()).live.privileged


def test_a_key_with_the_forced_command_gets_a_report_whatever_it_asks_for(server: Server) -> None:
    placed(server)
    folder = server.folder.parent
    key = (folder / "id.pub").read_text()
    server.copy({"/root/.ssh/authorized_keys": f"{prepared.authorized_key()} {key}"}, mode=0o600)
    try:
        outcome = run_on(target(server), "print('anything')", sudo=True, installed=prepared.PATH)
        command = ["ssh", "-F", str(folder / "ssh_config"), server.name, "touch /srv/anything; id"]
        asked = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    finally:
        server.copy({"/root/.ssh/authorized_keys": key}, mode=0o600)
    assert load(outcome.stdout).live.privileged
    assert load(asked.stdout).live.privileged
    assert server.run("ls /srv").stdout == ""


@pytest.mark.parametrize(
    "spoil",
    ["chmod go+w {}", "chown deploy {}", "mv {} {}.own; ln -s {}.own {}"],
    ids=["writable", "owned", "link"],
)
@pytest.mark.parametrize("place", ["/opt", FOLDER, prepared.PATH])
def test_what_others_may_have_written_is_never_run_as_root(server: Server, spoil: str, place: str) -> None:
    allow(server, "deploy ALL=(root) NOPASSWD: ALL")
    server.copy({prepared.PATH: "#!/bin/sh\necho planted\n"}, mode=0o755)
    server.enter("sh", "-c", spoil.replace("{}", place))
    try:
        outcome = gathered(server, "print('piped')")
    finally:
        server.enter(
            "sh", "-c", "[ ! -L /opt ] || { rm /opt; mv /opt.own /opt; }; chown root /opt; chmod 755 /opt"
        )
    assert (outcome.kind, outcome.stdout) == ("ok", b"piped\n")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        ("chmod g+w /opt", r"/opt can be written by others than root, .*: chown root /opt; chmod go-w /opt"),
        (f"mkdir {FOLDER}; chown deploy {FOLDER}", rf"{FOLDER} can be written by others than root"),
        (f"mkdir /srv/opt; ln -s /srv/opt {FOLDER}", rf"{FOLDER} is no folder \(a link, perhaps\)"),
    ],
)
def test_it_is_not_put_where_others_could_change_it(server: Server, spoil: str, why: str) -> None:
    server.enter("sh", "-c", spoil)
    try:
        outcome = place(server)
    finally:
        server.enter("chmod", "755", "/opt")
    assert outcome.kind == "failed"
    assert re.search(why, outcome.why)
    assert server.enter("test", "-e", prepared.PATH, check=False).returncode != 0


def test_who_is_not_root_is_told_so_and_who_came_by_sudo_is_named(server: Server) -> None:
    deploy = target(server, user="deploy")
    outcome = run_on(deploy, prepared.placing())
    assert outcome.why.endswith("log in as root, or say --sudo")
    allow(server, "deploy ALL=(root) NOPASSWD: ALL")
    outcome = run_on(deploy, prepared.placing(), sudo=True)
    assert prepared.placed(outcome.stdout) == {"changed": True, "user": "deploy"}


@pytest.mark.parametrize(
    "printed", ["", "[]", "{}", '{"changed": 1, "user": ""}', json.dumps({"changed": True, "user": "x ALL"})]
)
def test_what_a_server_says_of_it_is_not_believed(printed: str) -> None:
    with pytest.raises(ValueError):
        prepared.placed(printed.encode())
