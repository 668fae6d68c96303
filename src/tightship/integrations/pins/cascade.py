"""What the files of a buildout say together: `extends` at any depth, as zc.buildout 6 merges them.

`Cascade.read` follows zc.buildout's own `_open`, `_update`, `_update_section` and `_do_extend_raw`
(buildout.py) step by step, quirks included, since the truth about a pin is what buildout makes of it. Beside
the value it keeps where each one stands and what it replaced.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tightship.integrations.pins.buildout_syntax import Holds, Option, Section, Sections, Written, parse
from tightship.integrations.pins.files import Files
from tightship.integrations.pins.pin import Text, shown

_is_url = re.compile(r"([a-zA-Z0-9+.-]+)://").match
DEEPEST = 50
"""Files that extend each other in one line."""
MOST = 5000
"""Files opened, the same ones again included: two that extend each next one twice are without end."""


@dataclass
class Cascade:
    """One buildout configuration with all that it extends."""

    files: Files
    holds: Holds
    notes: list[str] = field(default_factory=list)
    seen: list[Text] = field(default_factory=list)
    """the files, in the order of reading"""
    elsewhere: list[tuple[str, str, bool, Section]] = field(default_factory=list)
    extends_cache: Path | None = None
    written: dict[Path, Written] = field(default_factory=dict)
    """files that were parsed, by this cascade or another of the same project"""
    opened: int = 0

    def read(self, config: Path, user_config: Path | None = None) -> Sections:
        """The merged sections of a configuration. `user_config`: the user's own default.cfg."""
        defaults: Sections = {}
        if user_config is not None and user_config.is_file():
            read, _ = self._opened(str(user_config.parent), str(user_config), (), "", {})
            defaults = _merged(read)
            self._set_extends_cache(defaults)
        read, _ = self._opened(str(config.parent), str(config), (), "", defaults)
        return _merged(read)

    def _opened(
        self, base: str, name: str, way: tuple[str, ...], asked: str, defaults: Sections
    ) -> tuple[list[Sections], Sections]:
        """What a file and those that it extends say, the first to be overridden by the next; and what is
        left of the user's defaults."""
        address = _address(base, name)
        self.opened += 1
        if self.opened > MOST:
            if self.opened == MOST + 1:
                self.notes.append(
                    f"{asked}: the files extend each other more than {MOST} times; the rest is left out"
                )
            return [], defaults
        if address in way or len(way) > DEEPEST:
            said = shown(address, self.files.directory)
            self.notes.append(f"{asked}: {said} extends itself; zc.buildout refuses that")
            return [], defaults
        text = self.files.text(address, asked, self._cached(address))
        if text is None:
            return [], defaults
        result = dict(self._parsed(text).sections)
        extends, optional = _taken_out(result)
        if not way:
            self._set_extends_cache(result)
        base = address.rpartition("/")[0] if _is_url(address) else os.path.dirname(address)  # noqa: PTH120
        below: list[Sections] = []
        for other, place in self._names(extends):
            read, defaults = self._opened(base, other, (*way, address), place, defaults)
            below += read
        if defaults and not (extends and extends.value):
            result, defaults = _updated(defaults, result), {}
        for other, place in self._names(optional):
            if (self.files.directory / other).exists():  # buildout looks from where it was started
                read, defaults = self._opened(base, other, (*way, address), place, defaults)
                below += read
        return [*below, result], defaults

    def _names(self, option: Option | None) -> Iterator[tuple[str, str]]:
        """The files that an `extends` names, each with the line that does."""
        if option is None:
            return
        text = option.pieces[-1].text
        for name in option.value.split():
            at = text.text.find(name, option.pieces[0].start)
            yield name, f"{shown(text.shown, self.files.directory)}:{text.line(max(at, 0))}"

    def _parsed(self, text: Text) -> Written:
        if text.file not in self.written:
            self.written[text.file] = parse(text, self.holds)
        written = self.written[text.file]
        if text not in self.seen:
            said = shown(text.shown, self.files.directory)
            self.seen.append(text)
            self.elsewhere += written.elsewhere
            self.notes += [
                f"{said}:{line} is neither section nor option; zc.buildout refuses this file"
                for line in written.bad[:3]
            ]
            if text.mark:
                self.notes.append(f"{said} begins with a byte order mark; zc.buildout refuses this file")
        return written

    def _set_extends_cache(self, sections: Sections) -> None:
        option = sections.get("buildout", {}).get("extends-cache")
        if option is not None and option.value and "$" not in option.value:
            self.extends_cache = self.files.directory / Path(option.value).expanduser()

    def _cached(self, address: str) -> Path | None:
        """What buildout itself fetched from there, where its `extends-cache` has it."""
        if self.extends_cache is None or not _is_url(address):
            return None
        return self.extends_cache / hashlib.md5(address.encode(), usedforsecurity=False).hexdigest()


def _address(base: str, name: str) -> str:
    """What a name in `extends` stands for: an address, or a file beside the one that extends."""
    if _is_url(name) or (_is_url(base) and not name.startswith("/")):
        return name if _is_url(name) else f"{base}/{name}"
    return os.path.join("" if _is_url(base) else base, name)  # noqa: PTH118 as buildout: `..` stays there


def _taken_out(sections: Sections) -> tuple[Option | None, Option | None]:
    """`extends` and `optional-extends`, which are of their own file alone."""
    if "buildout" not in sections:
        return None, None
    sections["buildout"] = options = dict(sections["buildout"])
    return options.pop("extends", None), options.pop("optional-extends", None)


def _merged(read: Sequence[Sections]) -> Sections:
    merged: Sections = {}
    for sections in read:
        merged = _updated(merged, sections)
    return merged


def _updated(first: Sections, second: Sections) -> Sections:
    """zc.buildout's `_update`: sections over sections."""
    merged = dict(first)
    for name, section in second.items():
        if name in merged:
            merged[name] = updated_section(merged[name], section)
        elif "<" not in section:
            merged[name] = updated_section({}, _based(section))
        else:  # a macro, whose base is known in the end only
            merged[name] = dict(section)
    return merged


def _based(section: Section) -> Section:
    """A section that nothing was said of before: += is =, and -= takes from nothing."""
    based = dict(section)
    for key, option in sorted(section.items()):
        # [:-2], as zc.buildout: `name +`, with the one blank that everybody writes
        if key[-1] == "+" and key[:-2] not in based:
            based[key[:-2]] = based.pop(key)
        elif key[-1] == "-" and key[:-2] not in based:
            del based[key]
            based[key[:-2]] = replace(option, value="", joined=True)
    return based


def updated_section(first: Section, second: Section) -> Section:
    """zc.buildout's `_update_section`: options over options, with += and -=."""
    second = dict(second)
    for key, option in sorted(second.items(), key=lambda item: (item[0].rstrip(" +"), item[0][-1])):
        if key.endswith(("+", "-")):
            name = key.rstrip(f" {key[-1]}")
            second[name] = _joined(second.get(name, first.get(name)), option, adds=key[-1] == "+")
            second.pop(key, None)
    merged = dict(first)
    for key, option in second.items():
        merged[key] = option if option.joined else option.over(merged.get(key))
    return merged


def _joined(older: Option | None, option: Option, *, adds: bool) -> Option:
    known = (older.value if older else "").split("\n")
    said = option.value.split("\n")
    value = known + said if adds else [line for line in known if line not in said]
    pieces = older.pieces if older else ()
    before = older.before if older else ()
    return Option("\n".join(value), (*pieces, *option.pieces), before, joined=True)


class NoSection(KeyError):
    """A section is named that does not exist; the argument is its name."""


def extended(name: str, sections: Sections) -> Section:
    """A section with those that `<=` takes in. Raises NoSection, also for one that takes in itself."""
    return _extended(name, sections, (), {})


def _extended(name: str, sections: Sections, doing: tuple[str, ...], done: dict[str, Section]) -> Section:
    if name not in done:
        done[name] = _taken_in(name, sections, doing, done)
    return done[name]


def _taken_in(name: str, sections: Sections, doing: tuple[str, ...], done: dict[str, Section]) -> Section:
    section = sections.get(name)
    if section is None or name in doing or len(doing) > DEEPEST:
        raise NoSection(name)
    macro = section.get("<")
    if macro is None or name == "buildout":
        return section
    result: Section = {}
    for line in macro.value.split("\n"):
        if line.strip():
            for key, option in _extended(line.strip(), sections, (*doing, name), done).items():
                result[key] = option.over(result.get(key))
    result = updated_section(result, section)
    result.pop("<", None)
    return result
