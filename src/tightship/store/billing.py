"""What runs of a thing, with the packages that it loaded: for bills of materials, and to freeze it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from tightship.fleet.report import Package
from tightship.store import sets
from tightship.store.errors import told
from tightship.store.listing import BadParams, Covers, View
from tightship.store.models import Application
from tightship.store.querying import covers
from tightship.store.things import Running, Thing, running, understood

MOST = 5_000
"""Process groups that one answer is about. A part would look like all; a bill of these takes minutes."""


class TooMany(BadParams):
    """It is more than one file can say."""


@dataclass(frozen=True, slots=True)
class Billed:
    """`ran`: each process group of an application, with the packages that it loaded (None: unread)."""

    thing: Thing
    ran: Sequence[tuple[Running, Sequence[Package] | None]]
    covers: Covers
    """of the one server that is asked about, or of all that may run the application"""
    owner: str = ""

    @property
    def is_server(self) -> bool:
        return not self.thing.application


def billed(text: str, view: View) -> Billed:
    """What of `text` ran at the moment of a view. Raises `UnknownThing`, `TooMany`."""
    thing = understood(text)
    with told():
        lines = cache(sets.lines_of)
        found = running(thing, view, MOST + 1)
        if len(found) > MOST:
            raise TooMany(f"{text} runs in more than {MOST} process groups: name a stage or a server")
        ran = [(one, lines(one.group.loaded) if one.group.loaded else None) for one in found]
        owner = Application.objects.filter(name=thing.application).values_list("owner", flat=True).first()
        return Billed(thing, ran, _narrowed(covers(view), thing.server), owner or "")


def _narrowed(whole: Covers, server: str) -> Covers:
    """What an answer about one server covers."""
    if not server:
        return whole
    return replace(
        whole,
        servers=1,
        silent=tuple(name for name in whole.silent if name == server),
        unread=tuple(name for name in whole.unread if name == server),
    )
