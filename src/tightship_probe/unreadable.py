"""What can't be read, and why."""

import errno
import os


class Unreadable(Exception):
    """Something could not be read; the message says why."""


class Missing(Unreadable):
    """There is nothing at this path."""


def reason(error):
    """An OSError as `Unreadable` or `Missing`, in the system's words, without a path in it."""
    kind = Missing if error.errno in (errno.ENOENT, errno.ENOTDIR) else Unreadable
    return kind(os.strerror(error.errno or 0).lower())


class AsUnreadable(object):
    """`with AsUnreadable():` raises `Unreadable` in place of what the system says."""

    def __enter__(self):
        return self

    def __exit__(self, _kind, error, _trace):
        if isinstance(error, OSError):
            raise reason(error)
        if isinstance(error, ValueError):  # a NUL in a path
            raise Unreadable("no possible path")
