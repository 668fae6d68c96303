"""A bridge for each lab, a network namespace for each server, and a way out through this machine."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

from tightship.lab.failing import LabError, attempt, do, does

Network = ipaddress.IPv4Network

RANGE = Network("10.213.0.0/16")
"""Each lab has a /24 of it, if nobody else on this machine has: 10.213.7.0/24 is lab 7's."""

LABS = range(1, 255)
SERVERS = range(11, 255)
_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
_WATCHERS = Path("/proc/sys/fs/inotify/max_user_instances")
_ENOUGH_WATCHERS = 8192


def network(number: int) -> Network:
    """Of lab `number`."""
    return list(RANGE.subnets(new_prefix=24))[number]


def bridge(number: int) -> str:
    return f"tightship-{number}"


def gateway(number: int) -> str:
    return str(network(number)[1])


def address(number: int, position: int) -> str:
    """Of the server that is the `position`th of its lab, from 0."""
    return str(network(number)[SERVERS[position]])


def claim() -> int:
    """A lab's number, and its bridge: what exists can't be made a second time, so nobody else has it."""
    routes = [Network(route["dst"]) for route in _routes() if route["dst"] != "default"]
    for number in LABS:
        if any(network(number).overlaps(route) for route in routes):
            continue
        made = attempt(["ip", "link", "add", bridge(number), "mtu", str(_mtu()), "type", "bridge"])
        if made.returncode == 0:
            return number
        if "File exists" not in made.stderr:
            raise LabError(f"a bridge can't be made here: {made.stderr.strip()}")
    raise LabError("all the lab's networks are taken: python -m tightship.lab down")


def connect(number: int) -> None:
    """Give the bridge its address, and the lab's servers a way out (apt and pip in them use it)."""
    here, name = network(number), bridge(number)
    do("ip", "address", "add", f"{gateway(number)}/{here.prefixlen}", "dev", name)
    do("ip", "link", "set", name, "up")
    rules = (
        f"table ip {name} {{ chain out {{ type nat hook postrouting priority 100; "
        f"ip saddr {here} ip daddr != {here} masquerade; }}; }}"
    )
    do("nft", "-f", "-", stdin=rules)


def disconnect(number: int) -> None:
    does("nft", "delete", "table", "ip", bridge(number))
    does("ip", "link", "delete", bridge(number))


def join(number: int, position: int, namespace: Path) -> None:
    """Make the network namespace of a server, held by the file `namespace`, with `eth0` on the bridge."""
    outside, mtu = link(number, position), str(_mtu())
    namespace.touch()
    do("unshare", f"--net={namespace}", "true")
    peer = ("peer", "name", "eth0", "mtu", mtu, "netns", namespace)
    do("ip", "link", "add", outside, "mtu", mtu, "type", "veth", *peer)
    do("ip", "link", "set", outside, "master", bridge(number), "up")
    inside = ("nsenter", f"--net={namespace}", "ip")
    prefix = network(number).prefixlen
    do(*inside, "link", "set", "lo", "up")
    do(*inside, "address", "add", f"{address(number, position)}/{prefix}", "dev", "eth0")
    do(*inside, "link", "set", "eth0", "up")
    do(*inside, "route", "add", "default", "via", gateway(number))


def part(number: int, position: int, namespace: Path) -> None:
    does("ip", "link", "delete", link(number, position))
    if namespace.exists():
        does("umount", namespace)
        namespace.unlink()


def link(number: int, position: int) -> str:
    """The name of a server's link on this side; the kernel allows fifteen characters."""
    return f"ts{number}-{position}"


def open_up() -> dict[str, str]:
    """Let packets through this machine, and let many systemds watch files. What was so before."""
    before = {str(path): path.read_text().strip() for path in (_FORWARD, _WATCHERS)}
    _FORWARD.write_text("1")
    if int(before[str(_WATCHERS)]) < _ENOUGH_WATCHERS:
        _WATCHERS.write_text(str(_ENOUGH_WATCHERS))
    return before


def restore(before: dict[str, str]) -> None:
    """As it was before `open_up`."""
    for path, value in before.items():
        Path(path).write_text(value)


def _routes() -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(
        do("ip", "-json", "-4", "route", "show", "table", "main") or "[]"
    )
    return found


def _mtu() -> int:
    """That of the way out: larger packets would get lost behind it."""
    ways = [route["dev"] for route in _routes() if route["dst"] == "default" and "dev" in route]
    sizes = [int(Path(f"/sys/class/net/{way}/mtu").read_text()) for way in ways]
    return min([1500, *sizes])
