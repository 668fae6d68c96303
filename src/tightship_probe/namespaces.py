"""Who arranged what a process sees: root, or the process' own user.

In a user namespace anybody may mount: /etc/shadow over a METADATA below /usr, for one. There even
what belongs to root is read with the rights of the process' user.
"""

import fcntl
import os

_NS_GET_USERNS = 0xB701
"""ioctl: the user namespace that owns a namespace. Linux 4.9."""


def reader_of(proc_path, pid, uid):
    """With whose rights to begin reading below the root of process `pid` of `uid`: 0, or his own."""
    own = "%s/self/ns/" % proc_path
    its = "%s/%d/ns/" % (proc_path, pid)
    try:
        if _same(own + "mnt", its + "mnt"):
            return 0
        return 0 if _owner(its + "mnt") == _identity(os.stat(own + "user")) else uid
    except OSError:
        return uid


def _same(one, other):
    return _identity(os.stat(one)) == _identity(os.stat(other))


def _owner(path):
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        owner = fcntl.ioctl(fd, _NS_GET_USERNS)
    finally:
        os.close(fd)
    try:
        return _identity(os.fstat(owner))
    finally:
        os.close(owner)


def _identity(status):
    return status.st_dev, status.st_ino
