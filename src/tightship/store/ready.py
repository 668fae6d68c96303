"""Makes the store ready to be asked, or to be written."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tightship.store.place import keep_secret_key

SETTINGS = "tightship.store.settings"

_NUMBER = 0x71676874
"""By which PostgreSQL knows our lock."""


def set_up() -> None:
    """Set Django up for whatever asks the store. Cheap when it was done before."""
    import django
    from django.apps import apps
    from django.conf import settings

    if not settings.configured:
        # Whoever types our verbs has often set this for an application of their own.
        os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    if not apps.ready:
        django.setup()


def migrate() -> None:
    """Bring the database up to date; makes it, and the secret key, where there is none."""
    keep_secret_key()
    set_up()
    from django.core.management import call_command

    from tightship.store.judging import catch_up

    with alone():
        call_command("migrate", verbosity=0, interactive=False)
        catch_up(datetime.now(UTC))


@contextmanager
def alone() -> Iterator[None]:
    """One at a time, of all that share the database: `serve` and what it starts begin at the same moment."""
    from tightship.store.place import database

    where = database()
    with _locked(Path(where.name).parent) if where.vendor == "sqlite" else _held():
        yield


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    # The directory itself: no file that another user could not open later.
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _held() -> Iterator[None]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_NUMBER])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_NUMBER])
