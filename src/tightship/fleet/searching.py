"""Which names match what was typed into the search box: any case, any separators, one typing error a word.

A name is folded: lower case, and each run of dots, dashes, underscores and the like is one dash. So
`typing_extensions` is `typing-extensions` (PEP 503), and `shop.example.com` is also found as `shop-example`.
All names of one kind stand below each other in one text, in which a word is found by `str.find`: forty
thousand names take a millisecond, and need no index that every report would have to keep.

Pure: no database, no clock.
"""

from __future__ import annotations

import re
import string
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, islice

from tightship.fleet.found import Found
from tightship.fleet.text import clip

LONGEST = 200
"""Characters that are looked at of what was typed."""
MOST_WORDS = 8
FORGIVEN = 4
"""Letters from which on a word may have a typing error."""
UNFINISHED = 5
"""Letters from which on a word with an error may also be the beginning of a longer one."""
SOMEWHERE = 3
"""Letters from which on a word is also found within another."""
STEPS = 20_000
"""Places in the names where one text is looked for."""
ENOUGH = 5
"""Of what is near, the best of so many times what was asked for."""
COMPARED = 10_000
"""Names that are compared letter by letter in one search of one kind."""
COMPARED_LETTERS = 150
"""... and letters of one name."""
LONGEST_WORD = 60
"""Letters of a word that may have an error. In a longer one, with dashes, each of its words may."""

ASKED, EXACT, BEGINS, WORD, PART, NEAR = range(6)
"""How well a name matches: it can only be meant, it is what was typed, it begins with it, a word of it does,
it holds it somewhere, or it does with one typing error a word."""

_FOLD = str.maketrans(
    {**dict.fromkeys(string.punctuation + "\t\r\v\f\x1c\x1d\x1e\x1f\x85\xa0 ", "-"), "\0": "-"}
)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_URL = re.compile(r"^[a-z][a-z0-9+.-]*://(?:[^@/\s]*@)?([^/?#\s]+)\S*", re.I)
_PORT = re.compile(r"^(?P<server>.*?):?(?<![^:])(?P<port>\d{1,5})$", re.A)
_VERSION = re.compile(r"^v?\d+(?:\.[\w*+!-]+)+$", re.I)
_PINNED = re.compile(r"^([\w.\[\]-]+?)(?:===|==|>=|<=|~=|!=|<|>|@)v?(\d\S*)$")


def fold(text: str) -> str:
    """A name, or a word that was typed, as it is compared."""
    return _folded(text.replace("\n", " ")).strip("-")


def _folded(lines: str) -> str:
    folded = lines.casefold().translate(_FOLD)
    while "--" in folded:
        folded = folded.replace("--", "-")
    return folded


_PARTS = re.compile(r"\d+(?:-\d+)+(?![^-])|[^-]+")
"""The words of a folded name. A version's numbers stay together."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, taken apart."""

    text: str
    """as it was typed, cleaned"""
    words: tuple[str, ...] = ()
    """all of it, folded"""
    port: int | None = None
    server: str = ""
    """where the port was asked for: `web3:8001`"""
    version: str = ""
    of: tuple[str, ...] = ()
    """the words beside the version"""


def typed(text: str) -> Typed:
    """Take apart what was typed. Never raises, whatever it is."""
    cleaned = " ".join(_CONTROL.sub(" ", text[: LONGEST * 4])[:LONGEST].split())
    tokens = [part for token in cleaned.split()[:MOST_WORDS] for part in _of_token(token)]
    server, port = _port(tokens[-1]) if tokens else ("", None)
    if server:
        tokens = [*tokens[:-1], server]
    tokens = [token[1:] if _VERSION.match(token) and token[0] in "vV" else token for token in tokens]
    version = next((token for token in reversed(tokens) if _VERSION.match(token)), "")
    if not version and len(tokens) > 1 and port is not None and not server:
        version = tokens[-1]  # "django 5": a version, and maybe a port
    words = tuple(word for word in map(fold, tokens) if word)
    of = tuple(word for word in (fold(token) for token in tokens if token != version) if word)
    return Typed(cleaned, words, port, server, version, of)


def _of_token(token: str) -> list[str]:
    """`django==4.2` is two words; of an address only where it leads matters."""
    pinned = _PINNED.match(token)
    if pinned:
        return [pinned[1], pinned[2]]
    return [_URL.sub(r"\1", token)]


def _port(token: str) -> tuple[str, int | None]:
    """`8001`, `:8001`, `web3:8001`."""
    match = _PORT.match(token)
    if match is None or int(match["port"]) > 65535:
        return "", None
    return match["server"], int(match["port"])


# Names


@dataclass(frozen=True, slots=True)
class Hit:
    rank: int
    line: str
    """the name, folded"""
    name: str


class Names:
    """The names of one kind, ready to be searched."""

    __slots__ = ("_names", "_starts", "_text")

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted({name.replace("\n", " ") for name in names})
        lines = _folded("\n".join(self._names)).split("\n")
        lines = [line.strip("-") for line in lines]
        self._text = "\n".join(("", *lines, ""))
        self._starts = list(accumulate((len(line) + 1 for line in lines), initial=1))

    def __len__(self) -> int:
        return len(self._names)

    def holding(self, words: Sequence[str], most: int) -> list[Hit]:
        """Names that hold all words, the best first; of more than `most` the best ranks are kept."""
        counted = sorted((self._text.count(word), word) for word in words)
        if not counted or not counted[0][0]:
            return []
        whole, rarest = "-".join(words), counted[0][1]
        # One or two letters are only looked for where a word begins: they are in nearly every name.
        starts = [f"\n{whole}\n", f"\n{whole}", f"\n{rarest}", f"-{rarest}", rarest]
        hits: list[Hit] = []
        for number in self._with(starts[: 5 if len(rarest) >= SOMEWHERE else 4]):
            line = self._line(number)
            rank = _rank(line, words, whole)
            if rank is not None:
                hits.append(Hit(rank, line, self._names[number]))
                if len(hits) >= most:
                    break
        return sorted(hits, key=lambda hit: (hit.rank, hit.line))

    def near(self, words: Sequence[str], most: int) -> list[Hit]:
        """Names that hold all words, each with at most one typing error; those with the fewest come first."""
        if not words:
            return []
        hits: list[tuple[int, Hit]] = []
        parts = [part for word in words for part in _parts(word)]
        marks = sorted(min(map(self._marks, words))[1], key=self._text.count)
        for number in islice(self._with(marks), COMPARED):
            line = self._line(number)
            if all(is_near(line, word) for word in words):
                wrong = sum(part not in line for part in parts)
                hits.append((wrong, Hit(NEAR, line, self._names[number])))
                if len(hits) >= most * ENOUGH:
                    break
        return [hit for _wrong, hit in sorted(hits, key=lambda hit: (hit[0], hit[1].line))[:most]]

    def _with(self, texts: Iterable[str]) -> Iterator[int]:
        """The numbers of lines that hold one of these texts, in their order; each once."""
        seen: set[int] = set()
        for text in texts:
            for number in self._lines_with(text):
                if number not in seen:
                    seen.add(number)
                    yield number

    def _marks(self, word: str) -> tuple[int, tuple[str, ...]]:
        """Texts of which each name that is near a word has at least one, and how often they stand anywhere:
        those that do least often."""
        parts = _parts(word)
        if len(parts) < 2:
            return self._rarest(splits(word))
        whole = self._rarest(splits(word)[:1])
        part = self._rarest([marks for part in parts for marks in splits(part)])
        return whole[0] + part[0], whole[1] + part[1]

    def _rarest(self, ways: Sequence[tuple[str, ...]]) -> tuple[int, tuple[str, ...]]:
        best, least = ways[0], len(self._text)
        for marks in ways:
            total = 0
            for mark in marks:
                total += self._text.count(mark)
                if total >= least:
                    break
            else:
                best, least = marks, total
        return least, best

    def _lines_with(self, text: str) -> Iterator[int]:
        """The numbers of lines that hold a text, in order; each once."""
        place, last = -1, -1
        for _step in range(STEPS):
            place = self._text.find(text, place + 1)
            if place < 0:
                return
            number = bisect_right(self._starts, place + (text[0] == "\n")) - 1
            if number != last:
                yield number
            last = number
            place = self._starts[number + 1] - 2 if text[0] != "\n" else place

    def _line(self, number: int) -> str:
        return self._text[self._starts[number] : self._starts[number + 1] - 1]


def _rank(line: str, words: Sequence[str], whole: str) -> int | None:
    """How well a name matches; None: not."""
    if line == whole:
        return EXACT
    if line.startswith(whole):
        return BEGINS
    rank = WORD
    for word in words:
        if line.startswith(word) or f"-{word}" in line:
            continue
        if not _inside(line, word):
            return None
        rank = PART
    return rank


def _inside(line: str, word: str) -> bool:
    if len(word) < SOMEWHERE:
        return False
    place = line.find(word)
    while place > 0 and word[0].isdigit() and line[place - 1].isdigit():  # 1.2 is no part of 11.2
        place = line.find(word, place + 1)
    return place >= 0


# One typing error: a letter too many, one missing, another one, or two that changed places


def splits(word: str) -> list[tuple[str, ...]]:
    """Texts of which each name that holds a word with at most one error has at least one; in several ways.

    Wherever a word is cut in two, an error is in one part, and the other part is right; but for two
    letters that changed places across the cut.
    """
    if not _forgiving(word):
        return [(word,)]
    if len(word) < FORGIVEN:
        return [(word[:2], word[1:])]
    half = len(word) // 2
    return [
        (word[:cut], word[cut:], word[: cut - 1] + word[cut] + word[cut - 1] + word[cut + 1 :])
        for cut in dict.fromkeys((half, max(2, half - 1), min(len(word) - 2, half + 1)))
    ]


@lru_cache(maxsize=256)
def _forgiving(word: str) -> bool:
    # Another digit is another version, another port: nobody means 2.4.1 who types 2.4.2.
    return FORGIVEN - 1 <= len(word) <= LONGEST_WORD and any(letter.isalpha() for letter in word)


def is_near(line: str, word: str) -> bool:
    """Whether a name holds a word with at most one error; of a word with dashes, each of its words."""
    if _is_near(line, word):
        return True
    parts = _parts(word)
    return len(parts) > 1 and all(_is_near(line, part) for part in parts)


@lru_cache(maxsize=256)
def _parts(word: str) -> Sequence[str]:
    return _PARTS.findall(word)


def _is_near(line: str, word: str) -> bool:
    return _inside(line, word) or _near(word).search(line, 0, COMPARED_LETTERS) is not None


@lru_cache(maxsize=64)
def _near(word: str) -> re.Pattern[str]:
    """Where a word of a name begins: this one, as it is or with an error.

    What was meant is long enough for one, and ends there; or it is the beginning of something long.
    """
    plain = re.escape(word)
    if not _forgiving(word):
        return re.compile(f"(?:^|-){plain}")
    end = "" if len(word) >= UNFINISHED else "(?:(?<=-)|(?=-|$))"
    return re.compile(f"(?:^|-)(?:{plain}|{_with_one_error(word)}{end})")


def _with_one_error(word: str) -> str:
    """A pattern, from the end of the word to its beginning: so far all is right, and here is the error."""
    letters = [re.escape(letter) for letter in word]
    pattern = ""
    for place in reversed(range(len(word))):
        after = "".join(letters[place + 1 :])
        ways = [f".{letters[place]}{after}"]  # a letter is missing
        if len(word) >= FORGIVEN:
            ways.append(f".{after}")  # another one
        if len(word) > FORGIVEN:
            ways.append(after)  # one too many
        if len(word) >= FORGIVEN and place + 1 < len(word):  # two that changed places
            ways.append(f"{letters[place + 1]}{letters[place]}{''.join(letters[place + 2 :])}")
        if pattern:
            ways.append(f"{letters[place]}{pattern}")
        pattern = f"(?:{'|'.join(ways)})"
    return pattern


# The names that only stand in what was found


Term = tuple[str, str, str]
"""kind, the application that it is of, text"""


def terms(found: Found | None) -> set[Term]:
    """The sites and releases of a server: of each, one row is kept for the whole fleet."""
    if found is None:
        return set()
    named = {("site", "", clip(name, 300)) for site in found.sites for name in site.names if name}
    return named | {
        ("release", group.application, clip(group.release, 200))
        for group in found.groups.values()
        if group.application and group.release
    }
