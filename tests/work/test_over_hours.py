"""What only shows after hours: long sleeps, clocks that were wrong, two that share a database."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.work.test_working import until, working
from tightship.remote.target import Target
from tightship.store import leases
from tightship.store.leases import SILENCE, WORK
from tightship.store.models import Server, Silence
from tightship.work.working import Work, quiet_until

HOUR = timedelta(hours=1)
AFTER = 3 * HOUR
NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)


def said(tick: timedelta, quiet: timedelta) -> dict[str, str]:
    return {"tick": (NOW + tick).isoformat(), "quiet": (NOW + quiet).isoformat()}


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ({}, NOW + HOUR),
        (said(-timedelta(seconds=20), -5 * HOUR), NOW - 5 * HOUR),
        (said(-5 * HOUR, -9 * HOUR), NOW + HOUR),
        (said(-timedelta(minutes=1), timedelta(minutes=50)), NOW + timedelta(minutes=50)),
        (said(timedelta(days=365), timedelta(days=365)), NOW + HOUR),
    ],
    ids=["at first", "all is well", "after a sleep", "started anew in its grace", "the clock was ahead"],
)
def test_nobody_is_called_silent_where_nobody_could_know(before: dict[str, str], expected: datetime) -> None:
    assert quiet_until(before, AFTER, NOW) == expected


def test_who_waits_for_less_than_an_hour_gives_less_grace() -> None:
    assert quiet_until({}, timedelta(minutes=10), NOW) == NOW + timedelta(minutes=10)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("ago", "noted"), [(timedelta(seconds=30), 1), (5 * HOUR, 0)])
def test_the_process_that_slept_gives_time_to_report(ago: timedelta, noted: int) -> None:
    """The machine was suspended, or the database gone: the process is the same as before."""
    then = datetime.now(UTC) - 4 * HOUR
    Server.objects.create(name="web1", first_seen=then, last_seen=then, reported_at=then, said_at=then)
    work = Work(None, lambda _said: None, AFTER)
    work.once()
    tick, quiet = datetime.now(UTC) - ago, then - HOUR
    leases.say(SILENCE, work.holder, {"tick": tick.isoformat(), "quiet": quiet.isoformat()})
    work.once()
    assert Silence.objects.count() == noted


@pytest.mark.django_db(transaction=True)
def test_who_knows_no_server_leaves_them_to_one_who_does() -> None:
    Work(list[Target], lambda _said: None, AFTER).once()
    assert leases.held(WORK) is None
    assert leases.held(SILENCE) is not None


def test_no_two_go_by_the_same_name() -> None:
    """Containers of one image are often all process 1 of a server of the same name."""
    first, second = (Work(None, lambda _said: None, AFTER) for _ in range(2))
    assert first.holder != second.holder


@pytest.fixture
def mute() -> Iterator[int]:
    """The port of somebody who accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []
        threading.Thread(target=lambda: kept.append(server.accept()[0]), daemon=True).start()
        yield server.getsockname()[1]
        for connection in kept:
            connection.close()


def test_it_ends_in_the_middle_of_a_round_and_tells_nothing_of_whom_it_left(
    mute: int, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "fleet.toml").write_text(f'[servers.mute]\naddress = "127.0.0.1:{mute}"\n')
    with working(data, tmp_path / "log", "--ssh-config", "/dev/null") as worker:
        until(lambda: children(worker.process.pid))
        worker.process.terminate()
        assert worker.process.wait(30) == 0
    assert (tmp_path / "log").read_text() == "", "not even that it was unreachable, as ssh says after a while"


def children(pid: int) -> list[str]:
    found: list[str] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += (task / "children").read_text().split()
    return [child for child in found if os.path.exists(f"/proc/{child}")]
