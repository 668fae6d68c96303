"""The views of the API. All check the same, and say what is wrong as problem+json."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.urls.resolvers import URLPattern
from django.utils.timezone import get_current_timezone, now
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from pydantic import BaseModel

from tightship import __version__
from tightship.fleet.moments import BadMoment, moment
from tightship.fleet.text import harmless
from tightship.store.comparing import Compared, Side
from tightship.store.errors import StoreError
from tightship.store.listing import BadParams, Listing, View, document
from tightship.store.listings import LISTINGS
from tightship.store.querying import view as seen_from
from tightship.store.things import UnknownThing
from tightship.store.using import at_rest, who_uses
from tightship.web import asking
from tightship.web.api import cursor, described, searched, things
from tightship.web.api.described import MORE, PREFIX
from tightship.web.asked import asked, context
from tightship.web.problems import busy, problem

LONGEST = 2_000
"""Characters of one parameter."""

JSON = "application/json"
Answer = Callable[..., Any]


class NotFound(Exception):
    """There is no such thing; the message says what was looked for."""


def answers(answer: Answer) -> Callable[..., HttpResponse]:
    """Makes a view of a function that gives a document, or raises what is wrong."""

    @csrf_exempt  # nothing can be changed here: whoever sends a form is told that it is not taken
    @wraps(answer)
    def view(request: HttpRequest, **names: Any) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            response = problem(405, "The API only reads: GET.")
            response["Allow"] = "GET, HEAD"
            return response
        if not request.accepts(JSON):
            return problem(406, f"Accept: expected {JSON}, which is all that is spoken here.")
        try:
            _bounded(request)
            return _response(answer(request, **names))
        except (BadParams, BadMoment) as error:
            return problem(400, str(error), **_parameter(str(error)))
        except NotFound as error:
            return problem(404, str(error))
        except StoreError as error:
            return busy(error)

    return view


def _bounded(request: HttpRequest) -> None:
    for name, values in request.GET.lists():
        if len(values) > 1:
            raise BadParams(f"{name[:80]}: expected once, got {len(values)} times")
        if len(values[0]) > LONGEST:
            raise BadParams(f"{name[:80]}: expected at most {LONGEST} characters")


def _parameter(message: str) -> dict[str, str]:
    # Messages begin with the parameter's name: `page: expected ...`, `filter 'x': expected ...`.
    name = message.partition(":")[0].removeprefix("filter ").strip("'\"")
    return {"parameter": "sort" if name.startswith("order ") else name}


def _response(found: Any) -> HttpResponse:
    if isinstance(found, HttpResponse):
        return found
    if isinstance(found, BaseModel):
        return HttpResponse(found.model_dump_json(indent=1) + "\n", content_type=JSON)
    return HttpResponse(json.dumps(found, indent=1) + "\n", content_type=JSON)


def _listed(request: HttpRequest, listing: Listing, also: tuple[str, ...] = ()) -> HttpResponse:
    """One page of a listing. `also`: parameters that are not the listing's own."""
    whole = {str(name): str(value) for name, value in request.GET.dict().items()}
    given = {name: value for name, value in whole.items() if name not in also}
    question = cursor.question(request.path_info, whole)
    text = given.pop("cursor", "")
    params = asking.params(given)
    present = now()
    if text:
        if request.GET.get("page"):
            raise BadParams("page: a cursor already says which; leave one of the two out")
        at = cursor.read(text, question, present)
        params = params.with_(page=at.page)
        page = listing.page(seen_from(present, at.at), params)
    else:
        view = seen_from(present, moment(request.GET.get("at", ""), present, get_current_timezone()))
        page = listing.page(view, params)
    following = ""
    if params.page < page.pages:
        # The newest may become newer between two pages; a moment does not.
        following = cursor.Cursor(page.view.moment, params.page + 1).written(question)
    said = document(page, (*listing.columns, *MORE.get(listing.name, ())), next=following or None)
    response = _response(said)
    if following:
        kept = [(name, value) for name, value in whole.items() if name not in ("cursor", "page")]
        response["Link"] = f'<{request.path}{asking.joined([*kept, ("cursor", following)])}>; rel="next"'
    return response


def _listing(listing: Listing) -> Callable[..., HttpResponse]:
    def listed(request: HttpRequest) -> HttpResponse:
        return _listed(request, listing)

    return answers(listed)


@answers
def users(request: HttpRequest) -> HttpResponse:
    """Who uses a package: /api/1/who-uses?specifier=jinja2<3.1.6"""
    specifier, resting = request.GET.get("specifier", ""), request.GET.get("at_rest", "no") or "no"
    if resting not in ("yes", "no"):
        raise BadParams(f"at_rest: expected yes or no, got {resting[:20]!r}")
    try:
        listing = (at_rest if resting == "yes" else who_uses)(harmless(specifier))
    except ValueError as error:
        raise BadParams(f"specifier: {error}") from None
    return _listed(request, listing, ("specifier", "at_rest"))


@answers
def diff(request: HttpRequest) -> HttpResponse:
    """Two things beside one another: /api/1/diff?a=web1&b=web2"""
    sides = []
    for name in ("a", "b"):
        text = request.GET.get(name, "").strip()
        if not text:
            raise BadParams(f"{name}: expected a server, an application, shop/acceptance or shop@web1")
        sides.append(Side(text, _moment(f"{name}_at", request.GET.get(f"{name}_at", ""))))
    try:
        return _listed(request, Compared(sides), ("a", "b", "a_at", "b_at"))
    except UnknownThing as error:
        raise NotFound(str(error)) from None


def _moment(name: str, text: str) -> datetime | None:
    try:
        return moment(text, now(), get_current_timezone())
    except BadMoment as error:
        raise BadMoment(f"{name}{str(error).removeprefix('at')}") from None


def _thing(what: str, found: Callable[[View, Any], BaseModel | None]) -> Callable[..., HttpResponse]:
    def told(request: HttpRequest, name: Any) -> BaseModel:
        key = harmless(name) if isinstance(name, str) else name
        answer = found(_only_moment(request), key)
        if answer is None:
            raise NotFound(f"No {what} {str(key)[:80]!r} is known then.")
        return answer

    return answers(told)


def _only_moment(request: HttpRequest) -> View:
    for name in request.GET:
        if name != "at":
            raise BadParams(f"{name[:80]}: expected no parameter but at")
    return asked(request).view


@answers
def search(request: HttpRequest) -> BaseModel:
    """What is called so: /api/1/search?q=shop"""
    for name in request.GET:
        if name not in ("q", "at"):
            raise BadParams(f"{name[:80]}: expected no parameter but q and at")
    return searched.search(asked(request).view, request.GET.get("q", ""))


@answers
def overview(request: HttpRequest) -> BaseModel:
    return things.overview(_only_moment(request))


@answers
def service(_request: HttpRequest) -> BaseModel:
    return things.Service(service="tightship", api=described.VERSION, version=__version__)


@answers
def openapi(_request: HttpRequest) -> dict[str, Any]:
    return described.openapi()


@login_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The same document, for people."""
    try:
        given = asked(request)
    except BadMoment:
        return problem(400, "at: this page is the same at every moment")
    more = {"title": "The API", "asks_at": False, "chapters": described.chapters()}
    return render(request, "web/api.html", context(request, given, **more))


def _address(name: str) -> str:
    return f"{PREFIX[1:]}{name}"


urlpatterns: list[URLPattern] = [
    path("api", page, name="api"),
    path(PREFIX[1:], service, name="api-service"),
    path(_address("/openapi.json"), openapi, name="openapi"),
    path(_address("/overview"), overview, name="api-overview"),
    *(path(_address(f"/{name}"), _listing(one), name=f"api-{name}") for name, one in LISTINGS.items()),
    path(_address("/who-uses"), users, name="api-who-uses"),
    path(_address("/diff"), diff, name="api-diff"),
    path(_address("/search"), search, name="api-search"),
    path(_address("/applications/<path:name>"), _thing("application", things.application)),
    path(_address("/servers/<path:name>"), _thing("server", things.server)),
    path(_address("/packages/<path:name>"), _thing("package", things.package)),
    path(_address("/groups/<int:name>"), _thing("process group", things.group)),
    path(_address("/environments/<int:name>"), _thing("environment", things.environment)),
]
