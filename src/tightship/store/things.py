"""What a text names: a server, an application, in a stage, on a server; and what of it runs.

It is written as `web1` (a server), `shop` (an application wherever it runs), `shop/acceptance` (in a stage),
`shop@web1` (on a server) or `shop/acceptance@web1`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from tightship.fleet.found import FoundGroup
from tightship.fleet.report import ProcessGroup
from tightship.fleet.text import harmless
from tightship.store import intervals, rows
from tightship.store.errors import told
from tightship.store.listing import BadParams, View
from tightship.store.models import Application, Server
from tightship.store.models import FoundGroup as GroupRow

MOST_GROUPS = 2_000
"""Process groups of an application that are read; more are beyond what anybody reads."""

MOST_READINGS = 4


class UnknownThing(BadParams):
    """Nothing of that name is known; the message says what is near."""


@dataclass(frozen=True, slots=True)
class Thing:
    server: str = ""
    application: str = ""
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """A process group of an application, and where it runs."""

    server: str
    group: FoundGroup
    since: datetime
    """when this state of it was first seen"""


def running(thing: Thing, view: View, most: int = MOST_GROUPS) -> list[Running]:
    """The process groups of applications that a thing stands for, `most` of them at most."""
    asked = {"application__name": thing.application, "server__name": thing.server}
    only: dict[str, str] = {name: value for name, value in asked.items() if value}
    if thing.stage is not None:
        only["stage"] = thing.stage
    found = GroupRow.objects.filter(intervals.at(view.at), kind="application", **only)
    columns = [field.attname for field in GroupRow._meta.concrete_fields]
    named = found.values(*columns, "application__name", "packages__digest", "loaded__digest", "server__name")
    return [
        Running(
            row["server__name"],
            rows.group_of(row, ProcessGroup.model_validate_json(row["data"])),
            row["since"],
        )
        for row in named.order_by("pk")[:most]
    ]


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
