"""Where `serve` listens: what was asked, whether it is free, and who has it if it is not."""

from __future__ import annotations

import errno
import ipaddress
import socket
from pathlib import Path
from typing import NamedTuple


class BadBind(ValueError):
    """What was asked is no ADDRESS:PORT; the message says what is expected."""


class Bind(NamedTuple):
    address: str
    port: int

    @property
    def loopback(self) -> bool:
        return self.address == "localhost" or ipaddress.ip_address(self.address).is_loopback

    @property
    def host(self) -> str:
        """As it stands in a link. Who binds everywhere reaches it on loopback."""
        everywhere = self.address != "localhost" and ipaddress.ip_address(self.address).is_unspecified
        address = "127.0.0.1" if everywhere else self.address
        return f"[{address}]" if ":" in address else address

    def __str__(self) -> str:
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{address}:{self.port}"


def bind(text: str) -> Bind:
    """`127.0.0.1:8000`, `[::1]:8000` or `localhost:8000`. Raises BadBind."""
    address, colon, port = text.rpartition(":")
    address = address.removeprefix("[").removesuffix("]")
    if not colon or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise BadBind(f"--bind: expected ADDRESS:PORT, as 127.0.0.1:8000, got {text!r}")
    try:
        if address != "localhost":
            ipaddress.ip_address(address)
    except ValueError:
        raise BadBind(f"--bind: {address!r} is no IP address; expected one, as 127.0.0.1:{port}") from None
    return Bind(address, int(port))


def why_not(asked: Bind) -> str:
    """Why nobody can listen there now, in a sentence with what to do; empty: one can."""
    family = socket.AF_INET6 if ":" in asked.address else socket.AF_INET
    with socket.socket(family) as trial:
        # Without it, connections that were closed a moment ago look like a listener.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((asked.address, asked.port))
            trial.listen(1)
        except OSError as error:
            return _said(asked, error)
    return ""


def _said(asked: Bind, error: OSError) -> str:
    other = Bind(asked.address, asked.port + 1 if asked.port < 65535 else 8000)
    if error.errno == errno.EADDRINUSE:
        who = holder(asked.port)
        by = f" by {who}" if who else ""
        return f"Port {asked.port} is taken{by}. Choose another: tightship serve --bind {other}"
    if error.errno == errno.EACCES:
        free = Bind(asked.address, 8000)
        return (
            f"This user may not listen on port {asked.port}. Above 1023 it may: tightship serve --bind {free}"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{asked.address} is no address of this server. `ip address` lists them."
    return f"Nobody can listen on {asked}: {error.strerror}. Choose another: tightship serve --bind {other}"


def holder(port: int) -> str:
    """Who listens on a port of this server: `nginx (process 712)`; empty where it can't be told."""
    inodes = {f"socket:[{inode}]" for inode in _listening(port)}
    for process in Path("/proc").glob("[0-9]*") if inodes else ():
        try:
            if any(str(link.readlink()) in inodes for link in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:
            continue  # ended meanwhile, or another user's
    return ""


def _listening(port: int) -> list[str]:
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        rows = [line.split() for line in lines]
        found += [row[9] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port]
    return found
