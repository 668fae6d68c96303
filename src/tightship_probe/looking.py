"""What a process was started with. Runs in a reader of its owner: these reads can hang."""

import os
import struct

from tightship_probe import processes
from tightship_probe.command import calls_python
from tightship_probe.embedding import libraries_of
from tightship_probe.started import VARIABLES, Started
from tightship_probe.tree import Missing, Unreadable

MOST_ARGUMENTS = 32 * 1024
MOST_VARIABLES = 1024 * 1024
MOST_MAPS = 4 * 1024 * 1024
MOST_FILES = 2000
"""Libraries, and deleted files, of one process."""

EMPTY = "an empty command line: wiped, or withheld"

_AT_EXECFN = 31
_PAGE = os.sysconf("SC_PAGE_SIZE")
_WANTED = frozenset(name.encode("ascii") for name in VARIABLES)


def look_at_all(proc, some, boot_time):
    """[[`Started` as a list, unread]] of those of `some` processes that run Python."""
    found = []
    other = [process for process in some if process.seen and not processes.is_python(process.exe)]
    embedding = libraries_of(proc, other) if other else {}
    passed_by = {process.pid for process in other}.difference(embedding)
    for process in some:
        if process.pid in passed_by:
            continue
        try:
            started, unread = look(proc, process, boot_time)
        except Missing:
            continue
        if process.pid in embedding:
            started = started._replace(libpython=embedding[process.pid])
        # Where exe is not ours to see, only its words tell what it runs.
        if process.seen or calls_python(started.argv) or processes.is_python(process.comm):
            found.append([list(started), unread])
    return found


def look(proc, process, boot_time):
    """`Started` of a process without its maps, and what of it is unread. Raises `Missing` when it ended.

    `boot_time` in seconds since the epoch.
    """
    unread = []
    argv = _arguments(_read(proc, process, "cmdline", MOST_ARGUMENTS, unread), unread)
    environ = _read(proc, process, "environ", MOST_VARIABLES, unread) if process.seen else b""
    if not process.seen:
        unread.append({"what": "exe, cwd, environ and maps of the process", "why": "permission denied"})
    if processes.started(proc, process.pid) != process.ticks:
        raise Missing("its pid is another's now")
    started = Started(
        pid=process.pid,
        uid=process.uid,
        argv=argv,
        execfn="",
        exe=process.exe,
        cwd=process.cwd,
        variables=_variables(environ) if argv or environ else None,
        libraries=[],
        deleted=[],
        start_time=boot_time + process.ticks / float(processes.TICKS),
    )
    return started, unread


def with_maps(proc, process, started, unread):
    """The same with libraries and deleted files."""
    maps = _read(proc, process, "maps", MOST_MAPS, unread) if process.seen else b""
    libraries, deleted = mapped(maps, process.root)
    return started._replace(libraries=libraries, deleted=deleted)


def execfn(proc, process):
    """AT_EXECFN: the path that was given to execve. It survives a rewritten command line. "" if unknown.

    Reads the process' memory, which can hang beyond SIGKILL: nothing else is to depend on it.
    """
    address = _execfn_address(proc.read("%d/auxv" % process.pid, 4096))
    if not address:
        return ""
    fd = os.open("%s/%d/mem" % (proc.path, process.pid), os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Not beyond the page: behind the last one of the stack there is nothing.
        data = os.pread(fd, _PAGE - address % _PAGE, address)
    finally:
        os.close(fd)
    if processes.started(proc, process.pid) != process.ticks:
        return ""
    return processes.below(process.root, os.fsdecode(data.partition(b"\0")[0]))


def hides(started):
    """Whether the command line does not say what runs: rewritten by a title, wiped, or without a path."""
    first = started.argv[0] if started.argv else ""
    if not first or " " in first or first.endswith(":"):
        return True
    return "/" not in first and not (started.variables or {}).get("PATH")


def _execfn_address(auxv):
    pair = struct.Struct("NN")
    for kind, value in pair.iter_unpack(auxv[: len(auxv) // pair.size * pair.size]):
        if kind == _AT_EXECFN:
            return value
    return 0


def _read(proc, process, name, most, unread):
    try:
        data = proc.read("%d/%s" % (process.pid, name), most)
    except Missing:
        raise
    except Unreadable as why:
        unread.append({"what": "/proc/PID/" + name, "why": str(why)})
        return b""
    if len(data) >= most:
        unread.append({"what": "/proc/PID/" + name, "why": "longer than %d bytes" % most})
    return data


def _arguments(data, unread):
    """The command line. setproctitle leaves one text, with NULs or spaces behind it."""
    if not data.strip(b"\0 "):
        if not unread:
            unread.append({"what": "/proc/PID/cmdline", "why": EMPTY})
        return []
    wiped = data.endswith(b"\0\0\0\0") or not data.endswith(b"\0")
    kept = data.rstrip(b"\0 ") if wiped else data[:-1]
    return [os.fsdecode(part) for part in kept.split(b"\0")]


def _variables(data):
    """Those of VARIABLES that are set; None where all is wiped, as setproctitle does."""
    found = {}
    if data and not data.strip(b"\0"):
        return None
    for entry in data.split(b"\0"):
        name, equals, value = entry.partition(b"=")
        if equals and name in _WANTED:
            found[name.decode("ascii")] = os.fsdecode(value)
    return found


def mapped(maps, root="/"):
    """Libraries of packages that are mapped, and mapped files that were deleted."""
    libraries, deleted = set(), set()
    for line in maps.split(b"\n"):
        gone = line.endswith(b" (deleted)")
        if not gone and b"-packages/" not in line and b".egg/" not in line:
            continue
        fields = line.split(None, 5)
        if len(fields) < 6 or not fields[5].startswith(b"/"):
            continue
        path = processes.below(root, os.fsdecode(fields[5]))
        if gone:
            deleted.add(processes.without_deleted(path))
        elif b"x" in fields[1]:
            libraries.add(path)
    return sorted(libraries)[:MOST_FILES], sorted(deleted)[:MOST_FILES]
