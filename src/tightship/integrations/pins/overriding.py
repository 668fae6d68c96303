"""Sentences on which file's pins override whose. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tightship.integrations.pins.pin import Aside, Pin, listed, shown


def notes(pins: Sequence[Pin], aside: Sequence[Aside], directory: Path) -> list[str]:
    """`buildout.cfg overrides 2 pins of versions.cfg: Django 5.2 over 4.2.1, six 1.17 over 1.16`, a sentence
    for each two files; and which pins do not count for another reason."""
    said: dict[tuple[str, str], list[str]] = {}
    for pin in pins:
        if pin.overrides is not None:
            files = (_file(pin, directory), _file(pin.overrides, directory))
            said.setdefault(files, []).append(f"{pin.written} {pin.version} over {pin.overrides.version}")
    overridden = {older for pin in pins for older in pin.chain()[1:]}
    for one in aside:
        if one.pin not in overridden:
            said.setdefault((one.why, ""), []).append(f"{one.pin.written} {one.pin.version}")
    return [_sentence(*key, whats) for key, whats in said.items()]


def _file(pin: Pin, directory: Path) -> str:
    return shown(pin.url or pin.file, directory)


def _sentence(first: str, second: str, whats: list[str]) -> str:
    if not second:
        return f"{listed(whats)} {'does' if len(whats) == 1 else 'do'} not count: {first}"
    counted = "one pin" if len(whats) == 1 else f"{len(whats)} pins"
    return f"{first} overrides {counted} of {'itself' if first == second else second}: {listed(whats)}"
