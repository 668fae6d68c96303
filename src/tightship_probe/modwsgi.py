"""mod_wsgi: Python inside Apache. Its daemons, and what they were told by Apache's configuration.

Apache's first process forks a process for each WSGIDaemonProcess (or several), which no longer holds
the ports and keeps only the socket of its own group: `wsgi.PID.GENERATION.NUMBER.sock`, the number being its
place in the configuration (mod_wsgi 5.0 mod_wsgi.c, wsgi_setup_socket). The kernel says who holds it; a
title such as `(wsgi:shop)` is the process' own word, and only heeded where there is no such socket.
"""

import os
import re
from typing import List, NamedTuple

from tightship_probe.tree import Unreadable

PROGRAM = "mod_wsgi"
_SOCKET = re.compile(r"\.(?P<parent>\d+)\.\d+\.(?P<number>\d+)\.sock\Z")
_TITLE = re.compile(r"\(wsgi:([^)]+)\)")
_MOST_SCRIPTS = 200


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


def daemons(held, processes):
    """{pid: "#1"} of mod_wsgi's daemons, by the one socket that each holds. `held`: listening sockets."""
    numbers = {}
    for one in held:
        match = _SOCKET.search(one.socket.path)
        if match is None:
            continue
        for pid in one.pids:
            process = processes.get(pid)
            if process is not None and process.parent == int(match.group("parent")):
                numbers.setdefault(pid, set()).add("#" + match.group("number"))
    # One that holds those of others, too, is just being started.
    return {pid: found.pop() for pid, found in numbers.items() if len(found) == 1}


def titled(argv):
    """The name in the title `(wsgi:shop)`; empty: there is none."""
    match = _TITLE.match(argv[0]) if argv else None
    return match.group(1) if match else ""


def settings(about):
    """The `Settings` of a process, and evidence of it; None where Apache's configuration does not tell."""
    if about.wsgi is None:
        about.wsgi = (_settings(about),)
    return about.wsgi[0]


def _settings(about):
    from tightship_probe import sites

    try:
        configuration = sites.apache(
            about.tree, [word.strip() for word in about.started.argv[1:] if word.strip()]
        )
    except Unreadable as why:
        about.miss("configuration of Apache", why)
        return None
    for one in configuration.files.unread:
        about.miss(one["what"], one["why"])
    found = of_configuration(list(with_host(configuration.directives)), about.command.subcommand)
    if found is None:
        about.miss("configuration of Apache", "no WSGIDaemonProcess %s is in it" % about.command.subcommand)
    return found


def of_configuration(directives, who):
    """The `Settings` of a group. `directives`: those of `with_host`; `who`: a name,
    `#1` for the first, or "" for what runs inside Apache's own processes. None: there is none such."""
    said = {
        one.name: one.words for one, _group in directives if one.name in ("wsgipythonhome", "wsgipythonpath")
    }
    home = "".join(said.get("wsgipythonhome", ())[:1])
    if not who:
        path = "".join(said.get("wsgipythonpath", ())[:1])
        return Settings("", home, _path(path), "", _scripts(directives, ""))
    groups = [one.words for one, _group in directives if one.name == "wsgidaemonprocess" and one.words]
    for place, words in enumerate(groups):
        if who in (words[0], "#%d" % (place + 1)):
            options = dict(word.partition("=")[::2] for word in words[1:])
            return Settings(
                words[0],
                options.get("python-home", home),
                _path(options.get("python-path", "")),
                options.get("home", ""),
                _scripts(directives, words[0]),
            )
    return None


def _path(text):
    return [place for place in text.split(":") if place]


def _scripts(directives, name):
    """The script files that run in a group of this name."""
    found = []
    for one, group in directives:
        if one.name in ("wsgiscriptalias", "wsgiscriptaliasmatch") and len(one.words) > 1:
            said = [word.partition("=")[2] for word in one.words[2:] if word.startswith("process-group=")]
            of = (said or [group])[0]
            if ("" if of == "%{GLOBAL}" else of) == name and one.words[1] not in found:
                found.append(one.words[1])
    return found[:_MOST_SCRIPTS]


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


def interpreter(about):
    """The environment's directory that it was told; empty: the server's own Python."""
    said = settings(about)
    return said.home if said else ""


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
