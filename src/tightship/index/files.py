"""What an index has of a package: files, by their names. Knows no network, so that it is quick to import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from tightship.fleet.files import File

AT_ONCE = 8
"""Questions that are under way at a time."""


class NoAnswer(Exception):
    """An index did not answer; the message says which and why, without a password."""


class Unreachable(NoAnswer):
    """An index can't be asked at all: the next question would end the same way."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an index said."""

    files: Sequence[File]
    """none: it does not know the package"""
    etag: str = ""
    unchanged: bool = False
    """it is as it was when this etag came: `files` is empty"""


def version_of(filename: str, name: str) -> str | None:
    """The version by a file's name; None: it is no wheel, no sdist, or of another package."""
    try:
        if filename.endswith(".whl"):
            project, version, _build, _tags = parse_wheel_filename(filename)
        else:
            project, version = parse_sdist_filename(filename)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None
    return str(version) if canonicalize_name(project) == name else None


def at_hand(folder: str, names: Sequence[str]) -> dict[str, list[File]]:
    """What lies in a folder of `find-links`. name -> files; a page, or what can't be read, has none."""
    path = Path(url2pathname(urlsplit(folder).path)) if folder.startswith("file:") else Path(folder)
    found: dict[str, list[File]] = {name: [] for name in names}
    try:
        files = sorted(one for one in path.expanduser().iterdir() if one.is_file())
    except OSError:
        return found
    for one in files:
        name = str(canonicalize_name(one.name.partition("-")[0]))
        # An sdist's own name may hold dashes.
        for known in (name, *_longer(one.name)):
            version = version_of(one.name, known) if known in found else None
            if version is not None:
                found[known].append(File(one.name, version, one.absolute().as_uri(), "", None, "", None))
                break
    return found


def _longer(filename: str) -> list[str]:
    parts = filename.split("-")
    return [str(canonicalize_name("-".join(parts[:number]))) for number in range(2, len(parts))]
