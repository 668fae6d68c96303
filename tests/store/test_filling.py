"""A fleet that is filled in at once is the one that its reports would have made."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.apps import apps
from django.db import models

from tightship.fleet.simulated.crowd import crowd
from tightship.fleet.simulated.servers import Told
from tightship.fleet.simulated.story import Story
from tightship.store.filling import fill, settle
from tightship.store.models import Finding, Server
from tightship.store.recording import record

pytestmark = pytest.mark.django_db
END = datetime(2026, 11, 23, 17, 12, tzinfo=UTC)
NOT_COMPARED = ("Simulation", "Judged", "Finding")
"""Findings of what is filled in begin when it is judged, all at once: see below."""
TABLES = [model for model in apps.get_app_config("store").get_models() if model.__name__ not in NOT_COMPARED]


def histories() -> dict[str, list[Told]]:
    """The whole story, and some of a crowd."""
    told: dict[str, list[Told]] = {}
    for one in Story(END).told():
        told.setdefault(one.server, []).append(one)
    return {**told, **dict(crowd(6, END))}


def rows(model: type[models.Model]) -> list[tuple[Any, ...]]:
    """All rows of a table, with what they refer to by its own name: numbers differ by who came first."""
    names = []
    for one in model._meta.concrete_fields:
        if isinstance(one, models.ForeignKey):
            names += _names(one)
        elif not one.primary_key:
            names.append(one.name)
    found = model._default_manager.values_list(*names)
    return sorted((tuple(row) for row in found), key=repr)


def _names(key: models.ForeignKey[Any, Any]) -> list[str]:
    natural = {
        "Instance": ["application__name", "stage", "base"],
        "PackageSet": ["digest"],
        "Wording": ["text"],
        "Version": ["package__name", "version"],
    }
    return [f"{key.name}__{name}" for name in natural.get(key.related_model.__name__, ["name"])]


def holding() -> set[tuple[str, str]]:
    """Kind and subject of the findings that hold."""
    return set(Finding.objects.filter(until=None, since__lte=END).values_list("kind", "subject"))


def test_each_row_is_what_record_would_have_made() -> None:
    told = histories()
    assert list(fill(told.items())) == list(told)
    settle(END)
    held = holding()
    assert len(held) > 5
    filled = {model: rows(model) for model in TABLES}
    assert len(filled[Server]) == 36
    for model in (Finding, *TABLES):
        model._default_manager.all()._raw_delete("default")
    for one in sorted((one for some in told.values() for one in some), key=lambda one: one.at):
        record(one.report, one.server, received=one.at)
    for model in TABLES:
        assert filled[model] == rows(model), model.__name__
    assert holding() == held
