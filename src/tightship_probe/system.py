"""The server itself: names, addresses, operating system, interpreters. Asks no name service."""

import os
import re
from _socket import AF_INET6, inet_ntop  # socket itself takes 4 ms to load

from tightship_probe import escape
from tightship_probe.patterns import Pattern
from tightship_probe.rights import loaded
from tightship_probe.tree import Unreadable

_PYTHON = Pattern(r"(?:python(3\.\d+t?|2\.\d)|pypy(3\.\d+))\Z")
_PATCHLEVEL = Pattern(rb'#define\s+PY_VERSION\s+"([\w.]+)')
MOST_FOLDERS = 200
"""Below /opt."""
_TEMPORARY = 0x01
"""IFA_F_TEMPORARY: an IPv6 address that the kernel changes by itself"""


def system(tree, proc):
    """The part `system` of the report, without `pythons`."""
    hostname = _proc_line(proc, "sys/kernel/hostname")
    return {
        "name": escape.name(hostname),
        "names": _names(tree, hostname),
        "addresses": sorted(set(_addresses_4(proc) + _addresses_6(proc))),
        "machine_id": escape.name(_text(tree, "/etc/machine-id").strip()),
        "os": _os_release(_text(tree, "/etc/os-release") or _text(tree, "/usr/lib/os-release")),
        "kernel": escape.name(_proc_line(proc, "sys/kernel/osrelease")),
        "boot": escape.name(boot_id(proc)),
        "pythons": [],
        "puppet_disabled": "",
        "paused": "",
    }


def boot_id(proc):
    return _proc_line(proc, "sys/kernel/random/boot_id")


def boot_time(proc):
    """Seconds since the epoch at which the server was started, by its clock; 0: not known."""
    match = re.search(r"^btime (\d+)$", _proc_text(proc, "stat"), re.M)
    return int(match.group(1)) if match else 0


def uptime(proc):
    """Seconds since the server was started."""
    try:
        return float(_proc_line(proc, "uptime").split()[0])
    except (ValueError, IndexError):
        return 0.0


def hides_processes(proc):
    """Whether /proc is mounted so that an ordinary user does not see other users' processes."""
    options = []
    for line in _proc_text(proc, "self/mounts").split("\n"):
        fields = line.split()
        if len(fields) > 3 and fields[1:3] == ["/proc", "proc"]:
            options = fields[3].split(",")  # of the last one: it covers those before it
    return any(option.startswith("hidepid=") and option[8:] not in ("0", "off") for option in options)


def users(tree):
    """{uid: name} of /etc/passwd. A name service might answer from the network, or not at all."""
    found = {}
    for line in _text(tree, "/etc/passwd", 4 * 1024 * 1024).split("\n"):
        fields = line.split(":")
        if len(fields) > 2 and fields[2].isdigit():
            found.setdefault(int(fields[2]), escape.name(fields[0]))
    return found


def pythons(tree):
    """Interpreters by their names; none is started to ask it. May hang: /opt may be anybody's."""
    found = {}
    of_opt = ["/opt/%s/bin" % name for name in _names_in(tree, "/opt")[:MOST_FOLDERS]]
    for folder in ["/usr/bin", "/usr/local/bin", *of_opt]:
        for name in _names_in(tree, folder):
            match = _PYTHON.match(name)
            if match:
                version = match.group(1) or match.group(2)
                found["%s/%s" % (folder, name)] = _exactly(tree, os.path.dirname(folder), name, version)
    return [{"path": escape.harmless(path), "version": found[path]} for path in sorted(found)]


def _exactly(tree, prefix, name, version):
    """X.Y.Z where the headers or Debian tell it, else X.Y."""
    try:
        header = tree.head("%s/include/%s/patchlevel.h" % (prefix, name), 4096)
    except Unreadable:
        return (prefix == "/usr" and loaded("tightship_probe.debianpython").version(tree, name)) or version
    match = _PATCHLEVEL.search(header)
    return match.group(1).decode("ascii") if match else version


def _names_in(tree, path):
    try:
        with tree.directory(path) as directory:
            return directory.names()
    except Unreadable:
        return []


def _text(tree, path, most=262144):
    try:
        return os.fsdecode(tree.read(path, most))
    except Unreadable:
        return ""


def _proc_text(proc, name):
    try:
        return proc.text(name, 4 * 1024 * 1024)
    except Unreadable:
        return ""


def _proc_line(proc, name):
    return _proc_text(proc, name).partition("\n")[0].strip()


def _names(tree, hostname):
    """Names that /etc/hostname and /etc/hosts give this server."""
    names = {hostname, _text(tree, "/etc/hostname").strip()}
    for line in _text(tree, "/etc/hosts").split("\n"):
        words = line.partition("#")[0].split()[1:]
        if hostname in words or any(word.startswith(hostname + ".") for word in words):
            names.update(word for word in words if not word.startswith(("localhost", "ip6-")))
    return sorted(escape.name(name) for name in names if name)


def _addresses_4(proc):
    """Local addresses in the kernel's routing trie, other than loopback."""
    lines = _proc_text(proc, "net/fib_trie").split("\n")
    found = [
        before.split()[-1]
        for before, line in zip(lines, lines[1:])
        if "/32 host LOCAL" in line and before.split()
    ]
    return [address for address in found if not address.startswith("127.")]


def _addresses_6(proc):
    """Global addresses; temporary ones change by themselves and are left out."""
    found = []
    for line in _proc_text(proc, "net/if_inet6").split("\n"):
        fields = line.split()
        if len(fields) == 6 and fields[3] == "00" and not int(fields[4], 16) & _TEMPORARY:
            found.append(inet_ntop(AF_INET6, bytes.fromhex(fields[0])))
    return found


def _os_release(text):
    said = {}
    for line in text.split("\n"):
        name, equals, value = line.partition("=")
        if equals:
            said[name.strip()] = value.strip().strip("\"'")
    return {
        "id": escape.name(said.get("ID", "")),
        "version": escape.name(said.get("VERSION_ID", "")),
        "name": escape.name(said.get("PRETTY_NAME", "")),
    }
