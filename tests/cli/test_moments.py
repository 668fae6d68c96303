"""Moments as people type them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tightship.cli.moments import Local, shown
from tightship.fleet.moments import BadMoment, moment

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def amsterdam(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Amsterdam")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("90m", timedelta(minutes=90)),
        ("3h", timedelta(hours=3)),
        ("2d ago", timedelta(days=2)),
        ("1 w", timedelta(weeks=1)),
    ],
)
def test_how_long_ago_is_a_moment(text: str, ago: timedelta) -> None:
    assert moment(text, NOW, UTC) == NOW - ago


def test_nothing_typed_is_the_newest() -> None:
    assert moment("", NOW, UTC) is None


def test_a_date_means_its_end_as_on_the_pages() -> None:
    asked = moment("2026-11-20", NOW, UTC)
    assert asked is not None
    assert asked.date().isoformat() == "2026-11-20"
    assert asked.hour == 23


@pytest.mark.parametrize("text", ["yesterdayish", "2026-13-01", "2027-01-01", "h", "-3h"])
def test_what_is_no_moment_says_what_is_expected(text: str) -> None:
    with pytest.raises(BadMoment, match="how long ago: 90m, 3h"):
        moment(text, NOW, UTC)


def test_a_time_typed_in_winter_about_summer_is_in_summer_time(amsterdam: None) -> None:
    asked = moment("2026-07-20 14:30", NOW, Local())
    assert asked is not None
    assert asked.astimezone(UTC) == datetime(2026, 7, 20, 12, 30, tzinfo=UTC)
    assert shown(asked) == "2026-07-20 14:30"
