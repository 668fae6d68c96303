"""A program on real servers over real ssh; and every way in which that goes wrong, for that server alone."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.servers_of_the_lab import target
from tightship.lab import Lab, Server
from tightship.remote.process import Ended
from tightship.remote.ssh import command, concluded, run_all, run_on
from tightship.remote.target import Target

SAYS = "import os, sys\nprint('here', os.getuid(), sys.argv[1:], sys.version_info[0])\n"


def ssh_processes() -> set[int]:
    done = subprocess.run(["pgrep", "-x", "ssh"], capture_output=True, text=True, check=False)
    return {int(pid) for pid in done.stdout.split()}


def test_a_program_runs_there_and_what_it_printed_comes_back(lab: Lab) -> None:
    outcome = run_on(target(lab["web1"]), SAYS, arguments=["--pretty"])
    assert (outcome.kind, outcome.why) == ("ok", "")
    assert outcome.stdout == b"here 0 ['--pretty'] 3\n"
    assert outcome.clock is not None
    assert abs(outcome.clock - time.time()) < 60


def test_many_are_asked_at_once_and_each_is_told_as_it_comes(lab: Lab) -> None:
    outcomes = list(run_all([target(server) for server in lab] * 4, SAYS, at_once=3))
    assert [one.kind for one in outcomes] == ["ok"] * 8
    assert {one.target.name for one in outcomes} == {"web1", "web2"}


def test_what_a_shell_says_by_itself_does_no_harm(deploy: Server) -> None:
    noise = "echo welcome to {}; echo mind the step >&2\n"
    for file in (".bashrc", ".profile", ".bash_logout"):
        deploy.copy({f"/home/deploy/{file}": noise.format(file)}, user="deploy")
    outcome = run_on(target(deploy, user="deploy"), SAYS)
    assert outcome.kind == "ok"
    assert outcome.stdout.startswith(b"here ")
    assert outcome.stdout.count(b"\n") == 1


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_the_login_shell_is_nobodys_business(deploy: Server, shell: str) -> None:
    deploy.enter("usermod", "--shell", shell, "deploy")
    assert run_on(target(deploy, user="deploy"), SAYS).kind == "ok"


def test_sudo_that_wants_a_password_is_a_refusal(deploy: Server) -> None:
    outcome = run_on(target(deploy, user="deploy"), SAYS, sudo=True)
    assert outcome.kind == "refused"
    assert outcome.why.startswith("sudo: a password is required")


def test_sudo_that_is_allowed_runs_it_as_root(deploy: Server) -> None:
    rule = {"/etc/sudoers.d/deploy": "deploy ALL=(root) NOPASSWD: ALL\n"}
    deploy.copy(rule, mode=0o440)
    try:
        outcome = run_on(target(deploy, user="deploy"), SAYS, sudo=True)
    finally:
        deploy.enter("rm", *rule)
    assert (outcome.kind, outcome.stdout) == ("ok", b"here 0 [] 3\n")


def test_a_server_without_python_says_so(lab: Lab) -> None:
    server = lab["web2"]
    hidden = "mkdir /root/hidden && mv /usr/bin/python3* /root/hidden/"
    server.enter("sh", "-c", hidden)
    try:
        outcome = run_on(target(server), SAYS)
        old = "cp /bin/false /usr/bin/python3.5; ln -s python3.5 /usr/bin/python3"
        server.enter("sh", "-c", old)
        too_old = run_on(target(server), SAYS)
    finally:
        server.enter("sh", "-c", "rm -f /usr/bin/python3*; mv /root/hidden/* /usr/bin/ && rmdir /root/hidden")
    assert outcome.kind == "no-python"
    assert outcome.why.startswith("there is no Python 3.6 or later in /usr/bin/python3")
    assert too_old.kind == "no-python"
    assert too_old.why.endswith("; /usr/bin/python3.5 is older")
    assert run_on(target(server), SAYS).kind == "ok"


def test_a_host_key_that_nobody_accepted_is_refused(web1: Server, tmp_path: Path) -> None:
    nobody = Target("web1", options=("-o", f"UserKnownHostsFile={tmp_path / 'none'}", *target(web1).options))
    outcome = run_on(nobody, SAYS)
    assert outcome.kind == "unknown-key"
    assert "accept it: ssh -o" in outcome.why
    assert not (tmp_path / "none").exists()


def test_a_host_key_that_changed_is_told_apart(lab: Lab, tmp_path: Path) -> None:
    known = (lab["web1"].folder.parent / "known_hosts").read_text().splitlines()
    (tmp_path / "known").write_text(f"{lab['web1'].address} {' '.join(known[1].split()[1:])}\n")
    wrong = Target(
        "web1", options=("-o", f"UserKnownHostsFile={tmp_path / 'known'}", *target(lab["web1"]).options)
    )
    outcome = run_on(wrong, SAYS)
    assert outcome.kind == "unknown-key"
    assert outcome.why.startswith("its host key is another than the one accepted")


def test_who_is_not_let_in_is_told(web1: Server) -> None:
    outcome = run_on(target(web1, user="nobody-known"), SAYS)
    assert outcome.kind == "refused"
    assert "Permission denied" in outcome.why


def test_a_name_that_leads_nowhere_and_a_port_where_nobody_listens(web1: Server) -> None:
    nowhere = run_on(Target("nosuch.invalid", options=target(web1).options), SAYS)
    assert (nowhere.kind, nowhere.why[:25]) == ("unreachable", "its name leads nowhere: s")
    closed = run_on(target(web1, port=9), SAYS)
    assert closed.kind == "unreachable"
    assert "refused" in closed.why


def test_a_server_cut_off_the_network_is_unreachable(lab: Lab) -> None:
    server = lab["web2"]
    options = ("-o", "ConnectTimeout=2", *target(server).options)
    with server.unplugged():
        asked = [Target("web2", options=options), target(lab["web1"])]
        outcomes = {one.target.name: one for one in run_all(asked, SAYS)}
    assert outcomes["web2"].kind == "unreachable"
    assert outcomes["web1"].kind == "ok"


@contextmanager
def listening(answer: bytes = b"") -> Iterator[int]:
    """Somebody on loopback who accepts, says a word or none, and then never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _address = server.accept()
                    connection.sendall(answer)
                    kept.append(connection)

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for connection in kept:
            connection.close()


def test_one_that_accepts_and_never_answers_is_left_after_its_time(tmp_path: Path) -> None:
    before = ssh_processes()
    with listening() as port:
        outcome = run_on(Target("mute", "127.0.0.1", port, options=("-F", "/dev/null")), SAYS, timeout=1.5)
    assert outcome.kind == "late"
    assert outcome.why == "no answer within 1.5 seconds; it did not get as far as running anything"
    assert ssh_processes() <= before


def test_a_program_that_does_not_end_is_left_with_its_ssh(web1: Server) -> None:
    before = ssh_processes()
    outcome = run_on(target(web1), "import time\nprint('begun', flush=True)\ntime.sleep(60)\n", timeout=3)
    assert (outcome.kind, outcome.why) == ("late", "no answer within 3 seconds")
    assert ssh_processes() <= before


def test_a_connection_that_dies_in_the_middle_is_no_short_answer(web1: Server) -> None:
    dies = "import os, signal\nprint('half', flush=True)\nos.system('pkill -KILL -f sshd:.root@notty')\n"
    outcome = run_on(target(web1), dies)
    assert outcome.kind == "interrupted"
    assert outcome.why.startswith("the connection ended in the middle")


def test_a_program_that_fails_says_why(web1: Server) -> None:
    outcome = run_on(target(web1), "import sys\nsys.exit('the disk is full')\n")
    assert (outcome.kind, outcome.why) == ("failed", "the program ended with 1: the disk is full")


def test_endless_output_is_cut(web1: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tightship.remote.ssh.MOST", 1 << 20)
    outcome = run_on(target(web1), "while True: print('x' * 9999)\n")
    assert (outcome.kind, outcome.why) == ("failed", "it printed more than 1 MB, and was ended")


def test_who_stops_asking_leaves_no_ssh_behind(lab: Lab) -> None:
    before = ssh_processes()
    outcomes = run_all(
        [target(server) for server in lab],
        "import time\ntime.sleep(0.5 * (open('/etc/hostname').read() != 'web1\\n') * 60)\n",
    )
    assert next(outcomes).target.name == "web1"
    outcomes.close()
    assert ssh_processes() <= before


def test_a_jump_host_of_the_users_config_is_gone_through(lab: Lab, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"Host inner\n  HostName {lab['web2'].address}\n  ProxyJump web1\n"
        + (lab["web1"].folder.parent / "ssh_config").read_text()
    )
    outcome = run_on(Target("inner", options=("-F", str(config))), "print(open('/etc/hostname').read())\n")
    assert (outcome.kind, outcome.stdout.strip()) == ("ok", b"web2"), outcome.why


def test_a_key_with_one_fixed_command_answers_without_marks() -> None:
    ended = Ended(0, b'{"schema": "x"}\n', b"")
    outcome = concluded(Target("web1"), ended, "abcd", 0.1, 9)
    assert (outcome.kind, outcome.stdout) == ("ok", b'{"schema": "x"}\n')


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("-oProxyCommand=touch /tmp/x", "begins with a dash"),
        ("web1 web2", "has a space"),
        ("web1\n", "has a space or a control character"),
        ("", "is empty"),
    ],
)
def test_what_ssh_would_misunderstand_is_no_server(name: str, why: str) -> None:
    for given in (
        {"name": name},
        {"name": "web1", "address": name or "-"},
        {"name": "web1", "user": name or "-"},
    ):
        with pytest.raises(ValueError, match="a server's"):
            Target(**given)
    with pytest.raises(ValueError, match=why):
        Target(name)


def test_arguments_are_plain_words() -> None:
    with pytest.raises(ValueError, match="plain word"):
        command(Target("web1"), "mark", ["$(reboot)"])
