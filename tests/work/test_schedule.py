"""Whose turn it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tightship.work.schedule import HOUR, due, last_turn, next_turn, turn

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
MOMENTS = st.integers(946_684_800, 3_786_912_000).map(lambda second: datetime.fromtimestamp(second, UTC))


def test_servers_are_spread_over_the_hour() -> None:
    minutes = [turn(f"web{number}") // timedelta(minutes=6) for number in range(1000)]
    assert {minutes.count(tenth) > 60 for tenth in range(10)} == {True}
    assert turn("web1") == turn("web1") < HOUR


@given(st.text(max_size=20), MOMENTS)
def test_a_turn_comes_once_an_hour_at_the_same_minute(server: str, now: datetime) -> None:
    mine = last_turn(server, now)
    assert now - HOUR < mine <= now
    assert last_turn(server, mine) == mine
    assert last_turn(server, mine - timedelta(microseconds=1)) == mine - HOUR
    assert last_turn(server, mine + HOUR) == mine + HOUR


def test_one_that_was_never_tried_is_due_at_once_and_first() -> None:
    tried = {"web1": NOW - timedelta(hours=3)}
    assert due(["web1", "web2"], tried, NOW) == ["web2", "web1"]


def test_one_that_was_tried_since_its_turn_is_not_due() -> None:
    mine = last_turn("web1", NOW)
    assert due(["web1"], {"web1": mine}, NOW) == []
    assert due(["web1"], {"web1": mine - timedelta(seconds=1)}, NOW) == ["web1"]
    assert next_turn(["web1"], NOW) == mine + HOUR
    assert next_turn([], NOW) is None


@given(MOMENTS)
def test_in_an_hour_each_server_is_due_exactly_once(begin: datetime) -> None:
    servers = [f"web{number}" for number in range(30)]
    tried = dict.fromkeys(servers, begin)
    times = dict.fromkeys(servers, 0)
    for minute in range(1, 61):
        now = begin + timedelta(minutes=minute)
        for server in due(servers, tried, now):
            tried[server] = now
            times[server] += 1
    assert set(times.values()) == {1}


def test_after_a_long_sleep_each_is_due_once_and_not_for_each_hour() -> None:
    tried = {"web1": NOW - timedelta(days=3), "web2": NOW - timedelta(days=2)}
    assert sorted(due(tried, tried, NOW)) == ["web1", "web2"]
    assert due(tried, dict.fromkeys(tried, NOW), NOW) == []


def test_a_clock_that_was_in_the_future_does_not_stop_the_round() -> None:
    assert due(["web1"], {"web1": NOW + timedelta(days=365)}, NOW) == ["web1"]
