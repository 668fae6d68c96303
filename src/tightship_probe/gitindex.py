"""Reads a git index, the list of tracked files. It may hold anything: nothing in it is believed."""

import struct
from typing import NamedTuple

from tightship_probe.digests import of_git
from tightship_probe.tree import Unreadable

MOST_BYTES = 32 * 1024 * 1024
MOST_ENTRIES = 20000
_DEEP = 100
_FIXED = struct.Struct(">10I")
_SHORT = struct.Struct(">H")
_LONG = struct.Struct(">I")


class Entry(NamedTuple):
    """A tracked file, as it was when git last looked at it."""

    name: bytes
    mode: int
    size: int
    """bytes on disk, modulo 2**32; 0 also where git was not sure"""
    modified: int
    """nanoseconds since the epoch"""
    digest: bytes
    unwatched: bool
    """assume-unchanged, or left out of a sparse checkout"""
    intended: bool
    """added by name only"""
    conflicting: bool
    """in the middle of a merge"""


def entries_of(data, digest_size):
    """[`Entry`] of an index of version 2 to 4. Raises `Unreadable`."""
    try:
        entries, place = _entries(data, digest_size)
        _refuse_split(data, place, digest_size)
    except (struct.error, IndexError, ValueError):
        raise Unreadable("a damaged index")
    # Only now: in a split index there are entries without a name.
    if not all(_is_sound(entry.name) for entry in entries):
        raise Unreadable("an index with names that lead elsewhere")
    return entries


def _entries(data, digest_size):
    magic, version, count = struct.unpack_from(">4sII", data)
    if magic != b"DIRC" or version not in (2, 3, 4):
        raise Unreadable("an index of a version that is not read")
    if count > MOST_ENTRIES:
        raise Unreadable("an index of more than %d files" % MOST_ENTRIES)
    entries, place, before = [], 12, b""
    for _ in range(count):
        entry, place = _entry(data, place, digest_size, before if version == 4 else None)
        before = entry.name
        entries.append(entry)
    return entries, place


def _entry(data, start, size, before):
    """An entry, and where the next begins. `before`: the name before it, which version 4 shortens by."""
    fields = _FIXED.unpack_from(data, start)
    place = start + _FIXED.size
    digest = data[place : place + size]
    flags, more = _SHORT.unpack_from(data, place + size)[0], 0
    place += size + 2
    if flags & 0x4000:
        more = _SHORT.unpack_from(data, place)[0]
        place += 2
    cut = 0
    if before is not None:
        cut, place = _number(data, place)
        if cut > len(before):
            raise ValueError("a name shorter than nothing")
    end = data.index(b"\0", place)
    name = data[place:end]
    if before is None:
        end = start + (end - start) // 8 * 8 + 7  # padded to eight bytes, the last one a NUL
    else:
        name = before[: len(before) - cut] + name
    unwatched, intended = bool(flags & 0x8000 or more & 0x4000), bool(more & 0x2000)
    modified = fields[2] * 10**9 + fields[3]
    return Entry(
        name, fields[6], fields[9], modified, digest, unwatched, intended, bool(flags & 0x3000)
    ), end + 1


def _is_sound(name):
    parts = name.rstrip(b"/").split(b"/")
    return len(parts) <= _DEEP and not any(part in (b"", b".", b"..", b".git") for part in parts)


def _number(data, place):
    value = data[place] & 0x7F
    while data[place] & 0x80:
        place += 1
        value = ((value + 1) << 7) | (data[place] & 0x7F)
        if value > 1 << 20:
            raise ValueError("too long a name")
    return value, place + 1


def _refuse_split(data, place, digest_size):
    """Behind the entries are extensions; of one, `link`, most entries are in another file."""
    while place + 8 <= len(data) - digest_size:
        if data[place : place + 4] == b"link":
            raise Unreadable("an index that is split")
        place += 8 + _LONG.unpack_from(data, place + 4)[0]


def tree_id(entries, algorithm):
    """The id of the tree that would be committed from these entries: git's write-tree."""
    root = {}
    for entry in entries:
        folder = root
        *parents, name = entry.name.rstrip(b"/").split(b"/")
        for parent in parents:
            folder = folder.setdefault(parent, {})
            if not isinstance(folder, dict):
                raise Unreadable("a damaged index")
        folder[name] = entry
    return _hashed(root, algorithm)[0].hex()


def _hashed(folder, algorithm):
    lines = []
    for name, member in folder.items():
        is_folder = isinstance(member, dict)
        mode = 0o40000 if is_folder else member.mode
        digest = _hashed(member, algorithm)[0] if is_folder else member.digest
        # git sorts folders as if their names ended in a slash.
        order = name + b"/" if mode == 0o40000 else name
        lines.append((order, b"%o %s\0%s" % (mode, name, digest)))
    content = b"".join(line for _order, line in sorted(lines))
    return algorithm(b"tree %d\0" % len(content) + content).digest(), len(content)


def algorithm_of(commit):
    """sha1, or sha256 where ids have 64 figures."""
    return of_git(len(commit) == 64)
