"""A file of a package, as an index has it. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class File:
    """One file that can be installed."""

    name: str
    version: str
    """PEP 440, as the file's name has it"""
    url: str
    sha256: str
    """hexadecimal; empty: the index does not say"""
    size: int | None
    requires_python: str
    yanked: str | None
    """why it was taken back; empty: without a word; None: it was not"""

    @property
    def is_wheel(self) -> bool:
        return self.name.endswith(".whl")
