r"""Makes text from outside harmless: what an application's user writes into a name breaks nothing.

Bytes that are no UTF-8 (they come as lone surrogates, by `os.fsdecode`), NUL and control characters,
and characters that hide or reorder text are written visibly, as `\x00` or `\u202e`.
"""

from tightship_probe.digests import digest
from tightship_probe.patterns import Pattern

_UNSAFE = Pattern("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")

# The same characters as they stand in JSON that is plain ASCII. One search over the whole is much
# cheaper than one in each text, and nearly every report is clean.
_MAYBE_UNSAFE_JSON = Pattern(
    r"\\[bfnrt]|\\u(?:00[01][0-9a-f]|00[789][0-9a-f]|20[026][0-9a-f]|feff|d[89a-f])|\x7f"
)

LONGEST = 4096
"""Characters of any one text."""

LONGEST_NAME = 200
"""Characters of a key, a name or a version."""


def harmless(text, most=LONGEST):
    """`text` with control, reordering and half characters written visibly, at most `most` characters."""
    return clip(_UNSAFE.sub(_visible, text), most)


def name(text):
    """A key, name or version: harmless and short."""
    return harmless(text, LONGEST_NAME)


def clip(text, most):
    """`text`, or its beginning and a digest of the whole, so that two long ones stay distinct."""
    if len(text) <= most:
        return text
    return text[: most - 13] + "~" + digest(text, 6)


def all_harmless(value):
    """A JSON value with every text in it harmless. The same object, where all of it is already."""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, list):
        return [all_harmless(item) for item in value]
    if isinstance(value, dict):
        return {all_harmless(key): all_harmless(item) for key, item in value.items()}
    return value


def harmless_lines(lines):
    """Canonical lines of packages with every field harmless; the tabs between them are ours."""
    if not _UNSAFE.search("".join(lines).replace("\t", "")):
        return sorted(lines)
    return sorted("\t".join(map(harmless, line.split("\t"))) for line in lines)


def needs_escaping(document):
    """Whether a text in this ASCII JSON may be harmful. Length is looked at where texts are read."""
    return _MAYBE_UNSAFE_JSON.search(document) is not None


def _visible(match):
    code = ord(match.group())
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was no UTF-8
        code -= 0xDC00
    return "\\x%02x" % code if code < 0x100 else "\\u%04x" % code
