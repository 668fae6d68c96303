"""Advisories as the OSV schema has them, and whether a version of a package is affected. Pure.

The rule is the schema's own evaluation: a version is affected that stands in the list of versions, or that
lies in one of the ranges. Versions are ordered by PEP 440; what is no such version has no order, and is only
looked up in the list. Ranges of commits (GIT) say nothing about versions and are left out.

Several advisories may be about one vulnerability: their ids and aliases, followed wherever they lead, make
them one (`fold`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, cast, get_args

from packaging.utils import canonicalize_name, canonicalize_version
from packaging.version import Version

from tightship.fleet.cvss import Rating, rated, worded, worst
from tightship.fleet.text import harmless
from tightship.fleet.versions import parsed, sort_key

ECOSYSTEM = "PyPI"

Kind = Literal["introduced", "fixed", "last_affected", "limit"]
KINDS: tuple[Kind, ...] = get_args(Kind)

FIRST = "0"
"""`introduced: 0` means: before every version, also before 0.dev1."""

Event = tuple[Kind, str]
Range = tuple[Event, ...]
"""events in the order of their versions; which is how `affects` goes through them"""

LONGEST_ID = 100
LONGEST_SUMMARY = 300
MOST_ALIASES = 100


class BadAdvisory(ValueError):
    """A record that is no advisory in OSV's schema; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Affected:
    """What an advisory says of one package."""

    package: str
    """PEP 503"""
    ranges: tuple[Range, ...] = ()
    versions: frozenset[str] = frozenset()
    """as `spelled` has them; those that no range holds"""


@dataclass(frozen=True, slots=True)
class Advisory:
    """One record, as far as it is about packages of PyPI."""

    id: str
    modified: datetime
    aliases: tuple[str, ...] = ()
    published: datetime | None = None
    withdrawn: bool = False
    summary: str = ""
    rating: Rating = "unknown"
    affected: tuple[Affected, ...] = ()
    """one for each package; empty: it is about other ecosystems"""
    trouble: tuple[str, ...] = ()
    """what of it was not understood and is left out"""


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """What one or several advisories are about."""

    id: str
    aliases: tuple[str, ...]
    advisories: tuple[str, ...]
    """the ids of the records"""
    rating: Rating
    summary: str


# Whether a version is affected


@lru_cache(maxsize=65536)
def spelled(version: str) -> str:
    """A version so that those that are equal by PEP 440 are equal as text: `1.0.0` -> `1`."""
    return str(canonicalize_version(version)) if parsed(version) else version


def affects(affected: Affected, version: str) -> bool:
    """Whether a version of the package is affected."""
    # A loop, and the list only where there is one: this is asked some hundred thousand times at once.
    known = parsed(version)
    if known is not None:
        for events in affected.ranges:
            if _holds(events, known):
                return True
    return bool(affected.versions) and spelled(version) in affected.versions


def _holds(events: Range, version: Version) -> bool:
    """Whether a version lies in a range."""
    inside, has_limit, is_below_one = False, False, False
    for kind, text in events:
        if kind == "limit":
            has_limit, is_below_one = True, is_below_one or text == "*" or version < _version(text)
        elif kind == "introduced":
            inside = inside or text == FIRST or version >= _version(text)
        elif kind == "fixed":
            inside = inside and version < _version(text)
        else:
            inside = inside and version <= _version(text)
    return inside and (is_below_one or not has_limit)


def _version(text: str) -> Version:
    found = parsed(text)
    assert found is not None  # `_range` lets no other in
    return found


def fixed_in(affected: Collection[Affected], version: str) -> list[str]:
    """The versions above the one in use in which it is mended, the smallest first.

    A version that one range calls fixed and another still affected mends nothing. Of what is no version
    by PEP 440 nobody knows what is above it.
    """
    known = parsed(version)
    if known is None:
        return []
    said = {text for one in affected for events in one.ranges for kind, text in events if kind == "fixed"}
    above = {text for text in said if _version(text) > known}
    mended = sorted((text for text in above if not any(affects(one, text) for one in affected)), key=sort_key)
    return list({spelled(text): text for text in reversed(mended)}.values())[::-1]


# Records


def advisory(record: Any) -> Advisory:
    """What a record says. Raises BadAdvisory."""
    if not isinstance(record, dict):
        raise BadAdvisory("expected an object")
    trouble: list[str] = []
    affected = _affected(record.get("affected"), trouble)
    return Advisory(
        _id(record.get("id")),
        _moment(record.get("modified"), "modified"),
        _aliases(record.get("aliases")),
        _moment(record["published"], "published") if record.get("published") else None,
        record.get("withdrawn") is not None,
        _summary(record),
        _rating(record),
        affected,
        tuple(trouble),
    )


def _id(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_ID:
        raise BadAdvisory(f"id: expected a text of 1 to {LONGEST_ID} characters")
    return harmless(value.strip())


def _aliases(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MOST_ALIASES:
        raise BadAdvisory(f"aliases: expected a list of at most {MOST_ALIASES} ids")
    return tuple(_id(one) for one in value)


def _moment(value: Any, name: str) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise BadAdvisory(f"{name}: expected a time, as 2024-01-31T12:00:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _summary(record: Mapping[str, Any]) -> str:
    for name in ("summary", "details"):
        text = record.get(name)
        if isinstance(text, str) and text.strip():
            line = text.strip().splitlines()[0].lstrip("# ").strip()
            return harmless(line if len(line) <= LONGEST_SUMMARY else line[: LONGEST_SUMMARY - 1] + "…")
    return ""


def _rating(record: Mapping[str, Any]) -> Rating:
    """The word that its database says; else by the vectors, those of a single package as well."""
    own = record.get("database_specific")
    said = worded(own.get("severity")) if isinstance(own, dict) else "unknown"
    if said != "unknown":
        return said
    places = [record, *(one for one in _list(record.get("affected")) if isinstance(one, dict))]
    vectors = [
        one.get("score") for place in places for one in _list(place.get("severity")) if _is_object(one)
    ]
    return worst(*(rated(vector) for vector in vectors if isinstance(vector, str)))


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _affected(value: Any, trouble: list[str]) -> tuple[Affected, ...]:
    if value is not None and not isinstance(value, list):
        raise BadAdvisory("affected: expected a list")
    ranges: dict[str, list[Range]] = defaultdict(list)
    versions: dict[str, set[str]] = defaultdict(set)
    for place, entry in enumerate(value or ()):
        name = _package(entry, f"affected[{place}]")
        if name:
            ranges[name] += _ranges(entry.get("ranges"), f"affected[{place}]", trouble)
            versions[name] |= _versions(entry.get("versions"), f"affected[{place}]")
    return tuple(_least(name, ranges[name], versions[name]) for name in ranges)


def _package(entry: Any, place: str) -> str:
    """The package's name; empty for one of another ecosystem."""
    package = entry.get("package") if isinstance(entry, dict) else None
    if package is None and isinstance(entry, dict):
        return ""  # only commits of a repository
    if not isinstance(package, dict) or not isinstance(package.get("ecosystem"), str):
        raise BadAdvisory(f"{place}: expected a package with an ecosystem")
    if package["ecosystem"].partition(":")[0] != ECOSYSTEM:
        return ""
    name = package.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= 200:
        raise BadAdvisory(f"{place}: expected the package's name")
    return str(canonicalize_name(harmless(name)))


def _versions(value: Any, place: str) -> set[str]:
    if value is None:
        return set()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BadAdvisory(f"{place}.versions: expected a list of versions")
    return {spelled(harmless(one)) for one in value}


def _ranges(value: Any, place: str, trouble: list[str]) -> list[Range]:
    if value is not None and not isinstance(value, list):
        raise BadAdvisory(f"{place}.ranges: expected a list")
    found = []
    for number, said in enumerate(value or ()):
        here = f"{place}.ranges[{number}]"
        if not isinstance(said, dict) or not isinstance(said.get("events"), list):
            raise BadAdvisory(f"{here}: expected a type and events")
        if said.get("type") != "ECOSYSTEM":
            continue
        events = _events(said["events"], here)
        strange = [text for _kind, text in events if text not in (FIRST, "*") and parsed(text) is None]
        if strange:
            trouble.append(f"{here}: {harmless(strange[0])[:40]!r} is no version by PEP 440")
        else:
            found.append(in_order(events))
    return found


def _events(value: list[Any], place: str) -> list[Event]:
    found: list[Event] = []
    for event in value:
        if not isinstance(event, dict):
            raise BadAdvisory(f"{place}: expected events such as {{'introduced': '1.0'}}")
        for kind, text in event.items():
            if kind not in KINDS:
                continue
            if not isinstance(text, str) or (text == "*" and kind != "limit"):
                raise BadAdvisory(f"{place}: {kind}: expected a version")
            found.append((cast("Kind", kind), text))
    if not any(kind == "introduced" for kind, _text in found):
        raise BadAdvisory(f"{place}: expected an event `introduced`")
    return found


def in_order(events: Iterable[Event]) -> Range:
    """Events by their versions; those of one version stay as they came. `introduced: 0` is before all."""
    return tuple(sorted(events, key=_place))


def _place(event: Event) -> tuple[int, Version | None]:
    kind, text = event
    if text == "*" or (kind == "introduced" and text == FIRST):
        return (0 if text == FIRST else 2), None
    return 1, _version(text)


def _least(name: str, ranges: Sequence[Range], versions: Collection[str]) -> Affected:
    """Most lists only spell out what the ranges say: what they say more is little, and quick to read."""
    whole = Affected(name, tuple(dict.fromkeys(ranges)))
    return Affected(name, whole.ranges, frozenset(one for one in versions if not affects(whole, one)))


# One vulnerability under several names

PREFERRED = ("CVE-", "GHSA-", "PYSEC-")
"""Which id is shown of a vulnerability that was not shown before: trackers of operating systems know CVEs."""


def fold(advisories: Iterable[Advisory], shown: Collection[str] = ()) -> list[Vulnerability]:
    """The vulnerabilities that these are about, by their ids. Withdrawn advisories are left out: they join
    nothing either.

    `shown`: ids under which vulnerabilities were shown before. One keeps its id as long as it has it, so that
    a CVE that is assigned later changes nothing about what was acknowledged.
    """
    valid = [one for one in advisories if not one.withdrawn]
    joined = _Joined()
    for one in valid:
        for alias in one.aliases:
            joined.join(one.id, alias)
    members: dict[str, list[Advisory]] = defaultdict(list)
    names: dict[str, set[str]] = defaultdict(set)
    for one in valid:
        members[joined.root(one.id)].append(one)
        names[joined.root(one.id)] |= {one.id, *one.aliases}
    found = [_one(some, names[root], shown) for root, some in members.items()]
    return sorted(found, key=lambda one: one.id)


def _one(members: Sequence[Advisory], names: Collection[str], shown: Collection[str]) -> Vulnerability:
    first, *others = sorted(names, key=lambda name: (name not in shown, preference(name)))
    some = sorted(members, key=lambda one: preference(one.id))
    return Vulnerability(
        first,
        tuple(sorted(others, key=preference)),
        tuple(one.id for one in some),
        worst(*(one.rating for one in some)),
        next((one.summary for one in some if one.summary), ""),
    )


def preference(name: str) -> tuple[int, str]:
    """Orders ids: as PREFERRED, then all others; by their text within each."""
    kinds = (number for number, prefix in enumerate(PREFERRED) if name.startswith(prefix))
    return next(kinds, len(PREFERRED)), name


class _Joined:
    """Sets of names that are joined by and by."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def root(self, name: str) -> str:
        while (above := self._above.get(name, name)) != name:
            self._above[name] = self._above.get(above, above)  # the way is half as long next time
            name = above
        return name

    def join(self, one: str, other: str) -> None:
        # The smaller text becomes the root: the same whatever came first.
        low, high = sorted((self.root(one), self.root(other)))
        self._above[high] = low
