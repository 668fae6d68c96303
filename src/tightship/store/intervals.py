"""What is found, as rows that hold from `since` until `until`: read at a moment, and brought up to date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from tightship.store.models import (
    FoundEnvironment,
    FoundGroup,
    FoundListener,
    FoundSite,
    FoundSystem,
    Interval,
    Server,
)
from tightship.store.statements import ask, insert, marks, moment, portions, tell

Row = dict[str, Any]
Rows = Mapping[type[Interval], Sequence[Row]]

Joined = Mapping[str, tuple[str, str, str]]
"""name -> table, its column, and ours that refers to it"""

_JOINED: Mapping[type[Interval], Joined] = {
    FoundSystem: {},
    FoundEnvironment: {"packages__digest": ("store_packageset", "digest", "packages_id")},
    FoundGroup: {
        "application__name": ("store_application", "name", "application_id"),
        "packages__digest": ("store_packageset", "digest", "packages_id"),
        "loaded__digest": ("store_packageset", "digest", "loaded_id"),
    },
    FoundListener: {},
    FoundSite: {},
}
_NOW = 'f."until" IS NULL'
_THEN = 'f."since" <= %s AND (f."until" IS NULL OR f."until" > %s)'


def at(moment: datetime | None) -> Q:
    """Intervals that hold at a moment; None: now."""
    if moment is None:
        return Q(until=None)
    return Q(since__lte=moment) & (Q(until=None) | Q(until__gt=moment))


def _said(model: type[Interval]) -> tuple[str, ...]:
    """The columns that say what was found."""
    names = (field.attname for field in model._meta.concrete_fields)
    return tuple(name for name in names if name not in ("id", "server_id", "key", "since", "until"))


_SAID = {model: _said(model) for model in _JOINED}
_READ = {model: ("id", "key", *_SAID[model], *joined) for model, joined in _JOINED.items()}


def _select(model: type[Interval], joined: Joined) -> str:
    wanted = ["f.id", "f.key", *(f'f."{name}"' for name in _SAID[model])]
    tables = [f'"{model._meta.db_table}" f']
    for number, (table, column, own) in enumerate(joined.values()):
        wanted.append(f"j{number}.{column}")
        tables.append(f'LEFT JOIN {table} j{number} ON j{number}.id = f."{own}"')
    return f"SELECT {', '.join(wanted)} FROM {' '.join(tables)} WHERE f.server_id = %s AND "  # noqa: S608 - our own names


_SELECT = {model: _select(model, joined) for model, joined in _JOINED.items()}


def read(server: Server, when: datetime | None = None) -> Rows:
    """The rows of a server that hold at a moment (None: now), as plain values. Five queries."""
    condition, values = (_THEN, [moment(when)] * 2) if when else (_NOW, [])
    found = {model: ask(select + condition, [server.pk, *values]) for model, select in _SELECT.items()}
    return {
        model: [dict(zip(_READ[model], row, strict=True)) for row in rows] for model, rows in found.items()
    }


def write(
    server: Server, when: datetime, stored: Rows, wanted: Mapping[type[Interval], Mapping[str, Row]]
) -> None:
    """Close the intervals that no longer hold, open those that do now. `wanted`: by key, all columns."""
    for model, keyed in wanted.items():
        current = {row["key"]: row for row in stored.get(model, ())}
        begun = {key: row for key, row in keyed.items() if not _holds(current.get(key), row)}
        over = [row["id"] for key, row in current.items() if key not in keyed or key in begun]
        for some in portions(over):
            sql = f'UPDATE "{model._meta.db_table}" SET until = %s WHERE id IN {marks(len(some))}'  # noqa: S608
            tell(sql, [moment(when), *some])
        if begun:
            _begin(model, server, when, begun)


def _holds(stored: Row | None, wanted: Row) -> bool:
    return stored is not None and all(stored[name] == value for name, value in wanted.items())


def _begin(model: type[Interval], server: Server, when: datetime, begun: Mapping[str, Row]) -> None:
    names = _SAID[model]
    since = moment(when)
    rows = [(server.pk, key, since, None, *(row[name] for name in names)) for key, row in begun.items()]
    insert(model, ("server_id", "key", "since", "until", *names), rows)
