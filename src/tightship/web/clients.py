"""Where a request comes from."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def is_here(request: HttpRequest) -> bool:
    """Whether somebody on this machine asks. A web server in front that passes others on is nobody here; one
    that hides them can't be told: what may be read by this, anybody could know."""
    address = request.META.get("REMOTE_ADDR", "")
    if "X-Forwarded-For" in request.headers and address not in proxies():
        return False
    try:
        return ipaddress.ip_address(client(request)).is_loopback
    except ValueError:
        return False


def client(request: HttpRequest) -> str:
    """The address of whoever asks. Behind a web server that is trusted to say so, the last that is none of
    these: what stands before that in X-Forwarded-For, anybody can have written."""
    trusted = proxies()
    address: str = request.META.get("REMOTE_ADDR", "")
    if address not in trusted:
        return address
    for said in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        if said.strip() and said.strip() not in trusted:
            return said.strip()[:100]
    return address


def proxies() -> frozenset[str]:
    """Web servers that hand requests on to this one, and are believed."""
    found: frozenset[str] = settings.TRUSTED_PROXIES  # type: ignore[misc] # mypy is told the store's settings
    return found
