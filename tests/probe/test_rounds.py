"""Rounds of reading: together as long as nobody hangs, then each owner apart."""

from __future__ import annotations

import os
import time
from typing import NoReturn

from tightship_probe.children import Outcome
from tightship_probe.rounds import OF_SERVER, Rounds, Work


def rounds() -> Rounds:
    return Rounds({}, str)


def fails() -> NoReturn:
    raise ValueError("broken")


def sleeps() -> None:
    time.sleep(60)


def test_several_owners_share_a_reader() -> None:
    answers = rounds().read([Work(owner, "files", os.getpid) for owner in (1, 2, 3)])
    assert len({value for value, _why in answers}) == 1
    assert {why for _value, why in answers} == {""}


def test_who_fails_is_asked_once_more_alone_and_tells_why() -> None:
    answers = rounds().read([Work(1, "files", os.getpid), Work(2, "files", fails)])
    assert answers[0][0]
    assert answers[1] == (None, "files: ValueError: broken")


def test_who_takes_too_long_costs_nobody_else_his_answer() -> None:
    reading = rounds()
    answers = reading.read([Work(1, "files", os.getpid), Work(2, "files", sleeps)], seconds=0.5)
    assert answers[0][0]
    assert answers[1] == (None, "files: a read did not return in time")
    assert [one["what"] for one in reading.abandoned] == ["a reader for 2"]


def test_while_one_hangs_everybody_is_read_apart() -> None:
    reading = Rounds({7: 4711}, str)
    answers = reading.read([Work(owner, "files", os.getpid) for owner in (1, 2, 7)])
    assert len({value for value, _why in answers}) == 3
    assert "still hangs" in answers[2][1]


def test_what_is_read_of_the_server_has_numbers_of_its_own() -> None:
    """A path of /opt or of a crontab that hangs keeps nothing of root's from being read."""
    reading = rounds()
    number = next(iter(OF_SERVER))
    reading._why(
        "interpreters", Outcome(number, None, "a read did not return in time; its reader, process 1, hangs")
    )
    assert reading.abandoned[0]["what"] == "a reader for interpreters"
    ((value, why),) = reading.read([Work(0, "files", os.getpid)])
    assert (bool(value), why) == (True, "")
