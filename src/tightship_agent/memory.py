"""What the sender remembers: up to which report it is done, what was lost, what went wrong last.

One small file in a directory of its own, written whole or not at all. Root reads `done` from it to
remove those reports. Who could write here could as well not send them.
"""

import json
import os
import stat
from collections import namedtuple

NAME = "sender.json"
_NEW = "sender.json.new"
_MOST_BYTES = 4096
_MOST_TEXT = 500

Memory = namedtuple("Memory", "done sent_at dropped cut refused tried_at error")
"""`done`: the number of the newest report that was sent or passed over. `sent_at`, `tried_at`: seconds
since the epoch, 0: never. `dropped`, `cut`, `refused`: reports that were lost, since the beginning.
`error`: what kept the newest try from sending everything; empty: nothing did."""

NOTHING = Memory(0, 0, 0, 0, 0, 0, "")


def read(directory):
    """What is remembered; `NOTHING` where nothing is, or nothing that makes sense. Follows no link."""
    try:
        folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return NOTHING
    try:
        # NONBLOCK: a FIFO in place of the file must not keep root waiting.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        fd = os.open(NAME, flags, dir_fd=folder)
        with os.fdopen(fd, "rb") as file:
            regular = stat.S_ISREG(os.fstat(fd).st_mode)
            return parsed(file.read(_MOST_BYTES)) if regular else NOTHING
    except OSError:
        return NOTHING
    finally:
        os.close(folder)


def parsed(data):
    """Whatever stands in the file. Pure."""
    try:
        said = json.loads(data.decode("ascii"))
    except (ValueError, RecursionError):
        return NOTHING
    if not isinstance(said, dict):
        return NOTHING
    return Memory(*(_plain(said.get(name), default) for name, default in zip(Memory._fields, NOTHING)))


def write(directory, memory):
    """Remember. Raises OSError."""
    data = json.dumps(memory._replace(error=memory.error[:_MOST_TEXT])._asdict()).encode("ascii")
    new = os.path.join(directory, _NEW)
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.rename(new, os.path.join(directory, NAME))


def _plain(value, default):
    if isinstance(default, str):
        return value[:_MOST_TEXT] if isinstance(value, str) else default
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return default
    return int(value) if 0 <= value < 10**12 else default
