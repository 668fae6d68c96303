"""Opens files on a server that may be hostile. Nothing else in the probe opens a file below a root.

Root reads here what application users own. So links are resolved by hand, below a root descriptor
(an absolute link under /proc/PID/root would otherwise lead out, to the server's own root); what is
opened is never followed and only read when it is a regular file; everything is bounded; and a path
is read with the rights of its first owner who is not root (see `rights`), so that a link into
somebody else's files yields nothing that its owner could not read anyway.

Paths are `str` with undecodable bytes as surrogates (`os.fsdecode`). Errors are `Unreadable`, with
the reason in words, and `Missing` where there is nothing to read.
"""

import collections
import errno
import itertools
import os
import stat
import sys
import time

from tightship_probe.rights import NOBODY, Rights, next_reader, others_may_write
from tightship_probe.unreadable import AsUnreadable, Missing, Unreadable, reason

__all__ = ["MOST_BYTES", "MOST_NAMES", "Directory", "Limits", "Missing", "Tree", "Unreadable"]

_PATH = os.O_CLOEXEC | os.O_NOFOLLOW | getattr(os, "O_PATH", 0o10000000)
# O_NONBLOCK: a FIFO has no writer to wait for, a leased file no holder. O_NOCTTY: no terminal.
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_LIST = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECTORY
_PATH_OF_FOLDER = _PATH | os.O_DIRECTORY
_FORMAT = 0o170000

MOST_BYTES = 1024 * 1024
MOST_NAMES = 20000
MOST_STEPS = 200
"""Components of one path, its links' targets included. The kernel's own limit on links is 40."""

_PIECE = 65536
_BLOCK_OF_PROC = 1024
"""Bytes in a block of /proc, where files are no files. Hardly any other file system has so few."""


class Limits(object):
    """What all reading of one owner's files together may take. Raises `Unreadable` beyond it.

    `exceeded` says then, in words, what there was too much of: what was not found after that may be there.
    """

    def __init__(self, seconds=4.0, files=100000, size=256 * 1024 * 1024):
        self.exceeded = ""
        self._seconds = seconds
        self._deadline = 0.0
        self._files = files
        self._size = size

    def count_file(self):
        self._files -= 1
        if self._files < 0:
            self._exceed("too many files")
        now = time.monotonic()
        if not self._deadline:  # the time begins with the first file: limits may be made long before
            self._deadline = now + self._seconds
        if now > self._deadline:
            self._exceed("out of time")

    def count_bytes(self, size):
        self._size -= size
        if self._size < 0:
            self._exceed("too much to read")

    def _exceed(self, why):
        self.exceeded = why
        raise Unreadable(why)


class Tree(object):
    """The files below a root: that of the server, of a process, or of a test.

    `root` is a path or a descriptor of a directory; a descriptor stays the caller's to close, but for
    one that is `owned`. `reader` is with whose rights to begin: 0 where root alone arranged what is
    mounted there, else that user, who may have mounted anything anywhere.
    """

    def __init__(self, root, limits=None, owned=False, reader=0):
        self.limits = limits or Limits()
        self.reader = reader
        self._rights = Rights()
        self._own = owned or isinstance(root, str)
        self.root = root
        if isinstance(root, str):
            self.become(0)  # another tree may be open, and at an owner's files
            self.root = os.open(root, _PATH & ~os.O_NOFOLLOW | os.O_DIRECTORY)
        self._trail = _Trail(_Step("", self.root, os.fstat(self.root), reader))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Give back the root, and take our own rights again."""
        self._rights.restore()
        self._trail.back_to(0)
        if self._own:
            os.close(self.root)

    def become(self, user):
        """Go on with the rights of `user`."""
        self._rights.take(user)

    def trail(self):
        """Where the last walk went, for the next one; a new one while a walk is under way."""
        trail, self._trail = self._trail, _Trail(self._trail.steps[0])
        return trail

    def keep(self, trail):
        """Give back what `trail` gave."""
        self._trail.back_to(0)
        self._trail = trail

    def directory(self, path):
        """The `Directory` at an absolute `path`, links resolved. Close it, or use it in a `with`."""
        return self.directory_at(_Walk(self, path))

    def directory_at(self, walk):
        with walk:
            if not stat.S_ISDIR(walk.status.st_mode):
                raise Unreadable("not a directory")
            return Directory(self, walk.opened(_LIST), walk.path, walk.reader)

    def read(self, path, most=MOST_BYTES):
        """Bytes of the regular file at an absolute `path`; `Unreadable` when there are more than `most`."""
        return self.content_at(_Walk(self, path), most, False)

    def head(self, path, size):
        """The first `size` bytes of the regular file at an absolute `path`."""
        return self.content_at(_Walk(self, path), size, True)

    def opened(self, path):
        """A descriptor of the regular file at `path`, to read parts of it. The caller closes it."""
        with _Walk(self, path) as walk:
            _check_regular(walk.status)
            fd = walk.opened(_READ)
        try:
            _check_no_proc(fd, os.fstat(fd))
        except BaseException:
            os.close(fd)
            raise
        return fd

    def spooled(self, path, most=MOST_BYTES):
        """Bytes of root's own file in a spool directory, where a program puts it (cron's, in group crontab).

        Read as root, where it is root's alone: also by that program's group nobody else comes there.
        """
        parent, name = os.path.split(path)
        with _Walk(self, parent) as walk:
            above = walk.status
            if walk.reader == 0 and above.st_uid == 0 and not above.st_mode & stat.S_IWOTH:
                with AsUnreadable():
                    fd = os.open(name, _READ, dir_fd=walk.fd)
                status = os.fstat(fd)
                if status.st_uid == 0 and status.st_nlink == 1 and not status.st_mode & 0o022:
                    return _content(fd, self.limits, most, False)
                os.close(fd)
        return self.read(path, most)

    def content_at(self, walk, most, only_head):
        with walk:
            _check_regular(walk.status)
            fd = walk.opened(_READ)
        return _content(fd, self.limits, most, only_head)

    def status(self, path):
        """`os.stat_result` of what is at `path`, links resolved."""
        with _Walk(self, path) as walk:
            return walk.status

    def real(self, path):
        """`path` with every link resolved, as seen from the root."""
        with _Walk(self, path) as walk:
            return walk.path

    def exists(self, path):
        """Whether there is something that can be reached. When in doubt (see `Limits.exceeded`) not."""
        try:
            self.status(path)
        except Unreadable:
            return False
        return True

    def link(self, path):
        """Where the link at `path` points, as written; `Unreadable` when it is none."""
        parent, name = os.path.split(path.rstrip("/"))
        with _Walk(self, parent or "/") as walk, AsUnreadable():
            return os.readlink(name, dir_fd=walk.fd)


class Directory(object):
    """An open directory. `path` is where it really is, as seen from its tree's root."""

    def __init__(self, tree, fd, path, reader, above=None):
        self.path = path
        self._tree = tree
        self._fd = fd
        self._status = os.fstat(fd)
        self._reader = next_reader(reader, above, self._status) if above else reader
        # What is in a directory that others may write, too, is opened by a walk: it looks at it first.
        self._walks = self._reader in (0, NOBODY) and others_may_write(self._status)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._fd)

    @property
    def identity(self):
        """Tells it from every other directory, and from itself after something in it changed."""
        return self._status.st_dev, self._status.st_ino, self._status.st_mtime

    def names(self, most=MOST_NAMES):
        """Names in it, sorted; `Unreadable` when there are more than `most`."""
        self._begin("")
        with AsUnreadable(), os.scandir(_listable(self._fd)) as entries:
            names = [entry.name for entry in itertools.islice(entries, most + 1)]
        if len(names) > most:
            raise Unreadable("more than %d entries" % most)
        names.sort()
        return names

    def read(self, name, most=MOST_BYTES):
        """Bytes of the file `name` (one component); `Unreadable` when there are more than `most`."""
        return self._read(name, most, False)

    def head(self, name, size):
        """The first `size` bytes of the file `name`."""
        return self._read(name, size, True)

    def _read(self, name, most, only_head):
        self._begin(name)
        fd = None if self._walks else _opened(name, _READ, self._fd)
        if fd is None:
            return self._tree.content_at(self._walk(name), most, only_head)
        return _content(fd, self._tree.limits, most, only_head)

    def status(self, name):
        """`os.stat_result` of the entry itself, a link not followed."""
        self._begin(name)
        with AsUnreadable():
            return os.stat(name, dir_fd=self._fd, follow_symlinks=False)

    def heads(self, name, files, size):
        """(ctime, [first bytes of each file or None]) of a directory in this one; None: not so simply.

        What `directory` and `head` would give, in as few steps as can be: there are thousands of them.
        A link, a file that is not plain, more than `size` bytes, or another owner: those tell more.
        """
        if self._walks:
            return None
        self._begin(name)
        try:
            folder = os.open(name, _PATH_OF_FOLDER, dir_fd=self._fd)
        except OSError:
            return None
        try:
            status = os.fstat(folder)
            if self._reader != status.st_uid and self._reader != next_reader(
                self._reader, self._status, status
            ):
                return None
            if self._reader in (0, NOBODY) and others_may_write(status):
                return None
            return status.st_ctime, [_head(folder, file, size, self._tree.limits) for file in files]
        except (_NotPlain, OSError):
            return None
        finally:
            os.close(folder)

    def _is_anothers(self, status):
        """Whether a directory in this one, or what is in it, is to be read with other rights."""
        if self._reader in (0, NOBODY) and others_may_write(status):
            return True
        return self._reader != next_reader(self._reader, self._status, status)

    def changed(self):
        """When its inode last changed (ctime), in seconds since the epoch."""
        return self._status.st_ctime

    def directory(self, name):
        """The directory `name` in this one; a link is resolved below the tree's root."""
        self._begin(name)
        fd = None if self._walks else _opened(name, _LIST, self._fd)
        if fd is None:
            return self._tree.directory_at(self._walk(name))
        return Directory(self._tree, fd, os.path.join(self.path, name), self._reader, self._status)

    def _walk(self, name):
        return _Walk(self._tree, self.path, name, self._reader)

    def _begin(self, name):
        if "/" in name or name in (".", ".."):
            raise Unreadable("not the name of an entry: " + name)
        self._tree.limits.count_file()
        self._tree.become(self._reader)


_Step = collections.namedtuple("_Step", "name fd status reader")
"""A directory, or a file, that a walk came by: its descriptor, and with whose rights it was reached."""


class _Trail(object):
    """The steps of a walk from the root on, which stays the tree's.

    The next walk goes on from where both ways part: most paths of a process differ in their ends only.
    """

    def __init__(self, root):
        self.steps = [root]

    def back_to(self, number):
        """Forget all but the first `number` steps behind the root."""
        while len(self.steps) > number + 1:
            os.close(self.steps.pop().fd)

    def meet(self, waiting):
        """Take from `waiting`, steps of a path with the first one last, those that were taken before."""
        known = 0
        # The last one is looked at anew: it may be another by now.
        while len(waiting) > 1 and known + 1 < len(self.steps) and self.steps[known + 1].name == waiting[-1]:
            waiting.pop()
            known += 1
        self.back_to(known)


class _Walk(object):
    """A path followed step by step. `fd` names what is there without opening it.

    `name` is a last step, taken with the rights of `reader` at most: whoever led to a directory by a
    link of his own is not to get root's rights by the directory's real path.
    """

    def __init__(self, tree, path, name="", reader=0):
        if not path.startswith("/"):
            raise Unreadable("not an absolute path: " + path)
        self._tree = tree
        self._path, self._name, self._known_reader = path, name, reader

    def __enter__(self):
        tree = self._tree
        tree.limits.count_file()
        waiting = _steps(self._path)
        self._trail = tree.trail()
        self._trail.meet(waiting)
        self._steps = self._trail.steps
        self._taken = len(self._steps) - 1
        self._straight = len(self._steps) + len(waiting)
        self.reader = self._steps[-1].reader
        try:
            tree.become(self.reader)
            self._go(waiting)
            if self._name:
                self._bend()
                self.reader = self.reader or self._known_reader
                tree.become(self.reader)
                self._go(_steps(self._name))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # Behind a link, or "..", the rights are not those with which others would come there.
        self._trail.back_to(self._straight - 1)
        self._tree.keep(self._trail)

    @property
    def fd(self):
        return self._steps[-1].fd

    @property
    def status(self):
        return self._steps[-1].status

    @property
    def path(self):
        return "/" + "/".join([step.name for step in self._steps[1:]])

    def opened(self, flags):
        """A new descriptor to read what was found; through /proc/self/fd, so nothing is looked up again."""
        with AsUnreadable():
            return os.open("/proc/self/fd/%d" % self.fd, flags & ~os.O_NOFOLLOW)

    def _bend(self):
        self._straight = min(self._straight, len(self._steps))

    def _go(self, waiting):
        while waiting:
            self._taken += 1
            if self._taken > MOST_STEPS:
                raise Unreadable("too many links or too deep a path")
            step = waiting.pop()
            if step == "..":
                self._bend()
                # ".." of the root is the root, as the kernel has it.
                self._trail.back_to(max(0, len(self._steps) - 2))
                self._bend()
            else:
                self._enter(step, waiting)

    def _enter(self, name, waiting):
        _, folder, above, _ = self._steps[-1]
        try:
            fd = os.open(name, _PATH, dir_fd=folder)
        except OSError as error:
            raise reason(error)
        except ValueError:  # a NUL in a name
            raise Unreadable("no possible path")
        try:
            status = os.fstat(fd)
            if self.reader in (0, NOBODY):
                self._become(next_reader(self.reader, above, status))
        except BaseException as error:
            os.close(fd)
            raise reason(error) if isinstance(error, OSError) else error
        if status.st_mode & _FORMAT == stat.S_IFLNK:
            self._bend()
            self._follow(fd, waiting)
        else:
            self._steps.append(_Step(name, fd, status, self.reader))

    def _become(self, reader):
        if reader != self.reader:
            self.reader = reader
            self._tree.become(reader)

    def _follow(self, link, waiting):
        try:
            with AsUnreadable():
                target = os.readlink("", dir_fd=link)
        finally:
            os.close(link)
        if target.startswith("/"):
            self._trail.back_to(0)
            self._bend()
        waiting.extend(_steps(target))


def _steps(path):
    """The steps of a path, the first one last."""
    return [step for step in reversed(path.split("/")) if step not in ("", ".")]


def _opened(name, flags, folder):
    """A descriptor of the entry `name` of a directory; None when it is a link."""
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        # Linux answers ENOTDIR, not ELOOP, to O_DIRECTORY | O_NOFOLLOW on a link.
        if error.errno == errno.ELOOP or (error.errno == errno.ENOTDIR and flags & os.O_DIRECTORY):
            return None
        if error.errno == errno.ENXIO:
            raise Unreadable("not a regular file, but a socket")
        raise reason(error)
    except ValueError:  # a NUL in a name
        raise Unreadable("no possible path")


class _NotPlain(Exception):
    """Not a plain file that is small enough."""


def _head(folder, name, size, limits):
    """A whole small file; None where there is none. Raises `_NotPlain`."""
    try:
        fd = os.open(name, _READ, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError:
        raise _NotPlain
    try:
        status = os.fstat(fd)
        if status.st_mode & _FORMAT != stat.S_IFREG or status.st_blksize == _BLOCK_OF_PROC:
            raise _NotPlain
        data = os.read(fd, size)
    except OSError:
        raise _NotPlain
    finally:
        os.close(fd)
    limits.count_bytes(len(data))
    return data


def _content(fd, limits, most, only_head):
    """Bytes of an open file, which is closed. `Unreadable` when it is no regular one, or too large."""
    try:
        status = os.fstat(fd)
        _check_no_proc(fd, status)
        if status.st_size > most and not only_head:
            raise Unreadable("larger than %d bytes" % most)
        with AsUnreadable():
            data = _read_up_to(fd, most if only_head else most + 1, status.st_size)
    finally:
        os.close(fd)
    limits.count_bytes(len(data))
    if len(data) > most:
        raise Unreadable("larger than %d bytes" % most)
    return data


def _read_up_to(fd, size, known):
    """At most `size` bytes; to the end, or to the size that the file is `known` to have."""
    pieces = []
    while size > 0:
        data = os.read(fd, min(size, _PIECE))
        pieces.append(data)
        size -= len(data)
        known -= len(data)
        if not data or known == 0:
            break
    return b"".join(pieces)


def _check_no_proc(fd, status):
    """Of an open file that it is a regular one, and not about the reader."""
    _check_regular(status)
    # What /proc/self says is about the reader, root's own process, and it says that to every reader.
    if status.st_blksize == _BLOCK_OF_PROC and not os.fstatvfs(fd).f_blocks:
        raise Unreadable("not a regular file, but one of /proc")


def _check_regular(status):
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise Unreadable("not a regular file, but " + kind)


_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a link",
}


def _listable(fd):
    # Python 3.6 lists names, not descriptors.
    return fd if sys.version_info >= (3, 7) else "/proc/self/fd/%d" % fd
