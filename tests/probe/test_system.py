"""What is told of the server itself: this one, held against what it says, and small ones of files."""

from __future__ import annotations

import os
import platform
import socket
from pathlib import Path

import pytest

from tightship_probe import system
from tightship_probe.proc import Proc
from tightship_probe.tree import Tree


def told(root: Path | str = "/") -> dict:
    with Tree(str(root)) as tree:
        return system.system(tree, Proc(os.path.join(root, "proc")))


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """A folder that stands for a server, with nothing in it."""
    for name in ("etc", "proc/net", "proc/sys/kernel", "proc/self", "usr/bin", "opt"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "proc/sys/kernel/hostname").write_text("web1\n")
    return tmp_path


def test_this_server_is_told_as_it_calls_itself() -> None:
    found = told()
    assert (found["name"], found["kernel"]) == (socket.gethostname(), platform.release())
    assert found["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert found["os"]["id"] == platform.freedesktop_os_release()["ID"]


def test_addresses_are_those_from_which_we_can_be_reached() -> None:
    for address in told()["addresses"]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family) as own:
            own.bind((address, 0))  # fails for one that is not ours
        assert not address.startswith(("127.", "fe80:"))


def test_users_are_those_of_the_file_and_no_name_service_is_asked(server: Path) -> None:
    (server / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nshop:x:1000:1000\nodd\n:x:\nroot2:x:0:0\n")
    with Tree(str(server)) as tree:
        assert system.users(tree) == {0: "root", 1000: "shop"}


def test_names_stand_in_its_files(server: Path) -> None:
    (server / "etc/hostname").write_text("web1.example.com\n")
    hosts = "127.0.0.1 localhost\n127.0.1.1 web1.example.com web1 localhost4 # web1.other\n10.0.0.2 web2 db\n"
    (server / "etc/hosts").write_text(hosts)
    assert told(server)["names"] == ["web1", "web1.example.com"]


def test_addresses_are_global_and_lasting(server: Path) -> None:
    (server / "proc/net/fib_trie").write_text(
        "Local:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.0.0.0\n        /24 link UNICAST\n     |-- 10.0.0.5\n"
        "        /32 host LOCAL\n     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 10.0.0.255\n"
        "        /32 link BROADCAST\n"
    )
    (server / "proc/net/if_inet6").write_text(
        "20010db8000000000000000000000005 02 40 00 80 eth0\n"
        "20010db800000000abcdef0123456789 02 40 00 01 eth0\n"
        "fe80000000000000000000000000000a 02 40 20 80 eth0\n"
        "00000000000000000000000000000001 01 80 10 80 lo\n"
    )
    assert told(server)["addresses"] == ["10.0.0.5", "2001:db8::5"]


def test_the_operating_system_is_told_by_its_file(server: Path) -> None:
    (server / "etc/os-release").write_text(
        'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12 (bookworm)"\n# x\n'
    )
    assert told(server)["os"] == {"id": "debian", "version": "12", "name": "Debian 12 (bookworm)"}


def test_a_server_that_tells_nothing_is_told_all_the_same(tmp_path: Path) -> None:
    found = told(tmp_path)
    assert (found["name"], found["addresses"], found["machine_id"]) == ("", [], "")
    assert system.boot_time(Proc(str(tmp_path / "proc"))) == 0


def test_interpreters_are_known_by_name_and_headers_and_are_not_started(server: Path) -> None:
    trap = f"#!/bin/sh\ntouch {server}/sprung\n"
    for name in (
        "usr/bin/python3.11",
        "usr/bin/python3",
        "usr/bin/python3.11-config",
        "opt/py/bin/python3.13",
    ):
        path = server / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(trap)
        path.chmod(0o755)
    (server / "opt/py/include/python3.13").mkdir(parents=True)
    (server / "opt/py/include/python3.13/patchlevel.h").write_text('#define PY_VERSION      "3.13.1"\n')
    with Tree(str(server)) as tree:
        assert system.pythons(tree) == [
            {"path": "/opt/py/bin/python3.13", "version": "3.13.1"},
            {"path": "/usr/bin/python3.11", "version": "3.11"},
        ]
    assert not (server / "sprung").exists()


@pytest.mark.parametrize(
    ("options", "hides"),
    [
        ("rw,nosuid", False),
        ("rw,hidepid=2", True),
        ("rw,hidepid=invisible,gid=4", True),
        ("rw,hidepid=0", False),
        ("rw,hidepid=off", False),
    ],
)
def test_a_proc_that_hides_processes_is_noticed(server: Path, options: str, hides: bool) -> None:
    (server / "proc/self/mounts").write_text(f"/dev/sda / ext4 rw 0 0\nproc /proc proc {options} 0 0\n")
    assert system.hides_processes(Proc(str(server / "proc"))) is hides
