"""With whose rights files are read: those of their owner, so that root's are of no use to him.

Only the effective ids change. The real ones stay root's: the owner can neither signal nor trace
the reader.
"""

import os
import stat
import sys

from tightship_probe.unreadable import Unreadable

NOBODY = 4294967294
"""A user and a group that owns nothing. (65534, the usual one, owns what some services write.)"""

_NOBODY_SMALL = 65534
"""For a user namespace that holds no larger number."""


class Rights(object):
    """The rights of this process. Without root there is nothing to change, and nothing changes."""

    def __init__(self):
        self._switches = os.getuid() == 0
        self._group = os.getegid()
        self._groups = os.getgroups()

    def take(self, user):
        """Go on as the user of this number, in no group. Raises `Unreadable` when that can't be."""
        if not self._switches or os.geteuid() == user:
            return
        try:
            os.seteuid(0)
            if user:
                _leave_groups()
                _set(os.seteuid, user)
        except OSError:
            raise Unreadable("the rights of user %d cannot be taken" % user)

    def restore(self):
        """Go on as before the first `take`."""
        self.take(0)
        if os.getegid() != self._group:
            os.setegid(self._group)
        if os.getgroups() != self._groups:
            os.setgroups(self._groups)


def next_reader(reader, above, status):
    """With whose rights to go on at an entry of a directory; `above` and `status` are theirs.

    With those of the first owner who is not root. Where root owns an entry of a directory that
    others may write, they may have moved it there from where they can't read it: then nobody's.
    """
    if reader not in (0, NOBODY):
        return reader
    if status.st_uid:
        return status.st_uid
    return NOBODY if _others_may_move(above, status) else reader


def others_may_write(status):
    """Whether someone beside the owner and root may make and remove entries of a directory."""
    return bool(status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and status.st_gid))


def _others_may_move(above, status):
    # In a sticky directory (/tmp) nobody moves what is root's; into it he moves what is no directory.
    is_safe = above.st_mode & stat.S_ISVTX and stat.S_ISDIR(status.st_mode)
    return others_may_write(above) and not is_safe


def _leave_groups():
    if os.getgroups():
        os.setgroups([])
    if os.getegid() not in (NOBODY, _NOBODY_SMALL):
        _set(os.setegid, NOBODY)


def _set(set_id, wanted):
    try:
        set_id(wanted)
    except OSError:
        if wanted != NOBODY:
            raise
        set_id(_NOBODY_SMALL)


def loaded(name):
    """The module `name`, imported now: what few servers need is loaded where they need it.

    As ourselves: our own Python may be where an application's user may not read.
    """
    user = os.geteuid()
    if user and os.getuid() == 0:
        os.seteuid(0)
    try:
        __import__(name)
    finally:
        if os.geteuid() != user:
            os.seteuid(user)
    return sys.modules[name]
