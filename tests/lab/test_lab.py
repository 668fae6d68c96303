"""Servers boot, are real, reach each other, and leave nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import parts
from tests.servers_of_the_lab import BESIDE, need_lab
from tightship.lab import Lab, LabError, Server, labs, sweep, up

AS_NOBODY = """\
import os, sys
from tightship.lab.__main__ import main
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
sys.argv = ["lab", "up", "1"]
main()
"""

OWNER = """\
import sys
import time
from tightship.lab import up
lab = up(["web1"], more=sys.argv[1:])
print(lab.number, lab["web1"].pid, flush=True)
sys.stdin.read()
"""


def everything(number: int) -> dict[str, list[str]]:
    """What there is on this machine of the lab with this number."""
    lab = re.compile(rf"tightship-{number}\b|tightship-lab/{number}\b|lab/servers/{number}\b|\bts{number}-")
    commands = {
        "links": ["ip", "-oneline", "link"],
        "addresses": ["ip", "-oneline", "address"],
        "rules": ["nft", "list", "tables"],
        "network namespaces": ["lsns", "--type", "net", "--output", "NSFS,COMMAND", "--noheadings"],
        "processes": ["ps", "-ww", "-eo", "args", "--no-headers"],
        "mounts": ["cat", "/proc/self/mountinfo"],
    }
    found = {
        what: [line for line in _lines(command) if lab.search(line)] for what, command in commands.items()
    }
    places = ("/sys/fs/cgroup", "/run", "/var/cache/tightship/lab/servers")
    folders = [folder for place in places for folder in _lines(["find", place, "-xdev", "-type", "d"])]
    groups = _lines(["find", "/sys/fs/cgroup", "-type", "d"])
    found["folders"] = sorted({folder for folder in folders + groups if lab.search(folder)})
    return {what: lines for what, lines in found.items() if lines}


def _lines(command: list[str]) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


def own_cgroups() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cgroup"):
        try:
            yield path.read_text()
        except OSError:
            continue


def test_systemd_is_the_first_process_and_is_content(web1: Server) -> None:
    assert web1.run("systemctl is-system-running --wait").stdout == "running\n"
    assert web1.run("cat /proc/1/comm").stdout == "systemd\n"
    assert os.readlink(f"/proc/{web1.pid}/exe").endswith("/systemd")


def test_a_session_over_ssh_is_one_for_systemd(web1: Server) -> None:
    assert re.search(r"session-\d+\.scope", web1.run("cat /proc/self/cgroup").stdout)


def test_ssh_refuses_another_servers_key(lab: Lab) -> None:
    config = f"-F {lab.folder}/ssh_config -o HostKeyAlias={lab['web2'].address} {lab['web1'].name} true"
    done = subprocess.run(["ssh", *config.split()], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "Host key verification failed" in done.stderr


def test_each_has_its_name_and_the_servers_reach_each_other(lab: Lab) -> None:
    assert [server.run("hostname").stdout.strip() for server in lab] == ["web1", "web2"]
    greeting = "import socket; print(socket.create_connection(('web2', 22), 5).recv(4))"
    assert lab["web1"].run(f'python3 -c "{greeting}"').stdout == "b'SSH-'\n"
    identities = {server.run("cat /etc/machine-id").stdout for server in lab}
    assert len(identities) == 2


def test_files_come_in_with_their_owner_and_mode(web1: Server, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/app.py").write_text("print('shop')\n")
    web1.copy({"/srv/tried/run": "#!/bin/sh\nid -un\n"}, user="nobody", mode=0o755)
    web1.copy({"/srv/tried/shop": tmp_path / "shop"})
    assert web1.run("stat -c '%U %a' /srv/tried/run; /srv/tried/run").stdout == "nobody 755\nroot\n"
    assert web1.run("python3 /srv/tried/shop/app.py").stdout == "shop\n"
    assert (web1.root / "srv/tried/shop/app.py").read_text() == "print('shop')\n"
    web1.enter("rm", "-r", "/srv/tried")


def test_a_command_that_fails_is_told_with_what_it_said(web1: Server) -> None:
    with pytest.raises(LabError, match=r"web1: ls /nowhere: ended with 2: .*No such file"):
        web1.run("ls /nowhere")
    assert web1.enter("false", check=False).returncode == 1


def test_what_is_kept_is_roots_alone(lab: Lab) -> None:
    for place in (lab.folder.parent, lab.disk.parent, lab.disk.parent.parent / "roots"):
        assert place.stat().st_mode & 0o077 == 0


def test_nothing_is_left_after_down() -> None:
    need_lab()
    with up(["web1", "web2"], more=BESIDE) as lab:
        web1 = lab["web1"]
        web1.run("mkdir /run/held; mount -t tmpfs held /run/held; setsid sleep 1000 >/dev/null 2>&1 &")
        pid, there = web1.pid, everything(lab.number)
    assert {"links", "addresses", "rules", "mounts", "processes", "folders"} <= set(there)
    assert everything(lab.number) == {}
    assert not Path(f"/proc/{pid}").exists()
    assert not any(f"tightship-lab/{lab.number}/" in group for group in own_cgroups())


def test_a_lab_whose_owner_was_killed_is_swept() -> None:
    need_lab()
    command = [sys.executable, "-c", OWNER, *BESIDE]
    owner = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    number, pid = map(int, owner.stdout.readline().split())
    assert number not in sweep()  # while the owner lives
    owner.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, owner.pid, os.WEXITED | os.WNOWAIT)  # dead, but not buried
    assert Path(f"/proc/{pid}/exe").exists()  # its server lives on
    sweep()
    owner.communicate()
    assert everything(number) == {}


LAB = [sys.executable, "-m", "tightship.lab"]


def by_hand(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*LAB, *words], capture_output=True, text=True, check=False)


def test_what_is_booted_by_hand_stays_until_it_is_taken_down() -> None:
    need_lab()
    booted = by_hand("up", "2")
    assert booted.returncode == 0, booted.stderr
    number = re.findall(r"Lab (\d+): 2 servers", booted.stdout)[0]
    try:
        (login,) = re.findall(r"^log in +(ssh .*)$", booted.stdout, re.MULTILINE)
        there = subprocess.run([*login.split(), "hostname"], capture_output=True, text=True, check=False)
        assert there.stdout == "web1\n"
        sweep()
        assert everything(int(number))
    finally:
        ended = by_hand("down", number)
    assert f"lab {number}" in ended.stdout
    assert everything(int(number)) == {}


def folders() -> set[Path]:
    return set(Path("/run/tightship-lab").glob("[0-9]*"))


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_one_that_is_ended_while_it_boots_leaves_nothing(sign: signal.Signals) -> None:
    need_lab()
    before = folders()
    booting = subprocess.Popen([*LAB, "up", "3"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while booting.poll() is None and not (new := folders() - before):
        time.sleep(0.01)
    booting.send_signal(sign)
    _out, err = booting.communicate()
    assert b"Traceback" not in err
    sweep()  # after SIGKILL it is the next one who clears up
    assert not new & folders()
    for folder in new:
        assert everything(int(folder.name)) == {}


def test_its_ssh_configuration_is_of_its_servers_only(lab: Lab, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(f"Include {lab.ssh_config}\nHost *\n  User me\n")
    told = {
        name: subprocess.run(
            ["ssh", "-F", config, "-G", name], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        for name in ("web1", "db.example.com")
    }
    assert f"hostname {lab['web1'].address}" in told["web1"]
    assert "user root" in told["web1"]
    assert f"identityfile {lab.folder}/id" in told["web1"]
    assert "user me" in told["db.example.com"]
    assert not any(str(lab.folder) in line for line in told["db.example.com"])


@pytest.mark.soak
def test_apt_works_inside(web1: Server) -> None:
    web1.run("apt-get -qq update && apt-get -qq -y install hello </dev/null", timeout=300)
    assert web1.run("hello").stdout == "Hello, world!\n"
    web1.run("apt-get -qq -y purge hello")


def test_a_server_that_restarts_comes_back_with_its_files() -> None:
    need_lab()
    with up(["web1"], more=BESIDE) as lab:
        web1 = lab["web1"]
        first = web1.pid
        web1.run("echo kept > /srv/kept; systemctl reboot", check=False)
        while Path(f"/proc/{first}").exists():
            time.sleep(0.05)
        web1.wait()
        assert web1.pid != first
        assert web1.run("cat /srv/kept").stdout == "kept\n"


def test_an_ordinary_user_is_told_what_is_missing() -> None:
    parts.need_root()
    done = subprocess.run([sys.executable, "-c", AS_NOBODY], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "tightship: The lab needs root: it mounts, and makes network namespaces and cgroups.\n"
    )


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    parts.need_root()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(labs, "PROGRAMS", {"nft": "nftables", "ip": "iproute2"})
    assert labs.why_not() == "The lab needs Debian's iproute2, nftables: apt-get install iproute2 nftables"
