"""Findings of kind `vulnerable`: one for each vulnerability, version and application that uses it.

A row for each process group or server would be millions; so it hangs on the application, and is looked at
again where a report changed which vulnerable versions an application has on a server: mostly never.
What is at rest, and what runs under no name, has a finding of nobody's.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from tightship.fleet.cvss import RATINGS
from tightship.fleet.findings.packages import AT_REST as RESTING
from tightship.fleet.findings.packages import UNNAMED as NAMELESS
from tightship.fleet.findings.packages import Exposure, vulnerable
from tightship.fleet.found import Found
from tightship.store.bringing import Place, Values, bring, by_place, lock, read, values
from tightship.store.models import Application
from tightship.store.statements import ask, marks, portions

UNNAMED, AT_REST = 0, -1
"""In place of an application's id."""
NOBODYS = frozenset({UNNAMED, AT_REST})
_CALLED = {UNNAMED: NAMELESS, AT_REST: RESTING}

APPLICATIONS_AT_ONCE = 20

_LOCK = 7_155_222
"""Any number that nobody else locks by."""

_Used = set[tuple[int, bool]]
"""(vulnerable version, whether the operating system brings it)"""


def touched(before: Found | None, now: Found, applications: Mapping[str, int]) -> frozenset[int]:
    """The applications (by their ids, and NOBODYS) of which a server has other vulnerable versions now."""
    was, has = _sets(before), _sets(now)
    if was == has:
        return frozenset()
    _hold()
    known = _in_sets({digest for _place, digest in was ^ has})
    changed = {
        place for place, _digest in was ^ has if _of(was - has, place, known) != _of(has - was, place, known)
    }
    return frozenset(AT_REST if place is None else applications.get(place, UNNAMED) for place in changed)


def _sets(found: Found | None) -> set[tuple[str | None, str]]:
    """(application, or None for what is at rest; digest of a package set that it has)"""
    if found is None:
        return set()
    used: set[tuple[str | None, str]] = {
        (group.application, digest)
        for group in found.groups.values()
        if group.group.kind == "application"
        for digest in (group.loaded, group.packages)
        if digest
    }
    resting = {(None, one.packages) for one in found.environments.values() if one.at_rest and one.packages}
    return used | resting


def _of(pairs: Iterable[tuple[str | None, str]], place: str | None, known: Mapping[str, _Used]) -> _Used:
    return {one for where, digest in pairs if where == place for one in known.get(digest, ())}


_IN_SETS = """
    SELECT s.digest, x.id, CASE WHEN m.origin = 'os' THEN 1 ELSE 0 END
    FROM store_packageset s JOIN store_member m ON m.set_id = s.id AND NOT m.shadowed
    JOIN store_vulnerableversion x ON x.version_id = m.version_id
    WHERE s.digest IN {}"""


def _in_sets(digests: Collection[str]) -> Mapping[str, _Used]:
    found: dict[str, _Used] = defaultdict(set)
    for some in portions(sorted(digests)):
        for digest, number, by_system in ask(_IN_SETS.format(marks(len(some))), some):
            found[digest].add((number, bool(by_system)))
    return found


# Some applications


def judge(places: Collection[int], when: datetime) -> None:
    """Bring the findings of applications up to date, by their ids; those of nobody by `NOBODYS`.

    Within a transaction. Waits for those who look at the same at this moment.
    """
    if _is_any():
        _judge(places, when, _Exposures())


_ANY = """
    SELECT EXISTS (SELECT 1 FROM store_vulnerableversion)
        OR EXISTS (SELECT 1 FROM store_finding WHERE "until" IS NULL AND kind = 'vulnerable')"""


def _is_any() -> bool:
    return bool(ask(_ANY)[0][0])


def judge_all(now: datetime) -> None:
    """The same for all there are: a transaction for each few, so that reports wait for no more than that."""
    if not _is_any():
        return
    known = _Exposures()
    everywhere = [*Application.objects.order_by("pk").values_list("pk", flat=True), *sorted(NOBODYS)]
    for some in portions(everywhere, APPLICATIONS_AT_ONCE):
        with transaction.atomic():
            _hold()
            _judge(some, now, known)


def _hold() -> None:
    """The advisories stay as they are until this transaction ends."""
    from tightship.store.advisories import hold  # which judges by this module, when it was filled

    hold()


def _judge(places: Collection[int], when: datetime, known: _Exposures) -> None:
    for some in portions(sorted(set(places) - NOBODYS)):
        lock(some)
        _bring_applications(some, when, known)
    if NOBODYS & set(places):
        if connection.vendor == "postgresql":
            ask("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        _bring_nobodys(when, known)


def _bring_applications(numbers: Sequence[int], when: datetime, known: _Exposures) -> None:
    condition = f"server_id IS NULL AND kind = 'vulnerable' AND application_id IN {marks(len(numbers))}"
    stored: dict[int, dict[Place, Values]] = defaultdict(dict)
    for row in read(condition, numbers):
        stored[row["application_id"]].update(by_place([row]))
    used = _used(f"application_id IN {marks(len(numbers))}", numbers)
    called = dict(Application.objects.filter(pk__in=used).values_list("pk", "name"))
    known.learn(used.values())
    for number in {*stored, *used}:
        name = called.get(number, "")
        found = (vulnerable(known[one], name, NAMELESS, by_system) for one, by_system in used.get(number, ()))
        bring(None, stored[number], values(found, {name: number}), when)


def _bring_nobodys(when: datetime, known: _Exposures) -> None:
    """What has no application: one list of findings, told apart by their keys."""
    stored = by_place(read("server_id IS NULL AND kind = 'vulnerable' AND application_id IS NULL", ()))
    used = {UNNAMED: _used("application_id IS NULL", ()).get(UNNAMED, set()), AT_REST: _resting()}
    known.learn(used.values())
    found = [
        vulnerable(known[one], "", _CALLED[place], by_system)
        for place, some in used.items()
        for one, by_system in some
    ]
    bring(None, stored, values(found, {}), when)


_GROUPS = """
    SELECT DISTINCT u.application_id, x.id, CASE WHEN m.origin = 'os' THEN 1 ELSE 0 END FROM (
        SELECT application_id, loaded_id AS set_id FROM store_foundgroup
        WHERE "until" IS NULL AND kind = 'application' AND {0}
        UNION SELECT application_id, packages_id FROM store_foundgroup
        WHERE "until" IS NULL AND kind = 'application' AND {0}
    ) u
    JOIN store_member m ON m.set_id = u.set_id AND NOT m.shadowed
    JOIN store_vulnerableversion x ON x.version_id = m.version_id"""


def _used(condition: str, numbers: Sequence[int]) -> dict[int, _Used]:
    """application -> what its process groups run, or will run when they are started anew"""
    found: dict[int, _Used] = defaultdict(set)
    for application, number, by_system in ask(_GROUPS.format(condition), [*numbers, *numbers]):
        found[application or UNNAMED].add((number, bool(by_system)))
    return found


_RESTING = """
    SELECT DISTINCT x.id, CASE WHEN m.origin = 'os' THEN 1 ELSE 0 END
    FROM (
        SELECT DISTINCT packages_id FROM store_foundenvironment
        WHERE "until" IS NULL AND at_rest AND packages_id IS NOT NULL
    ) e
    JOIN store_member m ON m.set_id = e.packages_id AND NOT m.shadowed
    JOIN store_vulnerableversion x ON x.version_id = m.version_id"""


def _resting() -> _Used:
    return {(number, bool(by_system)) for number, by_system in ask(_RESTING)}


_EXPOSURES = """
    SELECT x.id, p.name, v.version, y.name, y.aliases, y.rank, y.summary, x.fixed
    FROM store_vulnerableversion x
    JOIN store_version v ON v.id = x.version_id JOIN store_package p ON p.id = v.package_id
    JOIN store_vulnerability y ON y.id = x.vulnerability_id
    WHERE x.id IN {}"""


class _Exposures:
    """Vulnerable versions, each read once."""

    def __init__(self) -> None:
        self._known: dict[int, Exposure] = {}

    def __getitem__(self, number: int) -> Exposure:
        return self._known[number]

    def learn(self, used: Iterable[_Used]) -> None:
        missing = {number for some in used for number, _by_system in some} - self._known.keys()
        for some in portions(sorted(missing)):
            self._known.update(
                (row[0], _exposure(*row)) for row in ask(_EXPOSURES.format(marks(len(some))), some)
            )


def _exposure(*row: Any) -> Exposure:
    number, package, version, name, aliases, rank, summary, fixed = row
    return Exposure(
        number,
        package,
        version,
        name,
        tuple(json.loads(aliases)),
        RATINGS[rank - 1],
        summary,
        tuple(json.loads(fixed)),
    )


def exposures(numbers: Sequence[int]) -> Iterator[Exposure]:
    """Vulnerable versions by their numbers."""
    known = _Exposures()
    known.learn([{(number, False) for number in numbers}])
    return (known[number] for number in numbers)
