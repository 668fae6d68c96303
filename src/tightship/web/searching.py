"""The one box: what was found as a page, as the list below the box while somebody types, and as JSON."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tightship.fleet.moments import BadMoment
from tightship.store.errors import StoreError
from tightship.store.search import Found, Group, Thing, search, search_covered, to_json
from tightship.web import links, table
from tightship.web.asked import Asked, asked, context
from tightship.web.problems import for_programs, problem, sorry, unable

WHILE_TYPING = 4
"""Things of one kind below the box."""
ON_A_PAGE = 25
LONGEST = 1_000
"""Characters of a text that are looked at at all."""

EXAMPLES = (
    ("Applications", "shop", "by name; also by owner, or by label: customer=acme"),
    ("Servers", "web3", "by name, or a part of it"),
    ("Sites", "shop.example.com", "the names that web servers answer to; an address may be pasted whole"),
    ("Ports", "8001", "who listens on it; web3:8001 says whether it is free there"),
    ("Packages", "django 4.2", "by name, with or without a version"),
    ("Releases", "shop 2.4.1", "where it runs"),
)


def _text(request: HttpRequest) -> str:
    return request.GET.get("q", "")[:LONGEST]


@require_safe
def page(request: HttpRequest) -> HttpResponseBase:
    """All that was found, as a page whose address can be kept."""
    try:
        given = asked(request)
        found = search_covered(given.view, _text(request), ON_A_PAGE)
    except BadMoment as error:
        return sorry(request, 400, str(error), back=("/search", "Search, as it is now"))
    except StoreError as error:
        return unable(request, error)
    return render(request, "web/search.html", context(request, given, **_drawn(found, given)))


def _drawn(found: Found, given: Asked) -> dict[str, Any]:
    called = f"What is called “{table.cut(found.text)}”?"
    return {
        "title": called if found.text else "What are you looking for?",
        "find_text": found.text,
        "text": found.text,
        "answer": _answer(found),
        "covers": found.covers,
        "groups": [_group(group, given) for group in found.groups],
        "examples": EXAMPLES,
    }


def _answer(found: Found) -> str:
    if not found.text:
        return "The box above finds whatever has a name. One wrong letter in a word is forgiven."
    if not found.groups:
        return "Nothing that is known, also not with one letter changed."
    if found.near:
        return f"Nothing is called exactly so. Near it: {_counted(found)}."
    return f"{_counted(found)}."


def _counted(found: Found) -> str:
    at_least = any(group.at_least for group in found.groups)
    things = "thing" if found.total == 1 else "things"
    return f"{found.total}{' or more' if at_least else ''} {things}"


def _group(group: Group, given: Asked) -> dict[str, Any]:
    more = f"{group.more}{' or more' if group.at_least else ''} more" if group.more else ""
    return {
        "kind": group.kind,
        "title": group.title,
        "things": [_thing(thing, given) for thing in group.things],
        "more_said": more,
        "more_href": given.here(f"/{group.listing}", q=group.query) if more and group.listing else "",
    }


def _thing(thing: Thing, given: Asked) -> dict[str, str]:
    return {"name": table.cut(thing.name), "said": table.cut(thing.said), "href": address(thing, given.at)}


def address(thing: Thing, at: str = "") -> str:
    """Where a thing that was found is shown."""
    if thing.page:
        return links.to(*thing.page, at)
    return links.here(f"/{thing.listing}", at, **thing.filters)


@require_safe
def while_typing(request: HttpRequest) -> HttpResponse:
    """The list below the box. What goes wrong here is told where Enter leads."""
    try:
        given = asked(request)
        found = search(given.view, _text(request), WHILE_TYPING)
    except (BadMoment, StoreError):
        return HttpResponse("")
    drawn = {
        "text": found.text,
        "near": found.near,
        "groups": [_group(group, given) for group in found.groups],
        "all": given.here("/search", q=found.text),
        "all_said": f"All that was found: {_counted(found)}",
        "said": f"{_counted(found)} found{', none exactly so' if found.near else ''}",
    }
    return render(request, "web/found.html", drawn)


@for_programs
def as_json(request: HttpRequest) -> HttpResponse:
    """For programs."""
    try:
        given = asked(request)
        found = search_covered(given.view, _text(request), ON_A_PAGE)
    except BadMoment as error:
        return problem(400, str(error), parameter="at")
    except StoreError as error:
        return unable(request, error)
    return HttpResponse(to_json(found, given.view) + "\n", content_type="application/json")
