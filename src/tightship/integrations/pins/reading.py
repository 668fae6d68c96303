"""Reads every file of a project that pins, and puts together what the readers of each format found."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tightship.integrations.pins import buildout, installed, locks, overriding, pyproject, pythons
from tightship.integrations.pins.conditions import running_python
from tightship.integrations.pins.files import Fetched, Files
from tightship.integrations.pins.mxdev import Mxdev
from tightship.integrations.pins.pin import Found, Pin, Project, Text
from tightship.integrations.pins.requirements import PATTERNS, Requirements

_NOT_READ = {
    "setup.py": "it would have to be run",
    "setup.cfg": "it says what a package needs, not what is installed",
    "Pipfile.lock": "`pipenv requirements > requirements.txt` writes what is",
    "environment.yml": "conda's packages are not those of an index",
}
"""Files that people may expect to be read, and why they are not."""


@dataclass
class Reading:
    """One project, while it is read."""

    files: Files
    asked_python: str = ""
    found: Found = field(default_factory=Found)
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    """pyproject.toml and locks, as TOML, by name"""

    _texts: dict[str, Text] = field(default_factory=dict)

    @classmethod
    def of(cls, directory: Path, fetched: Fetched | None, python: str) -> Reading:
        """Raises NotADirectoryError."""
        real = Path(os.path.realpath(directory))
        if not real.is_dir():
            raise NotADirectoryError(f"{directory}: there is no such directory")
        return cls(Files(real, fetched), python)

    def project(self) -> Project:
        """Reads it all."""
        self._tomls()
        python, how = self._python()
        self._buildout(pythons.oldest(python))
        self._requirements()
        self._pyproject_and_locks()
        self._not_read()
        order = {file: number for number, file in enumerate(self.files.texts)}
        pins = [_for_python(pin, python) for pin in self.found.pins]
        pins.sort(key=lambda pin: (order[pin.file], pin.line, pin.start))
        found = self.found
        overridden = overriding.notes(pins, found.aside, self.files.directory)
        notes = list(dict.fromkeys([*self.files.notes, *found.notes, *overridden]))
        return Project(
            self.files.directory, pins, notes, found.aside, found.loose, python, how, self.files.texts
        )

    def _python(self) -> tuple[str, str]:
        if not self.asked_python:
            return pythons.said(self.files, self.documents)
        if pythons.valid(self.asked_python):
            return self.asked_python, "as asked for"
        self.found.notes.append(f"{self.asked_python!r} is no version of Python; expected for example 3.11")
        return "", ""

    def _buildout(self, python: str) -> None:
        found = buildout.read(self.files, python, buildout.user_config())
        if not python and any("Python" in one.why or one.pin.marker for one in found.aside):
            found.notes.append(
                f"which Python the buildout is for can't be told: its conditions are held against "
                f"{running_python()}, which runs this"
            )
        left = installed.read(self.files) if found.pins else None
        if left is not None:
            found.pins, notes = installed.marked(found.pins, left)
            found.notes += notes
        self.found.add(found)

    def _requirements(self) -> None:
        mxdev = Mxdev.read(self.files)
        requirements = Requirements(self.files)
        if mxdev is not None and self.files.there(mxdev.infile):
            requirements.take(self.files.directory / mxdev.infile)
        reached = set(requirements.read)
        for file in self.files.matching(*PATTERNS):
            requirements.take(file)
        found = requirements.found
        if mxdev is not None:
            found.pins, aside = mxdev.settle(found.pins, reached)
            found.aside += aside
            found.add(mxdev.found)
        self.found.add(found)

    def _tomls(self) -> None:
        for file in [*self.files.matching(pyproject.NAME), *self.files.matching(*locks.PATTERNS)]:
            text = self.files.text(file)
            document = None if text is None else self._document(text)
            if text is not None and document is not None:
                self.documents[file.name] = document
                self._texts[file.name] = text

    def _document(self, text: Text) -> dict[str, Any] | None:
        try:
            return tomllib.loads(text.text)
        except (ValueError, RecursionError) as error:
            self.found.notes.append(f"{self._shown(text)} is no TOML: {error}")
            return None

    def _pyproject_and_locks(self) -> None:
        exactly: list[Pin] = []
        for name, text in self._texts.items():
            if name == pyproject.NAME:
                then, writable = pyproject.locking(list(self._texts)), self.files.writable(text)
                found = pyproject.read(text, self.documents[name], name, then, writable=writable)
                exactly = found.pins
            else:
                found = locks.read(name, text, self.documents[name])
                found.pins = pyproject.repeated(found.pins, exactly)
            self.found.add(found)

    def _not_read(self) -> None:
        for name, why in _NOT_READ.items():
            if self.files.there(name) and (
                name != "setup.cfg" or self._says("setup.cfg", "install_requires")
            ):
                self.found.notes.append(f"{name} is not read: {why}")

    def _says(self, name: str, word: str) -> bool:
        text = self.files.text(self.files.directory / name)
        return text is not None and word in text.text

    def _shown(self, text: Text) -> str:
        return os.path.relpath(text.file, self.files.directory)


def _for_python(pin: Pin, python: str) -> Pin:
    """A pin with the Python that its file or else its project is for."""
    return replace(pin, python=pythons.oldest(pin.python or python, pin.marker))
