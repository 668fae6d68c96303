"""Who may look: accounts, the link that logs in once, tokens of programs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth import authenticate, get_user_model, login, logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.hashers import make_password
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from tightship.store import throttling, tokens
from tightship.store.errors import StoreError, told
from tightship.web.bearer import Refusal, read_by
from tightship.web.clients import client
from tightship.web.problems import busy, sorry

WRONG_AT_MOST = 10
"""Wrong passwords for one account from one address before it has to wait."""
WRONG_FROM_ADDRESS = 50
WRONG_LINKS = 30
"""From one address."""


class Door(LoginRequiredMiddleware):
    """All pages need a login. A program that reads a list may show a token instead."""

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        if request.method in getattr(view_func, "open_to", ()):
            return None  # it asks for a token of its own
        for_programs = request.path_info.startswith("/api/1") or request.path_info.endswith((".json", ".csv"))
        if for_programs:
            return _refused(request)
        answer: HttpResponseBase | None = super().process_view(request, view_func, view_args, view_kwargs)
        if answer is not None and request.headers.get("HX-Request"):
            # Part of a page that stayed open longer than its login: all of it goes to where one logs in.
            response = HttpResponse(status=204)
            response["HX-Refresh"] = "true"
            return response
        return answer


def _refused(request: HttpRequest) -> HttpResponse | None:
    """Why a program may not read; None: it may, or a person who is logged in asks."""
    try:
        with told():
            known = request.user.is_authenticated
        if not known:
            read_by(request)
    except Refusal as refusal:
        return refusal.response()
    except StoreError as error:
        return busy(error)
    return None


def _next(request: HttpRequest) -> str:
    """Where to go after the login: only ever to a page of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    fine = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    return wanted if fine and wanted.startswith("/") else "/"


@login_not_required
@never_cache
@sensitive_post_parameters("password")
def log_in(request: HttpRequest) -> HttpResponseBase:
    if request.method != "POST":
        return _form(request, 200)
    name, address = request.POST.get("username", "")[:150], client(request)
    counted = {("account", address, name): WRONG_AT_MOST, ("address", address): WRONG_FROM_ADDRESS}
    try:
        if any(throttling.is_too_often(who, most, now()) for who, most in counted.items()):
            return _wait(_form(request, 429, f"Too many wrong passwords. Try again in {MINUTES} minutes."))
        person = authenticate(request, username=name, password=request.POST.get("password", ""))
        if person is None:
            for who in counted:
                throttling.wrong(who, now())
            return _form(request, 401, "This account and password do not belong together.")
        throttling.right(("account", address, name))
    except StoreError as error:
        return busy(error)
    login(request, person)
    return HttpResponseRedirect(_next(request))


MINUTES = throttling.WAIT // timedelta(minutes=1)


def _wait(response: HttpResponse) -> HttpResponse:
    response["Retry-After"] = str(int(throttling.WAIT.total_seconds()))
    return response


def _form(request: HttpRequest, status: int, wrong: str = "") -> HttpResponse:
    context = {"wrong": wrong, "next": _next(request), "username": request.POST.get("username", "")[:150]}
    return render(request, "web/login.html", context, status=status)


@require_POST
def log_out(request: HttpRequest) -> HttpResponseBase:
    logout(request)
    return HttpResponseRedirect("/login")


LOCAL = "local"
"""The account of whoever can type on the server that serves. It has no password: only a link logs it in."""


def new_link() -> str:
    """The path of a page that logs in, once."""
    return f"/login/link/{tokens.new_link(now())}"


@login_not_required
@never_cache
@require_safe
def use_link(request: HttpRequest, secret: str) -> HttpResponseBase:
    """Logs in and goes on: so that the secret leaves the address bar."""
    # A preview of the link, in a chat or by a prefetching browser, must not use it up.
    if request.method == "HEAD" or "prefetch" in request.headers.get("Sec-Purpose", ""):
        return HttpResponse(status=204)
    asker = ("link", client(request))
    if throttling.is_too_often(asker, WRONG_LINKS, now()):
        return _wait(
            sorry(request, 429, f"Too many links that log nobody in. Try again in {MINUTES} minutes.")
        )
    if not tokens.consume_link(secret, now()):
        throttling.wrong(asker, now())
        return sorry(
            request,
            403,
            "This link was used before, or is older than ten minutes. Each one logs in once. "
            "On the server that serves this, this prints another:",
            command="tightship serve --link",
            back=("/login", "Log in with a password"),
        )
    person, _new = get_user_model().objects.get_or_create(
        username=LOCAL, defaults={"password": make_password(None)}
    )
    login(request, person, backend="django.contrib.auth.backends.ModelBackend")
    response = HttpResponseRedirect(_next(request))
    response["Referrer-Policy"] = "no-referrer"
    return response
