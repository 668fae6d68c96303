"""Crontabs: which commands cron would start, for which user."""

import os
import re

from tightship_probe.commands import Named, of_shell
from tightship_probe.tree import Missing, Unreadable

_OF_SYSTEM = ("/etc/crontab", "/etc/cron.d")
_OF_USERS = ("/var/spool/cron/crontabs", "/var/spool/cron")
_OF_SCRIPTS = ("/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly")
_VARIABLE = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*\Z")
_MOST = 262144
_MOST_LINES = 2000
_MOST_FILES = 1000


def named(tree, homes):
    """[`Named`] of all crontabs, and what could not be read. `homes`: user -> home directory."""
    found, unread = [], []
    for path, user in _tables(tree, homes, unread):
        try:
            text = os.fsdecode(tree.read(path, _MOST))
        except Unreadable as why:
            unread.append({"what": path, "why": str(why)})
            continue
        found += _of_table(text, path, user, homes)
    for folder in _OF_SCRIPTS:
        for name in _names(tree, folder, unread):
            found.append(
                Named(["crontab:" + folder], ["%s/%s" % (folder, name)], "/", "root", {"HOME": "/root"})
            )
    return found, unread


def _tables(tree, homes, unread):
    """(path, user): an empty user stands in each line."""
    yield from ((path, "") for path in _OF_SYSTEM[:1] if tree.exists(path))
    for name in _names(tree, _OF_SYSTEM[1], unread):
        if re.match(r"[\w-]+\Z", name):  # cron itself takes no other
            yield "%s/%s" % (_OF_SYSTEM[1], name), ""
    for folder in _OF_USERS:
        for name in _names(tree, folder, unread):
            if name in homes:
                yield "%s/%s" % (folder, name), name


def _names(tree, folder, unread):
    try:
        with tree.directory(folder) as directory:
            return directory.names()[:_MOST_FILES]
    except Missing:
        return []
    except Unreadable as why:
        unread.append({"what": folder, "why": str(why)})
        return []


def _of_table(text, path, owner, homes):
    variables = {}
    for line in text.split("\n")[:_MOST_LINES]:
        plain = line.strip()
        assigned = _VARIABLE.match(line)
        if not plain or plain.startswith("#"):
            continue
        if assigned and not plain[0].isdigit() and plain[0] not in "*@":
            variables[assigned.group(1)] = assigned.group(2).strip("\"'")
            continue
        fields = plain.split(None, 1 if plain.startswith("@") else 5)
        rest = fields[-1] if len(fields) in (2, 6) else ""
        user, command = (owner, rest) if owner else [*rest.split(None, 1), "", ""][:2]
        command = re.split(r"(?<!\\)%", command)[0].replace("\\%", "%")
        if command:
            home = homes.get(user, "/")
            started = dict({"HOME": home, "PATH": "/usr/bin:/bin"}, **variables)
            where = Named(["crontab:" + path], [], home, user, started)
            yield from of_shell(command, where)
