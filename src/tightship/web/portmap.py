"""The ports of one server, drawn: a hundred to a strip, so that gaps are seen. Pure.

What it shows stands in words beside it, too; as with `bars`, SVG with attributes only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tightship.fleet import ports
from tightship.fleet.ports import Taken
from tightship.web.table import cut

CELL = 10
_WORDS = {
    "application": "{port}: {by}",
    "program": "{port}: {by}, no application that is known",
    "promised": "{port}: {by} hands its requests here, and nobody listens",
}


@dataclass(frozen=True, slots=True)
class Strip:
    """`first` to `last`, drawn."""

    first: int
    last: int
    drawing: SafeString


def strips(taken: Mapping[int, Taken]) -> list[Strip]:
    """The hundreds that matter on a server; nothing where no application listens."""
    return [Strip(block[0], block[-1], _strip(block, taken)) for block in ports.blocks(taken)]


def _strip(block: range, taken: Mapping[int, Taken]) -> SafeString:
    here = [port for port in block if port in taken]
    cells = format_html_join(
        "",
        '<rect class="{}" x="{}" width="{}" height="{}"><title>{}</title></rect>',
        ((taken[port].how, (port - block[0]) * CELL, CELL, CELL, _said(port, taken[port])) for port in here),
    )
    width = len(block) * CELL
    return format_html(
        '<svg class="ports" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="free" width="{}" height="{}"/>{}</svg>',
        width,
        CELL,
        f"Taken of {block[0]} to {block[-1]}: {ports.runs(here)}",
        width,
        CELL,
        cells,
    )


def _said(port: int, who: Taken) -> str:
    return _WORDS[who.how].format(port=port, by=cut(who.by) or "a program of no known name")
