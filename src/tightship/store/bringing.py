"""Findings as rows: those that are over are closed, new ones begin, what is told otherwise is told anew."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from tightship.fleet.findings import RANK, Finding
from tightship.fleet.text import clip
from tightship.store import rows
from tightship.store.acknowledging import matching
from tightship.store.models import NAME, SUBJECT
from tightship.store.models import Finding as Row
from tightship.store.statements import ask, insert, marks, moment, portions, read_moment, tell

_COLUMNS = ("application_id", "stage", "group", "subject", "rank", "data", "vulnerable_id")
_NEW = ("server_id", "kind", "key", "since", "until", "acknowledgement_id", *_COLUMNS)
_READ = ("id", "kind", "key", "since", *_COLUMNS)
_NAMES = ", ".join(f'"{name}"' for name in _READ)
_SELECT = f'SELECT {_NAMES} FROM store_finding WHERE "until" IS NULL AND '  # noqa: S608 - our own names

Values = dict[str, Any]
Place = tuple[str, str]
"""kind and key: which finding it is, of one server or one application"""


def read(condition: str, values: Sequence[Any]) -> list[Values]:
    """The findings that hold, or are to come, and for which a condition is so."""
    return [dict(zip(_READ, row, strict=True)) for row in ask(_SELECT + condition, values)]


def by_place(found: Iterable[Values]) -> dict[Place, Values]:
    """Findings of one server, or one application."""
    return {(row["kind"], row["key"]): row for row in found}


def values(found: Iterable[Finding], applications: Mapping[str, int]) -> dict[Place, Values]:
    """Findings as rows are to have them. `applications`: name -> id."""
    return {(one.kind, clip(one.key, rows.KEY)): _row(one, applications) for one in found}


def _row(one: Finding, applications: Mapping[str, int]) -> Values:
    said = {"evidence": one.evidence, "do": one.do, "command": one.command, "where": one.where}
    return {
        "application_id": applications.get(one.application),
        "stage": clip(one.stage, NAME),
        "group": clip(one.group, rows.KEY),
        "subject": clip(one.subject, SUBJECT),
        "rank": RANK[one.severity],
        "data": json.dumps(said),
        "vulnerable_id": one.vulnerable,
        "not_before": one.not_before,
    }


def bring(
    server: int | None, stored: Mapping[Place, Values], wanted: Mapping[Place, Values], when: datetime
) -> None:
    """Close what is no longer so, open what is new, tell anew what is told otherwise."""
    over = [
        row for place, row in stored.items() if place not in wanted or _postponed(row, wanted[place], when)
    ]
    gone = {row["id"] for row in over}
    begun = {}
    for place, row in wanted.items():
        known = stored.get(place)
        if known is None or known["id"] in gone:
            begun[place] = row
        else:
            _renew(known, row, when)
    _close(over, when)
    if begun:
        _open(server, begun, when)


def _postponed(known: Values, row: Values, when: datetime) -> bool:
    """Whether it has begun, by dates that were mended since."""
    return row["not_before"] is not None and row["not_before"] > when >= read_moment(known["since"])


def _renew(known: Values, row: Values, when: datetime) -> None:
    changed = {name: row[name] for name in _COLUMNS if known[name] != row[name]}
    if row["not_before"] is not None and read_moment(known["since"]) > when:
        begins = max(when, row["not_before"])
        if begins != read_moment(known["since"]):
            changed["since"] = moment(begins)
    if changed:
        names = ", ".join(f'"{name}" = %s' for name in changed)
        tell(f"UPDATE store_finding SET {names} WHERE id = %s", [*changed.values(), known["id"]])  # noqa: S608


def _close(over: Sequence[Values], when: datetime) -> None:
    for some in portions([row["id"] for row in over if read_moment(row["since"]) < when]):
        sql = f"UPDATE store_finding SET until = %s WHERE id IN {marks(len(some))}"  # noqa: S608
        tell(sql, [moment(when), *some])
    # What never began, or only a moment ago elsewhere, was nothing.
    for some in portions([row["id"] for row in over if read_moment(row["since"]) >= when]):
        tell(f"DELETE FROM store_finding WHERE id IN {marks(len(some))}", some)  # noqa: S608


def _open(server: int | None, begun: Mapping[Place, Values], when: datetime) -> None:
    known = matching([(kind, row["subject"]) for (kind, _key), row in begun.items()], when)
    new = [
        (
            server,
            kind,
            key,
            moment(max(when, row["not_before"] or when)),
            None,
            known.get((kind, row["subject"])),
            *(row[name] for name in _COLUMNS),
        )
        for (kind, key), row in begun.items()
    ]
    insert(Row, _NEW, new)


def lock(numbers: Sequence[int]) -> None:
    """Wait for the reports that have the same applications: who comes last sees what all said."""
    if connection.vendor == "postgresql":  # SQLite has one writer at a time
        some = f"SELECT id FROM store_application WHERE id IN {marks(len(numbers))}"  # noqa: S608 - only marks
        ask(f"{some} ORDER BY id FOR NO KEY UPDATE", numbers)
