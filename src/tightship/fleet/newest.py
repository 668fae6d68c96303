"""Which newer version of a package may take the place of the one in use. Pure.

What indexes have of a package is a list of candidates, newest first. An offer respects the Python that has
to run it: what that one can't run is told, never offered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from tightship.fleet.versions import parsed

Level = Literal["major", "minor", "bugfix"]
LEVELS: tuple[Level, ...] = ("major", "minor", "bugfix")
"""How far a version is from another, the farthest first: 2.1.3 -> 3.0, 2.2, 2.1.4."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version that an index has."""

    version: str
    """PEP 440"""
    requires_python: str = ""
    """a specifier, as `>=3.9`; empty: whoever uploaded it did not say"""
    yanked: str | None = None
    """why it was taken back; empty: without a word; None: it was not"""


@dataclass(frozen=True, slots=True)
class Offer:
    """What there is for one version in use."""

    version: str = ""
    """the newest that may take its place; empty: none is newer"""
    level: Level | None = None
    """how far that is"""
    beyond: str = ""
    """a version that is newer still, and that this Python can't run"""
    needs: str = ""
    """what `beyond` needs, as `>=3.12`"""
    yanked: str | None = None
    """why the version in use was taken back; None: it was not, or nobody has it"""

    @property
    def told(self) -> str:
        """`6.0 needs Python 3.12`; empty where nothing is kept back."""
        return f"{self.beyond} needs Python {said(self.needs)}" if self.beyond else ""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one package."""

    candidates: Sequence[Candidate] = ()
    """newest first; none: no index has it"""
    asked: datetime | None = None
    """when the oldest part of this was asked; None: never"""
    problem: str = ""
    """why it is not all that there is"""


def newest_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Candidates in the order that `offer` expects, each version once; without those that are no PEP 440 one.

    Of a version that several indexes have, the one that was not taken back counts.
    """
    best: dict[Version, Candidate] = {}
    for one in candidates:
        version = parsed(one.version)
        if version is None:
            continue
        known = best.get(version)
        if known is None or (known.yanked is not None and one.yanked is None):
            best[version] = one
    return [best[version] for version in sorted(best, reverse=True)]


def offer(current: str, candidates: Sequence[Candidate], python: str = "", level: Level = "major") -> Offer:
    """What may take the place of `current`. `candidates`: newest first.

    `python`: the version that has to run it, as 3.11.7; empty: any. `level`: the farthest step wanted.
    A version that is no PEP 440 version has no place in the order: nothing is offered for it.
    """
    used = parsed(current)
    if used is None:
        return Offer()
    yanked = _yanked(used, candidates)
    beyond = Candidate("")
    for newer, one in _newer(used, candidates, level):
        if runs(one.requires_python, python):
            return Offer(one.version, distance(used, newer), beyond.version, beyond.requires_python, yanked)
        beyond = beyond if beyond.version else one
    return Offer("", None, beyond.version, beyond.requires_python, yanked)


def _newer(
    used: Version, candidates: Sequence[Candidate], level: Level
) -> Iterator[tuple[Version, Candidate]]:
    # Who runs a release candidate wants to hear of the next one, nobody else does.
    wants_pre = used.is_prerelease
    for one in candidates:
        version = parsed(one.version)
        assert version is not None
        if version <= used:
            return
        if one.yanked is None and (wants_pre or not version.is_prerelease) and _within(used, version, level):
            yield version, one


def newest(candidates: Sequence[Candidate]) -> str:
    """The newest release of all, whichever Python it needs; a pre-release where there is nothing else."""
    left = [one for one in candidates if one.yanked is None]
    final = (one for one in left if not getattr(parsed(one.version), "is_prerelease", True))
    return next(final, left[0] if left else Candidate("")).version


def distance(used: Version, newer: Version) -> Level:
    """How far `newer` is."""
    if used.epoch != newer.epoch or used.major != newer.major:
        return "major"
    return "minor" if used.minor != newer.minor else "bugfix"


def _within(used: Version, newer: Version, level: Level) -> bool:
    return level == "major" or LEVELS.index(distance(used, newer)) >= LEVELS.index(level)


def runs(requires_python: str, python: str) -> bool:
    """Whether a Python may run what requires this. What is no specifier forbids nothing: as pip has it."""
    if not requires_python or not python:
        return True
    try:
        return SpecifierSet(requires_python).contains(python, prereleases=True)
    except InvalidSpecifier:
        return True


def said(requires_python: str) -> str:
    """`>=3.12` -> `3.12`; anything else as it stands."""
    least = requires_python.strip().removeprefix(">=").strip()
    return least if parsed(least) is not None else requires_python


def lowest(requires_python: str) -> str:
    """The lowest Python that a project says it runs on: `>=3.10,<4` -> `3.10`. Empty: it does not say."""
    try:
        parts = list(SpecifierSet(requires_python))
    except InvalidSpecifier:
        return ""
    least = [one.version.removesuffix(".*") for one in parts if one.operator in (">=", "==", "~=", ">")]
    versions = [version for version in map(parsed, least) if version is not None]
    return str(max(versions)) if versions else ""


def _yanked(used: Version, candidates: Sequence[Candidate]) -> str | None:
    public = Version(used.public)
    for one in candidates:
        if one.yanked is not None and parsed(one.version) == public:
            return one.yanked
    return None
