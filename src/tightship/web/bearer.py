"""Tokens of programs: `Authorization: Bearer ...`."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now

from tightship.store import tokens
from tightship.web.problems import problem


class Refusal(Exception):
    """A token that is missing, unknown or for something else."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why

    def response(self) -> HttpResponse:
        response = problem(self.status, self.why)
        if self.status == 401:
            response["WWW-Authenticate"] = "Bearer"
        return response


def reporter(request: HttpRequest) -> str:
    """The server that a program may report for. Raises Refusal."""
    return _found(request, "report").server


def read_by(request: HttpRequest) -> tokens.Known:
    """The token of a program that may read. Raises Refusal."""
    return _found(request, "read")


def _found(request: HttpRequest, scope: tokens.Scope) -> tokens.Known:
    kind, _space, secret = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not secret.strip():
        raise Refusal(401, f"Send a token: `Authorization: Bearer ...`. {_make(scope)}")
    found = tokens.find(secret.strip(), scope, now())
    if found:
        return found
    other: tokens.Scope = "read" if scope == "report" else "report"
    if tokens.find(secret.strip(), other, now()):
        raise Refusal(403, f"This token is for scope {other}, not for {scope}. {_make(scope)}")
    raise Refusal(401, f"This token is not known, was revoked or has expired. {_make(scope)}")


def _make(scope: tokens.Scope) -> str:
    what = "--server NAME" if scope == "report" else "--read"
    return f"An administrator makes one: tightship token create {what}"
