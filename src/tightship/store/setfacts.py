"""What of package sets the rules look at. A digest names the same lines for ever: read once, kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from tightship.fleet.findings import SetFacts
from tightship.fleet.findings.packages import facts_of
from tightship.fleet.found import PackageChange, package_changes
from tightship.store.sets import lines_of


@lru_cache(maxsize=16384)
def facts(digest: str) -> SetFacts:
    return facts_of(lines_of(digest))


@lru_cache(maxsize=1024)
def differences(before: str, after: str) -> Sequence[PackageChange]:
    return package_changes(lines_of(before), lines_of(after))
