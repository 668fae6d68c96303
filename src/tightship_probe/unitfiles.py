"""systemd's unit files of a server's own: what a service would start. systemd is not asked.

Those of the operating system's packages, below /usr/lib and /lib, are left out: what they run is its own.
"""

import os
import re

from tightship_probe.commands import Named, words_of
from tightship_probe.started import VARIABLES
from tightship_probe.tree import Unreadable

FOLDERS = ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system")
MOST_UNITS = 2000
_MOST = 65536
_SPECIFIER = re.compile(r"%([a-zA-Z%])")
_PREFIXES = "@-:+!|"
_OF_PACKAGES = ("/usr/lib/", "/lib/")


def named(tree, homes):
    """[`Named`] of all services, and what could not be read. `homes`: user -> home directory."""
    files, instances, unread = {}, {}, []
    for folder in reversed(FOLDERS):
        for name in _names(tree, folder, unread)[:MOST_UNITS]:
            if name.endswith((".service", ".timer")):
                files[name] = "%s/%s" % (folder, name)
            elif name.endswith((".wants", ".requires")):
                for wanted in _names(tree, "%s/%s" % (folder, name), unread)[:MOST_UNITS]:
                    before, at, rest = wanted.partition("@")
                    if at and rest != ".service":
                        instances.setdefault(before + "@.service", set()).add(wanted)
    timers = _timers(tree, files)
    found = []
    for name, path in sorted(files.items()):
        if not name.endswith(".service") or _is_of_package(tree, path):
            continue
        units = sorted(instances.get(name, ())) if name.endswith("@.service") else [name]
        for unit in units:
            found += _of_unit(tree, path, unit, timers.get(unit, []), homes, unread)
    return found, unread


def _names(tree, folder, unread):
    if not tree.exists(folder):
        return []
    try:
        with tree.directory(folder) as directory:
            return directory.names()
    except Unreadable as why:
        unread.append({"what": folder, "why": str(why)})
        return []


def _is_of_package(tree, path):
    try:
        return tree.real(path).startswith(_OF_PACKAGES)
    except Unreadable:
        return False


def _timers(tree, files):
    """unit -> names of the timers that start it."""
    found = {}
    for name, path in sorted(files.items()):
        if name.endswith(".timer"):
            said = _settings(tree, path, name)
            unit = said.get("unit", [name[: -len(".timer")] + ".service"])[-1:]
            for one in unit:
                found.setdefault(one, []).append("timer:" + name)
    return found


def _settings(tree, path, unit):
    """setting in small letters -> its values in order; an empty one takes back those before it."""
    texts = [_text(tree, path)]
    for folder in reversed(FOLDERS):
        place = "%s/%s.d" % (folder, os.path.basename(path))
        names = [name for name in _names(tree, place, [])[:100] if name.endswith(".conf")]
        texts += [_text(tree, "%s/%s" % (place, name)) for name in names]
    found = {}
    for text in texts:
        for line in text.replace("\\\n", " ").split("\n")[:5000]:
            name, equals, value = line.strip().partition("=")
            if not equals or name.startswith(("#", ";", "[")):
                continue
            values = found.setdefault(name.strip().lower(), [])
            if value.strip():
                values.append(_specified(value.strip(), unit))
            else:
                del values[:]
    return found


def _text(tree, path):
    try:
        return os.fsdecode(tree.read(path, _MOST))
    except Unreadable:  # masked by a link to /dev/null, for one
        return ""


def _specified(value, unit):
    stem = unit.rpartition(".")[0]
    prefix, _, instance = stem.partition("@")
    known = {"i": instance, "I": instance, "n": unit, "N": stem, "p": prefix, "P": prefix, "%": "%"}
    return _SPECIFIER.sub(lambda match: known.get(match.group(1), match.group()), value)


def _of_unit(tree, path, unit, timers, homes, unread):
    said = _settings(tree, path, unit)
    user = (said.get("user") or ["root"])[-1]
    home = homes.get(user, "/")
    cwd = (said.get("workingdirectory") or ["/"])[-1].lstrip("-")
    variables = dict(_variables(tree, said, unread), HOME=home)
    for line in said.get("execstart", ())[:20]:
        words = words_of(line.lstrip(_PREFIXES).replace("%h", home))
        if not words:
            continue
        if "@" in line[: len(line) - len(line.lstrip(_PREFIXES))] and len(words) > 1:
            del words[1]  # the name that it is to go by
        where = home if cwd == "~" else cwd
        yield Named(["unit:" + unit, *timers], words, where, user, variables)


def _variables(tree, said, unread):
    """Those of VARIABLES that the unit sets; others are not looked at."""
    found = {}
    for line in said.get("environment", ()):
        for word in words_of(line) or ():
            name, equals, value = word.partition("=")
            if equals and name in VARIABLES:
                found[name] = value
    for path in said.get("environmentfile", ())[:20]:
        place = path.lstrip("-")
        try:
            lines = os.fsdecode(tree.read(place, _MOST)).split("\n")
        except Unreadable as why:
            if not path.startswith("-"):
                unread.append({"what": place, "why": str(why)})
            continue
        for line in lines:
            name, equals, value = line.strip().partition("=")
            if equals and name in VARIABLES:
                found[name] = value.strip("\"'")
    return found
