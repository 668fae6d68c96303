"""mx.ini: what mxdev makes of requirement files. Its `version-overrides` are pins over those of constraints;
what it ignores or checks out from source is not pinned at all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Set
from configparser import ConfigParser
from configparser import Error as BadIni
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urljoin

from tightship.integrations.pins.files import Files
from tightship.integrations.pins.pin import (
    Aside,
    Found,
    Loose,
    Pin,
    Text,
    canonical,
    located,
    shown,
    without_password,
)
from tightship.integrations.pins.requirements import exact, fixed_outside, requirement_of

NAME = "mx.ini"
THEN = "mxdev"
OVERRIDES = "version-overrides"
_DEEPEST = 20


@dataclass
class Mxdev:
    """What an mx.ini, with those that it includes, says."""

    files: Files
    infile: str = "requirements.txt"
    found: Found = field(default_factory=Found)
    ignored: set[str] = field(default_factory=set)
    developed: set[str] = field(default_factory=set)
    overridden: set[str] = field(default_factory=set)
    """all in lower case, as mxdev compares names: by what is written"""

    @classmethod
    def read(cls, files: Files) -> Mxdev | None:
        """None where the project has no mx.ini."""
        if not files.there(NAME):
            return None
        mxdev = cls(files)
        parser = _parser()
        read = list(mxdev._included(files.directory / NAME, "", 0))
        for text in read:  # what is read later replaces whole values
            try:
                parser.read_string(text.text, text.shown)
            except BadIni as error:
                first = str(error).splitlines()[0]
                mxdev._note(text, 1, f"can't be read: {type(error).__name__} {first[:80]}")
        mxdev._take(parser, read)
        return mxdev

    def settle(self, pins: list[Pin], reached: Set[Path]) -> tuple[list[Pin], list[Aside]]:
        """Requirement files' pins as mxdev leaves them. `reached`: the files that its infile leads to."""
        left, aside = [], []
        for pin in pins:
            why = self._why(pin.written.lower()) if pin.file in reached else ""
            if why:
                aside.append(Aside(pin, why))
            else:
                left.append(replace(pin, then=THEN) if pin.file in reached else pin)
        self._spelled_otherwise([pin for pin in left if pin.file in reached])
        gone = {one.pin.name: one.pin for one in aside}
        self.found.pins = [replace(pin, overrides=gone.get(pin.name)) for pin in self.found.pins]
        return left, aside

    def _spelled_otherwise(self, left: list[Pin]) -> None:
        for pin in self.found.pins:
            for other in left:
                if other.name == pin.name:
                    places = [shown(one.place, self.files.directory) for one in (pin, other)]
                    self.found.notes.append(
                        f"{places[0]}: {pin.written} leaves {other.written} of {places[1]} as it is: "
                        "mxdev compares names as they are written"
                    )

    def _why(self, written: str) -> str:
        if written in self.developed:
            return f"mxdev checks it out ({NAME})"
        if written in self.overridden:
            return f"overridden by {OVERRIDES} of {NAME}"
        return f"mxdev ignores it ({NAME})" if written in self.ignored else ""

    def _included(self, address: str | Path, asked: str, depth: int) -> Iterator[Text]:
        """The files in mxdev's order of reading: those that a file includes come before it."""
        text = self.files.text(address, asked)
        if text is None or depth > _DEEPEST:
            return
        parser = _parser()
        try:
            parser.read_string(text.text, text.shown)
        except BadIni:
            yield text
            return
        for name in parser["settings"].get("include", "").split("\n"):
            if name.strip():
                place = f"{shown(text.shown, self.files.directory)}, include"
                yield from self._included(_beside(text, name.strip()), place, depth + 1)
        yield text

    def _take(self, parser: ConfigParser, read: list[Text]) -> None:
        settings = parser["settings"]
        self.infile = settings.get("requirements-in", self.infile)
        self.ignored = {
            line.strip().lower() for line in settings.get("ignores", "").split("\n") if line.strip()
        }
        use = _true(settings.get("default-use", "true"))
        for name in parser.sections():
            if parser.has_option(name, "url") and _true(parser[name].get("use", str(use))):
                self.developed.add(name.lower())
        last = next((text for text in reversed(read) if _region(text)), None)
        if last is not None:
            for number, start, end, line in _lines(last):
                self._override(last, number, (start, end), line)

    def _override(self, text: Text, number: int, place: tuple[int, int], line: str) -> None:
        requirement = requirement_of(line)
        if requirement is None:
            self._note(text, number, "is no requirement that mxdev would take")
            return
        self.overridden.add(requirement.name.lower())
        name, marker, version = canonical(requirement.name), str(requirement.marker or ""), exact(requirement)
        if version is None:
            allows = str(requirement.specifier)
            self.found.loose.append(
                Loose(name, allows, text.file, number, OVERRIDES, marker, without_password(text.url))
            )
            self._note(text, number, f"not pinned to one version: {name}{allows}")
            return
        pin = Pin(
            name,
            version,
            text.file,
            number,
            OVERRIDES,
            requirement.name,
            marker,
            url=without_password(text.url),
            then=THEN,
        )
        pin = located(pin, text, place[0], place[0] + len(line.partition(";")[0]))
        self.found.pins.append(pin if self.files.writable(text) else fixed_outside(pin))

    def _note(self, text: Text, line: int, says: str) -> None:
        self.found.notes.append(f"{shown(text.shown, self.files.directory)}:{line}: {says}")


def _parser() -> ConfigParser:
    parser = ConfigParser(default_section="settings", interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    return parser


def _true(said: str) -> bool:
    return said.lower() in ("true", "on", "yes", "1")


def _beside(text: Text, name: str) -> str | Path:
    if "://" in name:
        return name
    # mxdev joins what a fetched file includes to the directory of its address.
    return urljoin(text.url, name) if text.url else os.path.join(text.file.parent, name)  # noqa: PTH118


def _region(text: Text) -> re.Match[str] | None:
    """`version-overrides` with the lines that go on: those that begin with a blank, comments between them."""
    found = re.finditer(
        rf"^{OVERRIDES}[ \t]*[=:](?P<value>[^\n]*(?:\n(?:[ \t]+[^\n]*|[#;][^\n]*|[ \t]*\r?(?=\n)))*)",
        text.text,
        re.M,
    )
    return next(found, None)


def _lines(text: Text) -> Iterator[tuple[int, int, int, str]]:
    region = _region(text)
    assert region is not None
    at = region.start("value")
    for physical in region["value"].splitlines(keepends=True):
        line = physical.strip()
        if line and line[0] not in "#;":
            start = at + physical.index(line)
            yield text.line(start), start, start + len(line), line
        at += len(physical)
