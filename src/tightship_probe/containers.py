"""What container engines leave for root to read: names of containers, and ports that are handed on to them.

A control group tells an id, which lasts no longer than the container. Docker writes name and ports into a
file of its own; podman the name into the command line of the process that watches the container, and the
ports into what its network keeps: CNI, or netavark. No engine is asked, nor the firewall.
"""

import json
import os
import re

from tightship_probe import processes
from tightship_probe.cgroups import SHORT_ID
from tightship_probe.patterns import Pattern
from tightship_probe.tree import Tree, Unreadable

_DOCKER = "/var/lib/docker/containers"
_CNI = "/var/lib/cni/results"
_NETAVARK = "/run/containers/networks/firewall/ports"
_NAME = Pattern(r"/?([A-Za-z0-9][\w.-]{0,199})\Z")
_ADDRESS = Pattern(r"[0-9a-f.:]{2,45}\Z")
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - told, not bound
_MOST = 4 * 1024 * 1024
_MOST_PORTS = 1000
"""Of one container."""


def told(tree, proc, watched):
    """{"names": {short id: name}, "ports": {short id: [[address, port, port inside]]}}.

    `watched`: short id -> pids of what is called conmon above its processes.
    """
    names, ports = {}, {}
    for one, said in _of_docker(tree, [one for one in watched if not watched[one]]):
        name = _NAME.match(str(said.get("Name")))
        if name:
            names[one] = name.group(1)
        ports[one] = _sorted(_ports_of_docker(said))
    of_podman = [one for one in sorted(watched) if watched[one]]
    for one in of_podman:
        pid = min(watched[one])
        names.update({known: name for known, name in _of_conmon(proc, pid).items() if known == one})
    for folder, ports_of in ((_CNI, _ports_of_cni), (_NETAVARK, _ports_of_netavark)):
        for one, said in _of_network(tree, folder, of_podman):
            ports[one] = _sorted(ports.get(one, []) + ports_of(said))
    return {"names": names, "ports": ports}


def _of_conmon(proc, pid):
    """`conmon -c ID ... -n NAME`. Only what started a container may say what it is called."""
    try:
        words = os.fsdecode(proc.read("%d/cmdline" % pid, 65536)).split("\0")
    except Unreadable:
        return {}
    said = dict(zip(words, words[1:]))
    name = _NAME.match(said.get("-n", ""))
    return {said["-c"][:SHORT_ID]: name.group(1)} if name and "-c" in said else {}


def _of_docker(tree, wanted):
    """(short id, what Docker wrote down) of those that are wanted."""
    for folder in _names_in(tree, _DOCKER) if wanted else ():
        if folder[:SHORT_ID] in wanted:
            said = _json(tree, "%s/%s/config.v2.json" % (_DOCKER, folder))
            if said is not None:
                yield folder[:SHORT_ID], said


def _of_network(tree, folder, wanted):
    """The same of what podman's networks wrote: CNI as NETWORK-ID-INTERFACE, netavark as NETWORK_ID."""
    for name in _names_in(tree, folder) if wanted else ():
        for part in re.split("[-_]", name):
            if len(part) == 64 and part[:SHORT_ID] in wanted:
                said = _json(tree, "%s/%s" % (folder, name))
                if said is not None and part in (said.get("containerId"), said.get("container_id")):
                    yield part[:SHORT_ID], said


def _names_in(tree, folder):
    try:
        with tree.directory(folder) as directory:
            return directory.names()
    except Unreadable:
        return []


def _json(tree, path):
    try:
        said = json.loads(tree.read(path, _MOST).decode("utf-8"))
    except (Unreadable, ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


# Ports


def _ports_of_docker(said):
    """`{"8000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "18080"}]}`"""
    found = []
    for inside, places in _items(_member(said, "NetworkSettings", "Ports")):
        port, _slash, protocol = inside.partition("/")
        for place in places if isinstance(places, list) else ():
            if isinstance(place, dict) and protocol == "tcp":
                found += _port(place.get("HostIp"), place.get("HostPort"), port)
    return found


def _ports_of_cni(said):
    """`[{"hostPort": 18080, "containerPort": 8000, "protocol": "tcp", "hostIP": "127.0.0.1"}]`"""
    found = []
    for one in _dicts(_member(said, "capabilityArgs", "portMappings")):
        if str(one.get("protocol") or "tcp").lower() == "tcp":
            found += _port(one.get("hostIP"), one.get("hostPort"), one.get("containerPort"))
    return found


def _ports_of_netavark(said):
    """The same in other words; `range`: so many ports, one behind the other."""
    found = []
    for one in _dicts(said.get("port_mappings")):
        many = one.get("range") if isinstance(one.get("range"), int) else 1
        host, inside = one.get("host_port"), one.get("container_port")
        if "tcp" not in str(one.get("protocol") or "tcp").split(","):
            continue
        for number in range(min(max(many, 1), _MOST_PORTS)):
            if isinstance(host, int) and isinstance(inside, int):
                found += _port(one.get("host_ip"), host + number, inside + number)
    return found


def _port(address, port, inside):
    """[[address, port of the server, port inside]], or nothing where they are none."""
    address = address or _EVERYWHERE
    if not isinstance(address, str) or not _ADDRESS.match(address):
        return []
    numbers = [int(one) if re.match(r"[0-9]{1,5}\Z", str(one)) else 0 for one in (port, inside)]
    return [[address, *numbers]] if all(0 < number < 65536 for number in numbers) else []


def _sorted(found):
    return sorted({tuple(one) for one in found})[:_MOST_PORTS]


def _member(said, *names):
    for name in names:
        said = said.get(name) if isinstance(said, dict) else None
    return said


def _items(value):
    return sorted(value.items()) if isinstance(value, dict) else []


def _dicts(value):
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


# Whose they are


class Containers(object):
    """The containers of a server, as far as some process group is in them."""

    def __init__(self, groups, all_processes, held):
        self._watched = {}
        for group in groups:
            inside = group.first.place.container
            if inside:
                above = processes.ancestors(group.first, all_processes)
                pids = [process.pid for process in above if process.comm == "conmon"]
                self._watched.setdefault(inside, set()).update(pids)
        self._held = [one for one in held if one.ours and one.socket.protocol == "tcp"]

    def read(self, root, proc):
        with Tree(root) as tree:
            return told(tree, proc, self._watched)

    def name(self, inside, said):
        """`said`: what `read` gave, None where it could not."""
        return (said or {}).get("names", {}).get(inside, inside)

    def published(self, group, said):
        """([listener of the server that leads to a group], unread)."""
        inside = group.first.place.container
        ports = (said or {}).get("ports", {}).get(inside, [])
        found = published([socket for socket, _how in group.sockets], ports)
        known = {port for _address, port, _inside in ports}
        kept = {
            one.socket.port for one in self._held if self._watched.get(inside, set()).intersection(one.pids)
        }
        why = "podman keeps it for the container, and where in there it leads could not be read"
        return found, [{"what": "port %d" % port, "why": why} for port in sorted(kept - known)]


def published(sockets, ports):
    """Listeners of the server that lead to `sockets`, which listen in a container."""
    within = {one.port for one in sockets if one.protocol == "tcp" and not _is_loopback(one.address)}
    return [
        {"protocol": "tcp", "address": address, "port": port, "path": "", "how": "published"}
        for address, port, inside in ports
        if inside in within
    ]


def _is_loopback(address):
    return address == "::1" or address.startswith("127.")
