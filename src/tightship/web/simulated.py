"""Says on every page that a simulated fleet is one, by the mark in the database itself."""

from __future__ import annotations

from django.db import DatabaseError
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from tightship.store.simulation import is_simulated


def simulated(_request: HttpRequest) -> dict[str, object]:
    """A context processor: `simulated`, asked only when a template wants it."""
    return {"simulated": SimpleLazyObject(_asked)}


def _asked() -> bool:
    try:
        return is_simulated()
    except DatabaseError:  # the page that says what is wrong with the database has to come through
        return False
