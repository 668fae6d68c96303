"""What a request asks of every page: the moment, and from that the View that its queries read by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.timezone import get_current_timezone, now

from tightship.fleet.moments import moment
from tightship.store.listing import View
from tightship.store.querying import view
from tightship.web.links import here
from tightship.web.words import ROOMS


@dataclass(frozen=True, slots=True)
class Asked:
    """The moment of a request. `at` is as it was typed, and stays in every link."""

    at: str
    view: View

    def here(self, address: str, **parameters: str) -> str:
        return here(address, self.at, **parameters)


def asked(request: HttpRequest) -> Asked:
    """Raises BadMoment."""
    at = request.GET.get("at", "").strip()
    present = now()
    return Asked(at, view(present, moment(at, present, get_current_timezone())))


def context(request: HttpRequest, given: Asked, **more: Any) -> dict[str, Any]:
    """What frame.html needs beside the page's own."""
    path = request.path
    kept = [(name, value) for name, value in request.GET.items() if name not in ("at", "page")]
    return {
        "at": given.at,
        "view": given.view,
        "zone": given.view.now.astimezone(get_current_timezone()).tzname(),
        "rooms": ROOMS,
        "room": room_of(path),
        "asks_at": True,
        "kept": kept,
        "back_to_now": here(path, "", **{str(name): str(value) for name, value in kept}),
        **more,
    }


def room_of(path: str) -> str:
    """The address of the page in the navigation that `path` belongs to."""
    first = "/" + path.strip("/").partition("/")[0]
    return {"/groups": "/applications", "/environments": "/packages"}.get(first, first)
