"""What of package sets the rules look at. A digest names the same lines for ever: read once, kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from tightship.fleet.findings import SetFacts
from tightship.fleet.findings.packages import facts_of
from tightship.fleet.found import PackageChange, package_changes
from tightship.fleet.report import Package
from tightship.store.sets import lines_of

MOST = 16_384
"""Sets of which it is kept. Those of a whole fleet are some thousands."""

_known: dict[str, SetFacts] = {}


def facts(digest: str) -> SetFacts:
    found = _known.get(digest)
    if found is None:
        lines = lines_of(digest)
        learn({digest: lines})
        found = facts_of(lines)
    return found


def learn(sets: Mapping[str, Sequence[Package]]) -> None:
    """Keep what matters of sets whose lines are at hand."""
    if len(_known) + len(sets) > MOST:
        _known.clear()
    _known.update((digest, facts_of(lines)) for digest, lines in sets.items())


@lru_cache(maxsize=1024)
def differences(before: str, after: str) -> Sequence[PackageChange]:
    return package_changes(lines_of(before), lines_of(after))
