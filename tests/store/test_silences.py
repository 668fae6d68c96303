"""Silence: told now by the newest report alone, and in the past by what was noted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tightship.store import details, findings, silences
from tightship.store.models import Silence
from tightship.store.querying import covers, view
from tightship.store.retiring import retire

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
AFTER = 3 * HOUR


def told_of(told: Any, server: str) -> list[str]:
    return [
        str(row["change"])
        for row in told.rows("changes", server=server)
        if row["what"] in ("silent", "heard")
    ]


@pytest.fixture
def quiet(told: Any, shop: Any) -> Any:
    """web1 was heard for five hours after web2 fell silent."""
    told(shop(), server="web2")
    for _hour in range(5):
        told(shop(), server="web1")
    return told


def test_a_server_that_stopped_reporting_is_noted_once(quiet: Any) -> None:
    assert silences.note(quiet.now, AFTER) == silences.Noted(["web2"], [])
    assert silences.note(quiet.now, AFTER) == silences.Noted([], [])
    assert told_of(quiet, "web2") == ["fell silent"]
    assert told_of(quiet, "web1") == []
    (row,) = quiet.rows("changes", server="web2", kind="silent")
    assert row["at"] == quiet.now - 2 * HOUR, "when it should have reported, not when somebody looked"


def test_one_that_is_heard_again_is_noted_and_the_past_still_knows(quiet: Any, shop: Any) -> None:
    silences.note(quiet.now, AFTER)
    then = quiet.now
    quiet(shop(), server="web2")
    assert silences.note(quiet.now, AFTER) == silences.Noted([], ["web2"])
    assert told_of(quiet, "web2") == ["reports again", "fell silent"]
    assert covers(view(quiet.now)).silent == ()
    assert covers(view(quiet.now, then)).silent == ("web2",)
    assert covers(view(quiet.now, then - 3 * HOUR)).silent == ()
    past = details.server(view(quiet.now, then), "web2")
    assert past is not None
    assert past.silent
    signs = {row["server"]: row["signs"] for row in quiet.rows("groups", at=then)}
    assert signs == {"web1": [], "web2": ["silent"]}
    counted = {one.kind: one.number for one in findings.summary(view(quiet.now, then)).counted}
    assert counted["silent"] == 1
    assert "silent" not in {one.kind for one in findings.summary(view(quiet.now)).counted}


def test_one_that_falls_silent_again_is_another_silence(quiet: Any, shop: Any) -> None:
    silences.note(quiet.now, AFTER)
    quiet(shop(), server="web2")
    silences.note(quiet.now, AFTER)
    for _hour in range(5):
        quiet(shop(), server="web1")
    assert silences.note(quiet.now, AFTER) == silences.Noted(["web2"], [])
    assert told_of(quiet, "web2") == ["fell silent", "reports again", "fell silent"]


def test_a_retired_server_is_not_silent(quiet: Any) -> None:
    silences.note(quiet.now, AFTER)
    retire("web2", quiet.now)
    assert silences.note(quiet.now, AFTER) == silences.Noted([], [])
    assert Silence.objects.get().until == quiet.now
    assert silences.note(quiet.now + 9 * HOUR, AFTER).silent == ["web1"]
