"""One file of a buildout, read as zc.buildout reads it (its configparser.py), with the place of each value.

Its syntax is not Python's configparser: a comment begins in the first column only, a name may hold colons
no more than brackets, `name +=` and `name -=` are operators, and a section can have a condition. Pure.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from tightship.integrations.pins.pin import Text

_SECTION = re.compile(
    r"\[\s*(?P<name>[^\s#[\]:;{}]+)\s*(:(?P<condition>[^#;]*))?]\s*([#;].*)?$", re.S
)  # what follows the last bracket belongs to the comment, so the expression may hold brackets itself
_OPTION = re.compile(r"(?P<name>[^\s{}[\]=:]+\s*[-+]?)=(?P<value>.*)$", re.S)
_BLANK_LINES = re.compile(r"^(\s*\n)+")
_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|$)")

MOST_REPLACED = 50
"""Values of one option that are remembered."""
LONGEST = 256 * 1024
"""Characters of one value."""

Holds = Callable[[str], bool | None]
"""Whether a section with that condition holds; None: it can't be told."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a file that a value stands in."""

    text: Text
    line: int
    start: int
    end: int
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """A value, as zc.buildout would have it, and where it comes from."""

    value: str
    pieces: tuple[Piece, ...]
    before: tuple[Option, ...] = ()
    """the values that it replaced, the newest first, each place once; they have none themselves"""
    joined: bool = False
    """it was put together by += or -="""

    @property
    def place(self) -> str:
        """`/srv/shop/versions.cfg:12`"""
        return f"{self.pieces[-1].text.shown}:{self.pieces[-1].line}"

    def over(self, older: Option | None) -> Option:
        """This value, and behind all that it replaced already: the older one."""
        if older is None:
            return self
        known = {self.pieces}  # the same file extended twice replaces nothing
        before = []
        for option in (*self.before, replace(older, before=()), *older.before):
            if option.pieces not in known:
                known.add(option.pieces)
                before.append(option)
        return replace(self, before=tuple(before[:MOST_REPLACED]))


Section = dict[str, Option]
Sections = dict[str, Section]


@dataclass
class Written:
    """What one file says."""

    sections: Sections = field(default_factory=dict)
    elsewhere: list[tuple[str, str, bool, Section]] = field(default_factory=list)
    """(section, condition, whether it could be told, options) of what does not hold"""
    bad: list[int] = field(default_factory=list)
    """lines that zc.buildout refuses"""


def parse(text: Text, holds: Holds) -> Written:
    """What a file says. Lines that zc.buildout refuses are told, and left out."""
    reading = _Reading(text, holds)
    for number, start, line in lines(text.text):
        reading.take(number, start, line)
    for section in [*reading.written.sections.values(), *(part[3] for part in reading.written.elsewhere)]:
        for name, option in section.items():
            section[name] = _dedented(option)
    return reading.written


def lines(text: str) -> Iterator[tuple[int, int, str]]:
    """(number, where it begins, the line without its end), as Python's text files are read."""
    start = number = 0
    while start < len(text):
        match = _LINE.match(text, start)
        assert match is not None
        number += 1
        yield number, start, match[1]
        start = match.end()


def _dedented(option: Option) -> Option:
    before = tuple(_dedented(older) for older in option.before)
    value = option.value
    if value[:1].isspace():
        value = _BLANK_LINES.sub("", textwrap.dedent(value.rstrip()))
    return replace(option, value=value, before=before)


@dataclass
class _Part:
    """A section that is being read."""

    options: Section
    condition: str = ""
    name: str = ""
    """the option that a line which begins with a blank goes on"""
    block: bool = False
    """a value that begins in the line below its name keeps its indentation"""


@dataclass
class _Reading:
    text: Text
    holds: Holds
    written: Written = field(default_factory=Written)
    part: _Part | None = None
    skipped: _Part | None = None
    """the section that does not hold, while in one; zc.buildout then stays in the one before (and refuses
    what would not go on there)"""

    def take(self, number: int, start: int, line: str) -> None:
        if line[:1] in ("#", ";"):
            return
        if (line[:1].isspace() or not line) and self.part is not None and self.part.name:
            _go_on(self.skipped or self.part, start, line)
        elif header := _SECTION.match(line):
            self._begin(header["name"], (header["condition"] or "").strip())
        elif self.part is None:
            if line.strip():
                self.written.bad.append(number)
        elif option := _OPTION.match(f"<part-dependencies> = {line[2:]}" if line.startswith("=>") else line):
            piece = Piece(self.text, number, start + line.index("=") + 1, start + len(line))
            _add(self.skipped or self.part, option["name"].rstrip(), option["value"].strip(), piece)
        elif self.part.name or line.strip():
            self.written.bad.append(number)

    def _begin(self, name: str, condition: str) -> None:
        held = self.holds(condition) if condition else True
        if held:
            self.part, self.skipped = _Part(self.written.sections.setdefault(name, {}), condition), None
        else:
            self.skipped = _Part({}, condition)
            self.written.elsewhere.append((name, condition, held is not None, self.skipped.options))


def _go_on(part: _Part, start: int, line: str) -> None:
    said = line.rstrip() if part.block else line.strip()
    option = part.options.get(part.name)
    if option is not None and (said or part.block) and len(option.value) < LONGEST:
        pieces = (*option.pieces[:-1], replace(option.pieces[-1], end=start + len(line)))
        part.options[part.name] = replace(option, value=f"{option.value}\n{said}", pieces=pieces)


def _add(part: _Part, name: str, value: str, piece: Piece) -> None:
    part.name, part.block = name, not value
    piece = replace(piece, condition=part.condition)
    option, known = Option(value, (piece,)), part.options.get(name)
    if known is not None and name[-1] in "+-" and len(known.pieces) < MOST_REPLACED:
        # The same name twice, as conditional sections have it: one list of both.
        said = known.value.rstrip() + (f"\n{value}" if value else "")
        option = Option(said, (*known.pieces, piece), known.before, joined=True)
    elif name[-1] not in "+-":
        for other in (f"{name} +", f"{name} -"):
            part.options.pop(other, None)
        option = option.over(known)
    part.options[name] = option
