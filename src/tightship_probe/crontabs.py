"""Crontabs: which commands cron would start, for which user."""

import itertools
import os
import re

from tightship_probe.commands import Named, of_shell
from tightship_probe.patterns import Pattern
from tightship_probe.tree import Missing, Unreadable

_OF_SYSTEM = ("/etc/crontab", "/etc/cron.d")
_OF_USERS = ("/var/spool/cron/crontabs", "/var/spool/cron")
_OF_SCRIPTS = ("/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly")
_VARIABLE = Pattern(r"\s*[\"']?([A-Za-z_]\w*)[\"']?\s*=\s*(.*?)\s*\Z")
_NAME = Pattern(r"[\w-]+\Z")
_PATH = "/usr/bin:/bin"
_MOST = 262144
_MOST_LINES = 2000
_MOST_COMMANDS = 2000
_MOST_FILES = 1000


def named(tree, homes):
    """[`Named`] of all crontabs, and what could not be read. `homes`: user -> home directory."""
    found, unread = [], []
    for path, user in _tables(tree, homes, unread):
        try:
            # Where cron itself lets others put theirs, root's stands beside them.
            data = tree.spooled(path, _MOST) if user == "root" else tree.read(path, _MOST)
        except Missing:
            continue
        except Unreadable as why:
            unread.append({"what": path, "why": str(why)})
            continue
        lines = os.fsdecode(data).split("\n")
        if len(lines) > _MOST_LINES:
            unread.append({"what": path, "why": "more than %d lines" % _MOST_LINES})
        some = list(itertools.islice(_of_table(lines[:_MOST_LINES], path, user, homes), _MOST_COMMANDS + 1))
        if len(some) > _MOST_COMMANDS:
            unread.append({"what": path, "why": "more than %d commands" % _MOST_COMMANDS})
        found += some[:_MOST_COMMANDS]
    for folder in _OF_SCRIPTS:
        for name in _names(tree, folder, unread):
            if _NAME.match(name):  # as for run-parts
                path = "%s/%s" % (folder, name)
                found.append(
                    Named(["crontab:" + path], [path], "/", "root", {"HOME": "/root", "PATH": _PATH})
                )
    return found, unread


def _tables(tree, homes, unread):
    """(path, user): an empty user stands in each line."""
    yield _OF_SYSTEM[0], ""
    for name in _names(tree, _OF_SYSTEM[1], unread):
        if _NAME.match(name):  # cron itself takes no other
            yield "%s/%s" % (_OF_SYSTEM[1], name), ""
    for folder in _OF_USERS:
        for name in _names(tree, folder, unread):
            if name in homes:
                yield "%s/%s" % (folder, name), name


def _names(tree, folder, unread):
    try:
        with tree.directory(folder) as directory:
            names = directory.names()
    except Missing:
        return []
    except Unreadable as why:
        unread.append({"what": folder, "why": str(why)})
        return []
    if len(names) > _MOST_FILES:
        unread.append({"what": folder, "why": "more than %d files" % _MOST_FILES})
    return names[:_MOST_FILES]


def _of_table(lines, path, owner, homes):
    variables = {}
    for line in lines:
        plain = line.strip()
        if not plain or plain.startswith("#"):
            continue
        assigned = _VARIABLE.match(line) if not plain[0].isdigit() and plain[0] not in "*@" else None
        if assigned:
            variables[assigned.group(1)] = assigned.group(2).strip("\"'")
            continue
        fields = plain.split(None, 1 if plain.startswith("@") else 5)
        rest = fields[-1] if len(fields) in (2, 6) else ""
        user, command = (owner, rest) if owner else [*rest.split(None, 1), "", ""][:2]
        command = re.split(r"(?<!\\)%", command)[0].replace("\\%", "%")
        if command:
            home = variables.get("HOME") or homes.get(user, "/")
            started = dict({"PATH": _PATH, "LOGNAME": user, "USER": user}, **variables)
            started["HOME"] = home
            for one in of_shell(command, Named(["crontab:" + path], [], home, user, started)):
                yield one
