"""Raises pins in place: new texts, in which only the characters of versions differ. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tightship.fleet.versions import parsed
from tightship.integrations.pins.pin import Pin, Project


@dataclass(frozen=True, slots=True)
class Kept:
    """A pin that was not raised in place: why, and what to type instead."""

    pin: Pin
    version: str
    why: str
    instead: str


@dataclass(frozen=True, slots=True)
class Raised:
    """What raising comes to."""

    files: Mapping[Path, bytes]
    """the new content of each file that changes; what it was is `project.texts[file].data`"""
    pins: Sequence[Pin]
    """those that are raised, as they were"""
    kept: Sequence[Kept] = ()
    then: Sequence[str] = ()
    """what is to be typed after the files were written"""


def raised(project: Project, versions: Mapping[Pin, str]) -> Raised:
    """The project's files with those pins at those versions. A pin that was overridden is raised where it
    counts. Raises ValueError for what is no version, and for a pin that is not the project's."""
    mine = set(project.pins)
    counting = {pin if pin in mine else _counting(project, pin): new for pin, new in versions.items()}
    wanted = {pin: _checked(version) for pin, version in counting.items() if version != pin.version}
    kept = [Kept(pin, version, pin.fixed, pin.typed(version)) for pin, version in wanted.items() if pin.fixed]
    done = {pin: version for pin, version in wanted.items() if not pin.fixed}
    files = {}
    for file in dict.fromkeys(pin.file for pin in done):
        text = project.texts[file]
        here = {pin: version for pin, version in done.items() if pin.file == file}
        files[file] = text.encoded(_replaced(text.text, here))
    then = list(dict.fromkeys(pin.then for pin in done if pin.then))
    return Raised(files, list(done), kept, then)


def _checked(version: str) -> str:
    if parsed(version) is None:
        raise ValueError(f"{version!r} is no version (PEP 440)")
    return version


def _counting(project: Project, pin: Pin) -> Pin:
    """The pin that counts instead of one that does not."""
    for one in project.pins:
        if any(pin == older for older in one.chain()):
            return one
    if any(pin == aside.pin for aside in project.aside):
        return pin
    raise ValueError(f"{pin.place}: this project has no such pin")


def _replaced(text: str, versions: Mapping[Pin, str]) -> str:
    # From the end on, so that the places of those before stay as they are.
    for pin in sorted(versions, key=lambda one: one.start, reverse=True):
        assert text[pin.start : pin.end] == pin.version
        text = text[: pin.start] + versions[pin] + text[pin.end :]
    return text
