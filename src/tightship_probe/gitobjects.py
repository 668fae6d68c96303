"""Reads small objects of a git repository, commits and tags: loose ones, and those near a pack's beginning.

Nothing in them is believed: each read is bounded, also what comes out of a compressed one.
"""

import binascii
import struct
import zlib

from tightship_probe.tree import Missing, Unreadable

MOST_CONTENT = 65536
"""Bytes of an object that are looked at. A commit's or tag's first line says what it names."""
MOST_LOOSE = 1024 * 1024
MOST_INDEX = 32 * 1024 * 1024
MOST_OF_PACK = 8 * 1024 * 1024
"""Bytes of a pack. git writes commits and tags in front, the newest first."""
MOST_PACKS = 50
_KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
_BY_OFFSET, _BY_NAME = 6, 7
_CHAIN = 60


class Objects(object):
    """The objects of one repository, by their names in hexadecimal."""

    def __init__(self, tree, folder):
        self._tree = tree
        self._folder = folder
        self._indexes = None
        self._heads = {}
        self._known = {}

    def kind(self, name):
        """commit, tree, blob or tag. Raises `Unreadable`."""
        return self._object(name)[0]

    def content(self, name):
        """The first bytes of it. Raises `Unreadable`."""
        kind, content = self._object(name)
        if content is None:
            raise Unreadable("a %s that is kept as the difference to another" % kind)
        return content

    def _object(self, name):
        if name not in self._known:
            try:
                self._known[name] = self._loose(name)
            except Missing:
                self._known[name] = self._packed(name)
        return self._known[name]

    def _loose(self, name):
        data = self._tree.read("%s/%s/%s" % (self._folder, name[:2], name[2:]), MOST_LOOSE)
        header, zero, content = _inflated(data).partition(b"\0")
        kind = header.split(b" ")[0]
        if not zero or kind not in (b"commit", b"tree", b"blob", b"tag"):
            raise Unreadable("a damaged object")
        return kind.decode("ascii"), content

    def _packed(self, name):
        if self._indexes is None:
            self._indexes = self._read_indexes()
        wanted = binascii.unhexlify(name)
        for pack, index in self._indexes:
            offset = _offset(index, wanted)
            if offset is not None:
                return self._at(pack, index, offset)
        raise Unreadable("object %s was not found" % name)

    def _read_indexes(self):
        found = []
        folder = self._folder + "/pack"
        try:
            with self._tree.directory(folder) as directory:
                for name in [name for name in directory.names() if name.endswith(".idx")][:MOST_PACKS]:
                    pack = "%s/%s.pack" % (folder, name[: -len(".idx")])
                    found.append((pack, directory.read(name, MOST_INDEX)))
        except Missing:
            pass
        return found

    def _at(self, pack, index, offset):
        """(kind, content) of what stands at an offset of a pack; content None where it is a difference."""
        content_wanted = True
        for _ in range(_CHAIN):
            data = self._beginning(pack, offset)
            number, place = _header(data, offset)
            if number in _KINDS:
                content = _inflated(data[place : place + MOST_LOOSE]) if content_wanted else None
                return _KINDS[number], content
            content_wanted = False
            offset = self._base(number, index, data, place, offset)
        raise Unreadable("a long chain of differences")

    @staticmethod
    def _base(number, index, data, place, offset):
        """The offset of the object that another is a difference to."""
        if number == _BY_OFFSET:
            return offset - _distance(data, place)
        base = _offset(index, data[place : place + _size_of_names(index)]) if number == _BY_NAME else None
        if base is None:
            raise Unreadable("a damaged pack")
        return base

    def _beginning(self, pack, offset):
        if offset < 0 or offset > MOST_OF_PACK - MOST_CONTENT:
            raise Unreadable("an object far back in a large pack")
        wanted = offset + MOST_CONTENT
        if len(self._heads.get(pack, b"")) < wanted:
            # The whole of a small pack at once: the next object asked for is near.
            wanted = 2 * MOST_CONTENT if wanted < 2 * MOST_CONTENT else MOST_OF_PACK
            self._heads[pack] = self._tree.head(pack, wanted)
        return self._heads[pack]


def _inflated(data):
    try:
        return zlib.decompressobj().decompress(data, MOST_CONTENT)
    except zlib.error:
        raise Unreadable("a damaged object")


def _header(data, place):
    """(number of the kind, where its data begins) of an object in a pack."""
    try:
        number = (data[place] >> 4) & 7
        while data[place] & 0x80:
            place += 1
    except IndexError:
        raise Unreadable("a damaged pack")
    return number, place + 1


def _distance(data, place):
    """How far before an object its base stands: seven bits a byte, plus one for each byte that follows."""
    try:
        value = data[place] & 0x7F
        while data[place] & 0x80:
            place += 1
            value = ((value + 1) << 7) | (data[place] & 0x7F)
            if value > 1 << 40:
                break
    except IndexError:
        raise Unreadable("a damaged pack")
    return value


# The index of a pack, version 2: names sorted, found by halving


def _count(index):
    if index[:8] != b"\xfftOc\0\0\0\2" or len(index) < 1032:
        raise Unreadable("a pack index of another version")
    return struct.unpack_from(">I", index, 1028)[0]


def _size_of_names(index):
    """20 bytes or, with sha256, 32: told by the length of the whole, tables of large packs aside."""
    count = _count(index)
    return 32 if len(index) >= 1032 + count * 40 + 64 else 20


def _offset(index, wanted):
    """Where an object stands in the pack; None when it is not in it."""
    size, count = len(wanted), _count(index)
    if 1032 + count * (size + 8) > len(index):
        raise Unreadable("a damaged pack index")
    first = wanted[0]
    low = struct.unpack_from(">I", index, 8 + 4 * (first - 1))[0] if first else 0
    high = min(struct.unpack_from(">I", index, 8 + 4 * first)[0], count)
    while low < high:
        middle = (low + high) // 2
        name = index[1032 + middle * size : 1032 + (middle + 1) * size]
        if name == wanted:
            return struct.unpack_from(">I", index, 1032 + count * (size + 4) + 4 * middle)[0]
        if name < wanted:
            low = middle + 1
        else:
            high = middle
    return None
