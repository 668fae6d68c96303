"""Where the strings of a TOML file stand. `tomllib` says what is in a file, but not where. Pure.

What is walked over was read by tomllib before: it is TOML.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field

Path = tuple[str | int, ...]
"""project, dependencies, 0"""

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_STRING = re.compile(
    r'"""(?P<lines>(?:[^"\\]|\\.|"{1,2}(?!"))*"{0,2})"""'
    r"|'''(?P<raw_lines>(?:[^']|'{1,2}(?!'))*'{0,2})'''"
    r'|"(?P<basic>(?:[^"\\\n]|\\.)*)"'
    r"|'(?P<raw>[^'\n]*)'",
    re.S,
)
_OTHER = re.compile(r"[^,\]}\r\n#]+")


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of the text, between the quotation marks."""

    start: int
    end: int


def strings(text: str) -> dict[Path, Place]:
    """Where each string value of a document stands."""
    return _Walk(text).found


@dataclass
class _Walk:
    text: str
    found: dict[Path, Place] = field(default_factory=dict)
    at: int = 0
    _last: dict[Path, int] = field(default_factory=dict)
    """the number of the last table of each [[array of tables]]"""

    def __post_init__(self) -> None:
        table: Path = ()
        while self._skip():
            if self.text.startswith("[", self.at):
                table = self._header()
            else:
                self._pair(table)

    def _skip(self) -> bool:
        """Go to what is next; whether there is anything."""
        match = _SPACE.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        return self.at < len(self.text)

    def _took(self, sign: str) -> bool:
        self._skip()
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        return True

    def _header(self) -> Path:
        many = self.text.startswith("[[", self.at)
        self.at += 1 + many
        *parents, name = self._key()
        self._took("]]" if many else "]")
        path = (*self._within((), parents), name)
        if many:
            self._last[path] = self._last.get(path, -1) + 1
        return self._within((), [*parents, name])

    def _within(self, table: Path, names: list[str]) -> Path:
        path = table
        for name in names:
            path = (*path, name)
            if path in self._last:
                path = (*path, self._last[path])
        return path

    def _key(self) -> list[str]:
        names = []
        while True:
            self._skip()
            match = _KEY.match(self.text, self.at)
            assert match is not None, "tomllib read it"
            self.at = match.end()
            names.append(_unquoted(match[0]))
            dot = _DOT.match(self.text, self.at)
            if dot is None:
                return names
            self.at = dot.end()

    def _pair(self, table: Path) -> None:
        path = self._within(table, self._key())
        self._took("=")
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip()
        if match := _STRING.match(self.text, self.at):
            assert match.lastgroup is not None
            self.found[path] = Place(*match.span(match.lastgroup))
            self.at = match.end()
        elif self._took("["):
            for number in self._until("]"):
                self._value((*path, number))
        elif self._took("{"):
            for _number in self._until("}"):
                self._pair(path)
        else:
            other = _OTHER.match(self.text, self.at)
            self.at = other.end() if other else self.at + 1

    def _until(self, end: str) -> Iterator[int]:
        number = 0
        while not self._took(end):
            yield number
            number += 1
            self._took(",")


def _unquoted(key: str) -> str:
    if key[:1] == "'":
        return key[1:-1]
    if key[:1] != '"':
        return key
    # It has the escapes of a value.
    return str(tomllib.loads(f"key = {key}")["key"])
