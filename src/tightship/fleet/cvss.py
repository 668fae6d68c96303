"""How severe a vulnerability is, by its CVSS vector: the base score of versions 2 and 3. Pure.

Version 4 has no formula but a table of 270 entries; who publishes such a vector for Python says the word
(low to critical) beside it, and that is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Rating = Literal["critical", "high", "medium", "low", "unknown"]
RATINGS: tuple[Rating, ...] = get_args(Rating)
"""The worst first. Unknown: nobody said; it may be any of them."""

_WORDS: Mapping[str, Rating] = {
    "critical": "critical",
    "high": "high",
    "important": "high",
    "moderate": "medium",
    "medium": "medium",
    "low": "low",
}

_V3: Mapping[str, Mapping[str, float]] = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "PR": {"N": 0.85, "L": 0.62, "H": 0.27},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0},
    "I": {"H": 0.56, "L": 0.22, "N": 0},
    "A": {"H": 0.56, "L": 0.22, "N": 0},
}
_V3_CHANGED = {"L": 0.68, "H": 0.5}
"""privileges weigh more where the hole leads beyond what it is in"""

_V2: Mapping[str, Mapping[str, float]] = {
    "AV": {"N": 1.0, "A": 0.646, "L": 0.395},
    "AC": {"L": 0.71, "M": 0.61, "H": 0.35},
    "Au": {"N": 0.704, "S": 0.56, "M": 0.45},
    "C": {"C": 0.660, "P": 0.275, "N": 0},
    "I": {"C": 0.660, "P": 0.275, "N": 0},
    "A": {"C": 0.660, "P": 0.275, "N": 0},
}


def worded(text: object) -> Rating:
    """`MODERATE` -> `medium`."""
    return _WORDS.get(text.strip().lower(), "unknown") if isinstance(text, str) else "unknown"


def worst(*ratings: Rating) -> Rating:
    """The worst that is known."""
    return min(ratings, key=RATINGS.index, default="unknown")


def rated(vector: str) -> Rating:
    """What a vector's base score is called; `unknown` for what can't be reckoned."""
    score = base_score(vector)
    if score is None:
        return "unknown"
    is_old = not vector.startswith("CVSS:")
    for limit, name in ((4.0, "low"), (7.0, "medium"), (11.0 if is_old else 9.0, "high")):
        if score < limit:
            return worded(name)
    return "critical"


def base_score(vector: str) -> float | None:
    """0.0 to 10.0; None for a broken vector and for CVSS 4."""
    head, _slash, rest = vector.partition("/")
    try:
        if head in ("CVSS:3.0", "CVSS:3.1"):
            return _version3(_metrics(rest))
        return None if head.startswith("CVSS:") else _version2(_metrics(vector.strip("()")))
    except (KeyError, ValueError):
        return None


def _metrics(text: str) -> dict[str, str]:
    return dict(part.split(":", 1) for part in text.split("/") if part)


def _weights(table: Mapping[str, Mapping[str, float]], said: Mapping[str, str]) -> dict[str, float]:
    return {name: weights[said[name]] for name, weights in table.items()}


def _version3(said: Mapping[str, str]) -> float:
    weight, changed = _weights(_V3, said), {"C": True, "U": False}[said["S"]]
    if changed:
        weight["PR"] = _V3_CHANGED.get(said["PR"], weight["PR"])
    lost = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    impact = 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02) ** 15 if changed else 6.42 * lost
    if impact <= 0:
        return 0.0
    reach = 8.22 * weight["AV"] * weight["AC"] * weight["PR"] * weight["UI"]
    return _up(min((1.08 if changed else 1) * (impact + reach), 10))


def _up(score: float) -> float:
    """Up to one decimal, as CVSS 3.1 has it: floating point must not lift 4.0 to 4.1."""
    whole = round(score * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10


def _version2(said: Mapping[str, str]) -> float:
    weight = _weights(_V2, said)
    impact = 10.41 * (1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"]))
    reach = 20 * weight["AV"] * weight["AC"] * weight["Au"]
    return round((0.6 * impact + 0.4 * reach - 1.5) * (1.176 if impact else 0), 1)
