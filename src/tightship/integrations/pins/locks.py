"""Locks: uv.lock, poetry.lock, pdm.lock, pylock.toml. Written by their tools, never by us: of each pin it is
said what to type instead. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tightship.integrations.pins import pythons
from tightship.integrations.pins.pin import Found, Pin, Text, canonical, listed

PATTERNS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "pylock.*.toml")
_TABLE = re.compile(r"^\[\[packages?\]\][ \t]*(?:#.*)?\r?$", re.M)
_LINE = re.compile(r"""^version[ \t]*=[ \t]*["'](?P<version>[^"'\n]*)["']""", re.M)
_NEXT = re.compile(r"^\[", re.M)
_COMMAND = re.compile(r"^#\s{2,}(?P<command>(uv|pip|pdm)\b.*\S)\s*$", re.M)

_LOCAL = ("editable", "virtual", "directory", "path")
"""Sources that are the project itself and what lies beside it."""


@dataclass(frozen=True, slots=True)
class _Tool:
    """Who writes a lock."""

    name: str
    packages: str
    """the array of tables"""
    upgrade: str
    """what raises one of its pins"""
    lock: str
    """what makes it again"""


_TOOLS = {
    "uv.lock": _Tool("uv", "package", "uv lock --upgrade-package '{name}=={version}'", "uv lock"),
    "poetry.lock": _Tool("Poetry", "package", "poetry update {name}", "poetry lock"),
    "pdm.lock": _Tool("PDM", "package", "pdm update {name}", "pdm lock"),
}


def read(name: str, text: Text, document: dict[str, Any]) -> Found:
    """The pins of a lock."""
    tool = _TOOLS.get(name) or _of_pylock(text, document, name)
    found = Found()
    packages = document.get(tool.packages)
    packages = [one for one in packages if isinstance(one, dict)] if isinstance(packages, list) else []
    elsewhere = []
    python = pythons.required(name, document)
    for package, place in zip(packages, _places(text.text, len(packages)), strict=True):
        known = _from_index(package)
        if known is None:
            elsewhere.append(str(package.get("name", "?")))
        elif known:
            found.pins.append(_pin((name, text), package, place, tool, python))
    if elsewhere:
        found.notes.append(f"{name}: not by a version of an index, and not looked at: {listed(elsewhere)}")
    return found


def _pin(
    lock: tuple[str, Text], package: dict[str, Any], place: tuple[int, int], tool: _Tool, python: str
) -> Pin:
    (name, text), marker = lock, _marker(package)
    written, version = str(package["name"]), str(package["version"])
    return Pin(
        canonical(written),
        version,
        text.file,
        text.line(place[0]),
        tool.packages,
        written,
        marker,
        pythons.oldest(python, marker),
        fixed=f"{tool.name} writes {name}",
        instead=tool.upgrade.replace("{name}", canonical(written)),
        then=tool.lock,
        start=place[0],
        end=place[1],
    )


def _from_index(package: dict[str, Any]) -> bool | None:
    """Whether a package is from an index; None: from an address; False: the project itself, or without a
    version."""
    source = package.get("source")
    kinds = set(source) if isinstance(source, dict) else set(package) & {"vcs", "directory", "archive"}
    if isinstance(source, dict) and "type" in source:  # Poetry's
        kinds = {"registry"} if source["type"] in ("legacy", "pypi") else {str(source["type"])}
    kinds |= set(package) & {"git", "url", "path"}  # PDM's
    if kinds & set(_LOCAL):
        return False
    if kinds & {"git", "url", "vcs", "archive", "file"}:
        return None
    return "version" in package and "name" in package


def _marker(package: dict[str, Any]) -> str:
    """The environments that this version is for, where there are several."""
    several = package.get("resolution-markers")
    if isinstance(several, list) and several:
        return " or ".join(f"({one})" if len(several) > 1 else str(one) for one in several)
    said = package.get("marker") or package.get("markers") or ""
    return said if isinstance(said, str) else ""


def _places(text: str, packages: int) -> list[tuple[int, int]]:
    """Where the version of each package stands; where its table begins, if it has none."""
    starts = [match.end() for match in _TABLE.finditer(text)]
    if len(starts) != packages:  # an inline table, or a text that looks like a heading
        return [(0, 0)] * packages
    found = []
    for start in starts:
        following = _NEXT.search(text, start)
        line = _LINE.search(text, start, following.start() if following else len(text))
        found.append(line.span("version") if line else (start, start))
    return found


def _of_pylock(text: Text, document: dict[str, Any], name: str) -> _Tool:
    """A pylock.toml says by whom it was made, and uv by which command."""
    by = str(document.get("created-by", "")) or "its tool"
    command = _COMMAND.search(text.text[:2000])
    if command:
        upgrade = f"{command['command']} --upgrade-package '{{name}}=={{version}}'"
    elif by == "uv":
        upgrade = (
            f"uv pip compile --upgrade-package '{{name}}=={{version}}' -o {name} with what it was made of"
        )
    else:
        upgrade = f"make {name} again with {by}, from requirements that take {{name}} {{version}}"
    return _Tool(by, "packages", upgrade, command["command"] if command else "")
