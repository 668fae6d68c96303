"""The words: a pin, its place, and a project that pins. Pure."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from packaging.utils import canonicalize_name

VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")
"""What may stand as a version: PEP 440, and what older tools took for one."""

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


class NoText(ValueError):
    """These bytes are no text."""


@dataclass(frozen=True, eq=False)
class Text:
    """A file as text, so that writing it again gives the same bytes, whatever they were."""

    file: Path
    text: str
    encoding: str = "utf-8"
    mark: bytes = b""
    """the byte order mark that it begins with"""
    url: str = ""
    """where it was fetched from; a file that is fetched is never written"""

    @classmethod
    def of(cls, file: Path, data: bytes, url: str = "") -> Text:
        """Raises NoText."""
        mark, encoding = next(
            ((mark, encoding) for mark, encoding in _BOMS if data.startswith(mark)), (b"", "utf-8")
        )
        try:
            # latin-1 in a comment is no reason to refuse a file: its bytes come back as they were.
            errors = "surrogateescape" if encoding == "utf-8" else "strict"
            text = data[len(mark) :].decode(encoding, errors)
        except UnicodeDecodeError:
            raise NoText from None
        if "\0" in text:
            raise NoText
        return cls(file, text, encoding, mark, url)

    def encoded(self, text: str) -> bytes:
        """Another text as the bytes of this file."""
        return self.mark + text.encode(self.encoding, "surrogateescape")

    @property
    def data(self) -> bytes:
        """The file as it was read."""
        return self.encoded(self.text)

    def line(self, at: int) -> int:
        """The line of a place in the text, from 1 on."""
        return bisect_right(self._starts, at)

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    @property
    def shown(self) -> str:
        return without_password(self.url) or str(self.file)


@dataclass(frozen=True, slots=True)
class Pin:
    """A package in exactly one version, and where that stands."""

    name: str
    """PEP 503"""
    version: str
    file: Path
    """absolute, with links resolved; of what is fetched, `url` has the address"""
    line: int
    section: str = ""
    """[versions] of a buildout, project.dependencies of a pyproject.toml; empty where there are none"""
    written: str = ""
    """the name as it is written there"""
    marker: str = ""
    """the environment marker or the section's condition under which it holds; empty: always"""
    python: str = ""
    """the oldest Python that it has to run on: 3.9; empty: not known"""
    overrides: Pin | None = None
    url: str = ""
    """where its file was fetched from, without a password"""
    fixed: str = ""
    """why it can't be raised in place; empty: it can"""
    instead: str = ""
    """what to type where it can't, with {version} for the new one"""
    then: str = ""
    """what is to be typed after it was raised"""
    unused: str = ""
    """how it is known that nothing uses it; empty: it is used, or that can't be told"""
    start: int = 0
    """the place of the version in the text of the file, in characters"""
    end: int = 0

    @property
    def place(self) -> str:
        """`/srv/shop/versions.cfg:12`"""
        return f"{self.url or self.file}:{self.line}"

    def typed(self, version: str) -> str:
        """What to type to have that version, where the pin can't be raised in place."""
        return self.instead.replace("{version}", version)

    def chain(self) -> list[Pin]:
        """This pin, the one that it overrides, the one which that overrides."""
        found: list[Pin] = []
        pin: Pin | None = self
        while pin is not None:
            found.append(pin)
            pin = pin.overrides
        return found


@dataclass(frozen=True, slots=True)
class Aside:
    """A pin that does not count, and why."""

    pin: Pin
    why: str


@dataclass(frozen=True, slots=True)
class Loose:
    """A requirement that is no exact pin, and what it allows: `>=4.2,<5`; empty: anything."""

    name: str
    allows: str
    file: Path
    line: int
    section: str = ""
    marker: str = ""
    url: str = ""

    @property
    def place(self) -> str:
        return f"{self.url or self.file}:{self.line}"


@dataclass(frozen=True, slots=True, eq=False)
class Project:
    """What a project directory pins."""

    directory: Path
    pins: Sequence[Pin]
    """those that count, file by file, in the order of their lines"""
    notes: Sequence[str] = ()
    """sentences on what was overridden, could not be read or is no exact pin"""
    aside: Sequence[Aside] = ()
    loose: Sequence[Loose] = ()
    python: str = ""
    """the Python that it is for: a version (3.11) or a specifier (>=3.9); empty where that can't be told"""
    python_from: str = ""
    """how that is known"""
    texts: Mapping[Path, Text] = field(default_factory=dict, repr=False)
    """every file as it was read"""

    def shown(self, file: Path | str) -> str:
        """A path as it is said here: from the directory on, where it lies below it."""
        return shown(file, self.directory)


@dataclass
class Found:
    """What the reader of one format found; the others' is added to it."""

    pins: list[Pin] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)
    loose: list[Loose] = field(default_factory=list)

    def add(self, other: Found) -> None:
        self.pins += other.pins
        self.notes += other.notes
        self.aside += other.aside
        self.loose += other.loose


def canonical(name: str) -> str:
    """PEP 503: what indexes, pip and zc.buildout compare."""
    return str(canonicalize_name(name))


def without_password(url: str) -> str:
    """An address as it may be said: https://example.com/versions.cfg"""
    return re.sub(r"://[^/@\s]*@", "://", url)


def shown(file: Path | str, directory: Path) -> str:
    """`versions.cfg`, `../shared/base.cfg`, `/etc/pins.txt`, `https://…/versions.cfg`."""
    text = str(file)
    if "://" in text:
        return without_password(text)
    relative = os.path.relpath(text, directory)
    return text if relative.count("..") > 2 else relative


def listed(words: Iterable[str], most: int = 6) -> str:
    """`a, b, c and 12 more`"""
    known = list(dict.fromkeys(words))
    rest = len(known) - most
    return ", ".join(known[:most]) + (f" and {rest} more" if rest > 0 else "")


def located(pin: Pin, text: Text, start: int, end: int) -> Pin:
    """A pin whose version is to be found in that stretch of the text; it can't be raised where it isn't,
    or stands there twice."""
    places = [
        match
        for match in re.finditer(re.escape(pin.version), text.text[start:end])
        if not _inside_a_word(text.text[start:end], match)
    ]
    if len(places) != 1:
        return replace(pin, fixed="its version can't be told apart on that line", instead="change it by hand")
    return replace(pin, start=start + places[0].start(), end=start + places[0].end())


def _inside_a_word(text: str, match: re.Match[str]) -> bool:
    before, after = text[: match.start()][-1:], text[match.end() :][:1]
    return bool(re.match(r"[A-Za-z0-9.!+_-]", before) or re.match(r"[A-Za-z0-9.!+_-]", after))
