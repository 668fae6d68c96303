"""Tokens of programs: `Authorization: Bearer ...`."""

from __future__ import annotations

import base64

from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now

from tightship.fleet.text import clip
from tightship.store import throttling, tokens
from tightship.store.models import NAME
from tightship.web.clients import client
from tightship.web.problems import problem

WRONG_TOKENS = 100
"""From one address, before it is told to wait."""


class Refusal(Exception):
    """A token that is missing, unknown or for something else."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why

    def response(self) -> HttpResponse:
        response = problem(self.status, self.why)
        if self.status == 401:
            response["WWW-Authenticate"] = "Bearer"
        if self.status == 429:
            response["Retry-After"] = str(int(throttling.WAIT.total_seconds()))
        return response


def reporter(request: HttpRequest) -> str:
    """The server that a program may report for: its token's, or the one it names, where it gathers. Raises
    Refusal."""
    named = request.GET.get("server")
    if named is None:
        return _found(request, "report").server
    _found(request, "gather")
    if not named.strip() or clip(named, NAME) != named:
        raise Refusal(400, f"server: expected a name of 1 to {NAME} characters.")
    return named


def builder(request: HttpRequest, secret: str = "") -> tokens.Known:
    """The token of a buildout that tells of itself. `secret`: from the address. Raises Refusal."""
    return _valid(request, secret, "build") if secret else _found(request, "build")


def read_by(request: HttpRequest, basic: bool = False) -> tokens.Known:
    """The token of a program that may read. Raises Refusal.

    `basic`: it may be a password, too (of any user): programs that can't send a token can do that.
    """
    return _found(request, "read", basic)


def _found(request: HttpRequest, scope: tokens.Scope, basic: bool = False) -> tokens.Known:
    kind, _space, secret = request.headers.get("Authorization", "").partition(" ")
    if basic and kind.lower() == "basic":
        kind, secret = "bearer", _password(secret)
    if kind.lower() != "bearer" or not secret.strip():
        raise Refusal(401, f"Send a token: `Authorization: Bearer ...`. {_make(scope)}")
    return _valid(request, secret.strip(), scope)


def _valid(request: HttpRequest, secret: str, scope: tokens.Scope) -> tokens.Known:
    found = tokens.find(secret, scope, now())
    if found:
        return found
    for other in tokens.SCOPES:
        if other != scope and tokens.find(secret, other, now()):
            raise Refusal(403, f"This token is for scope {other}, not for {scope}. {_make(scope)}")
    # A right one is never held back: others behind the same address may have it.
    asker = ("token", client(request))
    if throttling.is_too_often(asker, WRONG_TOKENS, now()):
        raise Refusal(429, "Too many unknown tokens come from this address.")
    throttling.wrong(asker, now())
    raise Refusal(401, f"This token is not known, was revoked or has expired. {_make(scope)}")


def _password(text: str) -> str:
    try:
        return base64.b64decode(text.strip(), validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def _make(scope: tokens.Scope) -> str:
    what = {"report": "--server NAME", "read": "--read", "gather": "--gather", "build": "--build"}
    return f"An administrator makes one: tightship token create {what[scope]}"
