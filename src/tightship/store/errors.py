"""What can go wrong with a database, as one exception with one clear sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, connections

from tightship.store.place import database


class StoreError(Exception):
    """The database could not do it; nothing was recorded. The message says what, where and what to do."""


_KNOWN = (
    (
        r"locked|lock timeout|LockNotAvailable",
        "is locked: another program has been writing to it for too long. Try again",
    ),
    (r"disk is full|no space left|could not extend file", "has no room: the disk is full. Free some space"),
    (
        r"readonly|read-only|permission denied",
        "can't be written by this user. Give it the right, or run as the user that owns it",
    ),
    (r"unable to open", "can't be opened. `tightship doctor` says which right or directory is missing"),
    (
        r"no such table|no such column|does not exist",
        "is not as this release needs it. `tightship gather` or `tightship serve` bring it up to date",
    ),
    (r"malformed|not a database", "is damaged. Put it aside and restore a copy"),
    # Where SQLite can't make its shared memory larger, for one, it says no more than this.
    (r"disk i/o error", "can't be read or written: its disk is full, or fails. Free some space"),
    (
        r"connect|terminat|closed|shutting down|starting up",
        "can't be reached. Check DATABASE_URL, and that its server runs",
    ),
)


@contextmanager
def told() -> Iterator[None]:
    """Turns whatever the database raises into `StoreError`, and drops a connection that broke."""
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        for connection in connections.all(initialized_only=True):
            connection.close()
        raise StoreError(_sentence(str(error))) from error


def _sentence(message: str) -> str:
    first = message.strip().splitlines()[0] if message.strip() else "no reason given"
    for pattern, what in _KNOWN:
        if re.search(pattern, message, re.I):
            return f"The database {database()} {what}. ({first})"
    return f"The database {database()} said: {first}"
