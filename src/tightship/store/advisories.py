"""The local database of advisories, and which of the versions that are known here have a vulnerability.

It is filled as a whole: an export is the whole truth, and what is not in it any more is gone. Each version
of a package is held against it once: all of them when it is filled, and a new one when it is first reported.
Who is vulnerable is then answered by joins. `exposures` keeps the findings.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from tightship.fleet import advisories as fleet
from tightship.fleet.advisories import Affected
from tightship.fleet.cvss import RATINGS
from tightship.store import exposures
from tightship.store.errors import told
from tightship.store.models import (
    NAME,
    Advisory,
    AdvisorySource,
    AffectedPackage,
    Vulnerability,
    VulnerableVersion,
)
from tightship.store.statements import ask, insert_new, marks, moment, portions, pour, read_moment, tell

_LOCK = 7_155_221
"""Any number that nobody else locks by."""

Known = tuple[int, str, str]
"""a version: its id, the package's name, the version"""
Rules = Mapping[str, Mapping[int, Sequence[Affected]]]
"""package -> vulnerability's id -> what its advisories say of it"""


@dataclass(frozen=True, slots=True)
class Filled:
    """What the database was filled with last."""

    at: datetime
    sources: tuple[str, ...]
    newest: datetime
    """when the newest advisory was modified"""
    advisories: int
    vulnerabilities: int
    withdrawn: int
    skipped: int

    @property
    def of(self) -> datetime:
        """How old it is: a mirror that stands still makes no old advisories new."""
        return min(self.at, self.newest)


@dataclass(frozen=True, slots=True)
class Record:
    """An advisory, and the record that it was read from."""

    advisory: fleet.Advisory
    text: str
    """packed"""


class Fewer(Exception):
    """Far fewer advisories came than there are: what they were read from may be broken."""

    def __init__(self, now: int, before: int) -> None:
        super().__init__(f"{now} advisories instead of {before}")
        self.now, self.before = now, before


def filled() -> Filled | None:
    """What the database was filled with last; None: never."""
    with told():
        row = AdvisorySource.objects.order_by("pk").first()
    if row is None:
        return None
    return Filled(
        row.at,
        tuple(row.source.splitlines()),
        row.newest,
        row.advisories,
        row.vulnerabilities,
        row.withdrawn,
        row.skipped,
    )


def lacking(now: datetime, found: Filled | None) -> str:
    """Why nobody may be told that nothing is vulnerable, in a sentence; empty: one may."""
    if found is None:
        return "No advisories are known here: tightship advisories update FILE|DIRECTORY|URL."
    if now - found.of <= settings.ADVISORIES_OLD_AFTER:
        return ""
    days = (now - found.of) // timedelta(days=1)
    why = f"The advisories are {days} days old"
    if found.newest < found.at - settings.ADVISORIES_OLD_AFTER:
        why += (
            f": the newest of those that came on {found.at:%Y-%m-%d} was written on {found.newest:%Y-%m-%d}"
        )
    return f"{why}. Bring them up to date: tightship advisories update FILE|DIRECTORY|URL."


# Filling it


def fill(
    records: Iterable[Record],
    sources: Sequence[str],
    now: datetime,
    *,
    skipped: int = 0,
    even_fewer: bool = False,
) -> Filled:
    """Put these advisories in place of all that are known, and hold every version against them.

    One transaction; then findings are brought up to date, for some applications at a time. Raises Fewer,
    where less than half as many came as there are, unless `even_fewer`.
    """
    kept = {one.advisory.id: one for one in records}
    valid = {name: one for name, one in kept.items() if not one.advisory.withdrawn and one.advisory.affected}
    withdrawn = sum(one.advisory.withdrawn for one in kept.values())
    with told():
        before = filled()
        if before and len(valid) < before.advisories / 2 and not even_fewer:
            raise Fewer(len(valid), before.advisories)
        with transaction.atomic():
            _alone()
            found = fleet.fold(
                (one.advisory for one in valid.values()),
                set(Vulnerability.objects.values_list("name", flat=True)),
            )
            numbers = _vulnerabilities(found)
            _advisories(valid, {name: numbers[one.id] for one in found for name in one.advisories})
            match_all()
            new = Filled(
                now,
                tuple(sources),
                max((one.advisory.modified for one in valid.values()), default=now),
                len(valid),
                len(found),
                withdrawn,
                skipped,
            )
            _remember(new)
        _statistics()
        exposures.judge_all(now)
    return new


def _alone() -> None:
    """No report may bring a new version while all are held against the new advisories."""
    if connection.vendor == "postgresql":  # SQLite has one writer at a time
        ask("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def hold() -> None:
    """Until this transaction ends, the advisories stay as they are."""
    if connection.vendor == "postgresql":
        ask("SELECT pg_advisory_xact_lock_shared(%s)", [_LOCK])


def _statistics() -> None:
    """What PostgreSQL does by itself after a while: its plans go by what is in the tables."""
    if connection.vendor == "postgresql":
        for model in (Vulnerability, Advisory, AffectedPackage, VulnerableVersion):
            tell(f"ANALYZE {model._meta.db_table}", ())


def _remember(new: Filled) -> None:
    AdvisorySource.objects.all().delete()
    AdvisorySource.objects.create(
        at=new.at,
        source="\n".join(new.sources),
        newest=new.newest,
        advisories=new.advisories,
        vulnerabilities=new.vulnerabilities,
        withdrawn=new.withdrawn,
        skipped=new.skipped,
    )


_VULNERABILITY = ("name", "aliases", "rank", "summary")


def _vulnerabilities(found: Sequence[fleet.Vulnerability]) -> dict[str, int]:
    """Bring their rows up to date; what stays the same keeps its id. Returns name -> id."""
    wanted = {
        one.id: (one.id, json.dumps(one.aliases), RATINGS.index(one.rating) + 1, one.summary) for one in found
    }
    known = {row[1]: row for row in ask("SELECT id, name, aliases, rank, summary FROM store_vulnerability")}
    # What refers to those that are gone is made anew, or goes with them: see `_advisories` and `match_all`.
    _delete("store_affectedpackage")
    _delete("store_advisory")
    gone = [known[name][0] for name in known.keys() - wanted.keys()]
    for some in portions(gone):
        _forget_versions("vulnerability_id", some)
        tell(f"DELETE FROM store_vulnerability WHERE id IN {marks(len(some))}", some)  # noqa: S608 - only marks
    for name in wanted.keys() & known.keys():
        if wanted[name] != tuple(known[name][1:]):
            tell(
                "UPDATE store_vulnerability SET aliases = %s, rank = %s, summary = %s WHERE id = %s",
                [*wanted[name][1:], known[name][0]],
            )
    pour(Vulnerability, _VULNERABILITY, [wanted[name] for name in sorted(wanted.keys() - known.keys())])
    return {name: number for number, name in ask("SELECT id, name FROM store_vulnerability")}


def _delete(table: str) -> None:
    tell(f"DELETE FROM {table}", ())  # noqa: S608 - our own names


def _forget_versions(column: str, numbers: Sequence[int]) -> None:
    """Vulnerable versions that are no longer so. Their findings stay, to be closed, and told of the past."""
    some = f"SELECT id FROM store_vulnerableversion WHERE {column} IN {marks(len(numbers))}"  # noqa: S608
    tell(f"UPDATE store_finding SET vulnerable_id = NULL WHERE vulnerable_id IN ({some})", numbers)  # noqa: S608
    tell(f"DELETE FROM store_vulnerableversion WHERE {column} IN {marks(len(numbers))}", numbers)  # noqa: S608


def _advisories(valid: Mapping[str, Record], vulnerability: Mapping[str, int]) -> None:
    rows = [
        (name, vulnerability[name], moment(one.advisory.modified), one.text) for name, one in valid.items()
    ]
    pour(Advisory, ("name", "vulnerability_id", "modified", "record"), rows)
    numbers = {name: number for number, name in ask("SELECT id, name FROM store_advisory")}
    affected = [
        (numbers[name], said.package[:NAME], written(said))
        for name, one in valid.items()
        for said in one.advisory.affected
    ]
    pour(AffectedPackage, ("advisory_id", "package", "rules"), affected)


def written(affected: Affected) -> str:
    """The rules as text. `read_rules` reads them."""
    return json.dumps([affected.ranges, sorted(affected.versions)], separators=(",", ":"))


@lru_cache(maxsize=16_384)
def read_rules(package: str, text: str) -> Affected:
    """What `written` wrote. Two publishers mostly write the same."""
    ranges, versions = json.loads(text)
    return Affected(package, tuple(tuple(map(tuple, one)) for one in ranges), frozenset(versions))


def packed(text: str) -> str:
    """A record as it is kept: a tenth as long. Text, so that a backup can hold it."""
    return base64.b85encode(zlib.compress(text.encode(), 6)).decode()


def unpacked(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(zlib.decompress(base64.b85decode(text)))
    return found


# Holding versions against it

_RULES = """
    SELECT f.package, a.vulnerability_id, f.rules
    FROM store_affectedpackage f JOIN store_advisory a ON a.id = f.advisory_id WHERE f.package IN {}"""
_EVERY = """
    SELECT v.id, p.name, v.version FROM store_version v JOIN store_package p ON p.id = v.package_id
    WHERE p.name IN (SELECT package FROM store_affectedpackage)"""
_COLUMNS = ("version_id", "vulnerability_id", "fixed")


def match(new: Sequence[Known]) -> None:
    """Hold versions against the advisories for the first time. Within the transaction that brings them."""
    hold()
    rows = list(_matched(new, _rules({name for _number, name, _version in new})))
    if rows:
        insert_new(VulnerableVersion, _COLUMNS, rows)


def match_all() -> None:
    """Hold every version against them; what stays so keeps its row, and its findings."""
    rules = _rules(None)
    wanted = {(row[0], row[1]): row for row in _matched(ask(_EVERY), rules)}
    known = {
        (version, vulnerability): (number, fixed)
        for number, version, vulnerability, fixed in ask(
            "SELECT id, version_id, vulnerability_id, fixed FROM store_vulnerableversion"
        )
    }
    for some in portions([known[place][0] for place in known.keys() - wanted.keys()]):
        _forget_versions("id", some)
    for place in wanted.keys() & known.keys():
        number, fixed = known[place]
        if fixed != wanted[place][2]:
            tell("UPDATE store_vulnerableversion SET fixed = %s WHERE id = %s", [wanted[place][2], number])
    pour(VulnerableVersion, _COLUMNS, [wanted[place] for place in sorted(wanted.keys() - known.keys())])


def _rules(packages: Iterable[str] | None) -> Rules:
    """What is said of these packages; None: of all that are known here."""
    found: dict[str, dict[int, list[Affected]]] = defaultdict(lambda: defaultdict(list))
    for package, vulnerability, text in _said(packages):
        rules, said = read_rules(package, text), found[package][vulnerability]
        if rules not in said:
            said.append(rules)
    return found


def _said(packages: Iterable[str] | None) -> Iterator[tuple[Any, ...]]:
    if packages is None:
        yield from ask(_RULES.format("(SELECT name FROM store_package)"))
        return
    for some in portions(sorted(packages)):
        yield from ask(_RULES.format(marks(len(some))), some)


def _matched(versions: Iterable[Sequence[Any]], rules: Rules) -> Iterator[tuple[int, int, str]]:
    for number, name, version in versions:
        for vulnerability, said in rules.get(name, {}).items():
            if any(fleet.affects(one, version) for one in said):
                yield number, vulnerability, json.dumps(fleet.fixed_in(said, version))


# Asking it


_ABOUT = """
    SELECT f.package, a.name, a.modified, f.rules
    FROM store_affectedpackage f JOIN store_advisory a ON a.id = f.advisory_id
    WHERE f.package IN {} ORDER BY a.name"""


def about(asked: Sequence[tuple[str, str | None]]) -> list[list[tuple[str, datetime]]]:
    """Of each package and version (None: any): (id, modified) of the advisories about it."""
    said: dict[str, list[tuple[str, datetime, Affected]]] = defaultdict(list)
    with told():
        for some in portions(sorted({package for package, _version in asked})):
            for package, name, modified, text in ask(_ABOUT.format(marks(len(some))), some):
                said[package].append((name, read_moment(modified), read_rules(package, text)))
    return [
        [
            (name, modified)
            for name, modified, rules in said.get(package, ())
            if version is None or fleet.affects(rules, version)
        ]
        for package, version in asked
    ]


def record(name: str) -> dict[str, Any] | None:
    """The record of an advisory by its id, as it came; None: there is none."""
    with told():
        text = Advisory.objects.filter(name=name).values_list("record", flat=True).first()
    return None if text is None else unpacked(text)


def records(names: Sequence[str]) -> list[dict[str, Any]]:
    """The records of these advisories, by their ids."""
    with told():
        found = Advisory.objects.filter(name__in=names).order_by("name")
        return [unpacked(text) for text in found.values_list("record", flat=True)]
