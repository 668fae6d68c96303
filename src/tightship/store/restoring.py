"""Puts a backup into the database of this service: all of it, or nothing.

PostgreSQL does it in one transaction. For SQLite the new database is made beside, and then copied into the
old one's file by SQLite itself, in one transaction: who is killed in between leaves the old one.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.migrations.executor import MigrationExecutor

from tightship.store import place
from tightship.store.archive import Backup, BackupError
from tightship.store.backing import Model, columns, tables_of, unknown
from tightship.store.errors import told
from tightship.store.judging import catch_up
from tightship.store.ready import alone

AT_ONCE = 1000
"""Rows that are inserted by one statement, at most."""

BESIDE = ".restoring-"

OURS = ("store_", "auth_", "django_")
"""What our tables' names begin with."""

MADE_BY_ITSELF = frozenset(
    (
        "django_migrations",
        "django_content_type",
        "auth_permission",
        "store_lease",
        "store_judged",
        "store_wrong",
    )
)
"""Tables that hold something before anybody recorded anything."""

IN_USE = (
    "The database {} is in use{}. Stop what serves and works on it first (systemctl stop tightship "
    "tightship-work), then try again. Nothing was changed"
)


def restore(backup: Backup, replace: bool) -> None:
    """Put a backup in place of what is remembered. `replace`: also where that is something.

    Raises BackupError, StoreError, OSError; then all is as before.
    """
    applied = [(one[0], one[1]) for one in backup.manifest.migrations]
    with told():
        _refuse_newer(applied, backup)
        with alone():
            if connection.vendor == "sqlite":
                _into_sqlite(backup, applied, replace)
            else:
                _into_postgresql(backup, applied, replace)
    _keep_key(backup.key())


def _refuse_newer(applied: list[tuple[str, str]], backup: Backup) -> None:
    newer = unknown(applied)
    if newer:
        raise BackupError(
            f"The backup was made by a newer release, {backup.manifest.version} ({newer} is not known here). "
            "Install that one, then restore"
        )


def _into_postgresql(backup: Backup, applied: list[tuple[str, str]], replace: bool) -> None:
    _refuse_others_on_postgresql()
    with transaction.atomic():
        _refuse_what_is_there(replace)
        with connection.cursor() as cursor:
            for table in connection.introspection.table_names(cursor):
                cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)} CASCADE")
        _build(backup, applied)


def _refuse_others_on_postgresql() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*),"
            " coalesce(string_agg(DISTINCT coalesce(host(client_addr), 'this server'), ', '), '')"
            " FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        number, where = cursor.fetchone()
    if number:
        raise BackupError(IN_USE.format(place.database(), f" by {number} connections from {where}"))


def _into_sqlite(backup: Backup, applied: list[tuple[str, str]], replace: bool) -> None:
    path = Path(place.database().name)
    if path.exists():
        _refuse_others_on_sqlite(path)
        with _elsewhere(path):
            _refuse_what_is_there(replace)
    for left in path.parent.glob(f"{BESIDE}*"):  # by one that was killed: we are alone
        shutil.rmtree(left)
    # Beside it, closed to others: there must be room for it there in any case.
    with tempfile.TemporaryDirectory(prefix=BESIDE, dir=path.parent) as beside:
        new = Path(beside) / path.name
        with _elsewhere(new):
            _build(backup, applied)
        if path.exists():
            _refuse_others_on_sqlite(path)
        _copy(new, path)


def _refuse_others_on_sqlite(path: Path) -> None:
    """SQLite leaves its write-ahead log only where nobody else has the file open."""
    connection.close()
    try:
        with closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as asking:
            mode = asking.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise BackupError(
                f"The database {path} can't be replaced: {error}. Nothing was changed"
            ) from None
        mode = "locked"
    except sqlite3.DatabaseError as error:
        raise BackupError(
            f"{path} is no database that SQLite can read ({error}). Put it aside (mv), then restore"
        ) from None
    if mode != "delete":
        raise BackupError(IN_USE.format(path, " by another process"))


@contextmanager
def _elsewhere(path: Path) -> Iterator[None]:
    """Whatever asks the database asks this file."""
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = str(path)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


def _copy(new: Path, path: Path) -> None:
    was_there = path.exists()
    try:
        with closing(sqlite3.connect(new)) as source, closing(sqlite3.connect(path)) as target:
            source.execute("PRAGMA journal_mode=DELETE")
            source.backup(target)
    except sqlite3.Error as error:
        raise BackupError(f"The database {path} could not be written: {error}. It is as before") from None
    if not was_there:
        path.chmod(0o600)
        _give_to_owner(path)


def _refuse_what_is_there(replace: bool) -> None:
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        foreign = [table for table in tables if not table.startswith(OURS)]
        full = [table for table in tables if table not in MADE_BY_ITSELF and _any(cursor, table)]
    if foreign:
        raise BackupError(
            f"The database {place.database()} has tables that are not Tightship's ({', '.join(foreign[:3])})."
            " Restore into one of its own"
        )
    if full and not replace:
        raise BackupError(
            f"The database {place.database()} holds something already ({', '.join(full[:3])}). "
            "`restore --replace` gives that up; `tightship backup` keeps it first"
        )


def _any(cursor: Any, table: str) -> bool:
    cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(table)} LIMIT 1")  # noqa: S608 - our own tables
    return cursor.fetchone() is not None


def _build(backup: Backup, applied: list[tuple[str, str]]) -> None:
    """Tables as they were, their rows, then this release's tables."""
    tables = tables_of(applied)
    _migrate_to(applied)
    with transaction.atomic():
        _clear()
        for name, model in tables.items():
            _fill(model, name, backup)
        connection.check_constraints()
    _set_sequences(tables.values())
    call_command("migrate", verbosity=0, interactive=False)
    catch_up(datetime.now(UTC))


def _migrate_to(applied: list[tuple[str, str]]) -> None:
    executor = MigrationExecutor(connection)
    graph = executor.loader.graph
    # Only the last of each application: one that is followed by another would be taken for a way back.
    followed = {
        parent.key for one in applied for parent in graph.node_map[one].parents if parent.key[0] == one[0]
    }
    executor.migrate([one for one in applied if one not in followed])
    # As Django's own `migrate` checks: whatever is deferred must be done before tables are changed again.
    connection.check_constraints()


def _clear() -> None:
    """What migrations wrote by themselves would stand in the way."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table != "django_migrations":
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")  # noqa: S608


def _fill(model: Model, name: str, backup: Backup) -> None:
    names = columns(model)
    if sorted(backup.manifest.columns.get(name, ())) != sorted(names):
        raise BackupError(f"The backup's table {name} has other columns than its migrations say")
    dates = [isinstance(model._meta.get_field(column), models.DateTimeField) for column in names]
    order = [backup.manifest.columns[name].index(column) for column in names]
    rows = (
        model(**{column: _read(row[at], date) for column, at, date in zip(names, order, dates, strict=True)})
        for row in backup.table(name)
    )
    while some := list(islice(rows, AT_ONCE)):
        model._base_manager.bulk_create(some)


def _read(value: Any, date: bool) -> Any:
    return datetime.fromisoformat(value) if date and value is not None else value


def _set_sequences(tables: Iterable[Model]) -> None:
    """New rows get numbers after the last one."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(tables)):
            cursor.execute(statement)


def _keep_key(text: str) -> None:
    """Keep the key that signs sessions, where it is not set by a variable."""
    if not text or os.environ.get("TIGHTSHIP_SECRET_KEY"):
        return
    path = place.data_directory() / place.SECRET_KEY_FILE
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".secret-key-")  # its mode is 0600
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
    _give_to_owner(path)


def _give_to_owner(path: Path) -> None:
    """Root leaves no file that the service's own user could not open."""
    if os.geteuid() == 0:
        status = path.parent.stat()
        os.chown(path, status.st_uid, status.st_gid)
