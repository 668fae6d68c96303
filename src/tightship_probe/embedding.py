"""Programs that are no interpreter by their name and run Python all the same: they have libpython mapped.

Runs in a reader: `maps` waits for the process' memory, which the process can hold.
"""

import os
import re

from tightship_probe import processes
from tightship_probe.patterns import Pattern
from tightship_probe.tree import Unreadable

_LIBPYTHON = Pattern(rb"^\S+ \S*x\S* .*?(/.*/libpython[23]\.\d+[a-z]*\.so[\d.]*)(?: \(deleted\))?$", re.M)
_MOST_MAPS = 4 * 1024 * 1024
_MOST_LOOKS = 4
"""Processes of one program that are looked at until it counts as one without Python."""


def libraries_of(proc, some):
    """{pid: its libpython} of those of `some` processes that run Python.

    "" is that of a process which has none itself, but others of its program have: PyInstaller's first
    process of two only unpacks, starts itself anew and waits.
    """
    by_program = {}
    for process in some:
        by_program.setdefault((process.exe, process.mount, process.root), []).append(process)
    found = {}
    for same in by_program.values():
        mapped = {process.pid: _libpython(proc, process) for process in same[:_MOST_LOOKS]}
        if any(mapped.values()):
            mapped.update({process.pid: _libpython(proc, process) for process in same[_MOST_LOOKS:]})
            found.update(mapped)
    return found


def _libpython(proc, process):
    try:
        match = _LIBPYTHON.search(proc.read("%d/maps" % process.pid, _MOST_MAPS))
    except Unreadable:
        return ""
    return processes.below(process.root, os.fsdecode(match.group(1))) if match else ""
