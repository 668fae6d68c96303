"""Listening sockets: real ones, bound here, and tables as the kernel prints them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import applications
from tightship_probe import listeners, processes
from tightship_probe.listeners import Held, Socket
from tightship_probe.proc import Proc


@contextmanager
def bound(
    family: socket.AddressFamily, address: object, *, shared: bool = False, dual: bool = False
) -> Iterator[socket.socket]:
    with socket.socket(family) as found:
        if shared:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not dual)
        found.bind(address)  # type: ignore[arg-type]
        found.listen()
        yield found


def held() -> list[Held]:
    proc = Proc()
    found, unread = listeners.listening(proc, processes.all_processes(proc))
    assert unread == []
    return found


def ours() -> set[tuple[str, str, int, str]]:
    return {
        (one.socket.protocol, one.socket.address, one.socket.port, one.socket.path)
        for one in held()
        if os.getpid() in one.pids
    }


@pytest.mark.parametrize(
    ("family", "host", "wanted"),
    [
        (socket.AF_INET, "127.0.0.1", "127.0.0.1"),
        (socket.AF_INET, "0.0.0.0", "0.0.0.0"),
        (socket.AF_INET6, "::1", "::1"),
        (socket.AF_INET6, "::", "::"),
    ],
)
def test_a_tcp_socket_is_found_with_its_address_and_holder(family, host, wanted) -> None:
    port = applications.free_port()
    with bound(family, (host, port)):
        assert ("tcp", wanted, port, "") in ours()


def test_an_ipv4_address_bound_through_ipv6_is_told_as_ipv4() -> None:
    port = applications.free_port()
    with bound(socket.AF_INET6, ("::ffff:127.0.0.1", port), dual=True):
        assert ("tcp", "127.0.0.1", port, "") in ours()


def test_a_socket_that_is_only_connected_or_bound_is_no_listener() -> None:
    port = applications.free_port()
    with bound(socket.AF_INET, ("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)) as client:
        ports = {one[2] for one in ours()}
        assert port in ports
        assert client.getsockname()[1] not in ports


def test_unix_sockets_are_found_by_path_and_abstract_name(tmp_path: Path) -> None:
    name = f"tightship test {os.getpid()}"
    path = tmp_path / "a b.sock"
    with bound(socket.AF_UNIX, str(path)), bound(socket.AF_UNIX, "\0" + name):
        assert {("unix", "", 0, str(path)), ("unix", "", 0, "@" + name)} <= ours()


def test_two_sockets_that_share_a_port_are_one_listener() -> None:
    port = applications.free_port()
    with (
        bound(socket.AF_INET, ("127.0.0.1", port), shared=True),
        bound(socket.AF_INET, ("127.0.0.1", port), shared=True),
    ):
        sockets = [one.socket for one in held() if one.socket.port == port]
    assert len(sockets) == 2
    assert len(listeners.sorted_unique([one.listener("process") for one in sockets])) == 1


def test_a_path_with_a_newline_hides_no_socket_of_others(tmp_path: Path) -> None:
    path = tmp_path / "shop.sock"
    with bound(socket.AF_UNIX, str(path)):
        inode = next(one.socket.inode for one in held() if one.socket.path == str(path))
        forged = f"\0x\n0000000000000000: 00000002 00000000 00010000 0001 01 {inode} /forged"
        with bound(socket.AF_UNIX, forged):
            assert ("unix", "", 0, str(path)) in ours()


@pytest.mark.parametrize(
    ("digits", "wanted"),
    [
        (b"0100007F", "127.0.0.1"),
        (b"00000000", "0.0.0.0"),
        (b"0101A8C0", "192.168.1.1"),
        (b"00000000000000000000000000000000", "::"),
        (b"00000000000000000000000001000000", "::1"),
        (b"B80D0120000000000000000001000000", "2001:db8::1"),
        (b"0000000000000000FFFF00000100007F", "127.0.0.1"),
    ],
)
def test_addresses_are_read_as_a_little_endian_kernel_prints_them(
    monkeypatch, digits: bytes, wanted: str
) -> None:
    monkeypatch.setattr("sys.byteorder", "little")
    assert listeners.ip_address(digits) == wanted


def test_a_big_endian_kernel_prints_addresses_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.byteorder", "big")
    assert listeners.ip_address(b"7F000001") == "127.0.0.1"


@pytest.mark.parametrize(
    ("path", "passing"),
    [
        ("/tmp/pymp-abc123/listener-x_y", True),
        ("@0001a", True),
        ("/run/shop/listener-1", True),
        ("/run/shop.sock", False),
        ("@shop", False),
        ("", False),
    ],
)
def test_sockets_with_a_new_name_each_time_are_told_from_lasting_ones(path: str, passing: bool) -> None:
    assert listeners.passes_by(path) is passing


def test_listeners_stand_in_one_order_whatever_the_kernels() -> None:
    one, two = Socket("tcp", "::", 80, "", 1).listener(""), Socket("tcp", "0.0.0.0", 80, "", 2).listener("")
    unix = Socket("unix", "", 0, "/run/x", 3).listener("")
    assert (
        listeners.sorted_unique([unix, one, two])
        == listeners.sorted_unique([two, unix, one])
        == [two, one, unix]
    )


def test_the_kernels_own_range_of_ports_is_read() -> None:
    text = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
    assert list(listeners.ephemeral_range(Proc())) == [int(word) for word in text.split()]
