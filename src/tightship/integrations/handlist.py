"""The list that shops keep by hand: a table of applications and servers, saved as CSV by whatever program.

Columns are known by their headings, in any order; the separator, the encoding and Excel's habits are found
out. Pure: bytes in, lines out.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence

from tightship.fleet.reckoning import Listed

COLUMNS: Mapping[str, Sequence[str]] = {
    "application": ("application", "app", "project", "service", "site", "program"),
    "server": ("server", "host", "hostname", "machine", "node", "fqdn", "vm"),
    "port": ("port", "ports", "listen", "listens on"),
    "release": ("release", "version", "tag"),
    "owner": ("owner", "team", "contact", "responsible", "maintainer"),
    "stage": ("stage", "environment", "env"),
    "url": ("url", "address", "link", "website"),
}
"""What we call it -> how people head it."""

SEPARATORS = ",;\t|"
LARGEST = 32 * 1024 * 1024


class BadList(ValueError):
    """It can't be read as a list; the message says where, and what was expected."""


def read(data: bytes, name: str = "list") -> list[Listed]:
    """The lines of a list that name an application or a server. Raises `BadList`."""
    if len(data) > LARGEST:
        raise BadList(f"{name}: a list of at most {LARGEST >> 20} MB was expected")
    text = _decoded(data, name)
    rows = _rows(text, name)
    places, _heading = _columns(rows, name)
    found = []
    for line, cells in rows:
        said = {what: _cell(cells, place) for what, place in places.items()}
        if said.get("application") or said.get("server"):
            found.append(Listed(line, **said))
    return found


def _decoded(data: bytes, name: str) -> str:
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise BadList(f"{name}: this is a spreadsheet. Save it as CSV first")
    for encoding in (
        ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252", "latin-1")
    ):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            raise BadList(f"{name}: expected CSV, this is no text")
        return text
    raise BadList(f"{name}: expected text in UTF-8, or as Windows writes it")


def _rows(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of each row that is not empty. The first line has most of what separates cells."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    told = re.fullmatch(r"sep=(.)\s*", first)  # Excel's own way to say it
    separator = told[1] if told else max(SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells) and not (told and line == 1):
                yield line, [cell.strip() for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadList(f"{name}:{reader.line_num}: {error}") from None


def _columns(rows: Iterator[tuple[int, list[str]]], name: str) -> tuple[dict[str, int], int]:
    """What stands in which column, by the first row; and its line."""
    line, heading = next(rows, (1, []))
    known = {word: what for what, words in COLUMNS.items() for word in words}
    places: dict[str, int] = {}
    for place, cell in enumerate(heading):
        what = known.get(re.sub(r"[\s_.-]+", " ", cell).strip().lower())
        if what:
            places.setdefault(what, place)
    if not places.keys() & {"application", "server"}:
        raise BadList(
            f"{name}:{line}: expected headings, with one for the application or the server "
            f"({', '.join(COLUMNS)}), got {', '.join(heading)[:100]!r}"
        )
    return places, line


def _cell(cells: Sequence[str], place: int) -> str:
    return cells[place][:500] if place < len(cells) else ""
