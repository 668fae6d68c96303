"""`diff`: servers, instances, stages and moments beside one another, as a listing.

What is compared is written as `web1` (a server), `shop` (an application wherever it runs), `shop/acceptance`
(in a stage), `shop@web1` (on a server) or `shop/acceptance@web1`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from tightship.fleet.comparing import (
    Alike,
    Difference,
    Facts,
    Packages,
    alike_as,
    differences,
    of_groups,
    of_server,
)
from tightship.fleet.found import FoundGroup
from tightship.store import intervals, rows, sets
from tightship.store.errors import told
from tightship.store.listing import Column, Filter, Listing, Page, Params, Row, View, check
from tightship.store.models import Server
from tightship.store.querying import covers
from tightship.store.things import Thing, running, understood


@dataclass(frozen=True, slots=True)
class Side:
    """One thing that is compared, at a moment of its own (None: that of the view)."""

    text: str
    at: datetime | None = None
    label: str = ""
    """how its column is called; empty: as it was typed"""


@dataclass(frozen=True, slots=True)
class Compared(Listing):
    """The listing of what differs between two sides or more. Raises `UnknownThing` when it is asked."""

    sides: Sequence[Side]
    name: str = "diff"
    title: str = "What differs"
    filters: Sequence[Filter] = (Filter("what", "What", "Only this: package, port, release, ..."),)

    @property
    def columns(self) -> Sequence[Column]:  # type: ignore[override] # a property serves as well as a field
        return (
            Column("what", "What", sortable=False),
            Column("subject", "Of", sortable=False),
            *(
                Column(_name(place), side.label or side.text, sortable=False)
                for place, side in enumerate(self.sides)
            ),
        )

    def page(self, view: View, params: Params) -> Page:
        check(self, params)
        with told():
            found = [_row(one) for one in self.differences(view) if _asked_for(one, params)]
            start = (params.page - 1) * params.size
            return Page(self, params, view, found[start : start + params.size], len(found), covers(view))

    def differences(self, view: View) -> list[Difference]:
        packages = cache(sets.lines_of)
        return differences([_facts(side, view, packages) for side in self.sides])


def _name(place: int) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[place]


def _row(one: Difference) -> Row:
    return {
        "what": one.what,
        "subject": one.subject,
        **{_name(place): value for place, value in enumerate(one.values)},
    }


def _asked_for(one: Difference, params: Params) -> bool:
    words = params.query.casefold().split()
    text = f"{one.what} {one.subject} {' '.join(one.values)}".casefold()
    return params.filters.get("what", one.what) == one.what and all(word in text for word in words)


def _facts(side: Side, view: View, packages: Packages) -> Facts:
    seen_from = replace(view, at=side.at or view.at)
    thing = understood(side.text)
    if thing.application:
        return of_groups(_groups(thing, seen_from), packages)
    server = Server.objects.get(name=thing.server)
    if server.first_seen > seen_from.moment:
        return {}
    found = rows.known(server, intervals.read(server, seen_from.at), seen_from.at)
    return of_server(found, packages)


def _groups(thing: Thing, view: View) -> list[FoundGroup]:
    return [one.group for one in running(thing, view)]


@dataclass(frozen=True, slots=True)
class Apart:
    """A fact that is not the same on all servers of an application, within a stage."""

    stage: str
    what: str
    subject: str
    values: Sequence[tuple[str, Sequence[str]]]
    """(value, the servers that have it), the most frequent first; an empty value: it is not there"""


def apart(view: View, application: str) -> list[Apart]:
    """In what the servers of an application differ. Stages may differ: they are not held against another."""
    with told():
        by_place: dict[str, dict[str, list[FoundGroup]]] = {}
        for one in running(Thing(application=application), view):
            by_place.setdefault(one.group.stage, {}).setdefault(one.server, []).append(one.group)
        packages = cache(sets.lines_of)
        return [
            one for stage, by_server in sorted(by_place.items()) for one in _apart(stage, by_server, packages)
        ]


def _apart(stage: str, by_server: Mapping[str, Sequence[FoundGroup]], packages: Packages) -> list[Apart]:
    """What differs between the servers of one stage. Four hundred of them run a dozen different things."""
    alike: dict[Alike, list[str]] = {}
    for server in sorted(by_server):
        alike.setdefault(alike_as(by_server[server]), []).append(server)
    servers = list(alike.values())
    facts = [of_groups(by_server[names[0]], packages) for names in servers]
    return [_told_apart(stage, one, servers) for one in differences(facts)]


def _told_apart(stage: str, one: Difference, servers: Sequence[Sequence[str]]) -> Apart:
    having: dict[str, list[str]] = {}
    for names, value in zip(servers, one.values, strict=True):
        having.setdefault(value, []).extend(names)
    ordered = sorted(having.items(), key=lambda item: (-len(item[1]), item[0]))
    return Apart(stage, one.what, one.subject, [(value, sorted(names)) for value, names in ordered])
