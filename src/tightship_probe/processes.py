"""Which processes there are. Reads of /proc only what no process can make hang.

`cmdline`, `environ`, `maps` and `mem` are not read here: they wait for the process' memory, which the
process can hold. `looking` reads them, in a child.
"""

import contextlib
import os
from typing import NamedTuple

from tightship_probe import children
from tightship_probe.cgroups import Place, place_of
from tightship_probe.patterns import Pattern
from tightship_probe.tree import Missing, Unreadable

PYTHON = Pattern(r"(?:python|pypy)[\d.]*[a-z]{0,2}\Z")
_EMBEDDING = ("uwsgi", "uwsgi-core", "pyuwsgi")
_APACHE = ("apache2", "httpd")
_OF_SYSTEM = ("/usr/bin/", "/usr/sbin/", "/usr/lib", "/bin/", "/sbin/", "/lib")
_KERNEL_THREAD = 0x00200000
DELETED = " (deleted)"
_PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


class Process(NamedTuple):
    """One process. What stands behind `net` is only read of those that may run Python."""

    pid: int
    parent: int
    comm: str
    state: str
    terminal: bool
    ticks: int
    """field 22 of stat: when it started, since the boot"""
    memory: int
    """resident bytes"""
    image: str
    """where program and stack lie: the same in a process and what it forked without exec; empty: unknown"""
    uid: int
    """effective: whose things it may read"""
    real_uid: int
    exe: str
    """empty: not ours to see"""
    seen: bool
    """whether exe, cwd and environ are ours to see"""
    net: str
    """network namespace; empty: not ours to see"""
    place: Place = Place()
    root: str = "/"
    """its root directory, as we see it"""
    cwd: str = ""
    """as it sees it; empty: not ours to see"""
    mount: str = ""
    """mount namespace; empty: not ours to see"""
    inner: int = 0
    """of an Apache: its number in its own process namespace, by which it names its sockets"""


def all_processes(proc):
    """Every process but the kernel's, by pid. One that ends meanwhile is left out."""
    found = {}
    for pid in proc.pids():
        try:
            process = _read(proc, pid)
        except Missing:
            continue
        except (Unreadable, ValueError, IndexError):  # hidepid shows the number, and no more
            continue
        if process is not None:
            found[pid] = process
    return found


def _read(proc, pid):
    folder = "%d/" % pid
    comm, rest = stat_fields(proc.text(folder + "stat", 4096))
    if int(rest[6]) & _KERNEL_THREAD:
        return None
    status = proc.read(folder + "status", 8192)
    effective, real = _uids(status)
    exe, seen = _link(proc, folder + "exe")
    process = Process(
        pid=pid,
        parent=int(rest[1]),
        comm=comm,
        state=rest[0],
        terminal=rest[4] != "0",
        ticks=int(rest[19]),
        memory=int(rest[21]) * _PAGE,
        image=_image(rest),
        uid=effective,
        real_uid=real,
        exe=exe,
        seen=seen,
        net=_link(proc, folder + "ns/net")[0],
        inner=_inner(status, pid) if is_apache(exe) else 0,
    )
    return _with_place(proc, process) if may_be_python(process) else process


def _with_place(proc, process):
    folder = "%d/" % process.pid
    root = _link(proc, folder + "root")[0] or "/"
    return process._replace(
        place=_place(proc, folder),
        root=root,
        exe=below(root, process.exe),
        cwd=below(root, _link(proc, folder + "cwd")[0]),
        mount=_link(proc, folder + "ns/mnt")[0],
    )


def _place(proc, folder):
    try:
        return place_of(proc.text(folder + "cgroup", 65536))
    except Missing:  # also a kernel without control groups
        return Place()


def stat_fields(text):
    """comm and the fields behind it. comm may hold spaces and parentheses: split at the last one."""
    before, _, after = text.rpartition(")")
    return before.partition("(")[2], after.split()


def _image(rest):
    # Fields 26 and 28, startcode and startstack: random for each exec. 0 or 1 where not ours to see.
    code, stack = rest[23:26:2] if len(rest) > 25 else ("0", "0")
    return "" if code in ("0", "1") or stack == "0" else code + " " + stack


def started(proc, pid):
    """Ticks at which the process of this pid started; None when there is none. Tells a reused pid."""
    try:
        return int(stat_fields(proc.text("%d/stat" % pid, 4096))[1][19])
    except (Unreadable, ValueError, IndexError):
        return None


def may_be_python(process):
    """Whether it runs Python, as far as its program's name says; true where that is not ours to see.

    Also programs that came to the server by themselves: those may have Python inside. `embedding` tells.
    """
    if process.state in "ZX":
        return False
    return not process.seen or is_python(process.exe) or is_strange(process.exe) or is_apache(process.exe)


def is_apache(exe):
    """Whether this is the path of Apache's program, in which mod_wsgi may run Python."""
    return os.path.basename(without_deleted(exe)) in _APACHE


def is_strange(exe):
    """Whether a program lies where none of the operating system's own do."""
    return exe.startswith("/") and not exe.startswith(_OF_SYSTEM)


def is_python(exe):
    """Whether this is the path of a Python interpreter, or of a program known to be one inside."""
    name = os.path.basename(without_deleted(exe))
    return PYTHON.match(name) is not None or name in _EMBEDDING


def without_deleted(path):
    return path[: -len(DELETED)] if path.endswith(DELETED) else path


def below(root, path):
    """A path that the kernel shows from our root, as the process itself has it."""
    if root not in ("", "/") and (path + "/").startswith(root + "/"):
        return path[len(root) :] or "/"
    return path


def ancestors(process, processes):
    """Parent, its parent, ... as far as they live."""
    found = []
    while process.parent in processes and len(found) < 1000:
        process = processes[process.parent]
        found.append(process)
    return found


def abandoned_readers(processes, uptime):
    """owner -> pid of a reader that an earlier scan had to leave. `uptime` of the server in seconds.

    Nobody else can pose as one: the real uid is ours. One whose parent still is the scan that forked
    it may be at work at this moment, beside us, as long as it is younger than its deadline.
    """
    found = {}
    for process in processes.values():
        name, _, owner = process.comm.partition(":")
        if name != "tsread" or process.real_uid != os.getuid() or process.state in "ZX":
            continue
        old = uptime - process.ticks / float(TICKS) > children.SECONDS
        if old or _is_orphan(process, processes):
            with contextlib.suppress(ValueError):
                found[int(owner, 16)] = process.pid
    return found


def _is_orphan(process, processes):
    """Whether a process that never called exec is no longer its first parent's."""
    parent = processes.get(process.parent)
    return bool(process.image) and (parent is None or parent.image != process.image)


def _uids(status):
    place = status.find(b"\nUid:")
    real, effective = status[place + 5 : place + 60].split(None, 2)[:2]
    return int(effective), int(real)


def _inner(status, pid):
    """The last number of `NSpid: 4711 12`; before Linux 4.1 there is none."""
    place = status.find(b"\nNSpid:")
    numbers = status[place:].split(b"\n", 2)[1].split() if place >= 0 else [pid]
    return int(numbers[-1])


def _link(proc, name):
    """Target of a link of /proc, and whether it is ours to see."""
    try:
        return proc.link(name), True
    except Missing:
        return "", True
    except Unreadable:
        return "", False
