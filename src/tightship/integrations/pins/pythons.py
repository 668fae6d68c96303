"""Which Python a project is for, where that can be told: a version (3.11) or a specifier (>=3.9)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from tightship.fleet.versions import parsed
from tightship.integrations.pins.conditions import environment
from tightship.integrations.pins.files import Files, contents

_MINORS = ("2.7", *(f"3.{minor}" for minor in range(31)))
_VERSION = re.compile(r"\d+\.\d+(\.\d+)?")
_NAMED = re.compile(r"python(\d+\.\d+)")


def of_buildout(files: Files) -> tuple[str, str]:
    """(version, how it is known) of the Python that runs bin/buildout; empty where that can't be told."""
    try:
        first = contents(files.directory / "bin" / "buildout").split(b"\n", 1)[0].decode("utf-8", "replace")
    except OSError:
        return "", ""
    interpreter = first.removeprefix("#!").strip().split(" ")[0]
    if not first.startswith("#!") or not interpreter.startswith("/"):
        return "", ""
    version = _of_venv(Path(interpreter).parent.parent)
    named = _NAMED.search(Path(interpreter).name)
    return (version or (named[1] if named else "")), "bin/buildout's interpreter"


def _of_venv(place: Path) -> str:
    try:
        text = contents(place / "pyvenv.cfg").decode("utf-8", "replace")
    except OSError:
        return ""
    match = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+(?:\.\d+)?)", text, re.M)
    return match[1] if match else ""


def said(files: Files, documents: dict[str, dict[str, Any]]) -> tuple[str, str]:
    """(version or specifier, how it is known), of what is nearest to what runs. `documents`: the TOML files
    that were read, by name."""
    version, how = of_buildout(files)
    for known, source in [(version, how), *_of_files(files), *_of_documents(documents), *_of_venvs(files)]:
        if known and valid(known):
            return known, source
    return "", ""


def _of_files(files: Files) -> Iterator[tuple[str, str]]:
    if files.there(".python-version"):
        text = files.text(files.directory / ".python-version")
        first = (
            next((line for line in text.text.splitlines() if line[:1] not in ("#", "")), "") if text else ""
        )
        match = _VERSION.search(first)
        yield (match[0] if match else ""), ".python-version"


def _of_documents(documents: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for name, document in documents.items():
        key = "python" if name == "pyproject.toml" and not _table(document, "project") else "requires-python"
        yield required(name, document), f"{name}, {_KEYS.get(name, key)}"


def _of_venvs(files: Files) -> Iterator[tuple[str, str]]:
    for name in (".venv", "venv", "env"):
        yield _of_venv(files.directory / name), f"{name}/pyvenv.cfg"


_KEYS = {"poetry.lock": "python-versions", "pdm.lock": "requires_python"}


def required(name: str, document: dict[str, Any]) -> str:
    """The Pythons that a pyproject.toml or a lock says it is for."""
    if name == "pyproject.toml":
        poetry = _table(document, "tool", "poetry", "dependencies").get("python", "")
        found = _table(document, "project").get("requires-python", "") or _of_poetry(poetry)
    elif name in ("poetry.lock", "pdm.lock"):
        metadata = _table(document, "metadata")
        found = metadata.get("python-versions", "") or metadata.get("requires_python", "")
        found = _of_poetry(found)
    else:
        found = document.get("requires-python", "")
    return found if isinstance(found, str) else ""


def _table(document: dict[str, Any], *names: str) -> dict[str, Any]:
    found: Any = document
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _of_poetry(said: Any) -> str:
    """`^3.9` is >=3.9,<4; `~3.9` is >=3.9,<3.10; alternatives (||) are left at the first."""
    first = said.split("||")[0].strip() if isinstance(said, str) else ""
    match = re.fullmatch(r"\^\s*(\d+)((?:\.\d+)*)", first)
    if match:
        return f">={match[1]}{match[2]},<{int(match[1]) + 1}"
    match = re.fullmatch(r"~\s*(\d+)\.(\d+)((?:\.\d+)*)", first)
    if match:
        return f">={match[1]}.{match[2]}{match[3]},<{match[1]}.{int(match[2]) + 1}"
    return "" if first == "*" else first


def valid(python: str) -> bool:
    """Whether it is a version or a specifier."""
    try:
        return parsed(python) is not None or SpecifierSet(python) is not None
    except InvalidSpecifier:
        return False


@lru_cache(maxsize=1024)
def oldest(python: str, marker: str = "") -> str:
    """The Python that everything has to run on, of a version or specifier and a marker: `>=3.9` -> 3.9.

    With an end but no beginning it is the newest before the end: `python_version < "3.8"` -> 3.7. Empty where
    nothing is said."""
    if parsed(python) is not None:
        return python
    specifier = SpecifierSet(python) if python and valid(python) else SpecifierSet()
    fitting = [minor for minor in _MINORS if specifier.contains(f"{minor}.99")]
    marked = [minor for minor in fitting if _holds(marker, minor)] if marker else fitting
    fitting = marked or fitting  # a marker of another platform says nothing of Pythons
    if not fitting or len(fitting) == len(_MINORS):
        return ""
    if fitting[0] == _MINORS[0]:
        return "" if fitting[-1] == _MINORS[-1] else fitting[-1]
    return _lower_bound(specifier, fitting[0])


def _holds(marker: str, minor: str) -> bool:
    try:
        return Marker(marker).evaluate(environment(minor))
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName, RecursionError):
        return True


def _lower_bound(specifier: SpecifierSet, minor: str) -> str:
    """>=3.9.1 -> 3.9.1, where 3.9 is the oldest that fits."""
    of_this = [
        bound
        for one in specifier
        if one.operator in (">=", "~=", "==")
        and (bound := parsed(one.version.removesuffix(".*"))) is not None
        if f"{bound.major}.{bound.minor}" == minor
    ]
    return str(max([*of_this, Version(minor)]))
