"""What a buildout installed, by what it left behind: the scripts in bin/ and .installed.cfg.

A pin that neither names is an orphan: nothing that buildout installed here uses it. Where buildout did not
run here, or left no script with eggs, that can't be told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from tightship.integrations.pins.files import Files, contents
from tightship.integrations.pins.pin import Pin, canonical, listed

_EGG = re.compile(r"([A-Za-z0-9][A-Za-z0-9._]*)-[A-Za-z0-9.!+_]+(?:-py\d[^/'\"\s]*)?\.egg\b")
_SIGNATURE = re.compile(r"^__buildout_signature__ = (.*(?:\n[ \t].*)*)", re.M)
_DEVELOPED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*?)(?:-[^-]+)?\.(?:egg-link|dist-info|egg-info)")
_MOST = 1000
"""Scripts that are looked at."""
_LARGEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Installed:
    """What buildout's own files name."""

    names: frozenset[str]
    """PEP 503"""
    scripts: int


def read(files: Files) -> Installed | None:
    """None where it can't be told."""
    names: set[str] = set()
    scripts = 0
    for text in _scripts(files):
        eggs = _EGG.findall(text)
        scripts += bool(eggs)
        names.update(canonical(egg) for egg in eggs)
    if not scripts:
        return None
    names.update(_of_parts(files))
    developed = files.directory / "develop-eggs"
    for entry in developed.iterdir() if developed.is_dir() else ():
        if match := _DEVELOPED.fullmatch(entry.name):
            names.add(canonical(match[1]))
    return Installed(frozenset(names), scripts)


def _scripts(files: Files) -> Iterable[str]:
    bin_directory = files.directory / "bin"
    if not bin_directory.is_dir():
        return
    for file in sorted(bin_directory.iterdir())[:_MOST]:
        try:
            yield contents(file, _LARGEST).decode("utf-8", "replace")
        except OSError:
            continue


def _of_parts(files: Files) -> set[str]:
    """What the recipes of the installed parts, and buildout itself, consist of."""
    try:
        text = contents(files.directory / ".installed.cfg").decode("utf-8", "replace")
    except OSError:
        return set()
    names = {canonical(egg) for egg in _EGG.findall(text)}
    for match in _SIGNATURE.finditer(text):
        # zc-buildout-7fb148c4...: a directory by its hash
        names |= {
            canonical(word.rpartition("-")[0]) for word in match[1].split() if not word.endswith(".egg")
        }
    return names


def marked(pins: list[Pin], installed: Installed) -> tuple[list[Pin], list[str]]:
    """The pins of a buildout, each knowing whether it is an orphan, and the note on those that are."""
    why = "neither the scripts in bin/ nor .installed.cfg name it"
    ours = [pin if pin.name in installed.names else replace(pin, unused=why) for pin in pins]
    orphans = [pin.written for pin in ours if pin.unused]
    if not orphans:
        return ours, []
    said = f"{len(orphans)} of {len(pins)} pins of the buildout are orphans since it ran here last"
    return ours, [f"{said} ({why.replace('name it', 'name them')}): {listed(orphans)}"]
