"""Opens the files of a project, and what they include by address: thin, bounded, each once.

A project may belong to somebody else than who asks: only regular files are read, of a bounded size, and
nothing that is in them is ever run.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tightship.integrations.pins.pin import NoText, Text, shown, without_password

Fetched = Callable[[str], bytes]
"""Gives what an address answers. Raises OSError (urllib's errors and requests' are some) with the reason."""

LARGEST = 32 * 1024 * 1024
"""Bytes of one file: the lock of a thousand packages has three million."""
MOST = 500
"""Files of one project."""


@dataclass
class Files:
    """The files of one project that were asked for so far."""

    directory: Path
    """absolute, with links resolved"""
    fetched: Fetched | None = None
    texts: dict[Path, Text] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _of_address: dict[str, Text | None] = field(default_factory=dict)

    def text(self, address: str | Path, asked: str = "", cache: Path | None = None) -> Text | None:
        """The text of a file or of an address; None, and a note, where it can't be read.

        `asked`: the place that names it, for the note. `cache`: a file to take where the address does not
        answer."""
        said = str(address)
        if said not in self._of_address:
            self._of_address[said] = self._opened(said, asked, cache)
        return self._of_address[said]

    def there(self, name: str) -> bool:
        """Whether the project has such a file."""
        return (self.directory / name).is_file()

    def matching(self, *patterns: str) -> list[Path]:
        """The project's files of those names, in order."""
        found = {file for pattern in patterns for file in self.directory.glob(pattern)}
        return sorted(found, key=lambda file: (len(file.parts), file))

    def writable(self, text: Text) -> bool:
        """Whether it is one of the project's own."""
        return not text.url and text.file.is_relative_to(self.directory)

    def _opened(self, address: str, asked: str, cache: Path | None) -> Text | None:
        try:
            if len(self._of_address) >= MOST:
                raise OSError(f"at most {MOST} files of a project are read")
            text = self._at(address, cache)
        except (OSError, ValueError) as error:
            why = (
                "it is no text" if isinstance(error, NoText) else getattr(error, "strerror", "") or str(error)
            )
            self.notes.append(_note(shown(address, self.directory), asked, without_password(why)))
            return None
        return self.texts.setdefault(text.file, text)

    def _at(self, address: str, cache: Path | None) -> Text:
        if address.startswith("file:"):
            return self._of_file(Path(unquote(urlsplit(address).path)))
        if "://" not in address:
            return self._of_file(Path(address))
        try:
            return Text.of(Path(without_password(address)), self._fetched(address), address)
        except OSError:
            if cache is None or not cache.is_file():
                raise
            return Text.of(Path(without_password(address)), contents(cache), address)

    def _fetched(self, address: str) -> bytes:
        if self.fetched is None:
            raise OSError("nothing is fetched here")
        return self.fetched(address)

    def _of_file(self, file: Path) -> Text:
        real = Path(os.path.realpath(file))
        return self.texts.get(real) or Text.of(real, contents(real))


def _note(said: str, asked: str, why: str) -> str:
    if said in why:  # whoever fetches says himself what he could not fetch
        return f"{asked}: {why}"
    return f"{said}{f', which {asked} names,' if asked else ''} can't be read: {why}"


def contents(file: Path, most: int = LARGEST) -> bytes:
    """The bytes of a regular file. Raises OSError, also for what is none or too large."""
    # O_NONBLOCK: opening a FIFO would wait for a writer that never comes.
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as opened:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise OSError("it is a directory")
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is no regular file")
        if status.st_size > most:
            raise OSError(f"it is larger than {most >> 20} MB")
        return opened.read(most)
