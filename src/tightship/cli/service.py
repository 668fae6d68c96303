"""One question to a Tightship service, and in words what goes wrong with it.

A token is only ever sent to the address that it was given for: redirects are not followed.
"""

from __future__ import annotations

import gzip
import ipaddress
import json
import os
import ssl
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from tightship import __version__
from tightship.cli.chosen import Service
from tightship.cli.running import Cannot
from tightship.fleet.text import harmless
from tightship.store.listing import BadParams

API = 1
SECONDS = 60
LARGEST = 64 * 1024 * 1024
"""Bytes of one answer."""


class NotKnown(Cannot):
    """The service does not know what was asked about."""


def ask(service: Service, path: str, parameters: Mapping[str, str] | None = None) -> dict[str, Any]:
    """One answer of the API. Raises Cannot, and BadParams for what the service does not understand."""
    request = _request(service, f"/api/{API}{path}", parameters or {})
    _status, body, kind = _answered(service, request)
    return _document(service, body, kind)


def tell(service: Service, path: str, parameters: Mapping[str, str], data: bytes) -> None:
    """Hand JSON over. Raises Cannot, and BadParams for what the service does not understand."""
    request = _request(service, path, parameters)
    request.data = gzip.compress(data, 6)
    request.add_header("Content-Type", "application/json")
    request.add_header("Content-Encoding", "gzip")
    status, _body, _kind = _answered(service, request)
    if status != 204:
        raise Cannot(_stranger(service, f"it answered {status}"))


def _request(service: Service, path: str, parameters: Mapping[str, str]) -> Request:
    said = urlencode({name: value for name, value in parameters.items() if value})
    return Request(  # noqa: S310 - `address` lets http and https pass only
        service.url + path + (f"?{said}" if said else ""),
        headers={
            "Accept": "application/json, application/problem+json",
            "Authorization": f"Bearer {service.token}",
            "User-Agent": f"tightship/{__version__}",
        },
    )


def _answered(service: Service, request: Request) -> tuple[int, bytes, str]:
    """(status, body, its type) of what the service answered. Raises Cannot and BadParams."""
    try:
        with _opener(service).open(request, timeout=SECONDS) as response:
            return response.status, response.read(LARGEST + 1), response.headers.get_content_type()
    except HTTPError as error:
        with error:
            raise _refused(service, error) from None
    except URLError as error:
        raise Cannot(_unreachable(service, error.reason)) from None
    except (OSError, HTTPException) as error:
        raise Cannot(_unreachable(service, error)) from None
    except ValueError as error:
        # A token with a line break or letters that no header can hold.
        raise Cannot(
            f"The token can't be sent: {type(error).__name__}. Log in anew: tightship login URL"
        ) from None


class _NoRedirect(HTTPRedirectHandler):
    """A token goes nowhere but where it was meant to."""

    def redirect_request(self, *_args: Any) -> None:
        return None


def may_be_sent(service: Service) -> None:
    """Raises Cannot where a token would travel for all to read."""
    host = urlsplit(service.url).hostname or ""
    if service.url.startswith("http:") and not is_loopback(host) and not service.insecure_http:
        raise Cannot(
            f"{service.url} is not encrypted: everybody on the way could read the token. Use https://, or a "
            f"tunnel (ssh -L 8000:127.0.0.1:8000 {host}); or, where you trust the network: "
            f"tightship login --insecure-http {service.url}"
        )


def _opener(service: Service) -> OpenerDirector:
    may_be_sent(service)
    handlers: list[Any] = [_NoRedirect(), HTTPSHandler(context=_context())]
    if is_loopback(urlsplit(service.url).hostname or ""):
        handlers.append(ProxyHandler({}))
    return build_opener(*handlers)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _context() -> ssl.SSLContext:
    """The system's authorities (or SSL_CERT_FILE's), and those of TIGHTSHIP_CA."""
    context = ssl.create_default_context()
    file = os.environ.get("TIGHTSHIP_CA", "")
    if file:
        try:
            context.load_verify_locations(file)
        except (OSError, ssl.SSLError) as error:
            reason = (
                error.strerror if not isinstance(error, ssl.SSLError) else ""
            ) or "it holds no certificate"
            raise Cannot(f"TIGHTSHIP_CA: {file} can't be used: {reason.lower()}.") from None
    return context


def _document(service: Service, body: bytes, kind: str) -> dict[str, Any]:
    if len(body) > LARGEST:
        raise Cannot(f"{service.url} answered more than {LARGEST >> 20} MB. Is it Tightship?")
    try:
        found = json.loads(body) if kind == "application/json" else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Cannot(_stranger(service, f"it answered {harmless(kind)[:40]}"))
    return found


def _stranger(service: Service, why: str) -> str:
    return (
        f"{service.url} does not answer as Tightship does: {why}. Check the address; a proxy or a login page "
        "may stand in front of it."
    )


def _refused(service: Service, error: HTTPError) -> Exception:
    if 300 <= error.code < 400:
        to = harmless(error.headers.get("Location") or "elsewhere")[:200]
        return Cannot(
            f"{service.url} leads on to {to}. The token is not sent there: use the address that it leads to, "
            "or let the proxy that does this pass /api/."
        )
    try:
        said = json.loads(error.read(LARGEST))
        detail = harmless(str(said["detail"]))
    except (ValueError, TypeError, KeyError, OSError, HTTPException, RecursionError):
        return Cannot(_stranger(service, f"it answered {error.code}"))
    match error.code:
        case 400:
            return BadParams(detail.rstrip("."))
        case 401 | 403:
            return Cannot(
                f"{service.url} does not accept the token: {detail} Then: tightship login {service.url}"
            )
        case 404 if "has the address" in detail:
            return Cannot(
                f"{service.url} does not have this part of the API, version {API}: it is an older or newer "
                f"Tightship than this one ({__version__})."
            )
        case 404:
            return NotKnown(f"{detail[:1].upper()}{detail[1:]}".rstrip(".") + ".")
    return Cannot(f"{service.url} can't answer now ({error.code}): {detail}")


def _unreachable(service: Service, reason: object) -> str:
    if isinstance(reason, ssl.SSLCertVerificationError):
        return (
            f"{service.url} shows a certificate that can't be trusted: {reason.verify_message}. Where its "
            "authority is your own, name its file: export TIGHTSHIP_CA=FILE"
        )
    if isinstance(reason, ssl.SSLError):
        return f"{service.url} does not speak TLS as expected ({reason.reason or reason}). Is it http://?"
    if isinstance(reason, TimeoutError):
        return f"{service.url} did not answer within {SECONDS} seconds. Try again, or ask for less: --page 1"
    if isinstance(reason, ConnectionRefusedError):
        return f"Nothing answers at {service.url}: connection refused. Does `tightship serve` run there?"
    if isinstance(reason, OSError) and reason.strerror:
        return f"{service.url} can't be reached: {reason.strerror.lower()}."
    return f"{service.url} can't be reached: {harmless(str(reason) or type(reason).__name__)}."
