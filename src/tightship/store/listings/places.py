"""Where requests come in: ports and sites."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Literal

from django.db.models import Q, QuerySet

from tightship.fleet import ports
from tightship.store.intervals import at
from tightship.store.listing import BadParams, Column, Filter, Params, Row, View
from tightship.store.listings.signs import APPLICATION, SERVER, is_silent
from tightship.store.models import FoundListener, FoundSite
from tightship.store.querying import Queried


def _listeners(view: View) -> QuerySet[FoundListener]:
    return FoundListener.objects.filter(at(view.at))


def _listener_rows(view: View, listeners: Sequence[FoundListener], _params: Params) -> list[Row]:
    return [
        {
            "port": listener.port or None,
            "server": listener.server.name,
            "application": listener.application.name if listener.application else "",
            "stage": listener.stage,
            "program": listener.program,
            "listens": listener.path or listener.address,
            "since": listener.since,
            "signs": ["silent"] if is_silent(listener.server, view) else [],
        }
        for listener in listeners
    ]


MOST_TAKEN = 40
"""Runs of ports that are written out."""


def taken_on(view: View, server: str) -> Mapping[int, ports.Taken]:
    """The ports of a server that are not free, and by whom they are taken; once for a view."""
    return view.once(f"ports of {server}", lambda: _taken_on(view, server))


def _taken_on(view: View, server: str) -> Mapping[int, ports.Taken]:
    sites = FoundSite.objects.filter(at(view.at), server__name=server).values_list("to", "name")
    found = {port: ports.Taken(name, "promised") for to, name in sites if (port := ports.promised(to))}
    listeners = _listeners(view).filter(server__name=server, port__gt=0).order_by("application_id")
    for port, application, program in listeners.values_list("port", "application__name", "program"):
        # An application is worth more than the web server that listens on another address of the same port.
        if application or port not in found or found[port].how != "application":
            how: Literal["application", "program"] = "application" if application else "program"
            found[port] = ports.Taken(application or program, how)
    return found


def _free(view: View, params: Params) -> list[str]:
    """What is free on the one server that is asked for."""
    name = params.filters.get("server", "")
    taken = taken_on(view, name) if name else {}
    if not taken:
        return []
    next_ones = ports.free(taken.keys(), [port for port, who in taken.items() if who.how != "program"])
    written = ports.runs(taken).split(", ")
    more = f" and {len(written) - MOST_TAKEN} more" if len(written) > MOST_TAKEN else ""
    return [
        f"The next free ports: {', '.join(map(str, next_ones))}.",
        f"Taken: {', '.join(written[:MOST_TAKEN])}{more}.",
    ]


PORTS = Queried(
    "ports",
    "Ports",
    (
        Column("port", "Port", "number"),
        Column("server", "Server", thing="server"),
        Column("application", "Application", thing="application"),
        Column("stage", "Stage"),
        Column("program", "Program"),
        Column("listens", "Listens on", help="address, or path of a unix socket"),
        Column("signs", "Signs", "list", sortable=False),
        Column("since", "Since", "time"),
    ),
    (
        Filter("port", "Port"),
        SERVER,
        APPLICATION,
        Filter("program", "Program"),
        Filter("protocol", "Protocol", choices=("tcp", "unix")),
    ),
    _listeners,
    _listener_rows,
    {
        "port": "port",
        "server": "server__name",
        "application": "application__name",
        "stage": "stage",
        "program": "program",
        "listens": "address",
        "since": "since",
    },
    {
        "port": lambda port, _view: Q(port=number("port", port)),
        "server": "server__name",
        "application": "application__name",
        "program": "program",
        "protocol": "protocol",
    },
    ("server__name", "application__name", "wording__text"),
    ("server__name", "-protocol", "port", "path"),
    notes=_free,
    joined=("application", "server"),
    tally="listeners",
)


def number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        raise BadParams(f"filter {name!r}: expected a number, got {text[:20]!r}")
    return int(text)


def yes_or_no(name: str, text: str) -> bool:
    if text not in ("yes", "no"):
        raise BadParams(f"filter {name!r}: expected yes or no, got {text[:20]!r}")
    return text == "yes"


def _who_answers(site: FoundSite) -> str:
    """In words, what stands where a site hands its requests."""
    if not site.to:
        return "the web server itself"
    if site.group:
        return "an application" if site.application_id else "a process group"
    if site.to.startswith("wsgi:"):
        return "mod_wsgi"
    is_here = site.to.startswith(("/", "127.", "localhost:", "[::1]:"))
    return "nothing known listens there" if is_here else "elsewhere"


SITES = Queried(
    "sites",
    "Sites",
    (
        Column("site", "Site"),
        Column("server", "Server", thing="server"),
        Column("ports", "Ports", sortable=False),
        Column("to", "Handed to", sortable=False),
        Column("application", "Application", thing="application"),
        Column("answers", "Who answers", sortable=False),
        Column("web_server", "Web server"),
        Column("since", "Since", "time"),
    ),
    (SERVER, APPLICATION),
    lambda view: FoundSite.objects.filter(at(view.at)),
    lambda _view, sites, _params: [
        {
            "site": site.name,
            "server": site.server.name,
            "ports": " ".join(str(port) for port in json.loads(site.data).get("ports", ())),
            "to": site.to,
            "application": site.application.name if site.application else "",
            "answers": _who_answers(site),
            "web_server": site.web_server,
            "since": site.since,
        }
        for site in sites
    ],
    {
        "site": "name",
        "server": "server__name",
        "application": "application__name",
        "web_server": "web_server",
        "since": "since",
    },
    {"server": "server__name", "application": "application__name"},
    ("name", "server__name", "to"),
    ("name", "server__name"),
    joined=("application", "server"),
)
