"""Findings about packages: one that stands twice on an import path. What of a set matters to rules. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from tightship.fleet.findings.finding import KINDS, Finding, Known, SetFacts
from tightship.fleet.found import Found, FoundGroup
from tightship.fleet.report import Package

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
