"""Which process group gets the requests of a site."""

from __future__ import annotations

from typing import Any

import pytest

from tightship_probe import sites
from tightship_probe.cgroups import Place
from tightship_probe.processes import Process


def listening(key: str, address: str, port: int, how: str = "process") -> dict[str, object]:
    return {
        "key": key,
        "listeners": [{"protocol": "tcp", "address": address, "port": port, "path": "", "how": how}],
    }


TOLD = [
    listening("plain", "127.0.0.1", 8001),
    listening("everywhere", "0.0.0.0", 8002),
    listening("in a container", "0.0.0.0", 8000, "namespace"),
    listening("handed on", "0.0.0.0", 18080, "published"),
    listening("handed on here", "127.0.0.1", 18081, "published"),
    {
        "key": "socket",
        "listeners": [{"protocol": "unix", "path": "/run/shop.sock", "port": 0, "how": "systemd"}],
    },
]


@pytest.mark.parametrize(
    ("to", "key"),
    [
        ("127.0.0.1:8001", "plain"),
        ("localhost:8001", "plain"),
        ("10.0.0.1:8001", ""),
        ("10.0.0.1:8002", "everywhere"),
        ("/run/shop.sock", "socket"),
        # What listens in a network of its own is not found at this server's addresses, but at its own.
        ("127.0.0.1:8000", ""),
        ("localhost:8000", ""),
        ("172.17.0.2:8000", "in a container"),
        ("127.0.0.1:18080", "handed on"),
        ("localhost:18081", "handed on here"),
        ("shop.example.com:8002", ""),
    ],
)
def test_a_site_leads_to_the_group_that_listens_there(to: str, key: str) -> None:
    site = {"names": ["shop"], "ports": [80], "to": to, "server": "nginx", "where": "/etc/nginx/nginx.conf"}
    [found] = sites.with_groups([site], TOLD)
    assert found["group"] == key


def of_apache(pid: int, to: str = "wsgi:shop") -> dict[str, object]:
    where = "/etc/apache2/apache2.conf"
    return {"names": ["shop"], "ports": [80], "to": to, "server": "apache", "where": where, "pid": pid}


def daemons(key: str, pid: int) -> dict[str, object]:
    return {"key": key, "listeners": [], "wsgi": [(pid, "wsgi:shop")]}


def test_a_site_leads_to_the_daemons_of_its_own_apache() -> None:
    told = [daemons("a container's", 900), daemons("the server's", 100)]
    found = sites.with_groups([of_apache(100), of_apache(900), of_apache(200)], told)
    assert [site["group"] for site in found] == ["", "a container's", "the server's"]
    assert all("pid" not in site for site in found)


def test_sites_that_several_web_servers_have_are_told_once() -> None:
    found = sites.with_groups([of_apache(100, "127.0.0.1:8001"), of_apache(200, "127.0.0.1:8001")], TOLD)
    assert [site["group"] for site in found] == ["plain"]


def server(pid: int, comm: str = "apache2", uid: int = 0, parent: int = 1, **more: Any) -> Process:
    exe = "/usr/sbin/" + comm
    return Process(pid, parent, comm, "S", False, 1, 0, "", uid, uid, exe, True, "net")._replace(**more)


def masters(*some: Process) -> list[int]:
    return [one.pid for one in sites.masters({one.pid: one for one in some})]


def test_web_servers_are_told_by_their_first_processes_roots_before_others() -> None:
    assert masters(server(90, uid=1000), server(100), server(101, parent=100), server(102, "nginx")) == [
        100,
        102,
        90,
    ]


def test_a_program_that_calls_itself_apache_is_none() -> None:
    assert masters(server(100, "httpd", exe="/usr/bin/busybox"), server(101, exe="/usr/bin/python3.11")) == []
    assert masters(server(100, exe="/usr/sbin/apache2 (deleted)")) == [100]
    assert masters(server(100, exe="", seen=False)) == [100]


def test_an_ordinary_users_apache_has_not_the_systems_configuration() -> None:
    assert sites.is_of_system(server(100))
    assert not sites.is_of_system(server(100, uid=1000))
    assert sites.is_of_system(server(100, uid=1000, place=Place(container="shop")))
