"""Bars: how something is spread, drawn beside the words that say the same. Pure.

SVG with attributes only: our headers allow no styles within a page, and a printer leaves backgrounds out.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.safestring import SafeString

WIDTH = 100
SHADES = 4
"""Parts that can be told apart; what is behind them is drawn as one."""


def spread(numbers: Sequence[int]) -> SafeString:
    """One bar of several parts, in their order; nothing where there is only one."""
    if len(numbers) < 2 or not sum(numbers):
        return SafeString("")
    parts = [*numbers[:SHADES], *([sum(numbers[SHADES:])] if numbers[SHADES:] else [])]
    drawn, begin, total = [], 0.0, sum(parts)
    for shade, number in enumerate(parts):
        width = WIDTH * number / total
        drawn.append(_part(f"shade{shade}", begin, width))
        begin += width
    return _bar("spread", "".join(drawn))


def share(number: int, total: int) -> SafeString:
    """One bar: how much of the whole."""
    width = WIDTH * number / total if total else 0
    return _bar("share", _part("rest", 0, WIDTH) + _part("shade0", 0, width))


def _part(look: str, begin: float, width: float) -> str:
    return f'<rect class="{look}" x="{begin:.4g}" width="{width:.4g}" height="8"/>'


def _bar(look: str, inside: str) -> SafeString:
    return SafeString(
        f'<svg class="bar {look}" viewBox="0 0 {WIDTH} 8" width="{WIDTH}" height="8"'
        f' preserveAspectRatio="none" aria-hidden="true">{inside}</svg>'
    )
