"""Reads /proc: of this server, or of a folder that stands for one in a test.

What /proc shows is made by the kernel, so its files are opened directly. Some of them can hang all
the same (cmdline, environ, maps, mem: they need the process' memory): these are only read in a
child, see children.py.
"""

import errno
import os

from tightship_probe.tree import Missing, Unreadable

MOST = 1024 * 1024

_GONE = (errno.ENOENT, errno.ESRCH, errno.ENOTDIR)


class Proc(object):
    """`path` is that of the directory: /proc."""

    def __init__(self, path="/proc"):
        self.path = path
        self.real = path == "/proc"

    def read(self, name, most=MOST):
        """The first `most` bytes of a file. Raises `Missing` (a process that ended) or `Unreadable`."""
        try:
            fd = os.open(self.path + "/" + name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                return _all(fd, most)
            finally:
                os.close(fd)
        except OSError as error:
            raise reason(error)

    def text(self, name, most=MOST):
        """The same as text, bytes that are no UTF-8 as lone surrogates."""
        return os.fsdecode(self.read(name, most))

    def link(self, name):
        """Where a link points."""
        try:
            return os.readlink(self.path + "/" + name)
        except OSError as error:
            raise reason(error)

    def names(self, name=""):
        """Names in a directory, in the kernel's order."""
        try:
            return os.listdir(self.path + "/" + name)
        except OSError as error:
            raise reason(error)

    def pids(self):
        return sorted(int(name) for name in self.names() if name.isdigit())


def reason(error):
    """`Missing` where a process has ended, otherwise `Unreadable`, with the system's words."""
    kind = Missing if error.errno in _GONE else Unreadable
    return kind(os.strerror(error.errno or 0).lower())


def _all(fd, most):
    data = os.read(fd, min(most, 65536))
    # Files of /proc come in pieces of their own choosing: only an empty one is the end.
    more = data
    while more and len(data) < most:
        more = os.read(fd, min(most - len(data), 65536))
        data += more
    return data
