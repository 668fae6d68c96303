"""Signs that a process runs something older than what is on disk ("maybe"; the store can be certain)."""

from tightship_probe import escape
from tightship_probe.patterns import Pattern

TOLERANCE = 2.0
"""Seconds by which a start, counted from the boot, may be off."""
MOST = 50
_DELETED = " (deleted)"
_PACKAGE = Pattern(r"/(?:(?:site|dist)-packages|[^/]+\.egg)/")
_LIBRARY = Pattern(r"\.so(?:\.[\d.]+)?\Z")


def stale_signs(started, installed, path):
    """[{how, what}]: files in memory that were deleted, packages installed after the start.

    `installed`: name -> ctime of its metadata, in seconds since the epoch; `path`: the import path.
    """
    found = [{"how": "deleted", "what": escape.harmless(file)} for file in _deleted(started, path)]
    for name, changed in installed.items():
        if changed > started.start_time + TOLERANCE:
            found.append({"how": "newer", "what": name})
    found.sort(key=lambda sign: (sign["how"], sign["what"]))
    return found[:MOST]


def _deleted(started, path):
    """The interpreter, the working directory, and what was mapped of packages and of the import path.

    Only libraries of the latter: an application maps and deletes files of its own there.
    """
    places = tuple(place.rstrip("/") + "/" for place in path)
    found = {place[: -len(_DELETED)] for place in (started.exe, started.cwd) if place.endswith(_DELETED)}
    for file in started.deleted:
        if _PACKAGE.search(file) or (_LIBRARY.search(file) and file.startswith(places)):
            found.add(file)
    return found
