"""Findings about packages: vulnerable ones, one that stands twice on an import path. What of a set matters to
rules. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tightship.fleet.cvss import Rating
from tightship.fleet.findings.finding import KINDS, Finding, Known, SetFacts, Severity
from tightship.fleet.found import Found, FoundGroup
from tightship.fleet.report import Package
from tightship.fleet.versions import parsed

MOST = 12


def facts_of(lines: Sequence[Package]) -> SetFacts:
    """What of a package set the rules look at."""
    django = next((line for line in lines if line.name == "django" and not line.shadowed), None)
    behind: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        # What the operating system has behind an environment is there for itself, and harms nobody.
        if line.shadowed and line.origin != "os":
            behind[line.name].add(line.version)
    used = {line.name: line.version for line in lines if line.name in behind and not line.shadowed}
    return SetFacts(
        django.version if django else "",
        django.origin if django else "",
        tuple(
            (name, used.get(name, ""), tuple(sorted(others)))
            for name, versions in sorted(behind.items())
            if (others := versions - {used.get(name, "")})
        ),
    )


def duplicates(found: Found, known: Known) -> Iterator[Finding]:
    for key, group in _used_environments(found):
        packages = found.environments[key].packages
        doubled = known.facts(packages).duplicates if packages else ()
        if not doubled:
            continue
        told = [
            f"{name}: {used or 'no version'} is used, {' and '.join(others)} stands behind it."
            for name, used, others in doubled[:MOST]
        ]
        if len(doubled) > MOST:
            told.append(f"And {len(doubled) - MOST} packages more.")
        yield Finding(
            "duplicate",
            "notice",
            key,
            f"{found.server}:{key}",
            tuple(told),
            KINDS["duplicate"].do,
            "",
            "",
            group.application,
            group.stage,
            group.key,
        )


def _used_environments(found: Found) -> Iterator[tuple[str, FoundGroup]]:
    """Each environment that an application runs in, with the first process group of those that use it."""
    seen = set()
    for key in sorted(found.groups):
        group = found.groups[key]
        environment = group.group.environment
        if group.group.kind == "application" and environment in found.environments:
            if environment not in seen:
                yield environment, group
            seen.add(environment)


# Vulnerabilities

UNNAMED, AT_REST = "-", "at rest"
"""In place of an application's name."""

SYSTEMS = "os:"
"""Before the name of a package that the operating system brings: no package is called so."""

KEYS_OF_SYSTEMS = (SYSTEMS, f"{UNNAMED} {SYSTEMS}", f"{AT_REST} {SYSTEMS}")
"""How the keys of findings about those begin."""

SEVERITY_OF: Mapping[Rating, Severity] = {
    "critical": "critical",
    "high": "warning",
    "medium": "warning",
    "low": "notice",
    "unknown": "warning",
}


@dataclass(frozen=True, slots=True)
class Exposure:
    """A version of a package that is known here, and a vulnerability that it has."""

    number: int
    """of the two together, in the store"""
    package: str
    version: str
    id: str
    aliases: tuple[str, ...]
    rating: Rating
    summary: str
    fixed: tuple[str, ...]
    """versions in which it is mended, above this one, the smallest first"""


def vulnerable(one: Exposure, application: str, place: str, by_system: bool) -> Finding:
    """That somebody uses it. `place`: what stands for the application where it has no name, or doesn't run.
    `by_system`: the operating system brings it."""
    system = SYSTEMS if by_system else ""
    what = f"{system}{one.package}-{one.version}:{one.id}"
    return Finding(
        "vulnerable",
        "notice" if by_system else SEVERITY_OF[one.rating],
        f"{'' if application else place + ' '}{system}{one.package} {one.version} {one.id}",
        f"{application or place}/{what}",
        tuple(_told(one, by_system)),
        _mend(one, by_system),
        _users(one) + (" --at-rest" if place == AT_REST else ""),
        "",
        application,
        vulnerable=one.number,
    )


def _users(one: Exposure) -> str:
    return f"tightship who-uses '{one.package}{'==' if parsed(one.version) else '==='}{one.version}'"


def _told(one: Exposure, by_system: bool) -> Iterator[str]:
    rated = f" ({one.rating})" if one.rating != "unknown" else ""
    yield f"{one.package} {one.version} has {one.id}{rated}{': ' + one.summary if one.summary else ''}"
    if by_system:
        yield "The operating system brings it, and may have mended it without changing the version."
    yield (
        f"Mended in {' and '.join(one.fixed)}." if one.fixed else "No version is known in which it is mended."
    )
    if one.aliases:
        yield f"Also known as {', '.join(one.aliases)}."


def _mend(one: Exposure, by_system: bool) -> str:
    if by_system:
        return f"See what the operating system says of {one.id}, and install its updates."
    if not one.fixed:
        return "Read the advisory: no newer version mends it. Shield it, or do without."
    return f"Upgrade it to {one.fixed[0]} or later, and restart what uses it."
