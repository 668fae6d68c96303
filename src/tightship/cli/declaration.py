"""Reads the declared file with all that it includes, and tells at which line each key stands.

`tomllib` says what is in a file, but not where. `Lines` walks over the text once more, for keys alone;
what it walks over was found to be TOML before.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tightship.cli.running import Cannot

if TYPE_CHECKING:
    from tightship.fleet.declared import BadDeclaration, Declared, Key, Place

FILE = "fleet.toml"
VARIABLE = "TIGHTSHIP_FLEET"
LARGEST = 8 * 1024 * 1024
"""Bytes of one file. A fleet of a thousand applications has 200 kB."""

TABLES = ("servers", "roles", "applications")
"""Tables whose entries may stand in different files, each whole in one."""


def file_of(named: str, data: Path) -> Path:
    """The file that is meant: the one that was named, by an option or TIGHTSHIP_FLEET; else fleet.toml
    here, or beside the data. Raises Cannot."""
    said = named or os.environ.get(VARIABLE, "")
    if said:
        return Path(said).expanduser()
    places = (Path(FILE), data / FILE)
    for place in places:
        if place.exists():
            return place
    raise Cannot(
        f"There is no {FILE} here ({Path.cwd()}), nor beside the data ({data}). "
        f"docs/how-to/correct-names.md has a first one to copy; or name yours: tightship declare --file FILE"
    )


@dataclass
class Declaration:
    """A declared file that was read, and is in order."""

    path: str
    declared: Declared
    places: Mapping[Key, Place]


def read(path: Path) -> Declaration:
    """Read a declared file. Raises Cannot with all that is wrong in it."""
    from tightship.fleet.declared import BadDeclaration, declared

    reading = _Reading()
    try:
        reading.take(path, ())
        return Declaration(str(path), declared(reading.data, reading.places), reading.places)
    except BadDeclaration as error:
        raise Cannot(_told(error)) from None


def _told(error: BadDeclaration) -> str:
    if len(error.problems) == 1:
        return str(error)
    return "\n".join([f"{len(error.problems)} things are wrong:", *(f"  {one}" for one in error.problems)])


@dataclass
class _Reading:
    """What was read so far, of a file and those that it includes."""

    data: dict[str, Any] = field(default_factory=dict)
    places: dict[Key, Place] = field(default_factory=dict)
    done: set[Path] = field(default_factory=set)

    def take(self, path: Path, way: tuple[Path, ...], asked: Place | None = None) -> None:
        """Read one file. `way`: the files that led here; `asked`: where this one was included."""
        real = path.resolve()
        if real in way:
            ring = " includes ".join(one.name for one in (*way[way.index(real) :], real))
            raise _bad(asked, "include", f"the files include each other in a ring: {ring}")
        if real in self.done:
            return
        self.done.add(real)
        text = _text(path, asked)
        data, lines = _parsed(path, text), Lines(text).found
        self._merge(data, {key: _place(path, line) for key, line in lines.items()})
        for wanted, place in self._included(path, data, lines):
            self.take(wanted, (*way, real), place)

    def _included(
        self, path: Path, data: Mapping[str, Any], lines: Mapping[Key, int]
    ) -> Iterator[tuple[Path, Place]]:
        names = data.get("include", [])
        if not isinstance(names, list):
            return  # the model says what it has to be
        for number, name in enumerate(names):
            if isinstance(name, str) and name.strip():
                place = _place(path, lines.get(("include", number), lines.get(("include",), 1)))
                yield from ((found, place) for found in _matching(path.parent, name, place))

    def _merge(self, data: Mapping[str, Any], places: Mapping[Key, Place]) -> None:
        for name, value in data.items():
            if name == "include":
                known = self.data.get(name)
                both = isinstance(known, list) and isinstance(value, list)
                self.data[name] = [*known, *value] if both and known else value
            elif name in TABLES and isinstance(value, dict) and isinstance(self.data.get(name), dict):
                self._merge_entries(name, value, places)
            elif name in self.data:
                place = places.get((name,))
                raise _bad(place, name, f"stands in two files, first at {self.places.get((name,))}")
            else:
                self.data[name] = value
        for key, place in places.items():
            self.places.setdefault(key, place)

    def _merge_entries(self, name: str, value: Mapping[str, Any], places: Mapping[Key, Place]) -> None:
        for entry, said in value.items():
            if entry in self.data[name]:
                first = self.places.get((name, entry))
                says = f"stands in two files, first at {first}; write each {name[:-1]} in one place"
                raise _bad(places.get((name, entry)), f"{name}.{entry}", says)
            self.data[name][entry] = said


def _place(path: Path, line: int) -> Place:
    from tightship.fleet.declared import Place

    return Place(str(path), line)


def _bad(place: Place | None, key: str, says: str) -> BadDeclaration:
    from tightship.fleet.declared import BadDeclaration, Problem

    return BadDeclaration([Problem(place, key, says)])


def _matching(directory: Path, name: str, place: Place) -> list[Path]:
    """The files that an entry of `include` names."""
    if not re.search(r"[*?\[]", name):
        return [directory / Path(name).expanduser()]
    if Path(name).is_absolute():
        raise _bad(place, "include", f"wildcards are for files beside this one, got {name!r}")
    found = sorted(directory.glob(name))
    if not found:
        raise _bad(place, "include", f"no file matches {name!r} in {directory.absolute()}")
    return found


def _text(path: Path, asked: Place | None) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        if asked:
            raise _bad(asked, "include", f"{path} can't be read: {why}") from None
        raise Cannot(f"{path} can't be read: {why}.") from None
    if len(raw) > LARGEST:
        raise _bad(_place(path, 1), "", f"expected at most {LARGEST} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _bad(_place(path, line), "", "expected UTF-8, as TOML is written in") from None


_WHERE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise _bad(_place(path, 1), "", "nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError is one, and a number of 5,000 digits another
        said = str(error)
        where = _WHERE.search(said)
        last = text.count("\n") + 1
        line = int(where[1]) if where and where[1] else last
        column = f" (column {where[2]})" if where and where[2] else ""
        what = _WHERE.sub("", said)
        raise _bad(_place(path, line), "", f"not TOML: {_plainly(what)}{column}") from None


def _plainly(what: str) -> str:
    """What tomllib says, where that is about its own inside rather than about the file."""
    twice = re.match(r"Cannot (?:declare|overwrite)", what)
    named = re.search(r"\((.*)\)", what)
    if twice and named:
        key = ".".join(re.findall(r"'([^']*)'", named[1]))
        return f"{key} stands here a second time"
    if twice:
        return "this key stands here a second time"
    return what[:1].lower() + what[1:]


_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\n#]*")
_STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"""("{0,2})', re.DOTALL),
    re.compile(r"'''.*?'''('{0,2})", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)


class Lines:
    """The line of each key, and of each item of a list, in a text that is TOML."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Key, int] = {}
        self._items: dict[Key, int] = {}
        """[[table]] -> how many were there"""
        self._counted = (0, 1)
        """a place in the text, and its line"""
        self._walk()

    def _walk(self) -> None:
        table: Key = ()
        while self._skip():
            if self.text[self.at] == "[":
                table = self._table()
            else:
                self._pair(table)

    def _table(self) -> Key:
        many = self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        self._skip()
        line = self._line()
        key: Key = ()
        for part in self._key():
            key = self._newest((*key, part))
            self.found.setdefault(key, line)
        self._skip()
        self.at += 2 if many else 1
        if many:
            plain = key[:-1] if key[-1:] and isinstance(key[-1], int) else key
            number = self._items.get(plain, 0)
            self._items[plain] = number + 1
            key = (*plain, number)
            self.found.setdefault(key, line)
        return key

    def _newest(self, key: Key) -> Key:
        """What a name means after [[name]]: the table that was begun last."""
        return (*key, self._items[key] - 1) if key in self._items else key

    def _pair(self, table: Key) -> None:
        line = self._line()
        key = table
        for part in self._key():
            key = (*key, part)
            self.found.setdefault(key, line)
        self._skip()
        self.at += 1  # =
        self._skip()
        self._value(key)

    def _key(self) -> Iterator[str]:
        while True:
            self._skip()
            yield self._name()
            self._skip()
            if self.text[self.at] != ".":
                return
            self.at += 1

    def _name(self) -> str:
        bare = _BARE.match(self.text, self.at)
        if bare:
            self.at = bare.end()
            return bare[0]
        start = self.at
        self._string()
        # Its escapes are those of a value: let tomllib read it.
        return str(tomllib.loads(f"x = {self.text[start : self.at]}")["x"])

    def _value(self, key: Key) -> None:
        match self.text[self.at]:
            case '"' | "'":
                self._string()
            case "[":
                self._list(key)
            case "{":
                self._inline(key)
            case _:
                found = _SCALAR.match(self.text, self.at)
                self.at = found.end() if found else self.at + 1

    def _string(self) -> None:
        for pattern in _STRINGS:
            found = pattern.match(self.text, self.at)
            if found:
                self.at = found.end()
                return
        raise AssertionError("a text that tomllib read has whole strings")

    def _list(self, key: Key) -> None:
        self.at += 1
        number = 0
        while self._skip() and self.text[self.at] != "]":
            self.found[*key, number] = self._line()
            self._value((*key, number))
            number += 1
            self._skip()
            if self.text[self.at] == ",":
                self.at += 1
        self.at += 1

    def _inline(self, key: Key) -> None:
        self.at += 1
        while self._skip() and self.text[self.at] != "}":
            self._pair(key)
            self._skip()
            if self.text[self.at] == ",":
                self.at += 1
        self.at += 1

    def _skip(self) -> bool:
        """Past blanks and comments; whether anything follows."""
        found = _BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.at < len(self.text)

    def _line(self) -> int:
        before, line = self._counted
        line += self.text.count("\n", before, self.at)
        self._counted = (self.at, line)
        return line
