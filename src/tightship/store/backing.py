"""Makes a backup of the database at one moment, while reports go on coming in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import connection, models, transaction
from django.db.migrations.executor import MigrationExecutor

import tightship
from tightship.store.archive import SCHEMA, BackupError, Manifest, writing
from tightship.store.errors import told
from tightship.store.place import SECRET_KEY_FILE, data_directory

Model = type[models.Model]

NOT_KEPT = frozenset({"store.lease", "store.wrong"})
"""Who works at this moment, and who typed wrong passwords: of no use later."""


def back_up(path: Path, now: datetime) -> Manifest:
    """Write all that is remembered to `path`. Raises BackupError, StoreError, OSError."""
    with told(), _one_moment():
        applied = _applied()
        tables = tables_of(applied)
        with writing(path) as backup:
            for name, model in tables.items():
                backup.table(name, _rows(model))
            key = _key()
            if key:
                backup.key(key)
            manifest = Manifest(
                SCHEMA,
                tightship.__version__,
                now.astimezone(UTC).isoformat(timespec="seconds"),
                connection.vendor,
                [list(one) for one in applied],
                {name: columns(model) for name, model in tables.items()},
                backup.rows,
                backup.sha256,
            )
            backup.end(manifest)
    return manifest


@contextmanager
def _one_moment() -> Iterator[None]:
    """All that is read is of one moment; nobody who writes is kept waiting."""
    if connection.vendor == "postgresql":
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
        return
    # Not `atomic`: that would begin with the lock of a writer.
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")
    try:
        yield
    finally:
        if connection.connection is not None:
            connection.connection.rollback()


def _applied() -> list[tuple[str, str]]:
    """The migrations of the database. Raises BackupError where this release does not know them all."""
    loader = MigrationExecutor(connection).loader
    applied = sorted(loader.applied_migrations)
    if not applied:
        raise BackupError("There is nothing to back up: the database has no tables yet")
    newer = unknown(applied)
    if newer:
        raise BackupError(f"The database was made by a newer release ({newer}). Back it up by that one")
    return applied


def unknown(migrations: list[tuple[str, str]]) -> str:
    """The first migration that this release does not have; empty: none."""
    known = MigrationExecutor(connection).loader.disk_migrations
    return next((".".join(one) for one in migrations if one not in known), "")


def tables_of(applied: list[tuple[str, str]]) -> Mapping[str, Model]:
    """The models as they were with these migrations, by name: a backup needs not be of this release."""
    apps: Any = MigrationExecutor(connection).loader.project_state(applied).apps
    found = apps.get_models(include_auto_created=True)
    return {model._meta.label_lower: model for model in found if model._meta.label_lower not in NOT_KEPT}


def columns(model: Model) -> list[str]:
    """The columns of a model's own table, as attributes."""
    return [field.attname for field in model._meta.concrete_fields]


def _rows(model: Model) -> Iterator[list[Any]]:
    asked = model._base_manager.order_by("pk").values_list(*columns(model))
    for row in asked.iterator(chunk_size=2000):
        yield [value.isoformat() if isinstance(value, datetime) else value for value in row]


def _key() -> str:
    path = data_directory() / SECRET_KEY_FILE
    return path.read_text().strip() if path.exists() else ""
