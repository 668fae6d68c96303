"""Frozen programs: PyInstaller's, Nuitka's, cx_Freeze's. Their modules lie inside, mostly without versions.

Such a program brings its own libpython: beside itself, or unpacked into a directory of its own. What
packages it was made from can be told only where their metadata were packed with them, which is rare;
so the environment of one is never complete.
"""

import os

from tightship_probe.patterns import Pattern

UNKNOWN = "frozen, versions unknown"
SOME = "frozen, versions known only of the packages that brought their metadata"
_UNPACKED = Pattern(r"/_MEI[^/]+\Z|/onefile_[^/]+\Z")
_SHORT = Pattern(r"libpython(\d\.\d+)")


def is_frozen(about):
    """Whether the program brings the libpython that it runs."""
    place = os.path.dirname(about.started.libpython)
    if not place or about.command.program == "mod_wsgi":
        return False
    beside = os.path.dirname(about.exe)
    return bool(_UNPACKED.search(place)) or (beside != "/" and (place + "/").startswith(beside + "/"))


def environment_of(about):
    """The environment of a frozen program, as in the report; `bundle`: where its metadata may lie."""
    library = about.started.libpython
    place, name = os.path.split(library)
    unpacked = _UNPACKED.search(place) is not None
    # A directory that it unpacks itself into has another name after each start.
    about.tell("environment", "maps", name if unpacked else library)
    if about.variable("_PYI_ARCHIVE_FILE"):
        about.tell("environment", "_PYI_ARCHIVE_FILE", about.variable("_PYI_ARCHIVE_FILE"))
    match = _SHORT.match(name)
    return {
        "key": "frozen:" + about.exe,
        "kind": "frozen",
        "prefix": about.exe,
        "python": match.group(1) if match else "",
        "path": [about.exe] if unpacked else _path(about, place),
        "bundle": place,
        "how": about.how,
        "conflict": about.conflict,
        "unread": about.unread,
    }


def _path(about, place):
    """Of a program that was left unpacked: in PyInstaller's order, as far as it is there."""
    short = _SHORT.match(os.path.basename(about.started.libpython))
    names = ["base_library.zip", "lib-dynload"]
    if short:
        names.append("python%s/lib-dynload" % short.group(1))
    found = [os.path.join(place, name) for name in names]
    return [entry for entry in found if about.tree.exists(entry)] + [place]


def packages_of(environment, found):
    """What `packages.packages_on` found in the bundle, as no more than it is."""
    environment["unread"].append({"what": environment["prefix"], "why": SOME if found["lines"] else UNKNOWN})
    return {"lines": found["lines"] or None, "unread": [], "installed": {}}
