"""End of life: series of Python and Django that get no security fixes any more. Pure.

The dates stand in a file, a line each: product, series, last day, source, and when that was looked up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from tightship.fleet.findings.finding import KINDS, Ending, Endings, Finding, Known, instance_subject
from tightship.fleet.found import Found, FoundGroup

PRODUCTS = {"python": "Python", "django": "Django"}

_SERIES = re.compile(r"(\d{1,3}\.\d{1,3})(?![0-9])")
_LONGEST_SOURCE = 200


class BadDates(ValueError):
    """What should hold dates does not; the message says where, and what was expected."""


def series_of(version: str) -> str:
    """`3.11.7` -> `3.11`; empty where there is none."""
    match = _SERIES.match(version)
    return match[1] if match else ""


def ended(found: Found, known: Known) -> Iterator[Finding]:
    """One finding for each instance and series that has an end, also where that is still to come."""
    seen = set()
    for key in sorted(found.groups):
        group = found.groups[key]
        if group.group.kind != "application":
            continue
        for product, version, by_system in _used(found, group, known):
            ending = known.endings.get((product, series_of(version)))
            place = (group.base or group.key, product, series_of(version))
            if ending and place not in seen:
                seen.add(place)
                yield _finding(found, group, ending, version, by_system)


def _used(found: Found, group: FoundGroup, known: Known) -> Iterator[tuple[str, str, bool]]:
    """(product, version, is it the operating system's own) that a process group runs."""
    python = group.group.python
    own = {one.version for one in found.system.pythons if one.path.startswith(("/usr/bin/", "/bin/"))}
    if python:
        yield "python", python, python in own
    facts = known.facts(group.loaded) if group.loaded else None
    if facts and facts.django:
        yield "django", facts.django, facts.django_origin == "os"


def _finding(found: Found, group: FoundGroup, ending: Ending, version: str, by_system: bool) -> Finding:
    name = PRODUCTS.get(ending.product, ending.product)
    last_day = f"{ending.ends - timedelta(days=1):%Y-%m-%d}"
    told = [f"It runs {name} {version}. {name} {ending.series} has had no security fixes since {last_day}."]
    if by_system:
        maker = found.system.os.name or "The operating system"
        told.append(f"{maker} brings this {name} along, and may still mend it.")
    told.append(f"Source: {ending.source}.")
    return Finding(
        "end-of-life",
        "notice" if by_system else "warning",
        f"{ending.product}-{ending.series} {group.base or group.key}",
        instance_subject(group, found.server, f"{ending.product}-{ending.series}"),
        tuple(told),
        KINDS["end-of-life"].do,
        f"tightship who-uses 'django=={ending.series}.*'" if ending.product == "django" else "",
        "",
        group.application,
        group.stage,
        group.key,
        ending.ends,
    )


# The file of dates


def parse(text: str, place: str) -> list[Ending]:
    """The dates in a file's text. Raises BadDates."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split(None, 3)
        if not fields or fields[0].startswith("#"):
            continue
        if len(fields) != 4:
            raise BadDates(f"{place}, line {number}: expected PRODUCT SERIES DATE SOURCE")
        found.append(_ending(fields[0], fields[1], fields[2], fields[3], f"{place}, line {number}"))
    return found


def written(endings: Iterable[Ending]) -> str:
    """The same as text."""
    return "".join(
        f"{one.product} {one.series} {one.ends - timedelta(days=1):%Y-%m-%d} {one.source}\n"
        for one in sorted(
            endings, key=lambda one: (one.product, [int(part) for part in one.series.split(".")])
        )
    )


def _ending(product: str, series: str, last_day: str, source: str, place: str) -> Ending:
    try:
        day = date.fromisoformat(last_day)
        ends = datetime.combine(day + timedelta(days=1), time.min, UTC)
    except (ValueError, OverflowError):
        raise BadDates(f"{place}: expected a date, as 2027-10-31, got {last_day[:40]!r}") from None
    return Ending(product, series, ends, source[:_LONGEST_SOURCE])


def from_endoflife_date(document: Any, product: str, source: str) -> list[Ending]:
    """The dates in endoflife.date's JSON, in both of its forms. Raises BadDates.

    `[{"cycle": "3.13", "eol": "2029-10-31"}]` or `{"result": {"releases": [{"name": ..., "eolFrom": ...}]}}`.
    """
    rows = document
    if isinstance(document, dict):
        result = document.get("result", document)
        rows = result.get("releases") if isinstance(result, dict) else None
    if not isinstance(rows, list) or not rows:
        raise BadDates(f"{source}: expected the JSON of https://endoflife.date/api/{product}.json")
    found = []
    for number, row in enumerate(rows):
        place = f"{source}, entry {number + 1}"
        if not isinstance(row, dict):
            raise BadDates(f"{place}: expected an object with a cycle and its eol")
        series, day = row.get("cycle", row.get("name")), row.get("eol", row.get("eolFrom"))
        if not isinstance(series, str):
            raise BadDates(f"{place}: expected a cycle, as '3.13'")
        # `false`, or none: no end is known. `true`: it ended, and nobody says when.
        if isinstance(day, str) and series_of(series) == series:
            found.append(_ending(product, series, day, source, place))
    if not found:
        raise BadDates(f"{source}: none of its {len(rows)} entries has a cycle, as '3.13', with a date")
    return found


def by_series(endings: Iterable[Ending]) -> Endings:
    return {(one.product, one.series): one for one in endings}
