"""`diff`: servers, instances, stages and moments beside one another, as a listing.

What is compared is written as `web1` (a server), `shop` (an application wherever it runs), `shop/acceptance`
(in a stage), `shop@web1` (on a server) or `shop/acceptance@web1`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
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
from tightship.fleet.report import ProcessGroup
from tightship.fleet.text import harmless
from tightship.store import intervals, rows, sets
from tightship.store.errors import told
from tightship.store.listing import BadParams, Column, Filter, Listing, Page, Params, Row, View, check
from tightship.store.models import Application, Server
from tightship.store.models import FoundGroup as GroupRow
from tightship.store.querying import covers

MOST_GROUPS = 2_000
"""Process groups of an application that are read to compare it; more are beyond what anybody reads."""

MOST_READINGS = 4


class UnknownThing(BadParams):
    """Nothing of that name is known; the message says what is near."""


@dataclass(frozen=True, slots=True)
class Side:
    """One thing that is compared, at a moment of its own (None: that of the view)."""

    text: str
    at: datetime | None = None
    label: str = ""
    """how its column is called; empty: as it was typed"""


@dataclass(frozen=True, slots=True)
class Thing:
    server: str = ""
    application: str = ""
    stage: str | None = None


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
    return [group for _server, group in _placed(thing, view)]


def _placed(thing: Thing, view: View) -> list[tuple[str, FoundGroup]]:
    """The process groups of an application, each with its server's name."""
    only: dict[str, str] = {"application__name": thing.application}
    if thing.server:
        only["server__name"] = thing.server
    if thing.stage is not None:
        only["stage"] = thing.stage
    found = GroupRow.objects.filter(intervals.at(view.at), kind="application", **only)
    columns = [field.attname for field in GroupRow._meta.concrete_fields]
    named = found.values(*columns, "application__name", "packages__digest", "loaded__digest", "server__name")
    return [
        (row["server__name"], rows.group_of(row, ProcessGroup.model_validate_json(row["data"])))
        for row in named.order_by("pk")[:MOST_GROUPS]
    ]


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
        for server, group in _placed(Thing(application=application), view):
            by_place.setdefault(group.stage, {}).setdefault(server, []).append(group)
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


def understood(text: str) -> Thing:
    """What a text names. A server is tried first, then an application. Raises `UnknownThing`."""
    text = harmless(text)  # as names are kept
    with told():
        if Server.objects.filter(name=text).exists():
            return Thing(server=text)
        for thing in _readings(text):
            if _is_known(thing):
                return thing
        raise UnknownThing(_unknown(text))


def _readings(text: str) -> list[Thing]:
    """How a text may be read; names may hold a / or a @ themselves."""
    places = [place for place, character in enumerate(text) if character == "@"][:MOST_READINGS]
    split = [(text, ""), *((text[:place], text[place + 1 :]) for place in places)]
    found = [Thing(server, application) for application, server in split]
    for whole, server in split:
        application, slash, stage = whole.rpartition("/")
        if slash and application:
            found.append(Thing(server, application, stage))
    return found


def _is_known(thing: Thing) -> bool:
    if thing.server and not Server.objects.filter(name=thing.server).exists():
        return False
    of = GroupRow.objects.filter(application__name=thing.application)
    if thing.stage is not None:
        return of.filter(stage=thing.stage).exists()
    return Application.objects.filter(name=thing.application).exists()


def _unknown(text: str) -> str:
    servers = Server.objects.values_list("name", flat=True)
    applications = Application.objects.values_list("name", flat=True)
    wanted = text.rpartition("@")[2] or text
    near = get_close_matches(wanted, [*servers[:20_000], *applications[:20_000]], 3, 0.6)
    hint = f"; near: {', '.join(near)}" if near else ""
    return (
        f"nothing is known as {text[:80]!r}{hint}. Expected a server (web1), an application (shop), "
        "one in a stage (shop/acceptance) or on a server (shop@web1)"
    )
