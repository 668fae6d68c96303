"""Every listening socket of the server, and which processes hold it.

Tables of /proc/PID/net are read once for each network namespace; a socket's holders are found by its
inode among the links of /proc/PID/fd. None of these reads can be made to hang. No socket is opened.
"""

import os
import sys
from _socket import AF_INET, AF_INET6, inet_ntop  # socket itself takes 4 ms to load
from typing import List, NamedTuple

from tightship_probe import escape
from tightship_probe.patterns import Pattern
from tightship_probe.tree import Unreadable

MOST_SOCKETS = 10000
"""In one table."""
MOST_UNIX = 16 * 1024 * 1024
"""Bytes of the table of unix sockets, which also holds those that do not listen."""
MOST_DESCRIPTORS = 65536
"""Of one process."""
LONGEST_PATH = 500

OF_MOD_WSGI = Pattern(r"\.(?P<parent>\d+)\.(?:\d+|u-?\d+)\.(?P<number>\d+)\.sock\Z")
"""How sockets of mod_wsgi's daemons end: PID.GENERATION.NUMBER.sock, or PID.uUSER.NUMBER.sock."""
_LISTENS = b"0A"
_ACCEPTS = 0x10000
"""__SO_ACCEPTCON among the flags of a unix socket"""


class Socket(NamedTuple):
    """One listening socket."""

    protocol: str
    address: str
    port: int
    path: str
    inode: int

    def listener(self, how):
        """As it stands in the report."""
        path = escape.harmless(self.path, LONGEST_PATH)
        return {
            "protocol": self.protocol,
            "address": self.address,
            "port": self.port,
            "path": path,
            "how": how,
        }


class Held(NamedTuple):
    """A listening socket with the processes that hold it."""

    socket: Socket
    pids: List[int]
    """in order of their number; empty: not ours to see"""
    ours: bool
    """in our own network namespace: its port is taken on the server itself"""


def listening(proc, processes):
    """`Held` sockets of the server, and what could not be read as {what, why}. `processes` by pid."""
    unread = []
    sockets = []
    for place, (pid, ours) in enumerate(_namespaces(proc, processes)):
        sockets += [(found, ours or not place) for found in _tables(proc, pid, unread)]
    holders = _holders(proc, processes, {found.inode for found, _ours in sockets}, unread)
    return [Held(found, holders.get(found.inode, []), ours) for found, ours in sockets], unread


def sorted_unique(found):
    """Listeners of the report, each once (several sockets may share one port), in order."""
    unique = {tuple(sorted(listener.items())): listener for listener in found}
    return sorted(
        unique.values(), key=lambda one: (one["protocol"], one["port"], one["address"], one["path"])
    )


def ephemeral_range(proc):
    """(first, last) of the ports that the kernel hands out by itself."""
    try:
        first, last = proc.read("sys/net/ipv4/ip_local_port_range", 100).split()
        return int(first), int(last)
    except (Unreadable, ValueError):
        return 32768, 60999


def passes_by(path):
    """Whether a unix socket is one that multiprocessing, or the kernel, names anew each time.

    Also gunicorn's (27 and later) that takes its commands: no request comes in by it; and those by which
    Apache hands requests to mod_wsgi's daemons, named by its pid.
    """
    name = path.rpartition("/")[2]
    return (
        name == "gunicorn.ctl"
        or "/pymp-" in path
        or name.startswith("listener-")
        or OF_MOD_WSGI.search(name) is not None
        or _is_named_by_kernel(path)
    )


def _is_named_by_kernel(path):
    return path.startswith("@") and len(path) == 6 and all(sign in "0123456789abcdef" for sign in path[1:])


def _namespaces(proc, processes):
    """(process, is it ours) of each network namespace, ours first. The others' may not be ours to see."""
    own = processes.get(os.getpid()) if proc.real else None
    found = {own.net: (own.pid, True)} if own else {}
    for pid in sorted(processes):
        net = processes[pid].net
        if net or not found:
            found.setdefault(net, (pid, False))
    return list(found.values())


# Tables


def _tables(proc, pid, unread):
    found = []
    for name, listed in (("tcp", _tcp), ("tcp6", _tcp), ("unix", _unix)):
        path = "%s/%d/net/%s" % (proc.path, pid, name)
        try:
            with open(path, "rb") as table:
                found.extend(listed(table))
        except FileNotFoundError:
            continue  # no IPv6 here, or the process ended
        except (OSError, ValueError, IndexError) as error:
            why = os.strerror(error.errno or 0).lower() if isinstance(error, OSError) else "not understood"
            unread.append({"what": "/proc/PID/net/" + name, "why": why})
    return found


def _tcp(table):
    """Listening sockets of net/tcp or net/tcp6. They stand before all others, of which there may be many."""
    found = []
    for line in table:
        fields = line.split(None, 10)
        if fields[0] == b"sl":
            continue
        if fields[3] != _LISTENS or len(found) >= MOST_SOCKETS:
            break
        address, _, port = fields[1].partition(b":")
        found.append(Socket("tcp", ip_address(address), int(port, 16), "", int(fields[9])))
    return found


def _unix(table):
    """Listening sockets of net/unix: those with a path. A leading @ means an abstract one."""
    found = {}
    for line in table.read(MOST_UNIX).split(b"\n")[1:]:
        fields = line.split(None, 7)
        if len(fields) == 8 and len(fields[3]) == 8 and int(fields[3], 16) & _ACCEPTS:
            inode = int(fields[6])
            # Whoever binds a path with a newline in it can write lines of his own: the first one counts.
            found.setdefault(inode, Socket("unix", "", 0, os.fsdecode(fields[7]), inode))
    return list(found.values())[:MOST_SOCKETS]


def ip_address(digits):
    """`0100007F` -> 127.0.0.1. The kernel prints words of 32 bits in the machine's byte order."""
    raw = bytes.fromhex(digits.decode("ascii"))
    if sys.byteorder == "little":
        raw = b"".join(raw[place : place + 4][::-1] for place in range(0, len(raw), 4))
    if len(raw) == 16 and raw.startswith(b"\0" * 10 + b"\xff\xff"):
        raw = raw[12:]  # an IPv4 address, bound through an IPv6 socket
    return inet_ntop(AF_INET if len(raw) == 4 else AF_INET6, raw)


# Holders


def _holders(proc, processes, wanted, unread):
    """inode -> pids of the processes that hold it."""
    links = {"socket:[%d]" % inode: inode for inode in wanted}
    found = {}
    for pid in sorted(processes):
        try:
            names = proc.names("%d/fd" % pid)
        except Unreadable:
            continue  # ended, or not ours to see: its sockets have no holder then
        if len(names) > MOST_DESCRIPTORS:
            unread.append({"what": "/proc/PID/fd", "why": "a process with more than %d" % MOST_DESCRIPTORS})
        folder = "%s/%d/fd/" % (proc.path, pid)
        for inode in {links.get(_link(folder + name)) for name in names[:MOST_DESCRIPTORS]}:
            if inode is not None:
                found.setdefault(inode, []).append(pid)
    return found


def _link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""
