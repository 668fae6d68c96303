"""Taking in what buildouts say of themselves, where Whiskers' clients send it: `POST /` and `/buildouts/add`.

Those clients know an address and nothing else. So a token may stand in it (`/whiskers/TOKEN/`), and it is of
a scope that may do nothing but this; who types on the server that serves needs none. Nothing is taken in by
GET, nor from a page in somebody's browser.
"""

from __future__ import annotations

import ipaddress

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now
from django.views.decorators.csrf import csrf_exempt

from tightship.integrations.whiskers import Refused, parse
from tightship.store import builds
from tightship.store.errors import StoreError
from tightship.web import pages
from tightship.web.bearer import Refusal, builder
from tightship.web.clients import client, proxies
from tightship.web.intake import Unacceptable, body
from tightship.web.problems import busy, problem

ADDED = "Added buildout information to Whiskers.\n"
"""What Whiskers answered: its clients print it, and people look for it."""

_OF_BROWSERS = ("Origin", "Sec-Fetch-Site", "Referer")
_OF_PROXIES = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via")


@csrf_exempt
@login_not_required
def add(request: HttpRequest, token: str = "") -> HttpResponse:
    """`POST /buildouts/add`, `POST /whiskers/TOKEN/`."""
    if request.method != "POST":
        response = problem(405, "Builds are taken in by POST.")
        response["Allow"] = "POST"
        return response
    try:
        if token or not is_from_here(request):
            builder(request, token)
        said = parse(body(request), request.headers.get("Content-Type", ""))
        taken = builds.take(said, said.host or client(request), now())
    except Refusal as refusal:
        return refusal.response()
    except Unacceptable as error:
        return problem(error.status, error.why)
    except Refused as error:
        return problem(400, f"{error}.")
    except StoreError as error:
        return busy(error)
    status = 200 if taken == "unchanged" else 201
    return HttpResponse(ADDED, status=status, content_type="text/plain; charset=utf-8")


@csrf_exempt
def overview_or_add(request: HttpRequest) -> HttpResponse:
    """`GET /` is the overview; `POST /` is where later clients send to."""
    return add(request) if request.method == "POST" else pages.overview(request)


overview_or_add.open_to = ("POST",)  # type: ignore[attr-defined] # the door asks for it


def is_from_here(request: HttpRequest) -> bool:
    """Whether a program on this server asks, without anybody between.

    A page in a browser here could send such a form as well, and so could whoever stands before a web server
    that hands requests on: both give themselves away, or are known to be there.
    """
    if proxies() or any(name in request.headers for name in (*_OF_BROWSERS, *_OF_PROXIES)):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
