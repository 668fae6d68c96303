"""Where the next page begins: an opaque text that carries the moment of the first.

Every listing can be asked at a past moment, so all pages of one walk are of one moment, and what
comes and goes meanwhile moves no row to another page. A cursor is not signed: it holds nothing that
could not be asked for by `at` and `page`. It belongs to one question, and says so when it is asked
with another.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

from tightship.store.listing import BadParams

LONGEST = 200
_BAD = "cursor: expected the `next` of an answer, with the other parameters as they were asked then"


@dataclass(frozen=True, slots=True)
class Cursor:
    at: datetime
    page: int

    def written(self, question: Mapping[str, str]) -> str:
        said = [self.at.astimezone(UTC).isoformat(), self.page, _digest(question)]
        return urlsafe_b64encode(json.dumps(said, separators=(",", ":")).encode()).decode().rstrip("=")


def read(text: str, question: Mapping[str, str], now: datetime) -> Cursor:
    """The cursor that `text` is. Raises BadParams."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        at, page, digest = json.loads(urlsafe_b64decode(padded))
        found = Cursor(datetime.fromisoformat(at), page)
        fits = digest == _digest(question) and type(page) is int and 1 < page < 10_000_000
        is_past = datetime(1970, 1, 2, tzinfo=UTC) < found.at <= now
    except (ValueError, TypeError, RecursionError):
        raise BadParams(_BAD) from None
    if not fits or not is_past or len(text) > LONGEST:
        raise BadParams(_BAD)
    return found


def question(path: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """What is asked, apart from where in it: the same for all pages of one walk."""
    said = {name: value for name, value in parameters.items() if value and name not in ("cursor", "page")}
    return {**said, "": path}


def _digest(question: Mapping[str, str]) -> str:
    return blake2b(json.dumps(sorted(question.items())).encode("ascii"), digest_size=9).hexdigest()
