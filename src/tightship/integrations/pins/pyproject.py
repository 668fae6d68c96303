"""pyproject.toml: exact pins among its requirements, of whichever tool's tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tightship.integrations.pins import pythons
from tightship.integrations.pins.pin import (
    VERSION,
    Aside,
    Found,
    Loose,
    Pin,
    Text,
    canonical,
    listed,
    located,
)
from tightship.integrations.pins.requirements import exact, fixed_outside, requirement_of
from tightship.integrations.pins.toml_places import Path, Place, strings

NAME = "pyproject.toml"
_LISTS: tuple[Path, ...] = (
    ("build-system", "requires"),
    ("project", "dependencies"),
    ("project", "optional-dependencies", "*"),
    ("dependency-groups", "*"),
    ("tool", "uv", "dev-dependencies"),
    ("tool", "uv", "constraint-dependencies"),
    ("tool", "uv", "override-dependencies"),
    ("tool", "uv", "build-constraint-dependencies"),
    ("tool", "pdm", "dev-dependencies", "*"),
    ("tool", "hatch", "envs", "*", "dependencies"),
    ("tool", "hatch", "envs", "*", "extra-dependencies"),
)
"""Lists of requirements (PEP 508); * is any name."""
_TABLES: tuple[Path, ...] = (
    ("tool", "poetry", "dependencies"),
    ("tool", "poetry", "dev-dependencies"),
    ("tool", "poetry", "group", "*", "dependencies"),
    ("tool", "pdm", "resolution", "overrides"),
)
"""Tables of name = version, where a bare version is an exact one."""
_WILDCARD = re.compile(r"\.[*xX]$")
_LOCKING = {"uv.lock": "uv lock", "poetry.lock": "poetry lock", "pdm.lock": "pdm lock"}


def locking(locks: list[str]) -> str:
    """What is to be typed after pyproject.toml changed, by the locks that are there."""
    return " && ".join(command for lock, command in _LOCKING.items() if lock in locks)


def read(text: Text, document: dict[str, Any], shown: str, then: str, *, writable: bool) -> Found:
    """The pins of a pyproject.toml. `then`: what is to be typed after one was raised."""
    reading = _Reading(text, document, shown, then, writable)
    for path, said in _requirements(document):
        reading.requirement(path, said)
    for path, name, said in _named(document):
        reading.named(path, name, said)
    return reading.whole()


def _requirements(document: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    for pattern in _LISTS:
        for path, found in _matching(document, pattern):
            if isinstance(found, list):
                yield from (((*path, at), one) for at, one in enumerate(found) if isinstance(one, str))


def _named(document: dict[str, Any]) -> Iterator[tuple[Path, str, Any]]:
    for pattern in _TABLES:
        for path, found in _matching(document, pattern):
            for name, said in found.items() if isinstance(found, dict) else ():
                several = said if isinstance(said, list) else None
                for at, one in enumerate(several or [said]):
                    yield ((*path, name, at) if several else (*path, name)), name, one


def _matching(document: Any, pattern: Path, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if not pattern:
        yield path, document
    elif isinstance(document, dict):
        for name in document if pattern[0] == "*" else [pattern[0]]:
            if name in document:
                yield from _matching(document[name], pattern[1:], (*path, name))


def _table(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


@dataclass
class _Reading:
    text: Text
    document: dict[str, Any]
    shown: str
    then: str
    writable: bool
    found: Found = field(default_factory=Found)

    def __post_init__(self) -> None:
        self.places = strings(self.text.text)
        self.required = pythons.required(NAME, self.document)
        sources = _table(_table(_table(self.document, "tool"), "uv"), "sources")
        self.sources = {canonical(name): said for name, said in sources.items()}
        self.own = canonical(str(_table(self.document, "project").get("name", "")))

    def requirement(self, path: Path, said: str) -> None:
        """One of a list: `django==4.2; python_version < "3.12"`."""
        place, line = self._place(path)
        requirement = requirement_of(said)
        if requirement is None:
            self._note(line, "is no requirement (PEP 508)")
            return
        if requirement.url:
            self._note(line, f"{requirement.name} comes from an address, not by a version")
            return
        marker = str(requirement.marker or "")
        written = self.text.text[place.start : place.end]
        place = Place(place.start, place.start + len(written.partition(";")[0]))
        allows = str(requirement.specifier)
        section = ".".join(str(part) for part in path[:-1])
        self._add(section, place, (requirement.name, exact(requirement), allows, marker))

    def named(self, path: Path, name: str, said: Any) -> None:
        """One of a table: `django = "4.2"`, `django = { version = "4.2", extras = ["argon2"] }`."""
        if canonical(name) == "python":
            return
        marker, section = (
            "",
            ".".join(str(part) for part in path[: len(path) - 1 - isinstance(path[-1], int)]),
        )
        if isinstance(said, dict):
            if "version" not in said:
                self._note(self._line(path), f"{name} comes from elsewhere, not by a version")
                return
            marker = str(said.get("markers", ""))
            path, said = (*path, "version"), said["version"]
        place, _line = self._place(path)
        allows = str(said).strip()
        bare = re.sub(r"^={1,3}\s*", "", allows)
        version = bare if VERSION.fullmatch(bare) and not _WILDCARD.search(bare) else None
        self._add(section, place, (name, version, allows, marker))

    def _add(self, section: str, place: Place, said: tuple[str, str | None, str, str]) -> None:
        written, version, allows, marker = said
        name, line = canonical(written), self.text.line(place.start)
        if name == self.own:  # its own extras
            return
        if version is None:
            self.found.loose.append(Loose(name, allows, self.text.file, line, section, marker))
            return
        python = pythons.oldest(self.required, marker)
        pin = Pin(name, version, self.text.file, line, section, written, marker, python, then=self.then)
        pin = located(pin, self.text, place.start, place.end)
        source = self.sources.get(name)
        if source is not None and not (isinstance(source, dict) and "index" in source):
            self.found.aside.append(Aside(pin, "[tool.uv.sources] takes it from elsewhere"))
        else:
            self.found.pins.append(pin if self.writable else fixed_outside(pin))

    def _line(self, path: Path) -> int:
        starts = [place.start for at, place in self.places.items() if at[: len(path)] == path]
        return self.text.line(min(starts)) if starts else 1

    def _place(self, path: Path) -> tuple[Place, int]:
        place = self.places.get(path) or Place(0, 0)
        return place, self.text.line(place.start)

    def _note(self, line: int, says: str) -> None:
        self.found.notes.append(f"{self.shown}:{line}: {says}")

    def whole(self) -> Found:
        """What was found, with the notes on what is no exact pin, and on what is asked for by itself."""
        if _table(_table(self.document, "tool"), "uv").get("workspace"):
            self.found.notes.append(f"{self.shown}: of its workspace's members only what uv.lock has is read")
        if self.found.loose:
            said = listed(one.name + one.allows for one in self.found.loose)
            self._note(self.found.loose[0].line, f"not pinned to one version: {said}")
        return self.found


def repeated(pins: list[Pin], exactly: list[Pin]) -> list[Pin]:
    """The pins of locks; those that pyproject.toml pins exactly itself are raised there."""
    where = {pin.name: pin for pin in exactly}
    return [
        replace(
            pin,
            fixed=f"{NAME}:{where[pin.name].line} pins it exactly",
            instead=f"raise it in {NAME}:{where[pin.name].line} to {{version}}, then {pin.then}",
        )
        if pin.name in where
        else pin
        for pin in pins
    ]
