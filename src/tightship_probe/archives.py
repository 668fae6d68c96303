"""Zip archives on an import path: zipped eggs, wheels, pex, shiv, zipapp. Reads parts of them only.

Of an archive the directory at its end is read, and of the entries that hold metadata the beginning.
Whoever wrote it may be hostile: sizes, counts and offsets that it states are believed within bounds
only, and what is unpacked ends at the size that was asked for, however much there would be.
"""

import os
import struct
import zlib

from tightship_probe import packages
from tightship_probe.patterns import Pattern
from tightship_probe.tree import MOST_NAMES, Missing, Unreadable
from tightship_probe.unreadable import AsUnreadable

MOST_ENTRIES = 200000
MOST_DIRECTORY = 16 * 1024 * 1024
"""Bytes of the directory at an archive's end. That of 60,000 files has 7 MB."""
MOST_METADATA = 20000
"""Files of metadata whose places are kept."""

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_MOST_COMMENT = 65535
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 1, 0x800
_BEYOND = 0xFFFFFFFF
_MARGIN = 1024
"""Compressed bytes that are read beyond those that are wanted: what can't be compressed becomes longer."""

_METADATA = Pattern(
    r"(?:[^/]+\.(?:dist-info|egg-info)|EGG-INFO)(?:/(?:METADATA|PKG-INFO|direct_url\.json))?\Z"
)
_TOLD = ("PEX-INFO", "environment.json")
"""What pex and shiv say of themselves."""


class Archive(object):
    """The zip archive at a path. Close it, or use it in a `with`."""

    def __init__(self, tree, path):
        self.path = path
        self.tops = {}
        """names at its top that may be metadata -> True, in their order"""
        self.twice = []
        """names that stand in it more than once: the last one counts, as it does for Python"""
        self._limits = tree.limits
        self._fd = tree.opened(path)
        try:
            status = os.fstat(self._fd)
            self.changed = status.st_ctime
            self._size = status.st_size
            self._entries = {}
            self._read_directory()
        except BaseException:
            os.close(self._fd)
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._fd)

    def has(self, name):
        return name in self._entries

    def read(self, name, most):
        """An entry as a whole; `Unreadable` when it has more than `most` bytes."""
        data = self._unpacked(name, most + 1)
        if len(data) > most:
            raise Unreadable("larger than %d bytes" % most)
        return data

    def head(self, name, size):
        """The first `size` bytes of an entry."""
        return self._unpacked(name, size)

    # Its directory

    def _read_directory(self):
        place, count, size, offset = self._end()
        if count > MOST_ENTRIES:
            raise Unreadable("an archive of more than %d entries" % MOST_ENTRIES)
        if size > MOST_DIRECTORY:
            raise Unreadable("an archive whose directory has more than %d bytes" % MOST_DIRECTORY)
        # What stands in front of an archive, a line that names the interpreter, is not counted by it.
        self._shift = place - size - offset
        if self._shift < 0:
            raise _damaged("its directory lies beyond it")
        directory = self._bytes(place - size, size)
        at = 0
        for _ in range(count):
            at = self._take(directory, at)

    def _end(self):
        """(where the directory ends, how many entries, its size, where it says that it begins)."""
        begin = max(0, self._size - _END.size - _MOST_COMMENT)
        tail = self._bytes(begin, self._size - begin)
        found = tail.rfind(b"PK\5\6", 0, max(0, len(tail) - _END.size + 4))
        if found < 0:
            raise Unreadable("no zip archive: it has no directory at its end")
        _mark, _disk, _begins_on, _here, count, size, offset, _comment = _END.unpack_from(tail, found)
        place = begin + found
        if count == 0xFFFF or _BEYOND in (size, offset):
            return self._end_64(place) or (place, count, size, offset)
        return place, count, size, offset

    def _end_64(self, place):
        """The same of a large archive, which stands in front of that; None where there is none."""
        place -= _LOCATOR_64.size + _END_64.size
        if place < 0:
            return None
        data = self._bytes(place, _END_64.size + _LOCATOR_64.size)
        fields = _END_64.unpack_from(data)
        if fields[0] != b"PK\6\6" or data[_END_64.size :][:4] != b"PK\6\7":
            return None
        return place, fields[7], fields[8], fields[9]

    def _take(self, directory, at):
        """One entry of the directory. Gives the place of the next."""
        if at + _ENTRY.size > len(directory):
            raise _damaged("its directory ends too early")
        (
            mark, _by, _needs, flags, method, _time, _date, _crc, packed, size,
            name_size, extra_size, comment_size, _disk, _inner, _outer, offset,
        ) = _ENTRY.unpack_from(directory, at)  # fmt: skip
        if mark != b"PK\1\2":
            raise _damaged("its directory is none")
        name = directory[at + _ENTRY.size : at + _ENTRY.size + name_size]
        if b"-info" in name or b"-INFO" in name or name == b"environment.json":
            self._keep(_text(name, flags), (flags, method, packed, size, offset))
        return at + _ENTRY.size + name_size + extra_size + comment_size

    def _keep(self, name, entry):
        top = name.partition("/")[0]
        if _METADATA.match(top):
            self.tops[top] = True
        if len(self.tops) > MOST_NAMES:
            raise Unreadable("more than %d entries" % MOST_NAMES)
        if name not in _TOLD and not _METADATA.match(name):
            return
        if name in self._entries:
            self.twice.append(name)
        self._entries[name] = entry
        if len(self._entries) + len(self.twice) > MOST_METADATA:
            raise Unreadable("more than %d files of metadata" % MOST_METADATA)

    # Its entries

    def _unpacked(self, name, most):
        entry = self._entries.get(name)
        if entry is None:
            raise Missing("not there")
        flags, method, packed, size, offset = entry
        self._limits.count_file()
        if flags & _ENCRYPTED:
            raise Unreadable("encrypted")
        if _BEYOND in (packed, size, offset):
            raise Unreadable("too large an archive")
        place = self._shift + offset
        fields = _LOCAL.unpack(self._bytes(place, _LOCAL.size))
        if fields[0] != b"PK\3\4":
            raise _damaged("an entry is not where its directory says")
        place += _LOCAL.size + fields[9] + fields[10]
        if method == _STORED:
            return self._bytes(place, min(packed, most))
        if method == _DEFLATED:
            return _inflated(self._bytes(place, min(packed, most + _MARGIN)), most, size)
        raise Unreadable("compressed by a method that is not read (%d)" % method)

    def _bytes(self, place, size):
        if place < 0 or place + size > self._size:
            raise _damaged("it ends too early")
        self._limits.count_bytes(size)
        pieces = []
        with AsUnreadable():
            while size:
                data = os.pread(self._fd, size, place)
                if not data:
                    raise _damaged("it ends too early")
                pieces.append(data)
                place, size = place + len(data), size - len(data)
        return b"".join(pieces)


def _inflated(data, most, size):
    """At most `most` bytes of what is packed in `data`; `size`: how many there are said to be."""
    try:
        found = zlib.decompressobj(-15).decompress(data, most)
    except zlib.error:
        raise _damaged("an entry can't be unpacked")
    if len(found) < min(most, size):
        raise _damaged("an entry is shorter than it says")
    return found


def _text(name, flags):
    """A name as Python has it. Bytes that are no UTF-8, though they are said to be, stay what they are."""
    name = name.partition(b"\0")[0]
    return os.fsdecode(name) if flags & _UTF8 else name.decode("cp437")


def _damaged(how):
    return Unreadable("a damaged archive: " + how)


# The packages in it


class _Folder(object):
    """A folder of metadata in an archive; is read like a `tree.Directory`."""

    def __init__(self, archive, name):
        self.path = archive.path + "/" + name
        self._archive = archive
        self._name = name

    def head(self, name, size):
        return self._archive.head("%s/%s" % (self._name, name), size)

    def read(self, name, most):
        return self._archive.read("%s/%s" % (self._name, name), most)

    def changed(self):
        return self._archive.changed


def add_packages(tree, place, found):
    """Add to `found`, `packages.Packages`, those whose metadata stand at the top of an archive."""
    with Archive(tree, place) as archive:
        if place.endswith(".egg") and not archive.tops:
            found.miss(place, "an egg without metadata")
        for name in archive.twice:
            found.miss(os.path.join(place, name), "it stands twice in the archive")
        for name in archive.tops:
            _add_package(archive, name, found)


def _add_package(archive, name, found):
    if name == "EGG-INFO":
        if archive.path.endswith(".egg"):
            packages.of_folder(_Folder(archive, name), "PKG-INFO", os.path.basename(archive.path), found)
    elif name[0] == "~":
        return
    elif name.endswith(".dist-info"):
        packages.of_folder(_Folder(archive, name), "METADATA", name, found)
    elif archive.has(name):
        packages.of_file(archive.head(name, packages.HEAD), name, archive.changed, found)
    else:
        packages.of_folder(_Folder(archive, name), "PKG-INFO", name, found)
