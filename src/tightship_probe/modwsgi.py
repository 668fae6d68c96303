"""mod_wsgi: Python inside Apache. Its daemons, and what they were told by Apache's configuration.

Apache's first process forks a process for each WSGIDaemonProcess (or several), which no longer holds
the ports and keeps only the socket of its own group: `wsgi.PID.GENERATION.NUMBER.sock`, or
`wsgi.PID.uUSER.NUMBER.sock` under `WSGISocketRotation Off`, the number being its place in the configuration
(mod_wsgi 6.0 wsgi_daemon.c, wsgi_start_daemons). The kernel says who holds it.

What runs in a daemon is an application's, and may claim whatever it likes. So what counts is only what it
has from the first process, in which nobody's code runs: being forked by it, a socket that it holds, too, and
its command line. A title such as `(wsgi:shop)` is heeded where the first process shows no sockets at all.
"""

import os
from typing import List, NamedTuple

from tightship_probe import processes, sites
from tightship_probe.apacheconf import UNREAD, process_group
from tightship_probe.listeners import OF_MOD_WSGI
from tightship_probe.patterns import Pattern
from tightship_probe.started import Apache
from tightship_probe.tree import Unreadable

_TITLE = Pattern(r"\(wsgi:([^)#][^)]*)\)")
_MOST_SCRIPTS = 200
_DEEPEST = 100
"""Processes between one and the first of its Apache."""


class Settings(NamedTuple):
    """What one process group of mod_wsgi was told."""

    name: str
    """of its WSGIDaemonProcess; empty: requests are answered inside Apache's own processes"""
    home: str
    """python-home: the environment"""
    path: List[str]
    """python-path"""
    cwd: str
    """home: where the daemon goes"""
    scripts: List[str]
    """WSGI script files, in the configuration's order"""


# Which processes they are


def recognised(told, held, some):
    """`told`, {pid: (`Started`, unread)}, with what each process of an Apache with Python belongs to.

    `held`: `Held` sockets of the server. `some`: all its processes, by pid.
    """
    lines = {pid: line(some[pid], some) for pid, (started, _unread) in told.items() if is_apaches(started)}
    argvs = {pid: started.argv for pid, (started, _unread) in told.items()}
    names = daemons(lines, held, argvs)
    found = dict(told)
    for pid, name in names.items():
        first = lines[pid][-1]
        apache = Apache(first.pid, argvs.get(first.pid, []), sites.is_of_system(first))
        started, unread = told[pid]
        found[pid] = (started._replace(wsgi=name, apache=apache), unread)
    return found


def is_apaches(started):
    """Whether a process is of an Apache that has Python inside."""
    return bool(started.libpython) and processes.is_apache(started.exe)


def line(process, some):
    """[process, its parent, ..., the first of its Apache]: each forked by the next, and trusting it."""
    found = [process]
    while len(found) < _DEEPEST:
        parent = some.get(found[-1].parent)
        if parent is None or not _is_forked(found[-1], parent):
            break
        found.append(parent)
    return found


def _is_forked(child, parent):
    if (child.image, child.exe, child.mount) != (parent.image, parent.exe, parent.mount):
        return False
    # A container's root may be any user; whoever made it made all that is in it.
    inside = child.place.container
    return parent.uid in (0, child.uid) or (inside != "" and inside == parent.place.container)


def daemons(lines, held, argvs):
    """{pid: "#1" or the name of its daemons' group; "" for Apache's own processes}. `lines`: by pid."""
    numbers, firsts = _numbers(lines, held)
    found = {}
    for pid, above in lines.items():
        # What a daemon forked is its application's, as it is itself.
        daemon, first = above[-2:] if len(above) > 1 else (None, above[0])
        if daemon is None:
            found[pid] = ""
        elif first.pid in firsts:
            # One that holds those of others, too, is just being started.
            told = numbers.get(daemon.pid, ())
            found[pid] = min(told) if len(told) == 1 else ""
        else:
            found[pid] = titled(argvs.get(daemon.pid, ()))
    return found


def _numbers(lines, held):
    """{pid of a daemon: {"#1"}} by sockets that its Apache's first process holds, and the pids of those."""
    below = {}
    for above in lines.values():
        below.setdefault(above[-1].pid, (above[-1], set()))[1].update(one.pid for one in above[-2:-1])
    numbers, firsts = {}, set()
    for one in held:
        match = OF_MOD_WSGI.search(one.socket.path)
        if match is None:
            continue
        for pid in one.pids:
            first, children = below.get(pid, (None, ()))
            if first is not None and first.inner == int(match.group("parent")):
                firsts.add(pid)
                for child in children.intersection(one.pids):
                    numbers.setdefault(child, set()).add("#" + match.group("number"))
    return numbers, firsts


def titled(argv):
    """The name in the title `(wsgi:shop)`; empty: there is none."""
    match = _TITLE.match(argv[0]) if argv else None
    return match.group(1) if match else ""


# What they were told


def settings(about):
    """The `Settings` of a process; None where Apache's configuration does not tell."""
    if about.wsgi is None:
        about.wsgi = (_settings(about),)
    return about.wsgi[0]


def _settings(about):
    apache = about.started.apache
    try:
        if not apache.argv:
            raise Unreadable("the command line of Apache's first process could not be read")
        configuration = sites.apache(about.tree, apache.argv[1:], about.exe, apache.of_system)
        for one in configuration.files.unread:
            about.miss(one["what"], one["why"])
        return of_configuration(list(with_host(configuration.directives)), about.command.subcommand)
    except Unreadable as why:
        about.miss("configuration of Apache", why)
        return None


def of_configuration(directives, who):
    """The `Settings` of a group. `directives`: those of `with_host`; `who`: a name, `#1` for the
    first, or "" for what runs inside Apache's own processes. Raises `Unreadable` where they are not known."""
    said = {
        one.name: one.words for one, _group in directives if one.name in ("wsgipythonhome", "wsgipythonpath")
    }
    home = "".join(said.get("wsgipythonhome", ())[:1])
    if who:
        name, *words = _daemon(directives, who)
        options = dict(word.partition("=")[::2] for word in words)
        path, cwd = options.get("python-path", ""), options.get("home", "")
        home = options.get("python-home", home)
    else:
        name, path, cwd = "", "".join(said.get("wsgipythonpath", ())[:1]), ""
    found = Settings(name, home, _path(path), cwd, _scripts(directives, name))
    is_whole = all(one.name != UNREAD for one, _group in directives)
    if not is_whole and not (home and (who or found.scripts)):
        raise Unreadable("what it says of Python may stand in a part that could not be read")
    return found


def _daemon(directives, who):
    """The words of a WSGIDaemonProcess: its name, then options."""
    place = 0
    for one, _group in directives:
        if one.name == UNREAD and who.startswith("#"):
            raise Unreadable("before WSGIDaemonProcess %s there is a part that could not be read" % who)
        if one.name == "wsgidaemonprocess" and one.words:
            place += 1
            if who in (one.words[0], "#%d" % place):
                return one.words
    raise Unreadable("no WSGIDaemonProcess %s is in it" % who)


def _path(text):
    return [place for place in text.split(":") if place]


def _scripts(directives, name):
    """The script files that run in a group of this name."""
    found = []
    for one, group in directives:
        is_script = one.name in ("wsgiscriptalias", "wsgiscriptaliasmatch") and len(one.words) > 1
        if is_script and process_group(one.words, group) == name:
            found.append(one.words[1])
    return list(dict.fromkeys(found))[:_MOST_SCRIPTS]


def with_host(directives, group=""):
    """Each directive with the process group that holds where it stands: the host's own, else the server's."""
    said = [one.words[0] for one in _inside(directives) if one.name == "wsgiprocessgroup" and one.words]
    group = said[-1] if said else group
    for one in directives:
        yield one, group
        if one.name == "virtualhost":
            for inner in with_host(one.block, group):
                yield inner
        else:
            for inner in _inside(one.block):
                yield inner, group


def _inside(block):
    """All directives of a block and its sections, but those of hosts in it."""
    for one in block:
        yield one
        if one.name != "virtualhost":
            for inner in _inside(one.block):
                yield inner


def home(about):
    """The environment's directory that it was told; empty: the server's own Python. None: not known."""
    said = settings(about)
    return said.home if said else None


def in_front(about):
    """What home and python-path put onto the import path, and what is run, which names the application."""
    said = settings(about)
    if said is None:
        return []
    about.modules += [os.path.splitext(os.path.basename(path))[0] for path in said.scripts]
    return [place for place in (said.cwd, *said.path) if place]  # a home that is said is on it, too


def place(about):
    """Where the application lives: its daemon's home, else the directory of its first script."""
    said = settings(about)
    if said is None:
        return ""
    return said.cwd or (os.path.dirname(said.scripts[0]) if said.scripts else "")
