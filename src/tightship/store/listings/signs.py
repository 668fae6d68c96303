"""Filters and signs that several listings have."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from tightship.store.listing import BadParams, Filter, View
from tightship.store.models import FoundGroup
from tightship.store.querying import silent

APPLICATION = Filter("application", "Application")
STAGE = Filter("stage", "Stage")
SERVER = Filter("server", "Server")
KIND = Filter("kind", "Kind", choices=("application", "system"))
SIGN = Filter("sign", "Sign", "Only what has this sign.", choices=("stale", "unread", "conflict", "silent"))

_STALE = Q(maybe_stale=True) | Q(surely_stale=True)
_SIGNS = {"stale": _STALE, "unread": Q(unread=True) | Q(kept=True), "conflict": Q(conflict=True)}


def sign(name: str, view: View) -> Q:
    """Process groups that have a sign."""
    if name == "silent":
        return silent(view, "server__")
    if name not in _SIGNS:
        raise BadParams(f"filter 'sign': expected one of {', '.join(SIGN.choices)}")
    return _SIGNS[name]


def unique(values: Iterable[str]) -> list[str]:
    return sorted({value for value in values if value})


def signs_of(group: FoundGroup, is_silent: bool) -> list[str]:
    """Words that say what is not as it should be."""
    said = {
        "stale": group.maybe_stale or group.surely_stale,
        "conflict": group.conflict,
        "unread": group.unread or group.kept,
        "silent": is_silent,
    }
    return [word for word, true in said.items() if true]
