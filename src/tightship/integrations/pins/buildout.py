"""The pins of a buildout: the [versions] that all its files together come to.

Where several configurations stand beside each other (development.cfg, production.cfg), each is a buildout of
its own, and a pin counts where it does in one of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tightship.integrations.pins.buildout_syntax import Option, Section, Sections, Written
from tightship.integrations.pins.cascade import Cascade, NoSection, extended
from tightship.integrations.pins.conditions import Untold, holds, running_python
from tightship.integrations.pins.files import Files
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
    shown,
    without_password,
)

FIRST = "buildout.cfg"
THEN = "bin/buildout"
_OURS = re.compile(r"^\[\s*(buildout|versions)\s*[]:]", re.M)
_NOT_OURS = ("setup.cfg", "tox.cfg", ".installed.cfg")


def user_config() -> Path:
    """Where zc.buildout looks for a user's own defaults."""
    home = os.environ.get("BUILDOUT_HOME", "")
    return (Path(home) if home else Path("~/.buildout").expanduser()) / "default.cfg"


def read(files: Files, python: str, defaults: Path | None = None) -> Found:
    """The pins of every buildout configuration of the directory. `python`: the Python that it is for, which
    conditions are held against; empty: not known, they are held against this one. `defaults`: the user's own
    default.cfg."""
    read: dict[Path, tuple[Found, set[Path]]] = {}
    reached: set[Path] = set()
    parsed: dict[Path, Written] = {}
    for real, config in _configurations(files).items():
        if real not in reached or config.name == FIRST:
            read[real] = of_configuration(files, config, python, defaults, parsed)
            reached |= read[real][1]
    found = Found()
    for real, (one, _seen) in read.items():
        # What another configuration extends is told there, together with what that makes of it.
        if real not in reached or real.name == FIRST:
            _join(found, one)
    return found


def _configurations(files: Files) -> dict[Path, Path]:
    """buildout.cfg first; then what looks like a configuration of its own. Path with links resolved -> path:
    zc.buildout looks for what is extended beside the link."""
    names = [file for file in files.matching("*.cfg") if file.name not in _NOT_OURS and file.is_file()]
    found: dict[Path, Path] = {}
    for file in sorted(names, key=lambda file: (file.name != FIRST, file.name)):
        text = files.text(file)
        if text is not None and _OURS.search(text.text):
            found.setdefault(text.file, file)
    return found


def _join(found: Found, other: Found) -> None:
    """What one more configuration says. A pin that counts anywhere counts."""
    places = {(pin.file, pin.start, pin.line) for pin in found.pins}
    found.pins += [pin for pin in other.pins if (pin.file, pin.start, pin.line) not in places]
    found.notes += [note for note in other.notes if note not in found.notes]
    found.loose += [one for one in other.loose if one not in found.loose]
    places |= {(pin.file, pin.start, pin.line) for pin in other.pins}
    aside = {(one.pin.file, one.pin.start, one.pin.line): one for one in (*found.aside, *other.aside)}
    found.aside = [one for place, one in aside.items() if place not in places]


def of_configuration(
    files: Files, config: Path, python: str, defaults: Path | None, parsed: dict[Path, Written] | None = None
) -> tuple[Found, set[Path]]:
    """What one configuration pins, and the files that it was read from."""

    def held(condition: str) -> bool | None:
        try:
            return holds(condition, python or running_python())
        except Untold:
            return None

    cascade = Cascade(files, held, written={} if parsed is None else parsed)
    sections = cascade.read(config, defaults)
    reading = _Reading(files, config, python, cascade)
    found = reading.found(sections)
    found.notes[:0] = cascade.notes
    return found, {text.file for text in cascade.seen if text.file != Path(os.path.realpath(config))}


class _Reading:
    """Makes pins of the merged sections of one configuration."""

    def __init__(self, files: Files, config: Path, python: str, cascade: Cascade) -> None:
        self.files, self.config, self.python, self.cascade = files, config, python, cascade
        self.own = Found()
        self.section = "versions"

    def found(self, sections: Sections) -> Found:
        versions = self._versions(sections)
        by_name: dict[str, list[tuple[str, Option]]] = {}
        for written, option in versions.items():
            if written != "<" and option.pieces:
                by_name.setdefault(canonical(written), []).append((written, option))
        for name, spelled in by_name.items():
            self._package(name, spelled)
        self._developed(sections)
        self._elsewhere()
        if self.own.loose:
            first = shown(self.own.loose[0].place, self.files.directory)
            said = listed(one.name + one.allows for one in self.own.loose)
            self.own.notes.append(f"{first}: not pinned to one version: {said}")
        self.own.pins.sort(key=lambda pin: (pin.url, pin.file, pin.line))
        return self.own

    def _versions(self, sections: Sections) -> Section:
        named = sections.get("buildout", {}).get("versions")
        self.section = named.value.strip() if named else "versions"
        if named and "$" in self.section:
            self._note(named, "names its section of versions by a substitution, which is not followed")
            return {}
        try:
            return extended(self.section, sections) if self.section else {}
        except NoSection as error:
            if named:
                self._note(named, f"there is no section [{error.args[0]}]; zc.buildout refuses that")
            return {}

    def _note(self, option: Option, says: str) -> None:
        self.own.notes.append(f"{shown(option.place, self.files.directory)}: {says}")

    def _package(self, name: str, spelled: list[tuple[str, Option]]) -> None:
        """One package, under the one or several names that it is pinned by."""
        written, option = spelled[-1]
        for other, older in spelled[:-1]:
            # zc.buildout merges by what is written, and compares by PEP 503 in the end: the last one wins.
            place = shown(option.place, self.files.directory)
            self._note(older, f"{other} and {written} ({place}) are one package; the one named last counts")
            option = option.over(older)
        self._option(name, written, option)

    def _option(self, name: str, written: str, option: Option) -> None:
        chain = self._chain(name, written, option)
        pin = self._pin(name, written, option)
        if pin is None:
            self._no_pin(name, option)
            why = f"{shown(option.place, self.files.directory)} takes the pin away"
            if option.value.strip():
                why = f"{shown(option.place, self.files.directory)} says {option.value.strip()!r} instead"
        else:
            self.own.pins.append(replace(pin, overrides=chain[0] if chain else None))
            why = f"overridden by {shown(pin.place, self.files.directory)}"
        self.own.aside += [Aside(one, why) for one in chain]

    def _chain(self, name: str, written: str, option: Option) -> list[Pin]:
        """The pins that were replaced, the newest first, each knowing the one that it replaced itself."""
        pins = [pin for older in option.before if (pin := self._pin(name, written, older)) is not None]
        for number in range(len(pins) - 1, 0, -1):
            pins[number - 1] = replace(pins[number - 1], overrides=pins[number])
        return pins

    def _pin(self, name: str, written: str, option: Option) -> Pin | None:
        version = exact(option.value)
        if version is None:
            return None
        # Of a value that += put together, the part which has the version.
        parts = [piece for piece in option.pieces if version in piece.text.text[piece.start : piece.end]]
        piece = parts[0] if len(parts) == 1 else option.pieces[-1]
        text = piece.text
        pin = Pin(
            name,
            version,
            text.file,
            piece.line,
            self.section,
            written,
            piece.condition,
            self.python,
            url=without_password(text.url),
            then=THEN,
        )
        return self._placed(pin, text, piece.start, piece.end)

    def _placed(self, pin: Pin, text: Text, start: int, end: int) -> Pin:
        pin = located(pin, text, start, end)
        if pin.end:
            pin = replace(pin, line=pin.line + text.line(pin.start) - text.line(start))
        if self.files.writable(text):
            return pin
        where = shown(self.config, self.files.directory)
        why = "it is fetched" if text.url else "it lies outside of the project"
        line = f"{pin.written} = {{version}}"
        return replace(pin, fixed=why, instead=f"a line in [{self.section}] of {where}: {line}")

    def _no_pin(self, name: str, option: Option) -> None:
        value = option.value.strip()
        piece = option.pieces[-1]
        if not value:
            return
        if value[0] in "<>":
            self.own.loose.append(
                Loose(
                    name,
                    value,
                    piece.text.file,
                    piece.line,
                    self.section,
                    piece.condition,
                    without_password(piece.text.url),
                )
            )
        elif "${" in value:
            self._note(option, f"{name} is {value}, a substitution that is not followed")
        elif "#" in value or ";" in value:
            self._note(
                option, f"{name} has a comment behind its version, which zc.buildout takes for a part of it"
            )
        else:
            self._note(option, f"{name} is no exact version; zc.buildout takes {value[:60]!r} for one")

    def _developed(self, sections: Sections) -> None:
        """mr.developer takes away the pins of what it checks out."""
        buildout = sections.get("buildout", {})
        extensions = _words(buildout, "extensions")
        if not {"mr.developer", "mr-developer", "mr_developer"} & set(extensions):
            return
        out = {canonical(word) for word in _words(buildout, "auto-checkout")}
        aside = [pin for pin in self.own.pins if pin.name in out]
        self.own.pins = [pin for pin in self.own.pins if pin.name not in out]
        self.own.aside += [Aside(pin, "mr.developer checks it out (auto-checkout)") for pin in aside]

    def _elsewhere(self) -> None:
        """The sections whose condition does not hold, or can't be told."""
        for name, condition, told, section in self.cascade.elsewhere:
            if name != self.section or not section:
                continue
            why = f"its section does not hold for Python {self.python or running_python()}: {condition}"
            if not told:
                why = f"whether its section holds can't be told without running it: {condition}"
            pins = [self._pin(canonical(key), key, option) for key, option in section.items()]
            known = [replace(pin, marker=condition, python="") for pin in pins if pin is not None]
            self.own.aside += [Aside(pin, why) for pin in known]


def _words(section: Section, name: str) -> Iterable[str]:
    return section[name].value.split() if name in section else ()


def exact(value: str) -> str | None:
    """The version that a value of [versions] stands for; None where it is no exact one."""
    said = value.strip()
    if said.startswith("=="):
        said = said[2:].strip()
    return said if VERSION.fullmatch(said) else None
