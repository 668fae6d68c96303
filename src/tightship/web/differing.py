"""`/diff?a=web1&b=web2`: two servers, instances, stages or moments beside one another."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import get_current_timezone
from django.views.decorators.http import require_safe

from tightship.fleet.moments import BadMoment, moment
from tightship.store.comparing import Compared, Side
from tightship.store.errors import StoreError
from tightship.store.listing import BadParams, Page, Params, to_json
from tightship.store.querying import covers
from tightship.web import commands, sentences
from tightship.web.asked import Asked, asked, context
from tightship.web.embedding import part
from tightship.web.problems import for_programs, problem, sorry, unable
from tightship.web.table import cut

MOST = 1_000
"""Differences of one page: two applications that have nothing in common are not worth more."""


@require_safe
def diff(request: HttpRequest) -> HttpResponse:
    return _answered(request, _as_page)


@for_programs
def diff_json(request: HttpRequest) -> HttpResponse:
    return _answered(request, _as_json)


def _answered(request: HttpRequest, shown: Any) -> HttpResponse:
    try:
        response: HttpResponse = shown(request, asked(request))
    except (BadMoment, BadParams) as error:
        message = str(error)
        if request.path.endswith(".json"):
            return problem(400, message)
        return sorry(
            request, 400, f"{message[:1].upper()}{message[1:]}.", back=("/diff", "Compare two things")
        )
    except StoreError as error:
        return unable(request, error)
    return response


def _page(request: HttpRequest, given: Asked) -> Page | None:
    """None: nothing to compare was named yet."""
    a, b = (request.GET.get(name, "").strip() for name in ("a", "b"))
    then = _then(request, given)
    if not a or not (b or then):
        return None
    label = "%s, then" if not b or a == b else "%s"
    sides = [Side(a, then, label % a), Side(b or a, None, f"{b or a}, now" if label != "%s" else b)]
    what = request.GET.get("what", "")
    params = Params(query=request.GET.get("q", ""), size=MOST, filters={"what": what} if what else {})
    return Compared(sides).page(given.view, params)


def _then(request: HttpRequest, given: Asked) -> datetime | None:
    text = request.GET.get("then", "")
    try:
        return moment(text, given.view.now, get_current_timezone())
    except BadMoment as error:
        raise BadMoment(f"then{str(error).removeprefix('at')}") from None


def _as_json(request: HttpRequest, given: Asked) -> HttpResponse:
    page = _page(request, given)
    if page is None:
        return problem(
            400, "a and b: expected two things, as ?a=web1&b=web2, or one and when: ?a=web1&then=2d"
        )
    return HttpResponse(to_json(page) + "\n", content_type="application/json")


def _as_page(request: HttpRequest, given: Asked) -> HttpResponse:
    page = _page(request, given)
    typed = {name: request.GET.get(name, "") for name in ("a", "b", "then")}
    more: dict[str, Any] = {"title": "What differs?", "typed": typed, "covers": covers(given.view)}
    if page is not None:
        sides = page.listing.columns[2:]
        more |= {
            "title": f"What differs between {cut(sides[0].title, 60)} and {cut(sides[1].title, 60)}?",
            "answer": sentences.differing(page),
            "found": part(given, page, "Differences", "Nothing differs.", ""),
            "covers": page.covers,
            "command": commands.diff((typed["a"], typed["b"]), given.at) if not typed["then"] else "",
        }
    return render(request, "web/diff.html", context(request, given, **more))
