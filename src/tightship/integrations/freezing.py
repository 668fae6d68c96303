"""Packages that run, written so that they are had again: versions.cfg, requirements.txt, pylock.toml.

Nothing is left out in silence: what can't be had again stands in the file as a comment, with the reason.
Sources: zc.buildout's documentation ([versions]), pip's (requirements files, hash-checking mode), PEP 751.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tightship.fleet.files import File
from tightship.fleet.report import Package
from tightship.fleet.versions import parsed

FORMS = ("versions.cfg", "requirements.txt", "pylock.toml")

# Names, versions and addresses were written by whoever owns the application. In a file that somebody else
# builds from, none of them may become another line, another address or an option.
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", re.I)
_VERSION = re.compile(r"[a-z0-9][a-z0-9.+!_-]*", re.I)
_COMMIT = re.compile(r"[0-9a-f]{7,64}", re.I)
_ADDRESS = re.compile(r"[a-z]+\+[a-z+]+://[^\s;#\"'`$\\]+", re.I)

Files = Mapping[str, Sequence[File]]
"""package -> all its files on the indexes"""


@dataclass(frozen=True, slots=True)
class Left:
    """A package that is not repeated by the file, and why."""

    package: Package
    why: str

    def __str__(self) -> str:
        version = self.package.version or "of unknown version"
        return f"{self.package.name} {version}: {self.why}"


@dataclass(frozen=True, slots=True)
class Frozen:
    text: str
    left: Sequence[Left] = ()


def versions_cfg(packages: Iterable[Package], heading: Sequence[str]) -> Frozen:
    """A buildout's `[versions]`. What came from a commit needs a checkout, by mr.developer for example."""
    pinned, left = _parted(packages)
    left = [*left, *(Left(one, f"from a commit: {_address(one)}") for one in pinned if one.commit)]
    named = [(one.name, one.version) for one in pinned if not one.commit]
    lines = [f"{name} = {version}" for name, version in named]
    # Whether plone-api is written plone.api is not known here, and older buildouts want it as it is written.
    dotted = [f"{name.replace('-', '.')} = {version}" for name, version in named if "-" in name]
    if dotted:
        lines += ["# zc.buildout before 5 takes names as they are written: the same with dots.", *dotted]
    return Frozen(_text([*_comments(heading), "[versions]", *lines], left), left)


def requirements_txt(packages: Iterable[Package], heading: Sequence[str], files: Files | None) -> Frozen:
    """A requirements file. `files`: with the hashes of these; None: without any."""
    pinned, left = _parted(packages)
    lines: list[str] = []
    for one in pinned:
        if one.commit:
            if files is None:
                lines.append(f"{one.name} @ {_address(one)}")
            else:
                left.append(Left(one, f"a commit has no hash that pip could check: {_address(one)}"))
            continue
        equal = "==" if parsed(one.version) else "==="
        hashes = _hashes(one, files) if files is not None else []
        if files is not None and not hashes:
            left.append(Left(one, _absence(one, files)))
            continue
        lines.append(
            " \\\n    ".join([f"{one.name}{equal}{one.version}", *(f"--hash=sha256:{h}" for h in hashes)])
        )
    return Frozen(_text([*_comments(heading), *lines], left), left)


def pylock_toml(packages: Iterable[Package], heading: Sequence[str], files: Files, python: str) -> Frozen:
    """A lock file of PEP 751. `python`: the series that it is for, as 3.12; empty: not known."""
    pinned, left = _parted(packages)
    lines = [*_comments(heading), 'lock-version = "1.0"', 'created-by = "tightship"']
    lines += [f"requires-python = {_quoted(f'=={python}.*')}"] if python else []
    for one in pinned:
        own = _to_lock(one, files)
        if one.commit:
            lines += ["", *_locked(one), "[packages.vcs]", *_vcs(one)]
        elif not own:
            left.append(Left(one, _absence(one, files)))
        else:
            lines += ["", *_locked(one), *(line for file in own for line in _artefact(file))]
    return Frozen(_text(lines, left), left)


def _parted(packages: Iterable[Package]) -> tuple[list[Package], list[Left]]:
    """What can be named so that it is had again, and what can't."""
    used = sorted(one for one in packages if not one.shadowed)
    times = Counter(one.name for one in used)
    reasons = [(one, SEVERAL if times[one.name] > 1 else _why_not(one)) for one in used]
    return [one for one, why in reasons if not why], [Left(one, why) for one, why in reasons if why]


SEVERAL = "in several versions, and which one is used is not known"


def _why_not(package: Package) -> str:
    if package.origin == "os":
        return "the operating system's own"
    if package.editable:
        return f"editable, from {package.origin or 'a folder'}" + (
            f" at {package.commit}" if package.commit else ""
        )
    if not package.version:
        return "its version could not be read"
    if package.origin and not package.commit:
        return f"installed from {package.origin}"
    if not _NAME.fullmatch(package.name) or not _VERSION.fullmatch(package.version):
        return "no index can be asked for such a name or version"
    if package.commit and not (_COMMIT.fullmatch(package.commit) and _ADDRESS.fullmatch(package.origin)):
        return f"from a commit whose address can't be written: {_address(package)}"
    return ""


def _address(package: Package) -> str:
    return f"{package.origin}@{package.commit}"


def _files(package: Package, files: Files) -> list[File]:
    """The files of that version that say their hash."""
    version = parsed(package.version)
    return [
        one
        for one in files.get(package.name, ())
        if one.sha256 and version is not None and parsed(one.version) == version
    ]


def _to_lock(package: Package, files: Files) -> list[File]:
    """Of those the wheels, each once, and one sdist: a lock file has room for no more."""
    own = {one.name: one for one in reversed(_files(package, files))}  # who comes first is preferred
    sdists = [name for name in sorted(own) if not own[name].is_wheel]
    usual = next((name for name in sdists if name.endswith(".tar.gz")), "".join(sdists[:1]))
    return [own[name] for name in sorted(own) if own[name].is_wheel or name == usual]


def _hashes(package: Package, files: Files) -> list[str]:
    """Of all of them: two indexes may have files of one name, and pip takes either."""
    return sorted({one.sha256 for one in _files(package, files)})


def _absence(package: Package, files: Files) -> str:
    found = files.get(package.name, ())
    if not found:
        return "no package index has it"
    version = parsed(package.version)
    if any(parsed(one.version) == version for one in found):
        return "the package index says no hash of it"
    return "the package index has other versions, but not this one"


def _locked(package: Package) -> list[str]:
    return ["[[packages]]", f"name = {_quoted(package.name)}", f"version = {_quoted(package.version)}"]


def _vcs(package: Package) -> list[str]:
    kind, _plus, url = package.origin.partition("+")
    return [
        f"type = {_quoted(kind if url else 'git')}",
        f"url = {_quoted(url or kind)}",
        f"commit-id = {_quoted(package.commit)}",
    ]


def _artefact(file: File) -> list[str]:
    heading = "[[packages.wheels]]" if file.is_wheel else "[packages.sdist]"
    size = [f"size = {file.size}"] if file.size is not None else []
    hashes = "hashes = { sha256 = " + _quoted(file.sha256) + " }"
    return [heading, f"name = {_quoted(file.name)}", f"url = {_quoted(file.url)}", *size, hashes]


def _quoted(text: str) -> str:
    # JSON's texts are TOML's, but for one character that both may hold as it is and TOML may not.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comments(lines: Iterable[str]) -> list[str]:
    return [f"# {' '.join(line.split())}" for line in lines]


def _text(lines: Iterable[str], left: Sequence[Left]) -> str:
    ending = ["", "# Not in this file, and why:", *_comments(f"  {one}" for one in left)] if left else []
    return "\n".join([*lines, *ending]) + "\n"
