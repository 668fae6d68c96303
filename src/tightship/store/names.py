"""The declared names as they are stored, for whoever records; and the applications of names."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache

from tightship.fleet.naming import NO_NAMES, DeclaredNames, Pattern
from tightship.fleet.report import digest_of
from tightship.store.models import Application
from tightship.store.statements import ask

_DIGEST = "SELECT digest FROM store_declaration ORDER BY id LIMIT 1"
_NAMES = "SELECT names FROM store_declaration WHERE digest = %s"


def declared_names() -> DeclaredNames:
    """By which names what is found goes. One small query, but for the first time after `declare`.

    Within a transaction `declare` waits for its end: nothing gets a name that is out of date.
    """
    digest = digest_declared()
    return _read(digest) if digest else NO_NAMES


def digest_declared() -> str:
    """The digest of the declared names; empty: nothing was declared."""
    found = ask(_DIGEST)
    return str(found[0][0]) if found else ""


@lru_cache(maxsize=4)
def _read(digest: str) -> DeclaredNames:
    # A digest never names anything else, in no database: what was read of it stays right.
    return from_json(ask(_NAMES, [digest])[0][0])


def to_json(names: DeclaredNames) -> tuple[str, str]:
    """The names as text, and its digest."""
    patterns = [[one.application, one.what, one.glob, one.stage, list(one.servers)] for one in names.patterns]
    text = json.dumps({"patterns": patterns, "stages": names.stages}, sort_keys=True)
    return text, digest_of(text.encode())


def from_json(text: str) -> DeclaredNames:
    said = json.loads(text)
    return DeclaredNames(
        tuple(
            Pattern(application, what, glob, stage, tuple(servers))
            for application, what, glob, stage, servers in said["patterns"]
        ),
        said["stages"],
    )


def applications(names: Iterable[str]) -> dict[str, int]:
    """Name -> id; those that are new are made."""
    wanted = sorted(names)
    if not wanted:
        return {}
    known = _known(wanted)
    missing = [Application(name=name) for name in wanted if name not in known]
    if missing:
        Application.objects.bulk_create(missing, ignore_conflicts=True)
        known = _known(wanted)
    return known


def _known(names: list[str]) -> dict[str, int]:
    return dict(Application.objects.filter(name__in=names).values_list("name", "id"))
