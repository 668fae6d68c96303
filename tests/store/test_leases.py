"""What only one may do at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tightship.store import leases

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def test_who_comes_second_waits_until_it_is_given_back() -> None:
    assert leases.take("work", "a", MINUTE)
    assert not leases.take("work", "b", MINUTE)
    assert leases.take("work", "a", MINUTE), "its holder keeps it"
    leases.give_back("work", "b")
    assert not leases.take("work", "b", MINUTE), "only its holder gives it back"
    leases.give_back("work", "a")
    assert leases.take("work", "b", MINUTE)
    assert not leases.take("work", "a", MINUTE)


def test_that_of_one_who_was_killed_runs_out() -> None:
    assert leases.take("work", "killed", timedelta(seconds=-1))
    held = leases.held("work")
    assert held is not None
    assert not held.valid
    assert leases.take("work", "b", MINUTE)


def test_what_its_holder_says_stays_for_whoever_looks() -> None:
    assert leases.held("work") is None
    leases.take("work", "a", MINUTE)
    assert leases.say("work", "a", {"round": "now"})
    assert not leases.say("work", "b", {"round": "never"})
    held = leases.held("work")
    assert held is not None
    assert (held.holder, held.said, held.valid) == ("a", {"round": "now"}, True)


def test_one_that_was_taken_when_the_clock_was_ahead_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as ahead:
        ahead.setattr(leases, "_now", lambda: datetime.now(UTC) + timedelta(days=365))
        assert leases.take("work", "a", MINUTE)
    assert leases.take("work", "b", MINUTE)
    assert not leases.take("work", "a", MINUTE)
