"""Reports over HTTP: what agents send each hour when nothing changed, digest and live, to `tightship serve`.

The web process runs as `serve` starts it, with one worker and with two; a process of its own sends reports
of 200 servers over 8 connections that stay open, each report with its server's token. The machine has two
cores: web process, database and sender share them. The peer is `GET /healthz` from the same process, which
asks the database one question: most of its time is Django's and the HTTP server's own.

Over TLS each report comes on a connection of its own, as from servers that report once an hour: nginx in
front makes a whole handshake each time (TLS 1.3, P-256, no tickets), and hands on to two web processes.
Sender, nginx, web processes and database share the two cores: half of a handshake's cost is the sender's.
"Bytes" are those of one report and its answer in TCP, both ways, with the handshake.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.recording import _database, _head, whole
from tightship.fleet.report import load

SERVERS = 200
CONNECTIONS = 8
ROUNDS = 3
SECONDS = 4.0
BUDGETS = {"sqlite": 1000, "postgresql": 700}


def measure() -> list[dict[str, Any]]:
    """Rows of the table: requests a second (median of the rounds), the budget, and beside the peer."""
    rows: list[dict[str, Any]] = []
    for vendor in ("sqlite", "postgresql"):
        for workers in (1, 2):
            over_tls: list[tuple[float, float, int]] = []
            with _database(vendor) as fresh:
                variables = fresh()
                secrets = json.loads(_apart("fill", variables))
                with _served(variables, workers) as port:
                    rates = [_sent(port, secrets, number) for number in range(ROUNDS)]
                    if workers == 2:
                        with in_front(port) as (secure, authority):
                            over_tls = [
                                _sent_by_tls(secure, authority, secrets, ROUNDS + number)
                                for number in range(ROUNDS)
                            ]
            reports, peer = (median(some) for some in zip(*rates, strict=True))
            rows.append(
                {
                    "what": f"unchanged reports over HTTP, web processes: {workers}",
                    "database": vendor,
                    "per second": round(reports),
                    "budget": BUDGETS[vendor],
                    "the peer": round(peer),
                    "beside the peer": round(reports / peer, 2),
                }
            )
            if over_tls:
                reports, peer, length = (median(some) for some in zip(*over_tls, strict=True))
                rows.append(
                    {
                        "what": "the same over TLS, a connection and a handshake each",
                        "database": vendor,
                        "per second": round(reports),
                        "the peer": round(peer),
                        "beside the peer": round(reports / peer, 2),
                        "bytes": round(length),
                    }
                )
    return rows


def _sent(port: int, secrets: dict[str, str], number: int) -> tuple[float, float]:
    """Reports a second and the peer's requests a second, from a process of its own."""
    said = _apart("send", {}, str(port), str(number), given=json.dumps(secrets))
    reports, peer = json.loads(said)
    return reports, peer


def _sent_by_tls(
    port: int, authority: Path, secrets: dict[str, str], number: int
) -> tuple[float, float, int]:
    said = _apart("send-by-tls", {}, str(port), str(number), str(authority), given=json.dumps(secrets))
    reports, peer, length = json.loads(said)
    return reports, peer, length


NGINX = """\
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
    fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
    upstream tightship {{ server 127.0.0.1:{behind}; keepalive 16; }}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/certificate; ssl_certificate_key {folder}/key;
        ssl_protocols TLSv1.3; ssl_session_tickets off; ssl_session_cache off;
        location / {{ proxy_pass http://tightship; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_set_header Host localhost; }}
    }}
}}
"""


@contextmanager
def in_front(behind: int) -> Iterator[tuple[int, Path]]:
    """nginx that speaks TLS before a service: its port, and the file of the authority to trust."""
    with tempfile.TemporaryDirectory(prefix="tightship-nginx-") as name:
        folder, port = Path(name), _free_port()
        make = (
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
        )
        make += f" -addext subjectAltName=DNS:localhost -keyout {folder}/key -out {folder}/certificate"
        subprocess.run(make.split(), check=True, stderr=subprocess.DEVNULL)
        (folder / "conf").write_text(NGINX.format(folder=folder, behind=behind, port=port))
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        process = subprocess.Popen([nginx, "-e", f"{folder}/error.log", "-c", f"{folder}/conf"])
        try:
            _wait(port)
            yield port, folder / "certificate"
        finally:
            process.terminate()
            process.wait(30)


def _apart(what: str, variables: dict[str, str], *more: str, given: str = "") -> str:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.pushing", what, *more],
        env={**os.environ, **variables},
        input=given,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def fill() -> dict[str, str]:
    """Makes the servers known; gives the secret of each one's token."""
    from tightship.store.ready import migrate

    migrate()
    from tightship.store import tokens
    from tightship.store.recording import record

    now = datetime.now(UTC)
    secrets = {}
    for name in (f"web{number}" for number in range(SERVERS)):
        record(load(whole(name, 0)), name, now - timedelta(days=1))
        _known, secrets[name] = tokens.create("report", now, server=name)
    return secrets


@contextmanager
def _served(variables: dict[str, str], workers: int) -> Iterator[int]:
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tightship.web", "serve", "127.0.0.1", str(port), str(workers)],
        env={**os.environ, **variables},
        stdin=subprocess.PIPE,
    )
    try:
        _wait(port)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait(port: int) -> None:
    for _ in range(300):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the web process does not answer")


def send(port: int, number: int, secrets: dict[str, str]) -> tuple[float, float]:
    """Reports a second, and requests a second for the peer. What is sent is made beforehand."""
    digests = {name: load(whole(name, 0)).digest for name in secrets}
    begin = datetime.now(UTC) - timedelta(hours=10 - number)
    each = [_requests(digests, secrets, begin, some) for some in range(CONNECTIONS)]
    peer = [[b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"] * 20_000] * CONNECTIONS
    return _rate(port, each, b"204"), _rate(port, peer, b"200")


def send_by_tls(port: int, number: int, authority: str, secrets: dict[str, str]) -> tuple[float, float, int]:
    """The same, each on a connection of its own; and the bytes of one report with all around it."""
    digests = {name: load(whole(name, 0)).digest for name in secrets}
    begin = datetime.now(UTC) - timedelta(hours=10 - number)
    context = ssl.create_default_context(cafile=authority)
    each = [_requests(digests, secrets, begin, some) for some in range(CONNECTIONS)]
    peer = [[b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"] * 20_000] * CONNECTIONS
    one = each[0].pop(0)
    with _secured(port, context) as line:
        line.sendall(one)
        _answer(line)
        length = _bytes_of(line)
    return _rate(port, each, b"204", context), _rate(port, peer, b"200", context), length


def _bytes_of(line: socket.socket) -> int:
    """What a connection sent and got, by the kernel's own count (tcpi_bytes_acked, tcpi_bytes_received)."""
    told = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    acked, received = struct.unpack_from("QQ", told, 120)
    return int(acked + received)


def _requests(digests: dict[str, str], secrets: dict[str, str], begin: datetime, some: int) -> list[bytes]:
    """What one connection sends: reports of its share of the servers, round after round."""
    names = list(islice(digests, some, None, CONNECTIONS))
    made = []
    for second in range(200):
        for name in names:
            document = _head(digests[name], begin + timedelta(seconds=second))
            head = (
                "POST /api/reports HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                f"Authorization: Bearer {secrets[name]}\r\nContent-Length: {len(document)}\r\n\r\n"
            )
            made.append(head.encode() + document)
    return made


def _rate(port: int, each: list[list[bytes]], status: bytes, context: ssl.SSLContext | None = None) -> float:
    counts = [0] * len(each)
    until = time.monotonic() + SECONDS

    def talk(place: int) -> None:
        for answer in _answers(port, each[place], until, context):
            if answer[9:12] != status:
                os._exit(_say(answer))
            counts[place] += 1

    threads = [threading.Thread(target=talk, args=(place,)) for place in range(len(each))]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - begun)


def _answers(
    port: int, requests: list[bytes], until: float, context: ssl.SSLContext | None
) -> Iterator[bytes]:
    """What is answered, on one connection; with a context each on one of its own."""
    line = None if context else _connected(port)
    for request in requests:
        if time.monotonic() > until:
            break
        with nullcontext(line) if line else _secured(port, context) as way:
            way.sendall(request)
            yield _answer(way)
    if line:
        line.close()


def _connected(port: int) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=30)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def _secured(port: int, context: ssl.SSLContext | None) -> ssl.SSLSocket:
    assert context is not None
    return context.wrap_socket(_connected(port), server_hostname="localhost")


def _answer(line: socket.socket) -> bytes:
    """One whole answer: its head, and as much as that announces."""
    answer = line.recv(65536)
    while b"\r\n\r\n" not in answer:
        answer += line.recv(65536)
    head, _end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    while length and len(body) < int(length[1]):
        body += line.recv(65536)
    return answer


def _say(answer: bytes) -> int:
    print("an answer that was not expected:", answer[:400], file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    match sys.argv[1]:
        case "fill":
            print(json.dumps(fill()))
        case "send":
            print(json.dumps(send(int(sys.argv[2]), int(sys.argv[3]), json.load(sys.stdin))))
        case "send-by-tls":
            port, number, authority = sys.argv[2:]
            print(json.dumps(send_by_tls(int(port), int(number), authority, json.load(sys.stdin))))
