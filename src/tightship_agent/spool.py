"""The spool: reports that wait to be sent, each in a file of its own, oldest first.

The directory is root's, and nobody else may write in it: root follows no link of another user's.
The sender only reads. It remembers elsewhere up to which number it is done, and root removes those.
Numbers only go up, so whatever was dropped in between shows as a gap: nothing has to be counted
on a disk that may be full. The newest report always stays, so that its number is not given twice.

A file is a gzip of one line of JSON about the writing, and the report. gzip ends with a checksum: a
file that was cut is known by it.
"""

import contextlib
import errno
import fcntl
import json
import os
import re
import stat
import time
import zlib

from tightship_agent.document import LARGEST
from tightship_agent.words import reason

_NAME = re.compile(r"(\d{12})\.report\Z", re.ASCII)
_NEW = "new"
_LOCK = "lock"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", 7)  # it has a name since Python 3.7
_MOST_ABOUT = 1000


class SpoolError(Exception):
    """The spool can't be used; the message says why, and what to do."""


class Cut(Exception):
    """A file of the spool that is not whole."""


class Spool(object):
    """The directory at `path`. Raises `SpoolError` where it is not there or can't be read."""

    def __init__(self, path):
        self.path = path
        self._lock = None
        try:
            self._folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise SpoolError("the spool %s can't be opened: %s" % (path, reason(error))) from None

    def __enter__(self):
        return self

    def __exit__(self, *_raised):
        os.close(self._folder)
        if self._lock is not None:
            os.close(self._lock)

    def numbers(self):
        """Of the reports that are there, the oldest first."""
        return sorted(int(found.group(1)) for found in map(_NAME.match, os.listdir(self._folder)) if found)

    def size(self, number):
        """Bytes of its file."""
        return os.stat(_name(number), dir_fd=self._folder, follow_symlinks=False).st_size

    def read(self, number):
        """(about, text) of a report. Raises `Cut`, and FileNotFoundError where it was just removed."""
        fd = os.open(_name(number), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._folder)
        with os.fdopen(fd, "rb") as file:
            packed = file.read(LARGEST)
        gzip = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            data = gzip.decompress(packed, LARGEST + _MOST_ABOUT)
            about, _line, text = data.decode("ascii").partition("\n")
            about = json.loads(about)
        except (zlib.error, ValueError) as error:
            raise Cut("report %d can't be unpacked: %s" % (number, error)) from None
        if not gzip.eof or not isinstance(about, dict):
            raise Cut("report %d was cut" % number)
        return about, text

    # What root does

    def begin(self):
        """Be the only one who writes, in a directory that is ours alone. Raises `SpoolError`."""
        status = os.fstat(self._folder)
        if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise SpoolError(
                "the spool %s must belong to who runs the probe, and nobody else may write there: "
                "chown root %s; chmod g-w,o-rwx %s" % ((self.path,) * 3)
            )
        # Not the directory itself: the sender may open that, and could keep us waiting.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._lock = os.open(_LOCK, flags, 0o600, dir_fd=self._folder)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SpoolError("another one writes to the spool %s at this moment" % self.path) from None
        except OSError as error:
            raise SpoolError("the spool %s can't be written: %s" % (self.path, reason(error))) from None

    def put(self, text):
        """Keep a report; its number. Raises OSError: then what is there is as it was."""
        numbers = self.numbers()
        number = numbers[-1] + 1 if numbers else 1
        about = {"boot": boot(), "clock": clock(), "time": round(time.time(), 3)}
        packed = _packed("%s\n%s" % (json.dumps(about), text))
        self._unlink(_NEW)
        # The directory gives it its group, which is the sender's.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            fd = os.open(_NEW, flags, 0o640, dir_fd=self._folder)
            with os.fdopen(fd, "wb") as file:
                os.fchmod(fd, 0o640)
                file.write(packed)
                file.flush()
                os.fsync(file.fileno())
            os.rename(_NEW, _name(number), src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except OSError:
            self._unlink(_NEW)
            raise
        os.fsync(self._folder)
        return number

    def put_somehow(self, text):
        """The same; on a full disk the oldest make room, as much as this one takes. (number, dropped)."""
        dropped, room = 0, 2 * len(_packed(text))
        while True:
            try:
                return self.put(text), dropped
            except OSError as error:
                numbers = self.numbers()
                if error.errno not in _FULL or room <= 0 or len(numbers) < 2:
                    raise
            room -= max(self.size(numbers[0]), 1)
            self._unlink(_name(numbers[0]))
            dropped += 1

    def prune(self, done, most, most_bytes):
        """Remove those that the sender is done with, and the oldest beyond the bounds; how many of these.

        `done` is what the sender says, so it may be anything: no more than removed reports come of it.
        """
        waiting = self.numbers()
        for number in [number for number in waiting[:-1] if number <= done]:
            self._unlink(_name(number))
        waiting = [number for number in waiting if number > done or number == waiting[-1]]
        dropped = too_many([(number, self.size(number)) for number in waiting], most, most_bytes)
        for number in dropped:
            self._unlink(_name(number))
        return len(dropped)

    def _unlink(self, name):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._folder)


def too_many(sizes, most, most_bytes):
    """Of [(number, bytes)], oldest first, the numbers that are too many. Never the newest. Pure."""
    total = sum(size for _number, size in sizes)
    dropped = []
    for number, size in sizes[:-1]:
        if len(sizes) - len(dropped) <= most and total <= most_bytes:
            break
        dropped.append(number)
        total -= size
    return dropped


def boot():
    """The id of this boot; empty where there is none to read."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


def clock():
    """Seconds since boot, which nobody can set."""
    return round(time.clock_gettime(_BOOTTIME), 3)


def _packed(text):
    gzip = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return gzip.compress(text.encode("ascii")) + gzip.flush()


def _name(number):
    return "%012d.report" % number
