"""Text that came from a server: made harmless to show and short enough to index.

The probe already escapes what it reads. What a hand-made or older report still brings along
is escaped here, after its digest was checked, so that nothing that an application's user can
write into a name may hide, reorder or break a page, a terminal or a database.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

# C0, DEL, C1, lone surrogates, and the characters that reorder or hide text around them.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")

# The same characters as they stand escaped in JSON.
_UNSAFE_ESCAPE = re.compile(
    rb"\\(?:[bfnr]|u(?:00[01][0-9a-f]|00[789][0-9a-f]|20[026][0-9a-f]|feff|d[89a-f]))", re.I
)

LONGEST = 4096
"""Characters kept of any one text of a report."""


def harmless(text: str) -> str:
    r"""`text` with control, reordering and half characters written visibly, as `\x00` or `\u202e`."""
    return _UNSAFE.sub(_visible, text)


def is_harmless(text: str) -> bool:
    """Whether `harmless` leaves `text` as it is."""
    return _UNSAFE.search(text) is None


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def clip(text: str, limit: int) -> str:
    """`text`, or its beginning and a digest of the whole: at most `limit` characters, still distinct."""
    if len(text) <= limit:
        return text
    digest = hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=6).hexdigest()
    return f"{text[: limit - 13]}~{digest}"


def needs_cleaning(document: bytes) -> bool:
    """Whether a text in this JSON may be harmful or too long. Much cheaper than a walk over its texts,
    and nearly always false."""
    if not document.isascii() or b"\x7f" in document:
        return True
    if b"\\" in document and _UNSAFE_ESCAPE.search(document):
        return True
    return max(map(len, document.split(b'"'))) > LONGEST


def clean(value: Any) -> Any:
    """A parsed JSON value with every text in it harmless and at most LONGEST characters."""
    if isinstance(value, str):
        return clip(harmless(value), LONGEST)
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    return value
