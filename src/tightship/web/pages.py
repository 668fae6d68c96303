"""The pages about one thing each, and the overview. What they say comes from the store's `details`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import wraps
from itertools import groupby, pairwise
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tightship.fleet.moments import BadMoment
from tightship.fleet.report import Evidence, Stale, Unread
from tightship.store import builds, details, findings, indexed, retiring
from tightship.store.comparing import apart
from tightship.store.errors import StoreError
from tightship.store.listing import Params
from tightship.store.listings import LISTINGS
from tightship.store.listings.places import taken_on
from tightship.store.querying import covers
from tightship.store.using import at_rest, who_uses
from tightship.web import commands, facts, links, sentences, table
from tightship.web.asked import Asked, asked, context
from tightship.web.embedding import Embedded, embedded, part
from tightship.web.linked import linked
from tightship.web.portmap import strips
from tightship.web.problems import sorry, unable
from tightship.web.timeline import MOST as LINES
from tightship.web.timeline import events
from tightship.web.words import WORDS

AT_A_GLANCE = 40
"""Instances on the overview."""

FEW = 12
"""Rows of a list on a page that has several; the whole of it is a click away."""

ON_THE_WALL = 6
"""Events that can be read from three metres."""

USERS = 25
"""Process groups on the page of a package; all of them are a click away."""

MOST_APART = 30
"""Facts in which the servers of an application differ, on its page."""

NEAR = 2
"""Characters of a name that others must have to be looked at at all."""

Said = Callable[..., dict[str, Any]]


def page(template: str) -> Callable[[Said], Callable[..., HttpResponse]]:
    """Makes a page of a function that gives what `template` shows, for the moment that is asked."""

    def decorate(said: Said) -> Callable[..., HttpResponse]:
        @require_safe
        @wraps(said)
        def view(request: HttpRequest, **names: Any) -> HttpResponse:
            try:
                given = asked(request)
                return render(request, template, context(request, given, **said(given, **names)))
            except BadMoment as error:
                return sorry(request, 400, str(error), back=(request.path, "The same page, as it is now"))
            except StoreError as error:
                return unable(request, error)
            except Moved as error:
                return HttpResponseRedirect(error.address)
            except Unknown as error:
                return sorry(request, 404, str(error), **error.ways)

        return view

    return decorate


class Moved(Exception):
    """What a page was asked about is called otherwise now."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


class Unknown(Exception):
    """What a page was asked about was never heard of; `ways` leads to what is near."""

    def __init__(self, why: str, ways: Mapping[str, Any]) -> None:
        super().__init__(why)
        self.ways = ways


def _unknown(given: Asked, name: str, listing: str, thing: str) -> Unknown:
    """No such thing: with the way to all, and to those whose names have a part of it."""
    then = " at that moment" if given.at else ""
    parts = sorted(re.split(r"[^0-9A-Za-z]+", name), key=len)
    page = LISTINGS[listing].page(given.view, Params(query=parts[-1][:NEAR], size=200)) if parts[-1] else None
    found = get_close_matches(name[:200], [str(row[thing]) for row in page.rows] if page else [], 5, 0.5)
    return Unknown(
        f"No {thing} named {table.cut(name)!r} is known{then}.",
        {
            "back": (given.here(f"/{listing}"), f"All {WORDS[listing].many}"),
            "near": [(links.to(thing, one, given.at), table.cut(one)) for one in found],
        },
    )


def _gone(given: Asked, what: str, listing: str) -> Unknown:
    return Unknown(
        f"This {what} is not known.", {"back": (given.here(f"/{listing}"), f"All {WORDS[listing].many}")}
    )


@page("web/overview.html")
def overview(given: Asked) -> dict[str, Any]:
    figures = details.overview(given.view)
    instances = LISTINGS["instances"].page(given.view, Params(size=AT_A_GLANCE))
    return {
        "title": "What runs where?",
        "figures": figures,
        "covers": figures.covers,
        "answer": sentences.overview(figures),
        **_needs_you(given),
        "applications": _by_application(given, instances.rows),
        "staged": any(row["stage"] for row in instances.rows),
        "rest": instances.total - len(instances.rows),
        **_happened(given, {}, 12),
        "empty": WORDS["applications" if figures.covers.servers else "servers"],
    }


EVERY = 60
"""Seconds after which a screen on the wall asks anew."""


@page("web/radiator.html")
def radiator(given: Asked) -> dict[str, Any]:
    figures = details.overview(given.view)
    return {
        "title": "On the wall",
        "seconds": EVERY,
        "figures": figures,
        "answer": sentences.overview(figures),
        **_needs_you(given),
        **_happened(given, {}, ON_THE_WALL, lines=2),
    }


def _happened(given: Asked, only: Mapping[str, str], most: int, lines: int = LINES) -> dict[str, Any]:
    """The newest events, and the way to all changes."""
    newest = LISTINGS["changes"].page(given.view, Params(size=most * 6, filters=only, counted=False))
    shown = events(newest.rows, lines)[:most]
    return {"events": shown, "all_changes": given.here("/changes", **only) if newest.total else ""}


def _needs_you(given: Asked) -> dict[str, Any]:
    """What needs somebody now, the worst first, and where all of it stands."""
    found = findings.summary(given.view)
    return {
        "needs": [
            {
                "one": one,
                "href": given.here("/findings", kind=one.kind, severity=one.severity, acknowledged="no"),
                "more": one.number - len(one.subjects),
            }
            for one in found.counted
        ],
        "acknowledged": found.acknowledged,
    }


def _found(given: Asked, only: Mapping[str, str], most: int = 8, without: str = "") -> dict[str, Any]:
    """The findings about something, those that count first; `without`: a kind that the page has elsewhere."""
    of = {f"{thing}__name": name for thing, name in only.items()}
    rows, total = findings.about(given.view, most, without, **of)
    return {
        "findings": {
            "rows": rows,
            "all": given.here("/findings", **only) if total > len(rows) else "",
            "more": f"All {WORDS['findings'].counted(total)}",
        }
    }


def _by_application(given: Asked, rows: Sequence[Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    address = linked(given)
    drawn = [
        {
            **row,
            "href": address("instance", "", row),
            "ports": row["ports"][:6],
            "more": len(row["ports"][6:]),
        }
        for row in rows
    ]
    return [(name, list(some)) for name, some in groupby(drawn, key=lambda row: str(row["application"]))]


def _compared_stages(given: Asked, name: str, stages: Sequence[str]) -> list[tuple[str, str]]:
    """(words, address) of each stage beside the next: where does acceptance differ from production?"""
    return [
        (
            f"{a or 'no stage'} beside {b or 'no stage'}",
            given.here("/diff", a=f"{name}/{a}", b=f"{name}/{b}"),
        )
        for a, b in pairwise(stages)
    ]


@page("web/application.html")
def application(given: Asked, name: str) -> dict[str, Any]:
    found = details.application(given.view, name)
    if found is None:
        raise _unknown(given, name, "applications", "application")
    only = {"application": name}
    return {
        "title": f"Where does {table.cut(name)} run?",
        "subject": name,
        "found": found,
        "covers": covers(given.view),
        "answer": sentences.application(found),
        "facts": facts.of_application(found.described),
        "apart": apart(given.view, name)[:MOST_APART],
        "stages": _compared_stages(given, name, [stage.stage for stage in found.stages]),
        **_found(given, only, without="vulnerable"),
        "instances": embedded(given, "instances", "Instances", "It does not run.", filters=only),
        "lists": [
            embedded(given, "groups", "Process groups", "None.", filters=only, size=FEW),
            embedded(given, "ports", "Ports", "It listens on no port.", filters=only, size=FEW),
            embedded(
                given,
                "sites",
                "Sites",
                "No web server hands requests to it, as far as was seen.",
                filters=only,
                size=FEW,
            ),
            _vulnerabilities(given, only),
            *_newer(given, only),
            embedded(given, "packages", "Packages", "None were read.", filters=only),
        ],
        **_happened(given, only, 15),
    }


def _newer(given: Asked, only: Mapping[str, str]) -> list[Embedded]:
    """What is newer than what an application uses, where the package indexes were asked."""
    if given.view.at or not given.view.once("indexed", indexed.state).packages:
        return []
    nothing = "Nothing newer is known."
    return [embedded(given, "outdated", "Outdated packages", nothing, filters=only, size=FEW)]


def _vulnerabilities(given: Asked, only: Mapping[str, str]) -> Embedded:
    """The worst vulnerabilities of something; where advisories lack there is no all-clear."""
    said = "No advisory that is known here is about a version that is in use."
    # In how many places each is, its own list counts.
    params = Params(size=FEW, filters=only, counted=False)
    page = LISTINGS["vulnerabilities"].page(given.view, params)
    none = "That can’t be said." if page.covers.lacking else said
    return part(given, page, "Vulnerabilities", none, given.here("/vulnerabilities", **only), tuple(only))


@page("web/server.html")
def server(given: Asked, name: str) -> dict[str, Any]:
    found = details.server(given.view, name)
    if found is None:
        if now := retiring.called_now(name):
            raise Moved(links.to("server", now, given.at))
        raise _unknown(given, name, "servers", "server")
    only = {"server": name}
    return {
        "title": f"What runs on {table.cut(name)}?",
        "subject": name,
        "server": found,
        "answer": sentences.server(found),
        "facts": facts.of_server(found),
        **_found(given, only),
        "unread": _not_read(found.found.unread, found.live.abandoned if found.live else ()),
        "strips": strips(taken_on(given.view, name)),
        "passing": found.live.passing if found.live else (),
        "applications": embedded(
            given,
            "groups",
            "Applications",
            "No Python application was found here.",
            filters={**only, "kind": "application"},
            size=50,
        ),
        "lists": [
            embedded(given, "ports", "Ports", "Nothing listens here.", filters=only, size=50),
            embedded(
                given, "sites", "Sites", "No nginx or Apache configuration was found here.", filters=only
            ),
            embedded(
                given,
                "groups",
                "The operating system's own",
                "No other Python process groups.",
                filters={**only, "kind": "system"},
            ),
            embedded(given, "environments", "Environments", "No environment was found here.", filters=only),
            _vulnerabilities(given, only),
            embedded(given, "packages", "Packages", "None were read.", filters=only),
        ],
        **_happened(given, only, 15),
    }


@page("web/group.html")
def group(given: Asked, number: int) -> dict[str, Any]:
    found = details.group(given.view, number)
    if found is None:
        raise _gone(given, "process group", "groups")
    environment = details.environment(given.view, found.environment_id) if found.environment_id else None
    is_known = environment is not None and environment.environment.packages is not None
    process = found.found.group
    unread = [*process.unread, *(environment.environment.unread if environment else ())]
    return {
        "title": sentences.group_question(found),
        "found": found,
        "process": process,
        "answer": sentences.group(found, len(environment.packages) if environment and is_known else None),
        "facts": facts.of_group(found, given),
        "findings": {"rows": _about(given, found)},
        "maybe": _maybe_stale(found),
        "evidence": _evidence(process.how),
        "conflict": [*_evidence(process.conflict), *_set_aside(found.found.set_aside)],
        "unread": _not_read(list(dict.fromkeys(unread))),
        "packages": environment.packages if environment else (),
    }


def _about(given: Asked, found: details.GroupDetail) -> list[Any]:
    """The findings about a process group as it is at the moment that is asked."""
    if found.until:
        return []
    own = found.found
    return findings.of_group(given.view, found.server, own.key, own.application, own.stage, own.base)


@page("web/finding.html")
def finding(given: Asked, number: int) -> dict[str, Any]:
    found = findings.finding(given.view, number)
    if found is None:
        raise _gone(given, "finding", "findings")
    row = found.row
    return {
        "title": f"{table.cut(str(row['subject']))} {row['finding']}",
        "found": found,
        "row": row,
        "covers": covers(given.view),
        "acknowledge": sentences.acknowledging(row),
    }


@page("web/buildout.html")
def buildout(given: Asked, number: int) -> dict[str, Any]:
    found = builds.build(given.view, number)
    if found is None:
        raise _gone(given, "buildout", "buildouts")
    return {
        "title": f"What was {table.cut(found.name)} built from?",
        "found": found,
        "answer": sentences.buildout(found),
        "facts": facts.of_buildout(found),
    }


@page("web/environment.html")
def environment(given: Asked, number: int) -> dict[str, Any]:
    found = details.environment(given.view, number)
    if found is None:
        raise _gone(given, "environment", "environments")
    return {
        "title": f"What is in {table.cut(found.environment.key)}?",
        "found": found,
        "environment": found.environment,
        "answer": sentences.environment(found),
        "facts": facts.of_environment(found, given),
        "evidence": _evidence(found.environment.how),
        "unread": _not_read(found.environment.unread),
        "packages": found.packages,
    }


@page("web/package.html")
def package(given: Asked, name: str) -> dict[str, Any]:
    found = details.package(given.view, name)
    if found is None:
        raise _unknown(given, name, "packages", "package")
    running = {"kind": "application"}
    users = who_uses(name).page(given.view, Params(size=USERS, filters=running))
    return {
        "title": f"Who uses {table.cut(name)}?",
        "subject": name,
        "found": found,
        "covers": users.covers,
        "command": commands.who_uses(name, given.at),
        "answer": sentences.package(found),
        "newest": sentences.newest(found),
        "versions": [(use, sentences.newer(use)) for use in found.versions],
        "behind": any(use.newer for use in found.versions),
        "dated": any(use.first for use in found.versions),
        "gone": found.gone,
        "all_groups": sum(use.groups for use in found.versions),
        "vulnerabilities": _vulnerabilities(given, {"package": name}),
        "users": part(
            given,
            users,
            "Process groups",
            "No application that runs has it on its import path.",
            links.users(name, given.at, **running),
        ),
        "resting": part(given, at_rest(name).page(given.view, Params(size=100)), "At rest", "", "")
        if users.beside.get("at rest")
        else None,
        "buildouts": embedded(given, "buildouts", "Buildouts", "", filters={"package": name})
        if users.beside.get("in buildouts")
        else None,
        **_happened(given, {"package": name}, 15),
    }


def _maybe_stale(found: details.GroupDetail) -> list[Stale]:
    """Signs that say more than what is certain already."""
    certain = {one.package for one in found.stale}
    return [one for one in found.found.group.stale if one.what not in certain]


def _evidence(given: Sequence[Evidence]) -> list[dict[str, str]]:
    return [{"what": one.what, "how": one.how, "value": one.value} for one in given]


def _set_aside(claim: str) -> list[dict[str, str]]:
    """What else was declared to recognise a process group."""
    return [{"what": "name", "how": "declared", "value": claim}] if claim else []


def _not_read(*some: Sequence[Unread]) -> list[Unread]:
    return [one for group in some for one in group]
