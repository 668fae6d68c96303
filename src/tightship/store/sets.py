"""Package sets: stored once for the whole fleet, named by the digest of their lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from tightship.fleet.report import Package as Line
from tightship.fleet.text import clip
from tightship.store import advisories
from tightship.store.models import NAME, Member
from tightship.store.statements import ask, insert, marks, portions, table, tell

_Answer = TypeVar("_Answer")
Pair = tuple[str, str]
"""name and version"""

_MEMBER = ("set_id", "version_id", "origin", "commit", "editable", "shadowed")
_LINES = """
    SELECT p.name, v.version, m.origin, m."commit", m.editable, m.shadowed
    FROM store_packageset s
    JOIN store_member m ON m.set_id = s.id
    JOIN store_version v ON v.id = m.version_id
    JOIN store_package p ON p.id = v.package_id
    WHERE s.digest = %s ORDER BY m.id"""
_VERSIONS = """
    SELECT w.name, w.version, p.id, v.id FROM wanted w
    LEFT JOIN store_package p ON p.name = w.name
    LEFT JOIN store_version v ON v.package_id = p.id AND v.version = w.version"""
_NEW_PACKAGES = """
    INSERT INTO store_package (name) SELECT DISTINCT name FROM wanted
    WHERE true ORDER BY name ON CONFLICT DO NOTHING"""
_NEW_VERSIONS = """
    INSERT INTO store_version (package_id, version)
    SELECT p.id, w.version FROM wanted w JOIN store_package p ON p.name = w.name
    WHERE true ORDER BY p.id, w.version ON CONFLICT DO NOTHING"""


def ids_of(digests: Iterable[str]) -> dict[str, int]:
    """digest -> id, of the sets that are known."""
    wanted = sorted(set(digests))
    if not wanted:
        return {}
    found: dict[str, int] = {}
    for some in portions(wanted):
        sql = f"SELECT digest, id FROM store_packageset WHERE digest IN {marks(len(some))}"  # noqa: S608 - only marks
        found.update(ask(sql, some))
    return found


def add(sets: Mapping[str, Sequence[Line]]) -> dict[str, int]:
    """Store sets that are not known yet. Returns digest -> id."""
    versions = _versions({_pair(line) for lines in sets.values() for line in lines})
    # In one order for everybody: two reports at once wait for each other, never each for the other.
    return {digest: _added(digest, sets[digest], versions) for digest in sorted(sets)}


def _added(digest: str, lines: Sequence[Line], versions: Mapping[Pair, int]) -> int:
    sql = "INSERT INTO store_packageset (digest, size) VALUES (%s, %s) ON CONFLICT DO NOTHING"
    is_ours = tell(sql, (digest, len(lines)))
    number = ids_of([digest])[digest]
    if is_ours:
        rows = [
            (
                number,
                versions[_pair(line)],
                line.origin,
                clip(line.commit, NAME),
                line.editable,
                line.shadowed,
            )
            for line in lines
        ]
        insert(Member, _MEMBER, rows)
    return number


def lines_of(digest: str) -> list[Line]:
    """The lines of a stored set."""
    return [
        Line(name, version, origin, commit, bool(editable), bool(shadowed))
        for name, version, origin, commit, editable, shadowed in ask(_LINES, [digest])
    ]


def _pair(line: Line) -> Pair:
    return clip(line.name, NAME), clip(line.version, NAME)


def _versions(wanted: set[Pair]) -> dict[Pair, int]:
    """The ids of these versions; those that are new are made."""
    known: dict[Pair, int] = {}
    for pairs in portions(sorted(wanted)):
        known.update(_made(pairs))
    return known


def _made(pairs: Sequence[Pair]) -> dict[Pair, int]:
    rows = _known(pairs)
    new = [(name, version) for name, version, _package, number in rows if number is None]
    if any(package is None for _name, _version, package, _number in rows):
        _with(new, _NEW_PACKAGES, tell)
    if new:
        _with(new, _NEW_VERSIONS, tell)
        made = _known(new)
        advisories.match([(number, name, version) for name, version, _package, number in made])
        rows = [row for row in rows if row[3] is not None] + made
    return {(name, version): number for name, version, _package, number in rows}


def _known(pairs: Sequence[Pair]) -> list[tuple[Any, ...]]:
    """(name, version, id of the package, id of the version); None: not known yet."""
    return _with(pairs, _VERSIONS, ask)


def _with(pairs: Sequence[Pair], sql: str, do: Callable[[str, Sequence[Any]], _Answer]) -> _Answer:
    given, values = table(("text", "text"), pairs)
    return do(f"WITH wanted (name, version) AS ({given}) {sql}", values)
