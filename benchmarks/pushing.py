"""Reports over HTTP: what agents send each hour when nothing changed, digest and live, to `tightship serve`.

The web process runs as `serve` starts it, with one worker and with two; a process of its own sends reports
of 200 servers over 8 connections that stay open, each report with its server's token. The machine has two
cores: web process, database and sender share them. The peer is `GET /healthz` from the same process, which
asks the database one question: most of its time is Django's and the HTTP server's own.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
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
            with _database(vendor) as fresh:
                variables = fresh()
                secrets = json.loads(_apart("fill", variables))
                with _served(variables, workers) as port:
                    rates = [_sent(port, secrets, number) for number in range(ROUNDS)]
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
    return rows


def _sent(port: int, secrets: dict[str, str], number: int) -> tuple[float, float]:
    """Reports a second and the peer's requests a second, from a process of its own."""
    said = _apart("send", {}, str(port), str(number), given=json.dumps(secrets))
    reports, peer = json.loads(said)
    return reports, peer


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
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
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


def _rate(port: int, each: list[list[bytes]], status: bytes) -> float:
    counts = [0] * len(each)
    until = time.monotonic() + SECONDS
    threads = [
        threading.Thread(target=_talk, args=(port, requests, status, until, counts, place))
        for place, requests in enumerate(each)
    ]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - begun)


def _talk(
    port: int, requests: list[bytes], status: bytes, until: float, counts: list[int], place: int
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests:
            if time.monotonic() > until:
                return
            line.sendall(request)
            answer = _answer(line)
            if answer[9:12] != status:
                os._exit(_say(answer))
            counts[place] += 1


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
