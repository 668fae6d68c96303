"""A backup's file: a zip of each table's rows as lines of JSON, the kept secret key, and a manifest.

The same whichever database they came from. The manifest comes last and names each file's SHA-256, so that a
file that was cut or changed is known before anything is done with it. Knows no Django.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

SCHEMA = "tightship.backup/1"
MANIFEST = "manifest.json"
MOST_MANIFEST = 16 * 1024**2
"""Bytes. Each table and migration is a line of it."""

KEY = "secret-key"
PORTION = 1024**2
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError)


class BackupError(Exception):
    """A backup can't be made, or not be restored; nothing was changed. The message says why."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds."""

    schema: str
    version: str
    """of the release that made it"""
    made: str
    """when, as ISO 8601 in UTC"""
    database: str
    """sqlite or postgresql"""
    migrations: list[list[str]]
    """those that the database had: [application, name]"""
    columns: dict[str, list[str]]
    """of each table, by its model"""
    rows: dict[str, int]
    sha256: dict[str, str]
    """of each file in it"""


class Writing:
    """A backup that is being made."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        self.sha256: dict[str, str] = {}
        self.rows: dict[str, int] = {}

    def table(self, model: str, rows: Iterable[Sequence[Any]]) -> None:
        """Add a table's rows: what JSON can say."""
        digest, count = hashlib.sha256(), 0
        with self._file.open(_name(model), "w", force_zip64=True) as file:
            for row in rows:
                line = json.dumps(row, separators=(",", ":")).encode() + b"\n"
                digest.update(line)
                file.write(line)
                count += 1
        self.sha256[_name(model)] = digest.hexdigest()
        self.rows[model] = count

    def key(self, text: str) -> None:
        """Add the key that signs sessions."""
        self._file.writestr(KEY, text)
        self.sha256[KEY] = hashlib.sha256(text.encode()).hexdigest()

    def end(self, manifest: Manifest) -> None:
        self._file.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))


@contextmanager
def writing(path: Path) -> Iterator[Writing]:
    """Make a backup at `path`, for its owner's eyes alone: there whole and on disk, or not at all.

    What was there before is replaced, once the new one is whole. Raises OSError.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as raw:
            with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as file:
                yield Writing(file)
            raw.flush()
            os.fsync(raw.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    _settle(path.parent)


def _settle(directory: Path) -> None:
    """A name is on disk once its directory is."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Backup:
    """A backup that was opened, and is whole."""

    def __init__(self, file: zipfile.ZipFile, manifest: Manifest) -> None:
        self._file = file
        self.manifest = manifest

    def table(self, model: str) -> Iterator[list[Any]]:
        """A table's rows, in the order in which they were written."""
        with self._file.open(_name(model)) as file:
            for line in file:
                yield json.loads(line)

    def key(self) -> str:
        """The key that signs sessions; empty: it was not kept in a file."""
        return self._file.read(KEY).decode() if KEY in self.manifest.sha256 else ""


@contextmanager
def reading(path: Path) -> Iterator[Backup]:
    """Open a backup and check all of it. Raises BackupError, OSError."""
    try:
        with zipfile.ZipFile(path) as file:
            backup = Backup(file, _manifest(file, path))
            _check(file, backup.manifest, path)
            yield backup
    except _BROKEN as error:
        raise BackupError(_damaged(path, str(error).lower())) from None


def _manifest(file: zipfile.ZipFile, path: Path) -> Manifest:
    if MANIFEST not in file.namelist():
        raise BackupError(f"{path} is no backup of Tightship's: it holds no {MANIFEST}")
    if file.getinfo(MANIFEST).file_size > MOST_MANIFEST:
        raise BackupError(_damaged(path, f"its {MANIFEST} is too large"))
    try:
        said = json.loads(file.read(MANIFEST))
        schema = said["schema"]
        if schema != SCHEMA:
            raise BackupError(
                f"{path} says that it is {schema!r}, and this release reads {SCHEMA}. Restore it by the "
                "release that made it, or a newer one"
            )
        return Manifest(**{field.name: said[field.name] for field in fields(Manifest)})
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(_damaged(path, f"its {MANIFEST} says nothing usable: {error!r}")) from None


def _check(file: zipfile.ZipFile, manifest: Manifest, path: Path) -> None:
    needed = {_name(model) for model in manifest.columns}
    missing = sorted((needed | set(manifest.sha256)) - set(file.namelist()))
    if missing or not needed <= set(manifest.sha256):
        raise BackupError(_damaged(path, f"it lacks {', '.join(missing) or 'digests'}"))
    for name, digest in manifest.sha256.items():
        if _digest(file, name, path) != digest:
            raise BackupError(_damaged(path, f"{name} is not what was written"))


def _digest(file: zipfile.ZipFile, name: str, path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with file.open(name) as opened:
            while portion := opened.read(PORTION):
                digest.update(portion)
    except (*_BROKEN, RuntimeError) as error:  # RuntimeError: it wants a password
        raise BackupError(_damaged(path, f"{name}: {error}")) from None
    return digest.hexdigest()


def _damaged(path: Path, why: str) -> str:
    return f"{path} is no whole backup ({why}). Nothing was changed; take another copy"


def _name(model: str) -> str:
    return f"tables/{model}.jsonl"
