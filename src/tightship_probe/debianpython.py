"""The exact version of Debian's and Ubuntu's own Python, where no headers are installed to tell it.

Its change log begins with the version of the package: `python3.11 (3.11.2-6+deb12u8) bookworm; ...`.
"""

import zlib

from tightship_probe.patterns import Pattern
from tightship_probe.tree import Unreadable

_CHANGES = "/usr/share/doc/%s-minimal/changelog.Debian.gz"
_MOST_BYTES = 4096
_MOST_TEXT = 200
_GZIP = 31
_FIRST = Pattern(rb"\S+ \((\d+\.\d+\.\d+)[-+]")
"""A pre-release, 3.13.0~rc1-1, is left alone: Python itself writes that otherwise."""


def version(tree, folder):
    """X.Y.Z of the Python whose library is `folder`, python3.11; "" where that is not told."""
    try:
        packed = tree.head(_CHANGES % folder, _MOST_BYTES)
        text = zlib.decompressobj(_GZIP).decompress(packed, _MOST_TEXT)
    except (Unreadable, zlib.error):
        return ""
    match = _FIRST.match(text)
    found = match.group(1).decode("ascii") if match else ""
    return found if folder.endswith(found.rpartition(".")[0]) else ""
