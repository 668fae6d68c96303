"""SQL written out, for what is done with every report.

Django takes longer to put a query together than the database to answer it: a whole report is twenty
queries, and by the ORM they took four fifths of its time. Everything else asks by the ORM.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models import QuerySet

AT_A_TIME = 400
"""Rows in one statement: SQLite takes 32,766 values, PostgreSQL 65,535."""

_Row = TypeVar("_Row")


def ask(sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The rows that answer a query, whose values stand as `%s`."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def fetched(query: QuerySet[Any, Any]) -> list[tuple[Any, ...]]:
    """All rows of a `values_list`, as the database gives them: numbers and texts; a moment is not read.

    For tens of thousands of rows: the ORM fetches a hundred at a time and looks at each value.
    """
    try:
        sql, values = query.query.sql_with_params()
    except EmptyResultSet:
        return []
    return ask(sql, values)


def tell(sql: str, values: Sequence[Any]) -> int:
    """Carry out a statement. Returns how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def insert(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]], ending: str = ""
) -> None:
    """New rows. The columns that are not named have no default in the database: name all but the id.

    `ending`: what follows the rows in the statement.
    """
    names = ", ".join(f'"{name}"' for name in columns)
    types = _types(model, tuple(columns), connection.vendor)
    for some in portions(rows):
        given, values = table(types, some)
        tell(f'INSERT INTO "{model._meta.db_table}" ({names}) {given} {ending}', values)


def insert_new(model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """The same, but for rows that are there already."""
    insert(model, columns, rows, "ON CONFLICT DO NOTHING")


def pour(model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """As `insert`, for thousands of rows."""
    names = ", ".join(f'"{name}"' for name in columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f'COPY "{model._meta.db_table}" ({names}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            into = f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES {marks(len(columns))}'  # noqa: S608
            cursor.executemany(into, rows)


@cache
def _types(model: type[models.Model], columns: tuple[str, ...], _vendor: str) -> list[str]:
    fields = {field.column: field for field in model._meta.concrete_fields}
    return [str(fields[name].db_type(connection)).partition("(")[0] for name in columns]


def table(types: Sequence[str], rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """Rows as a query that gives them back, and its values."""
    if connection.vendor == "postgresql":
        # An array for each column: its driver takes milliseconds over hundreds of places.
        arrays = ", ".join(f"%s::{name}[]" for name in types)
        columns = [list(column) for column in zip(*rows, strict=True)]
        return f"SELECT * FROM unnest({arrays})", columns  # noqa: S608 - names of types
    return "VALUES " + ", ".join([marks(len(types))] * len(rows)), flat(rows)


def marks(count: int) -> str:
    """Places for so many values: `(%s, %s)`."""
    return f"({', '.join(['%s'] * count)})"


def flat(rows: Iterable[Iterable[Any]]) -> list[Any]:
    return [value for row in rows for value in row]


def portions(rows: Iterable[_Row], at_a_time: int = AT_A_TIME) -> Iterator[list[_Row]]:
    left = iter(rows)
    while some := list(islice(left, at_a_time)):
        yield some


def moment(value: datetime) -> Any:
    """A time as the database takes it."""
    return connection.ops.adapt_datetimefield_value(value)


def read_moment(value: Any) -> datetime:
    """A time as the database gives it."""
    found: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found if found.tzinfo else found.replace(tzinfo=UTC)
