"""What goes wrong, said so that one knows what to do: to people as a page, to programs as problem+json."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from tightship.store.errors import StoreError
from tightship.web.words import ROOMS

log = logging.getLogger(__name__)

RETRY = 60
"""Seconds after which what the database could not do may be asked again."""

PROBLEM = "application/problem+json"

TITLES = {
    400: "This was not understood",
    401: "Who are you?",
    403: "This is not for you",
    404: "There is nothing here",
    405: "That cannot be done here",
    406: "Only JSON is spoken here",
    409: "Send the state as well",
    411: "How long is it?",
    413: "This is too large",
    415: "In what is it packed?",
    422: "Some package sets are not known yet",
    429: "Too many attempts",
    500: "This should not have happened",
    503: "Not possible at this moment",
}


def problem(status: int, detail: str, **more: Any) -> HttpResponse:
    """RFC 9457: what went wrong, for a program. `more` are members of its own."""
    body = {"type": "about:blank", "title": TITLES[status], "status": status, "detail": detail, **more}
    return HttpResponse(json.dumps(body) + "\n", status=status, content_type=PROBLEM)


def sorry(request: HttpRequest, status: int, detail: str, **more: Any) -> HttpResponse:
    """The page that says what went wrong, and where to go from there."""
    if wants_problem(request):
        return problem(status, detail)
    frame = {"rooms": ROOMS, "title": TITLES[status], "detail": detail, "status": status}
    return render(request, "web/sorry.html", {**frame, **more}, status=status)


def busy(error: StoreError) -> HttpResponse:
    """The database can't at this moment: nothing was stored, nothing is lost, the next may work."""
    log.error("%s", error)
    response = problem(503, str(error))
    response["Retry-After"] = str(RETRY)
    return response


def unable(request: HttpRequest, error: StoreError) -> HttpResponse:
    """The same, of a page or a list."""
    if wants_problem(request):
        return busy(error)
    log.error("%s", error)
    response = sorry(request, 503, str(error), back=(request.get_full_path(), "Try again"))
    response["Retry-After"] = str(RETRY)
    return response


def wants_problem(request: HttpRequest) -> bool:
    """Whether a program asks: it should not have to read a page."""
    path = request.path_info
    return path.startswith("/api/") or path.endswith((".json", ".csv"))


def for_programs(
    view: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """A view that only reads and answers programs: another method is told as a problem."""

    @wraps(view)
    def answered(request: HttpRequest) -> HttpResponseBase:
        if request.method in ("GET", "HEAD"):
            return view(request)
        response = problem(405, "This can only be read: GET or HEAD.")
        response["Allow"] = "GET, HEAD"
        return response

    # It changes nothing, so no form has to prove that it is ours; without this a POST would be a 403.
    return csrf_exempt(answered)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django names it
    return sorry(request, 400, "The request could not be read.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return sorry(request, 403, str(exception) or "Your account may not see this.")


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django names it
    return sorry(
        request,
        403,
        "The form was too old, or cookies are switched off. Go back, load it again, and send it once more.",
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    reason = str(exception.args[0]) if exception.args and isinstance(exception.args[0], str) else ""
    return sorry(request, 404, reason or f"No page has the address {request.path_info[:200]}.")


def failed(request: HttpRequest) -> HttpResponse:
    # No template and no database: what failed may be one of them.
    if wants_problem(request):
        return problem(500, "The service's log says what happened.")
    return HttpResponse(
        "<!doctype html><html lang=en><title>This should not have happened</title>"
        "<h1>This should not have happened</h1><p>The service's log says what happened. "
        "<code>tightship doctor</code> on the server that serves this checks the set-up.</p>",
        status=500,
    )
