"""Advisories as OSV publishes them: an export (a zip with a JSON file for each), a directory of such files,
or the address of such a zip.

Whatever is read is bounded: in the size of one record, of all together, in their number, and in time. One
broken record among many is told and left out; a broken export is refused as a whole, since an empty or cut
one would look like good news.
"""

from __future__ import annotations

import json
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit, urlunsplit

import requests

from tightship.fleet.advisories import Advisory, BadAdvisory, advisory
from tightship.fleet.text import harmless

LARGEST_RECORD = 8 * 1024**2
"""Bytes. The largest that are known have some hundred kB."""
LARGEST_EXPORT = 1024**3
"""Bytes of a zip. PyPI's has some 30 MB."""
LARGEST_TOTAL = 8 * 1024**3
"""Bytes of all records."""
MOST_RECORDS = 1_000_000
SECONDS = 900
"""For a whole download."""
PATIENCE = (10, 60)
"""Seconds to wait for a connection, and for the next bytes."""
CHUNK = 256 * 1024

_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
"""What a broken, an encrypted or a strangely packed zip makes the standard library raise."""


class Unreadable(Exception):
    """It can't be read, or is no export; the message says what, why, and what was expected."""


@dataclass(frozen=True, slots=True)
class Read:
    """One record."""

    advisory: Advisory
    text: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that is left out, or a part of one (`partly`)."""

    place: str
    why: str
    partly: bool = False


def records(where: str) -> Iterator[Read | Broken]:
    """The records of a file, a directory or an address, one after the other. Raises Unreadable."""
    if "://" in where:
        with _fetched(where) as file:
            yield from _in_zip(file, without_password(where))
        return
    path = Path(where).expanduser()
    try:
        if path.is_dir():
            yield from _in_directory(path)
        elif path.suffix.lower() == ".json":
            yield from _read(path.read_bytes(), str(path))
        else:
            with path.open("rb") as file:
                yield from _in_zip(file, str(path))
    except OSError as error:
        name = error.filename or path
        raise Unreadable(f"{name} can't be read: {(error.strerror or str(error)).lower()}") from None


# Directories and files


def _in_directory(folder: Path) -> Iterator[Read | Broken]:
    total = _Total(str(folder))
    for path in sorted(folder.rglob("*.json")):
        if not path.is_file():
            continue
        try:
            with path.open("rb") as file:
                data = file.read(LARGEST_RECORD + 1)
        except OSError as error:
            yield Broken(str(path), f"can't be read: {(error.strerror or '').lower()}")
            continue
        total.add(len(data))
        yield from _read(data, str(path))
    if not total.records:
        raise Unreadable(f"{folder} holds no *.json file, nor does a directory below it")


def _in_zip(file: IO[bytes], name: str) -> Iterator[Read | Broken]:
    total = _Total(name)
    try:
        with zipfile.ZipFile(file) as export:
            members = [one for one in export.infolist() if one.filename.endswith(".json")]
            if not members:
                raise Unreadable(
                    f"{name} is a zip without any *.json: expected the all.zip of OSV's PyPI export"
                )
            for member in members:
                with export.open(member) as one:
                    data = one.read(LARGEST_RECORD + 1)
                total.add(len(data))
                yield from _read(data, f"{name}: {harmless(member.filename)[:200]}")
    except _BROKEN as error:
        why = str(error) or type(error).__name__
        raise Unreadable(
            f"{name} is no zip that can be read whole ({why[:200]}): expected the all.zip of OSV's PyPI "
            "export. Fetch it again"
        ) from None


class _Total:
    """What was read so far. A few bytes can unpack to terabytes."""

    def __init__(self, name: str) -> None:
        self.name, self.records, self.bytes = name, 0, 0

    def add(self, length: int) -> None:
        self.records += 1
        self.bytes += length
        if self.records > MOST_RECORDS:
            raise Unreadable(
                f"{self.name} holds more than {MOST_RECORDS} records: that is no export of OSV's"
            )
        if self.bytes > LARGEST_TOTAL:
            raise Unreadable(
                f"{self.name} unpacks to more than {LARGEST_TOTAL >> 30} GB: that is no export of OSV's"
            )


def _read(data: bytes, place: str) -> Iterator[Read | Broken]:
    if len(data) > LARGEST_RECORD:
        yield Broken(place, f"it has more than {LARGEST_RECORD >> 20} MB")
        return
    try:
        text = data.decode()
        found = advisory(json.loads(text))
    except BadAdvisory as error:
        yield Broken(place, str(error))
    except (ValueError, RecursionError) as error:
        yield Broken(place, f"no JSON: {str(error)[:200]}")
    else:
        yield from (Broken(place, why, partly=True) for why in found.trouble)
        yield Read(found, text)


# Addresses


@contextmanager
def _fetched(where: str) -> Iterator[IO[bytes]]:
    """What is at an address, in a file that nobody else sees. Proxies, credentials in netrc and authorities
    (REQUESTS_CA_BUNDLE) are those that `requests` goes by."""
    if not where.lower().startswith(("https://", "http://")):
        raise Unreadable(
            f"{without_password(where)}: expected an address that begins with https:// or http://"
        )
    with tempfile.TemporaryFile() as file:
        try:
            with requests.get(
                where, stream=True, timeout=PATIENCE, headers={"User-Agent": "tightship"}
            ) as response:
                response.raise_for_status()
                _pour(response.iter_content(CHUNK), file, without_password(where))
        except requests.RequestException as error:
            raise Unreadable(f"{without_password(where)} can't be fetched: {_said(error)}") from None
        file.seek(0)
        yield file


def _pour(chunks: Iterator[bytes], file: IO[bytes], name: str) -> None:
    ends, length = time.monotonic() + SECONDS, 0
    for chunk in chunks:
        length += len(chunk)
        if length > LARGEST_EXPORT:
            raise Unreadable(f"{name} sends more than {LARGEST_EXPORT >> 20} MB: that is no export of OSV's")
        if time.monotonic() > ends:
            raise Unreadable(f"{name} did not come whole within {SECONDS // 60} minutes")
        file.write(chunk)


def _said(error: Exception) -> str:
    """In a few words. What `requests` says may hold the whole address, and a password in it."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"it answered {response.status_code} {harmless(response.reason or '')[:80]}".strip()
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate can't be trusted. Its authority may stand in the file of REQUESTS_CA_BUNDLE"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy does not let it through. HTTPS_PROXY and NO_PROXY say which it is"
    if isinstance(error, requests.exceptions.Timeout):
        return f"nothing came for {PATIENCE[1]} seconds"
    if isinstance(error, requests.ConnectionError):
        return "nothing answers there"
    return type(error).__name__


def without_password(where: str) -> str:
    """The address as it may be shown."""
    try:
        parts = urlsplit(where)
        host = parts.netloc.rpartition("@")[2]
        return harmless(urlunsplit((parts.scheme, host, parts.path, "", "")))
    except ValueError:
        return "the address"
