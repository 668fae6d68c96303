"""Names of containers, from what their engines leave for everybody to read."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tightship_probe import containers
from tightship_probe.cgroups import Place
from tightship_probe.listeners import Held, Socket
from tightship_probe.proc import Proc
from tightship_probe.tree import Tree

ID = "bb3ade638ecc0ecbc86682cb64e79ec6c070584e8bfc04d12c4cbe9e1af8f22b"


def told(root: Path, watched: dict[str, set[int]]) -> dict[str, dict[str, Any]]:
    with Tree(str(root)) as tree:
        return dict(containers.told(tree, Proc(str(root / "proc")), watched))


def names(root: Path, watched: dict[str, set[int]]) -> dict[str, str]:
    return told(root, watched)["names"]


def ports(root: Path, watched: dict[str, set[int]]) -> list[tuple[str, int, int]]:
    return list(told(root, watched)["ports"].get(ID[:12], []))


def left(root: Path, path: str, said: object) -> None:
    """What an engine left for root to read."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(json.dumps(said))


def conmon(root: Path, pid: int, identity: str, name: str) -> None:
    place = root / f"proc/{pid}"
    place.mkdir(parents=True)
    (place / "cmdline").write_text(f"conmon\0-c\0{identity}\0-u\0{identity}\0-n\0{name}\0")


def test_docker_keeps_the_name_in_a_file(tmp_path: Path) -> None:
    place = tmp_path / "var/lib/docker/containers" / ID
    place.mkdir(parents=True)
    (place / "config.v2.json").write_text('{"Name": "/shop-web", "Image": "x"}')
    assert names(tmp_path, {ID[:12]: set(), "0" * 12: set()}) == {ID[:12]: "shop-web"}


def test_podmans_watcher_names_its_own_container(tmp_path: Path) -> None:
    conmon(tmp_path, 7, ID, "shop-web")
    assert names(tmp_path, {ID[:12]: {7}}) == {ID[:12]: "shop-web"}


def test_what_calls_itself_a_watcher_names_no_other_container(tmp_path: Path) -> None:
    conmon(tmp_path, 7, "f" * 64, "shop-web")
    assert names(tmp_path, {ID[:12]: {7}}) == {}


def test_a_name_that_no_engine_gives_is_none(tmp_path: Path) -> None:
    conmon(tmp_path, 7, ID, "../../etc shop")
    place = tmp_path / "var/lib/docker/containers" / ID
    place.mkdir(parents=True)
    (place / "config.v2.json").write_text('{"Name": {"a": 1}}')
    assert names(tmp_path, {ID[:12]: {7}}) == {}
    assert names(tmp_path, {ID[:12]: set()}) == {}


# Published ports


def of_docker(root: Path, ports: object) -> None:
    path = f"var/lib/docker/containers/{ID}/config.v2.json"
    left(root, path, {"Name": "/shop", "NetworkSettings": {"Ports": ports}})


def test_docker_writes_down_which_port_leads_into_a_container(tmp_path: Path) -> None:
    said = {
        "8000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "18080"}, {"HostIp": "::", "HostPort": "18080"}],
        "9000/tcp": None,
        "53/udp": [{"HostIp": "", "HostPort": "53"}],
        "9001/tcp": [{"HostIp": "", "HostPort": "49153"}],
    }
    of_docker(tmp_path, said)
    expected = [("0.0.0.0", 18080, 8000), ("0.0.0.0", 49153, 9001), ("::", 18080, 8000)]
    assert ports(tmp_path, {ID[:12]: set()}) == expected


def test_cni_writes_down_what_podman_asked_for(tmp_path: Path) -> None:
    mapped = [
        {"hostPort": 18080, "containerPort": 8000, "protocol": "tcp"},
        {"hostPort": 18081, "containerPort": 8001, "protocol": "tcp", "hostIP": "127.0.0.1"},
        {"hostPort": 53, "containerPort": 53, "protocol": "udp"},
    ]
    said = {"containerId": ID, "capabilityArgs": {"portMappings": mapped}}
    left(tmp_path, f"var/lib/cni/results/podman-{ID}-eth0", said)
    left(tmp_path, f"var/lib/cni/results/podman-{'f' * 64}-eth0", said)
    conmon(tmp_path, 7, ID, "shop")
    assert ports(tmp_path, {ID[:12]: {7}}) == [("0.0.0.0", 18080, 8000), ("127.0.0.1", 18081, 8001)]


def test_netavark_writes_down_the_same_in_its_own_words(tmp_path: Path) -> None:
    mapped = [
        {"container_port": 8000, "host_ip": "", "host_port": 18080, "protocol": "tcp", "range": 2},
        {"container_port": 53, "host_ip": "", "host_port": 53, "protocol": "udp", "range": 1},
    ]
    said = {"container_id": ID, "port_mappings": mapped, "network_name": "podman"}
    left(tmp_path, f"run/containers/networks/firewall/ports/{'ab' * 32}_{ID}", said)
    conmon(tmp_path, 7, ID, "shop")
    assert ports(tmp_path, {ID[:12]: {7}}) == [("0.0.0.0", 18080, 8000), ("0.0.0.0", 18081, 8001)]


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        {"8000/tcp": {"HostPort": 1}},
        {"8000/tcp": [[], {"HostPort": {}}, {"HostPort": "0"}, {"HostPort": "99999"}, {"HostPort": "1e3"}]},
        {"8000/tcp": [{"HostIp": "shop\n", "HostPort": "80"}, {"HostIp": [1], "HostPort": "80"}]},
        {"x/tcp": [{"HostIp": "", "HostPort": "80"}]},
    ],
)
def test_odd_ports_are_none(tmp_path: Path, said: object) -> None:
    of_docker(tmp_path, said)
    assert ports(tmp_path, {ID[:12]: set()}) == []


def test_a_range_of_ports_ends(tmp_path: Path) -> None:
    mapped = [{"container_port": 1, "host_ip": "", "host_port": 1, "protocol": "tcp", "range": 10**9}] * 3
    left(
        tmp_path,
        f"run/containers/networks/firewall/ports/x_{ID}",
        {"container_id": ID, "port_mappings": mapped},
    )
    conmon(tmp_path, 7, ID, "shop")
    assert len(ports(tmp_path, {ID[:12]: {7}})) == 1000


def tcp(address: str, port: int) -> Socket:
    return Socket("tcp", address, port, "", port)


def test_a_port_leads_to_what_listens_on_it_inside_for_others() -> None:
    mapped = [("0.0.0.0", 18080, 8000), ("127.0.0.1", 18081, 8001), ("::", 18082, 9000)]
    found = containers.published([tcp("0.0.0.0", 8000), tcp("127.0.0.1", 8001)], mapped)
    assert [(one["address"], one["port"], one["how"]) for one in found] == [("0.0.0.0", 18080, "published")]


def test_a_port_that_podman_keeps_and_nobody_explains_is_unread() -> None:
    place = Place(container=ID[:12])
    web = SimpleNamespace(
        first=SimpleNamespace(place=place, parent=7, pid=8), sockets=[(tcp("0.0.0.0", 8000), "namespace")]
    )
    watcher = SimpleNamespace(pid=7, parent=1, comm="conmon")
    held = [Held(tcp("0.0.0.0", 18080), [7], True), Held(tcp("0.0.0.0", 22), [3], True)]
    known = containers.Containers([web], {7: watcher, 8: web.first}, held)
    found, unread = known.published(web, {"names": {}, "ports": {}})
    assert found == []
    assert [one["what"] for one in unread] == ["port 18080"]
    found, unread = known.published(web, {"ports": {ID[:12]: [("0.0.0.0", 18080, 8000)]}})
    assert ([one["port"] for one in found], unread) == ([18080], [])
