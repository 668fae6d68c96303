"""Versions and specifiers: PEP 440 where they are, plain text where they are not. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

_REQUIREMENT = re.compile(r"^\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*?)\s*(?P<versions>[<>=!~(].*)?$", re.S)


class BadSpecifier(ValueError):
    """What was asked is no package with versions; the message says what and what is expected."""


@lru_cache(maxsize=65536)
def parsed(version: str) -> Version | None:
    """The PEP 440 version; None for what is none: that is kept as it is, and matched by `===`."""
    try:
        return Version(version)
    except InvalidVersion:
        return None


def sort_key(version: str) -> tuple[bool, Version, str]:
    """Orders any versions: those that are none first, by their text. Never raises."""
    known = parsed(version)
    return (known is not None, known or _NONE, version)


_NONE = Version("0")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A package and the versions of it that are asked for: `jinja2<3.1.6`, or just `jinja2`."""

    name: str
    """PEP 503"""
    versions: SpecifierSet | None
    exactly: str = ""
    """text after ===: matched letter by letter, also where it is no version"""

    def matches(self, version: str) -> bool:
        if self.exactly:
            return version == self.exactly
        if self.versions is None:
            return True
        known = parsed(version)
        # Whoever asks for what is old also means the release candidates that somebody left running.
        return known is not None and self.versions.contains(known, prereleases=True)

    def __str__(self) -> str:
        if self.exactly:
            return f"{self.name}==={self.exactly}"
        return self.name + (str(self.versions) if self.versions is not None else "")


def wanted(text: str) -> Wanted:
    """What `who-uses TEXT` asks for. Raises BadSpecifier."""
    match = _REQUIREMENT.match(text)
    if match is None:
        raise BadSpecifier(f"{text!r}: expected a package's name, with or without versions: 'jinja2<3.1.6'")
    name = str(canonicalize_name(match["name"]))
    versions = (match["versions"] or "").strip()
    if versions.startswith("("):  # as old metadata has it: jinja2 (<3)
        versions = versions[1:].removesuffix(")").strip()
    if versions.startswith("===") and "," not in versions:
        return Wanted(name, None, versions[3:].strip())
    if not versions:
        return Wanted(name, None)
    try:
        return Wanted(name, SpecifierSet(versions))
    except InvalidSpecifier:
        raise BadSpecifier(
            f"{text!r}: {versions!r} is no list of versions; expected for example '<3.1.6' or '>=2,<2.5'"
        ) from None
