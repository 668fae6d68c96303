"""The names that can be searched, as one text for each kind, kept in memory while nothing new comes.

Reading forty thousand names takes a tenth of a second: too long for each letter that somebody types. So a
process keeps them until the newest row is another one, and a minute at most. What is gone meanwhile is
not found by that: whether it is there at the moment asked is looked up for each name that matches.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import connection

from tightship.fleet.searching import Names
from tightship.store.statements import ask

KEPT = 60.0
"""Seconds."""
MOST = 200_000
"""Names of one kind: the newest."""
LETTERS = 10_000_000
"""... as long as they are no longer than this together."""

_NEWEST = """
    SELECT (SELECT max(id) FROM store_application), (SELECT max(id) FROM store_server),
        (SELECT max(id) FROM store_package), (SELECT max(id) FROM store_term),
        (SELECT max(id) FROM store_declaration)"""

Stamp = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    stamp: Stamp
    until: float
    names: Names


_kept: dict[str, _Kept] = {}


def names() -> dict[str, Names]:
    """Kind -> its names. One query where nothing is new."""
    application, server, package, term, declaration = ask(_NEWEST)[0]
    database = connection.settings_dict["NAME"]
    stamps = {
        "application": (application,),
        "server": (server,),
        "site": (term,),
        "package": (package,),
        "release": (term,),
        "owner": (application, declaration),
        "label": (application, declaration),
    }
    return {kind: _known(kind, (database, *stamp)) for kind, stamp in stamps.items()}


def forget() -> None:
    """Read all anew when it is asked for next."""
    _kept.clear()


def _known(kind: str, stamp: Stamp) -> Names:
    kept = _kept.get(kind)
    now = time.monotonic()
    if kept is None or kept.stamp != stamp or kept.until < now:
        kept = _kept[kind] = _Kept(stamp, now + KEPT, Names(_bounded(_READ[kind]())))
    return kept.names


def _bounded(names: Iterable[str]) -> Iterable[str]:
    letters = 0
    for name in names:
        letters += len(name)
        if letters > LETTERS:
            return
        yield name


def _of(table: str) -> Callable[[], Iterable[str]]:
    sql = f"SELECT name FROM {table} ORDER BY id DESC LIMIT %s"  # noqa: S608 - our own names
    return lambda: (name for (name,) in ask(sql, [MOST]))


_TERMS = """SELECT "of", text FROM store_term WHERE kind = %s ORDER BY id DESC LIMIT %s"""


def _sites() -> Iterable[str]:
    return (text for _of, text in ask(_TERMS, ["site", MOST]))


def _releases() -> Iterable[str]:
    return (release_key(of, text) for of, text in ask(_TERMS, ["release", MOST]))


def release_key(application: str, release: str) -> str:
    """A release as one name. `application_of` takes it apart again."""
    return f"{application}\t{release}"


def application_of(key: str) -> tuple[str, str]:
    """Application and release."""
    application, _tab, release = key.rpartition("\t")
    return application, release


def _owners() -> Iterable[str]:
    return (owner for (owner,) in ask("SELECT DISTINCT owner FROM store_application WHERE owner <> ''"))


def _labels() -> Iterable[str]:
    found = ask("SELECT DISTINCT labels FROM store_application WHERE labels <> '{}'")
    return (f"{name}={value}" for (text,) in found for name, value in json.loads(text).items())


_READ: dict[str, Callable[[], Iterable[str]]] = {
    "application": _of("store_application"),
    "server": _of("store_server"),
    "site": _sites,
    "package": _of("store_package"),
    "release": _releases,
    "owner": _owners,
    "label": _labels,
}
