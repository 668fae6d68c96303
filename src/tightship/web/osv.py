"""OSV's own API over the local advisories, so that pip-audit and uv can ask this service: `POST /v1/query`,
`POST /v1/querybatch`, `GET /v1/vulns/ID`.

Only what OSV itself publishes is answered, nothing of the fleet. Who asks on this machine needs no token;
others show a `read` token, also as the password of Basic authentication: pip-audit sends what stands in an
address or in netrc, and can send nothing else. Without advisories, or with old ones, nobody gets the empty
answer that means "nothing is known": 503 says why.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils.timezone import now
from django.views.decorators.csrf import csrf_exempt
from packageurl import PackageURL
from packaging.utils import canonicalize_name

from tightship.fleet.advisories import ECOSYSTEM
from tightship.store import advisories
from tightship.store.errors import StoreError
from tightship.web.bearer import Refusal, read_by
from tightship.web.clients import is_here

MOST = 1_000
"""Queries of one batch, as OSV has it."""
LONGEST = 300
"""Characters of a name or a version."""

INVALID, NOT_FOUND, UNAVAILABLE = 3, 5, 14
"""OSV's codes, which are those of gRPC."""

Asked = tuple[str, str | None]
"""a package, and its version; None: any"""
Answer = Callable[..., dict[str, Any]]


class Invalid(Exception):
    """What was asked is no question of OSV's, or none that can be answered here."""


class Unknown(Exception):
    """There is no such advisory."""


def _answers(method: str) -> Callable[[Answer], Callable[..., HttpResponse]]:
    def decorate(answer: Answer) -> Callable[..., HttpResponse]:
        @csrf_exempt
        @login_not_required
        @wraps(answer)
        def view(request: HttpRequest, **names: Any) -> HttpResponse:
            if request.method != method:
                response = _told(405, INVALID, f"Ask by {method}.")
                response["Allow"] = method
                return response
            try:
                if not is_here(request):
                    read_by(request, basic=True)
                lacking = advisories.lacking(now(), advisories.filled())
                if lacking:
                    return _told(503, UNAVAILABLE, lacking)
                return _response(200, answer(request, **names))
            except Refusal as refusal:
                return refusal.response()
            except Invalid as error:
                return _told(400, INVALID, str(error))
            except Unknown as error:
                return _told(404, NOT_FOUND, str(error))
            except StoreError as error:
                return _told(503, UNAVAILABLE, str(error))

        return view

    return decorate


def _told(status: int, code: int, message: str) -> HttpResponse:
    return _response(status, {"code": code, "message": message})


def _response(status: int, said: Mapping[str, Any]) -> HttpResponse:
    return HttpResponse(json.dumps(said), status=status, content_type="application/json")


@_answers("POST")
def query(request: HttpRequest) -> dict[str, Any]:
    """The whole records about one version of a package; `{}`: none of the advisories is."""
    (found,) = advisories.about([_asked(_body(request))])
    records = advisories.records([name for name, _modified in found])
    return {"vulns": records} if records else {}


@_answers("POST")
def query_batch(request: HttpRequest) -> dict[str, Any]:
    """The ids of the advisories about each of several."""
    queries = _body(request).get("queries")
    if not isinstance(queries, list) or len(queries) > MOST:
        raise Invalid(f"queries: expected a list of at most {MOST}.")
    found = advisories.about([_asked(one) for one in queries])
    return {"results": [_ids(one) for one in found]}


@_answers("GET")
def vulnerability(_request: HttpRequest, name: str) -> dict[str, Any]:
    """One record."""
    found = advisories.record(name[:LONGEST].replace("\0", ""))
    if found is None:
        raise Unknown("Bug not found.")
    return found


def _ids(found: Sequence[tuple[str, datetime]]) -> dict[str, Any]:
    said = [{"id": name, "modified": _written(modified)} for name, modified in found]
    return {"vulns": said} if said else {}


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        said = json.loads(request.body)
    except RequestDataTooBig:
        raise Invalid("The question is too large.") from None
    except (UnreadablePostError, OSError, ValueError, RecursionError):
        raise Invalid("Expected a question in JSON.") from None
    if not isinstance(said, dict):
        raise Invalid("Expected an object in JSON.")
    return said


def _asked(said: Any) -> Asked:
    """What a query asks about: a name with its ecosystem, or a purl."""
    package = said.get("package") if isinstance(said, dict) else None
    if not isinstance(package, dict):
        raise Invalid(
            "package: expected a name and the ecosystem PyPI, or a purl; of commits nothing is known."
        )
    name: Any
    version = said.get("version") or None
    if package.get("purl"):
        name, of_purl = _of_purl(package["purl"])
        if version and of_purl:
            raise Invalid("version: it stands in the purl already.")
        version = version or of_purl
    else:
        name = package.get("name")
        if str(package.get("ecosystem")).partition(":")[0] != ECOSYSTEM:
            # Nothing is known of others: an empty answer would be an all-clear.
            raise Invalid(f"ecosystem: only {ECOSYSTEM} is known here.")
    for what, value in (("name", name), ("version", version or "")):
        if not isinstance(value, str) or len(value) > LONGEST or "\0" in value:
            raise Invalid(f"{what}: expected a text of at most {LONGEST} characters.")
    if not name:
        raise Invalid("name: expected the name of a package.")
    return str(canonicalize_name(name)), version


def _of_purl(text: Any) -> tuple[str, str | None]:
    try:
        purl = PackageURL.from_string(text)
    except (ValueError, TypeError, AttributeError):
        raise Invalid("purl: expected one, as pkg:pypi/jinja2@2.10.") from None
    if purl.type != "pypi":
        raise Invalid(f"purl: only packages of {ECOSYSTEM} are known here: pkg:pypi/jinja2@2.10.")
    return purl.name, purl.version
