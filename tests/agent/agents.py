"""The agent as it runs on a server, in a folder of its own: its files, its two programs, a probe that
prints what a test gives it; a real service, and authorities made by openssl."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from tests.web.service import Service, python, serving
from tightship.remote.program import pyz
from tightship.store.place import FILE

PROBE = "import sys\nsys.stdout.write(open(%r).read())\n"
"""Stands for the probe: what it prints is in a file."""

TOKENS = """
import django, json, os; django.setup()
from datetime import UTC, datetime
from tightship.store import tokens
names = json.loads(os.environ["NAMES"])
made = {name: tokens.create("report", datetime.now(UTC), server=name)[1] for name in names}
open(os.environ["MADE"], "w").write(json.dumps(made))
"""


@dataclass
class Agent:
    """One server's agent, below `folder`."""

    folder: Path
    python: str = sys.executable
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("spool", "memory"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "agent.pyz").write_bytes(pyz("tightship_agent"))
        (self.folder / "probe.py").write_text(PROBE % str(self.folder / "document"))
        self.give_token("tightship_" + "x" * 40)
        paths = {name: str(self.folder / name) for name in ("spool", "memory", "token")}
        self.set(url="https://127.0.0.1:1", probe=str(self.folder / "probe.py"), **paths)

    def set(self, **settings: str) -> Agent:
        self.settings.update(settings)
        lines = "".join(f"{name} = {value}\n" for name, value in self.settings.items())
        (self.folder / "agent.conf").write_text(f"[agent]\n{lines}")
        return self

    def give_token(self, token: str) -> None:
        path = self.folder / "token"
        path.write_text(token + "\n")
        path.chmod(0o640)

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [self.python, "-I", "-S", str(self.folder / "agent.pyz"), *arguments]
        return subprocess.run(
            [*command, "--settings", str(self.folder / "agent.conf")],
            capture_output=True, text=True, check=False, cwd="/", env={"PATH": os.defpath, **variables},
        )  # fmt: skip

    def keep(self, *documents: bytes) -> Agent:
        """As many runs of the probe, one hour after the other."""
        for document in documents:
            (self.folder / "document").write_bytes(document)
            done = self.run("probe")
            assert done.returncode == 0, done.stderr
        return self

    def send(self, **variables: str) -> tuple[int, str]:
        """The sender's exit code, and what it said."""
        done = self.run("send", **variables)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr.strip().removeprefix("tightship-agent: ")

    def status(self) -> dict[str, Any]:
        done = self.run("status")
        assert (done.returncode, done.stderr) == (0, "")
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    def waiting(self) -> int:
        number: int = self.status()["spooled"]
        return number

    def spooled(self) -> list[Path]:
        return sorted((self.folder / "spool").glob("*.report"))


@dataclass
class Running:
    """A service, with tokens for servers, and its database to look into."""

    service: Service
    data: Path
    tokens: dict[str, str]

    @property
    def port(self) -> int:
        return int(self.service.address.rpartition(":")[2])

    def agent(self, folder: Path, server: str = "web1") -> Agent:
        agent = Agent(folder).set(url=self.service.address)
        agent.give_token(self.tokens[server])
        return agent

    def asked(self, sql: str, *values: Any) -> list[Any]:
        url = self.service.environment.get("DATABASE_URL", "")
        if url.startswith("postgresql:"):
            with psycopg.connect(url) as database:
                return database.execute(sql.replace("?", "%s"), values).fetchall()  # type: ignore[call-overload]
        with closing(sqlite3.connect(self.data / FILE)) as file:
            return file.execute(sql, values).fetchall()

    def releases(self, server: str) -> list[str]:
        """The releases that followed on one another, as changes tell them: oldest first."""
        return [
            after
            for (after,) in self.asked(
                "SELECT c.after FROM store_change c JOIN store_server s ON s.id = c.server_id "
                "WHERE s.name = ? AND c.kind = 'release' ORDER BY c.at, c.id",
                server,
            )
        ]


def make_tokens(service: Service, data: Path, names: Sequence[str]) -> dict[str, str]:
    made = data / "made"
    python({**service.environment, "NAMES": json.dumps(list(names)), "MADE": str(made)}, TOKENS)
    tokens: dict[str, str] = json.loads(made.read_text())
    return tokens


@contextmanager
def service_for(data: Path, names: Sequence[str], **variables: str) -> Iterator[Running]:
    with serving(data, fill="", **variables) as service:
        yield Running(service, data, make_tokens(service, data, names))


# Whatever else may answer


@dataclass
class Listening:
    port: int
    heard: list[bytes] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def answering(answer: bytes, tls: ssl.SSLContext | None = None) -> Iterator[Listening]:
    """Something that gives each who comes the same bytes, and hangs up."""

    def talk(line: socket.socket, listening: Listening) -> None:
        with suppress(OSError), line:
            heard = line.recv(65536)
            listening.heard.append(heard)
            line.sendall(answer)
            line.shutdown(socket.SHUT_WR)
            while line.recv(65536):
                pass

    with _accepting(talk, tls) as listening:
        yield listening


@contextmanager
def dripping() -> Iterator[Listening]:
    """Something that answers a byte at a time, without an end."""

    def talk(line: socket.socket, _listening: Listening) -> None:
        with suppress(OSError), line:
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while True:
                line.sendall(b".")
                time.sleep(0.1)

    with _accepting(talk, None) as listening:
        yield listening


@contextmanager
def tls_in_front(port: int, context: ssl.SSLContext, host: str = "127.0.0.1") -> Iterator[Listening]:
    """A server that ends TLS and hands on to `port`, as nginx does."""

    def talk(line: socket.socket, listening: Listening) -> None:
        with suppress(OSError), line, socket.create_connection(("127.0.0.1", port)) as behind:
            back = threading.Thread(target=_copy, args=(behind, line, None), daemon=True)
            back.start()
            _copy(line, behind, listening.heard)
            behind.shutdown(socket.SHUT_WR)
            back.join(20)

    with _accepting(talk, context, host) as listening:
        yield listening


@contextmanager
def proxying() -> Iterator[Listening]:
    """A proxy that opens tunnels by CONNECT, and writes down where to."""

    def talk(line: socket.socket, listening: Listening) -> None:
        with suppress(OSError), line:
            asked = line.recv(65536)
            listening.heard.append(asked)
            host, _colon, port = asked.split()[1].decode().rpartition(":")
            with socket.create_connection((host, int(port))) as behind:
                line.sendall(b"HTTP/1.1 200 Go\r\n\r\n")
                back = threading.Thread(target=_copy, args=(behind, line, None), daemon=True)
                back.start()
                _copy(line, behind, None)

    with _accepting(talk, None) as listening:
        yield listening


@contextmanager
def _accepting(talk: Any, tls: ssl.SSLContext | None, host: str = "127.0.0.1") -> Iterator[Listening]:
    listener = socket.create_server((host, 0))
    listening = Listening(listener.getsockname()[1])

    def one(line: socket.socket) -> None:
        with suppress(OSError):
            talk(tls.wrap_socket(line, server_side=True) if tls else line, listening)

    def accept() -> None:
        with suppress(OSError):
            while True:
                line, _address = listener.accept()
                threading.Thread(target=one, args=(line,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listening
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def _copy(from_: socket.socket, to: socket.socket, heard: list[bytes] | None) -> None:
    with suppress(OSError):
        while data := from_.recv(65536):
            if heard is not None:
                heard.append(data)
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)


# Authorities


@dataclass
class Authority:
    """A shop's own, made by openssl."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self._openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=Authority "
            "-addext keyUsage=critical,keyCertSign,cRLSign "
            "-keyout ca.key -out ca.pem"
        )

    @property
    def file(self) -> str:
        return str(self.folder / "ca.pem")

    def context(self, name: str = "IP:127.0.0.1", *, days: tuple[int, int] = (-1, 1)) -> ssl.SSLContext:
        """What a server shows that has a certificate of this authority: valid for `days` around today."""
        self._openssl(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=service "
            "-keyout service.key -out service.csr"
        )
        for file, text in (
            ("names", f"subjectAltName={name}\nauthorityKeyIdentifier=keyid\n"),
            ("index.txt", ""),
            ("ca.conf", CA),
        ):
            (self.folder / file).write_text(text)
        since, until = (f"{datetime.now(UTC) + timedelta(days=day):%Y%m%d%H%M%SZ}" for day in days)
        self._openssl(
            f"ca -batch -notext -config ca.conf -rand_serial -startdate {since} -enddate {until} "
            "-extfile names -in service.csr -out service.pem"
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "service.pem", self.folder / "service.key")
        return context

    def _openssl(self, line: str) -> None:
        done = subprocess.run(
            ["openssl", *line.split()], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


CA = """\
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
serial = serial
default_md = sha256
policy = any
[any]
commonName = supplied
"""
