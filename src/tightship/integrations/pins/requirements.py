"""requirements*.txt and constraints*.txt, as pip reads them (pip's req/req_file.py)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urljoin

from packaging.requirements import InvalidRequirement, Requirement

from tightship.integrations.pins.compiled import Made, written_by_mxdev
from tightship.integrations.pins.files import Files
from tightship.integrations.pins.pin import (
    Found,
    Loose,
    Pin,
    Text,
    canonical,
    listed,
    located,
    shown,
    without_password,
)

PATTERNS = tuple(
    f"{name}.{kind}"
    for kind in ("in", "txt")  # what is compiled is to be known before what came of it
    for name in ("*requirements*", "*constraints*", "requirements/*", "constraints/*")
)
DEEPEST = 50
"""Files that include each other in one line."""
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*$")
_INCLUDE = re.compile(r"(?:-(?P<short>[rc])|--(?P<long>requirement|constraint))\s*=?\s*(?P<file>\S.*)$")
_NOT_BY_NAME = re.compile(r"(-e\b|--editable\b|[./~]|[A-Za-z0-9+.-]+:(//)?|.*\.(whl|zip|tar\.\w+)(\s|$))")


@dataclass
class Requirements:
    """The requirement files of one project."""

    files: Files
    found: Found = field(default_factory=Found)
    read: set[Path] = field(default_factory=set)
    """the files that were read"""
    _of_source: dict[tuple[Path | None, str], Pin] = field(default_factory=dict)
    _depth: int = 0

    def take(self, address: str | Path, asked: str = "") -> None:
        """Read one file with all that it includes; each file once."""
        if self._depth > DEEPEST:
            self.found.notes.append(
                f"{asked}: files include each other more than {DEEPEST} deep; no more is read"
            )
            return
        self._depth += 1
        self._take(address, asked)
        self._depth -= 1

    def _take(self, address: str | Path, asked: str) -> None:
        text = self.files.text(address, asked)
        if text is None or text.file in self.read:
            return
        self.read.add(text.file)
        if written_by_mxdev(text):
            self._note(text, 1, "mxdev writes this file; what it was made of is read instead")
            return
        made = Made.of(text, self.files)
        if made.source is not None and made.source != text.file:
            self.take(made.source)
        loose: list[Loose] = []
        elsewhere: list[str] = []
        for number, start, end, line in logical_lines(text.text):
            include = _INCLUDE.match(line)
            if include:
                self._include(text, number, include["file"])
            elif not line.startswith("-") and not _NOT_BY_NAME.match(line):
                self._requirement(text, (number, start, end), line, made, loose)
            elif re.match(r"-e\b|--editable\b", line) or not line.startswith("-"):
                elsewhere.append(str(number))
        self.found.loose += loose
        self._sum_up(text, loose, elsewhere)

    def _sum_up(self, text: Text, loose: list[Loose], elsewhere: list[str]) -> None:
        if elsewhere:
            lines = f"line {elsewhere[0]}" if len(elsewhere) == 1 else f"lines {listed(elsewhere)}"
            self._note(text, int(elsewhere[0]), f"from an address or a directory, not by a version: {lines}")
        if loose and text.file.suffix != ".in":  # what is to be compiled is meant to be loose
            said = listed(one.name + one.allows for one in loose)
            self._note(text, loose[0].line, f"not pinned to one version: {said}")

    def _note(self, text: Text, line: int, says: str) -> None:
        self.found.notes.append(f"{shown(text.shown, self.files.directory)}:{line}: {says}")

    def _include(self, text: Text, number: int, name: str) -> None:
        name = name.strip().strip("\"'")
        if text.url:
            address = urljoin(text.url, name)
        elif "://" in name:
            address = name
        else:
            address = os.path.join(text.file.parent, name)  # noqa: PTH118 an address where it is one
        self.take(address, f"{shown(text.shown, self.files.directory)}:{number}")

    def _requirement(
        self, text: Text, place: tuple[int, int, int], line: str, made: Made, loose: list[Loose]
    ) -> None:
        number, start, end = place
        said, _blank, options = line.partition(" --")
        requirement = requirement_of(said)
        if requirement is None:
            self._note(text, number, "is no requirement that pip would take")
            return
        if requirement.url:
            self._note(text, number, f"{requirement.name} comes from an address, not by a version")
            return
        name, marker = canonical(requirement.name), str(requirement.marker or "")
        version = exact(requirement)
        if version is None:
            loose.append(
                Loose(
                    name,
                    str(requirement.specifier),
                    text.file,
                    number,
                    "",
                    marker,
                    without_password(text.url),
                )
            )
            return
        pin = Pin(
            name,
            version,
            text.file,
            number,
            "",
            requirement.name,
            marker,
            made.python,
            url=without_password(text.url),
        )
        pin = located(pin, text, start, end_of_versions(text.text, start, end))
        if not self.files.writable(text):
            self.found.pins.append(fixed_outside(pin))
        else:
            exactly = self._of_source.get((made.source, name))
            self.found.pins.append(made.fixing(pin, exactly, hashed="--hash" in f" --{options}"))
            self._of_source[text.file, name] = pin


def fixed_outside(pin: Pin) -> Pin:
    """A pin of a file that is not the project's own: it is not written there."""
    why = "it is fetched" if pin.url else "it lies outside of the project"
    return replace(pin, fixed=why, instead=f"in a file of the project: {pin.written}=={{version}}")


def requirement_of(text: str) -> Requirement | None:
    """A requirement (PEP 508); None for what is none."""
    try:
        return Requirement(text.strip())
    except (InvalidRequirement, RecursionError):
        return None


def exact(requirement: Requirement) -> str | None:
    """The one version that a requirement allows."""
    specifiers = list(requirement.specifier)
    if len(specifiers) != 1 or specifiers[0].operator not in ("==", "==="):
        return None
    version = specifiers[0].version
    return None if version.endswith(".*") else version


def end_of_versions(text: str, start: int, end: int) -> int:
    """Where a requirement's versions end: at its marker, its options or its comment."""
    match = re.compile(r";|\s#|\s--").search(text, start, end)
    return match.start() if match else end


def logical_lines(text: str) -> Iterator[tuple[int, int, int, str]]:
    """(number, start, end, what pip takes for the line): comments cut off, `\\` at the end joined."""
    parts: list[str] = []
    start = at = first = 0
    for number, physical in enumerate(text.splitlines(keepends=True), 1):
        line = physical.rstrip("\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029")
        if not parts:
            start, first = at, number
        end, at = at + len(line), at + len(physical)
        comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not comment:
            parts.append(line.strip("\\"))
            continue
        said = _COMMENT.sub("", "".join([*parts, f" {line}" if comment else line])).strip()
        parts = []
        if said:
            yield first, start, end, said
    if parts and (said := _COMMENT.sub("", "".join(parts)).strip()):
        yield first, start, len(text), said
