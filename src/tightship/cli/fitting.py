"""How wide each column of a table is, so that the table fits the terminal. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

GAP = 2
"""Spaces between columns."""

NARROWEST = 24
"""A text is not folded to less than this; rather a later column is left out."""


def widths(natural: Sequence[int], space: int, keys: Collection[int] = (0,)) -> list[int]:
    """The width of each column within `space` characters; 0: left out.

    `natural` are the widths without folding. Narrow columns stay whole, wide ones share what
    is left. Where even that does not fit, columns are left out from the end, never one whose
    place is in `keys`.
    """
    kept = list(range(len(natural)))
    for place in reversed(range(len(natural))):
        if _least([natural[i] for i in kept]) <= space:
            break
        if place not in keys:
            kept.remove(place)
    shared = dict(zip(kept, _shared([natural[i] for i in kept], space), strict=True))
    return [shared.get(place, 0) for place in range(len(natural))]


def _least(natural: Sequence[int]) -> int:
    return sum(min(width, NARROWEST) for width in natural) + GAP * (len(natural) - 1)


def _shared(natural: Sequence[int], space: int) -> list[int]:
    """Widths below one common limit, the largest that fits: `natural` where that is narrower."""
    free = space - GAP * (len(natural) - 1)
    limit = max(natural, default=0)
    if sum(natural) > free:
        limit = _limit(sorted(natural), free)
    found = [min(width, max(limit, 1)) for width in natural]
    _give_rest(found, natural, free)
    return found


def _limit(ascending: Sequence[int], free: int) -> int:
    """The largest width w with sum(min(width, w)) <= free."""
    for done, width in enumerate(ascending):
        left = len(ascending) - done
        if width * left > free:
            return free // left
        free -= width
    return ascending[-1] if ascending else 0


def _give_rest(found: list[int], natural: Sequence[int], free: int) -> None:
    """Hand out what the division left over."""
    rest = free - sum(found)
    for place, width in enumerate(natural):
        if rest > 0 and found[place] < width:
            found[place] += 1
            rest -= 1
