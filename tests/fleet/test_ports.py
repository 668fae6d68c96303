"""Free ports: the next ones in the row that the applications began."""

from __future__ import annotations

import pytest

from tightship.fleet.ports import LAST, free, promised, runs


def test_the_next_ones_follow_the_row_that_the_applications_began() -> None:
    assert free({22, 80, 8000, 8001, 8003}, {8000, 8001, 8003}, 3) == [8002, 8004, 8005]


def test_a_gap_that_another_program_fills_is_none() -> None:
    assert free({8000, 8001}, {8000}, 2) == [8002, 8003]


def test_a_server_without_applications_begins_at_8000() -> None:
    assert free({22, 8000}, set(), 2) == [8001, 8002]


def test_neither_roots_ports_nor_those_that_linux_hands_out_are_offered() -> None:
    assert free({80}, {80}, 1) == [8000]
    assert free({45_000}, {45_000}, 1) == [8000]
    assert free(set(), {LAST}, 5) == [LAST]


@pytest.mark.parametrize(
    ("target", "port"),
    [
        ("127.0.0.1:8005", 8005),
        ("http://localhost:8005/shop", 8005),
        ("[::1]:8005", 8005),
        ("10.0.0.7:8005", None),
        ("/run/shop.sock", None),
        ("wsgi:shop", None),
        ("", None),
    ],
)
def test_a_site_keeps_the_port_that_it_hands_requests_to(target: str, port: int | None) -> None:
    assert promised(target) == port


def test_ports_in_a_row_are_written_as_a_row() -> None:
    assert runs([8001, 22, 8000, 8002, 8002]) == "22, 8000–8002"
    assert runs([]) == ""
