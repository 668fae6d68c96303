"""Process groups: which processes belong together, and a key that outlives restarts and releases. Pure."""

import os
from typing import List, NamedTuple

from tightship_probe.cgroups import Place
from tightship_probe.command import Command
from tightship_probe.digests import digest
from tightship_probe.escape import name as short
from tightship_probe.patterns import Pattern
from tightship_probe.releasepath import without_release

_HELPER = Pattern(r"from multiprocessing\.(?:resource_tracker|semaphore_tracker|spawn|forkserver)\b")
_TRACKER = Pattern(r"from multiprocessing\.(?:resource_tracker|semaphore_tracker|forkserver)\b")
_TOO_GENERAL = Pattern(
    r"/(?:srv|opt|usr|usr/local|usr/local/lib|var|var/www|var/lib|home|home/[^/]+|root|tmp|data|app|bin|usr/bin|etc)?\Z"
)
_OF_RELEASES = Pattern(
    r"(?:/(?:releases|versions|builds|deployments)/\*|/(?:current|releases|\*))+(?:/.*)?\Z"
)
_OF_ENVIRONMENTS = ("envs", "venvs", ".venvs", "virtualenvs", ".virtualenvs")
_INSIDE = frozenset(["src", "code", "app", "checkout", "project", "site", "www", "shared"])
"""Directories of an instance that a process is often started in."""


class Member(NamedTuple):
    """One process, with what tells whether it belongs to another."""

    pid: int
    parent: int
    ticks: int
    image: str
    exe: str
    place: Place
    argv: List[str]
    command: Command


def together(members):
    """[[pids of a group, its first process first]], in order of the first. `members`: `Member` by pid."""
    leaders = {pid: _leader(member, members) for pid, member in members.items()}
    of_image = _oldest_by_image(members, set(leaders.values()))
    groups = {}
    for pid, leader in leaders.items():
        groups.setdefault(of_image.get(_image(members[leader]), leader), []).append(pid)
    return [
        sorted(pids, key=lambda pid: (pid not in groups, pid)) for _leader, pids in sorted(groups.items())
    ]


def _leader(member, members):
    seen = set()
    while member.pid not in seen:
        seen.add(member.pid)
        parent = members.get(member.parent)
        if parent is None or not is_worker(member, parent):
            break
        member = parent
    return member.pid


def _oldest_by_image(members, leaders):
    """For workers whose master died: they were forked from one program, and nothing else tells it."""
    found = {}
    for pid in sorted(leaders, key=lambda pid: (members[pid].ticks, pid)):
        if members[pid].image:
            found.setdefault(_image(members[pid]), pid)
    return found


def _image(member):
    return (member.image, member.exe, member.place, _wsgi(member)) if member.image else None


def _wsgi(member):
    """Which of mod_wsgi's daemons it is: Apache forks them all, and each group of them is one of its own."""
    return member.command.subcommand if member.command.program == "mod_wsgi" else ""


def is_worker(child, parent):
    """Whether a process is a worker of its parent."""
    if child.place != parent.place or _wsgi(child) != _wsgi(parent):
        return False
    if child.image and child.image == parent.image and child.exe == parent.exe:
        return True  # forked, and no other program was started since
    if is_helper(child.argv):
        return True
    # Started anew with the same words, or under titles of one program, as celery's are.
    # A program that starts itself again (Django's autoreloader) may call its interpreter by another name.
    same = child.argv[1:] == parent.argv[1:] or child.command.rewritten or parent.command.rewritten
    return bool(same and child.exe == parent.exe and child.command.program == parent.command.program)


def is_helper(argv):
    """A process that multiprocessing starts beside, or as, a worker."""
    return len(argv) > 2 and any(_HELPER.search(argument) for argument in argv[1:6])


def works(argv):
    """Whether a process does its group's work: multiprocessing's own trackers do not."""
    return not any(_TRACKER.search(argument) for argument in argv[1:6])


# Where it lives


def base_of(cwd, prefix):
    """The directory of an instance: what its working directory and its environment share, else the first."""
    cwd = _instance(cwd[: -len(" (deleted)")] if cwd.endswith(" (deleted)") else cwd)
    parent = _instance(os.path.dirname(prefix)) if prefix not in ("", "/usr", "/usr/local") else ""
    if os.path.basename(parent) in _OF_ENVIRONMENTS:
        above = os.path.dirname(parent)
        inside = cwd[len(above) + 1 :].partition("/")[0] if cwd.startswith(above + "/") else ""
        parent = above if cwd == above or inside in _INSIDE else ""
    if not parent or _TOO_GENERAL.match(parent):
        return cwd
    if not cwd or _TOO_GENERAL.match(cwd) or cwd.startswith(parent + "/"):
        return parent
    return cwd


def _instance(path):
    """`/srv/shop/releases/2.4.1` and `/srv/shop/current` are `/srv/shop`."""
    return _OF_RELEASES.sub("", without_release(path).rstrip("/"))


# What it is called


class Identity(NamedTuple):
    """What a key is made from."""

    command: Command
    place: Place
    supervisor: str
    """GROUP:PROGRAM; empty: not known"""
    supervised: bool
    """below a supervisor, also where that does not say as what: its unit is not the group's own then"""
    user: str
    cwd: str
    argv: List[str]
    """secrets masked"""


def key_of(who):
    """What identifies a group over restarts, releases and reboots. Never a pid, and no port."""
    return short(_container(who) + _plain_key(who))


def _container(who):
    return "container:%s " % who.place.container if who.place.container else ""


def _plain_key(who):
    command, place = who.command, who.place
    if command.program == "mod_wsgi":
        # Another application may be added to the same Apache at any time.
        apache = _unit(who) if place.unit else "apache"
        return apache + (" wsgi:" + command.subcommand if command.subcommand else " mod_wsgi")
    if who.supervisor:
        return "supervisor:" + who.supervisor
    if place.unit and not who.supervised:
        return _unit(who)
    script = os.path.normpath(os.path.join(who.cwd or ".", command.script)) if command.script else ""
    if script.startswith("/") and not command.runner:
        return "script:" + without_release(script)
    return "user:%s cwd:%s %s" % (who.user, without_release(who.cwd) or "?", _words(who, script))


def _unit(who):
    return ("user:%s " % who.user if who.place.of_user else "") + "unit:" + who.place.unit


def _words(who, script):
    words = what_of(who.command)
    if who.command.code:
        words += " " + digest(" ".join(who.argv[1:]), 4)
    if who.cwd in ("", "/"):
        # A daemon's working directory tells nothing: its program's does.
        told = script or (who.argv[0] if who.argv and not who.command.rewritten else "")
        words = " ".join(filter(None, (os.path.dirname(without_release(told)), words)))
    return words


def what_of(command):
    """What tells a group from others of its unit: `celery shop worker`."""
    return " ".join(filter(None, (command.program, command.target, command.subcommand)))


def tell_apart(groups):
    """Groups of one key get what they run behind it where that does, else an ordinal by port and arguments.

    Each is a dict with `key`, `what`, `listeners`, `command` and `started`; `key` is changed.
    """
    by_key = {}
    for group in groups:
        by_key.setdefault(group["key"], []).append(group)
    for key, same in by_key.items():
        if len(same) == 1:
            continue
        if not key.startswith("user:"):  # those say what they run already
            for group in same:
                group["key"] = short("%s %s" % (key, group["what"]))
        _number(same)


def _number(groups):
    by_key = {}
    for group in sorted(groups, key=_order):
        same = by_key.setdefault(group["key"], [])
        same.append(group)
        if len(same) > 1:
            group["key"] = short("%s #%d" % (group["key"], len(same)))


def _order(group):
    ports = [listener["port"] for listener in group["listeners"] if listener["port"]]
    return (min(ports) if ports else 65536, group["command"], group["started"]["ticks"])


def names_of(command, place, supervisor, base):
    """Candidates for the application's name, from what the process says of itself."""
    if command.program == "mod_wsgi":
        place = place._replace(unit="")  # Apache's
        supervisor = ""
    module = command.target or (command.module if not command.runner else "")
    script = os.path.basename(command.script) if not command.runner else ""
    found = [
        (place.container, "container"),
        (supervisor, "supervisor"),
        (module, "module"),
        (os.path.basename(base), "directory"),
        (place.unit, "unit"),
        (script, "script"),
    ]
    return [{"name": short(name), "how": how} for name, how in found if name]
