"""Where `serve` listens. Real sockets of this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from tightship.cli.binding import BadBind, Bind, bind, holder, why_not


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("127.0.0.1:8000", Bind("127.0.0.1", 8000)),
        ("[::1]:8000", Bind("::1", 8000)),
        ("localhost:81", Bind("localhost", 81)),
        ("0.0.0.0:65535", Bind("0.0.0.0", 65535)),
    ],
)
def test_an_address_and_a_port_are_understood(text: str, meant: Bind) -> None:
    assert bind(text) == meant


@pytest.mark.parametrize(
    "text", ["", "8000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "web1:80", "1:2:3"]
)
def test_what_is_no_address_and_port_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadBind, match=r"--bind: .*127\.0\.0\.1"):
        bind(text)


def test_only_loopback_addresses_are_loopback() -> None:
    assert [bind(text).loopback for text in ("127.0.0.2:1", "[::1]:1", "localhost:1")] == [True] * 3
    assert [bind(text).loopback for text in ("0.0.0.0:1", "[::]:1", "192.0.2.1:1")] == [False] * 3


def test_a_link_leads_to_where_everywhere_can_be_reached() -> None:
    assert (bind("0.0.0.0:1").host, bind("[::1]:1").host, str(bind("[::1]:1"))) == (
        "127.0.0.1",
        "[::1]",
        "[::1]:1",
    )


def test_a_free_port_can_be_listened_on(taken: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        free = other.getsockname()[1]
    assert free != taken
    assert why_not(Bind("127.0.0.1", free)) == ""


def test_a_taken_port_is_told_with_who_has_it_and_another_to_choose(taken: int) -> None:
    told = why_not(Bind("127.0.0.1", taken))
    assert f"Port {taken} is taken by " in told
    assert f"(process {os.getpid()})" in told
    assert f"tightship serve --bind 127.0.0.1:{taken + 1}" in told


def test_nobody_holds_a_port_that_is_free() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        free = other.getsockname()[1]
    assert holder(free) == ""


def test_an_address_of_another_machine_is_told() -> None:
    assert "192.0.2.1 is no address of this server" in why_not(Bind("192.0.2.1", 8000))
