"""JSON that another tool wrote, read so that each mistake names its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tightship.fleet.imported import BadFile
from tightship.fleet.text import harmless

LARGEST = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """A JSON object, and where it stands: `components[3]`; empty: the whole document."""

    said: Mapping[str, Any]
    place: str = ""

    def text(self, name: str) -> str:
        """A text; empty: there is none. Raises `BadFile` for anything else."""
        value = self.said.get(name)
        if value is None or isinstance(value, str):
            return value or ""
        raise self.bad(name, "a text")

    def needed(self, name: str) -> str:
        """A text that has to be there."""
        value = self.text(name).strip()
        if not value:
            raise self.bad(name, "a text")
        return value

    def part(self, name: str) -> Part:
        """An object; an empty one: there is none."""
        value = self.said.get(name)
        if value is None or isinstance(value, dict):
            return Part(value or {}, self._of(name))
        raise self.bad(name, "an object")

    def parts(self, name: str) -> Iterator[Part]:
        """A list of objects; none: there is no list."""
        value = self.said.get(name)
        if not isinstance(value, list | None):
            raise self.bad(name, "a list")
        for number, one in enumerate(value or ()):
            if not isinstance(one, dict):
                raise self.bad(f"{name}[{number}]", "an object", one)
            yield Part(one, f"{self._of(name)}[{number}]")

    def bad(self, name: str, expected: str, got: Any = None) -> BadFile:
        """That something was expected there, to be raised."""
        got = self.said.get(name) if got is None else got
        return BadFile(f"{self._of(name)}: expected {expected}, got {_short(got)}")

    def _of(self, name: str) -> str:
        return f"{self.place}.{name}" if self.place else name


def document(data: bytes, expected: str) -> Part:
    """The object that is the whole file. `expected`: what it should have been. Raises `BadFile`.

    In UTF-8, or as PowerShell writes it: UTF-16.
    """
    if len(data) > LARGEST:
        raise BadFile(f"expected at most {LARGEST >> 20} MB")
    if not data.strip():
        raise BadFile(f"expected {expected}, this is empty")
    if data.lstrip()[:1] == b"<":
        raise BadFile(f"expected {expected} as JSON, this looks like XML")
    try:
        said = json.loads(data)
    except json.JSONDecodeError as error:
        raise BadFile(f"line {error.lineno}: expected {expected}, this is no JSON: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise BadFile(f"byte {error.start}: expected {expected}, this is no text") from None
    except RecursionError:
        raise BadFile("nested too deeply") from None
    except ValueError:  # a number of thousands of digits
        raise BadFile(f"expected {expected}, with shorter numbers") from None
    if not isinstance(said, dict):
        raise BadFile(f"expected {expected}, this is {_short(said)}")
    return Part(said)


def without_userinfo(url: str) -> str:
    """A URL without user and password."""
    return re.sub(r"(?<=://)[^/?#]*@", "", url)


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    text = harmless(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= 60 else text[:57] + "..."
