"""Two web machines behind nginx over one PostgreSQL: one login, no report lost, and one of them may die."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from tests import parts
from tests.cli.conftest import program
from tests.postgresql import PostgreSQL
from tests.reports import application, packages, report
from tests.work.test_working import until

KEY = "one secret for all web machines, of more than 32 characters"
NGINX = """\
daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
    access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
    fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
    upstream tightship {{ server 127.0.0.1:{first} max_fails=0; server 127.0.0.1:{second} max_fails=0; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://tightship; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_set_header Host 127.0.0.1; proxy_set_header X-Forwarded-For $remote_addr;
            proxy_next_upstream error timeout non_idempotent;
            add_header X-Machine $upstream_addr always;
        }}
    }}
}}
"""


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(*command: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a session of its own, ended with all that it started."""
    process = subprocess.Popen(
        command, env={**os.environ, **variables}, stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(20)


@dataclass
class Machines:
    """What is in front, and the two behind it."""

    port: int
    variables: dict[str, str]
    behind: list[tuple[int, subprocess.Popen[bytes]]]


@pytest.fixture
def machines(postgresql: PostgreSQL, tmp_path: Path) -> Iterator[Machines]:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        parts.need("nginx", "nginx is not installed")
    shared = {"DATABASE_URL": postgresql.fresh(), "TIGHTSHIP_SECRET_KEY": KEY}
    front, ports = free_port(), [free_port(), free_port()]
    conf = tmp_path / "nginx.conf"
    conf.write_text(NGINX.format(folder=tmp_path, port=front, first=ports[0], second=ports[1]))
    with ExitStack() as stack:
        behind = []
        for number, port in enumerate(ports):
            own = {**shared, "TIGHTSHIP_DATA": str(tmp_path / f"machine{number}")}
            serve = (sys.executable, "-m", "tightship", "serve", "--no-work", "--bind", f"127.0.0.1:{port}")
            behind.append((port, stack.enter_context(running(*serve, **own))))
        stack.enter_context(running(str(nginx), "-e", str(tmp_path / "error.log"), "-c", str(conf)))
        for port in (*ports, front):
            until(lambda port=port: listens(port))
        yield Machines(front, {**shared, "TIGHTSHIP_DATA": str(tmp_path / "machine0")}, behind)


def test_one_login_holds_on_both_and_no_report_is_lost_when_one_of_them_dies(
    machines: Machines, tmp_path: Path
) -> None:
    tightship = program(tmp_path / "machine0")
    variables = machines.variables
    names = [f"web{number}" for number in range(40)]
    (tmp_path / "names").write_text("\n".join(names))
    made = tightship("token", "create", "--from", str(tmp_path / "names"), **variables)
    secrets = dict(line.split("\t") for line in made.stdout.splitlines())
    link = tightship("serve", "--link", **variables).stdout.strip()

    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    with browser.open(f"http://127.0.0.1:{machines.port}{link[link.index('/login') :]}") as answer:
        assert answer.url.endswith("/"), "logged in, and led to the first page"
    seen = set()
    for _ in range(6):
        with browser.open(f"http://127.0.0.1:{machines.port}/servers") as answer:
            assert "/login" not in answer.url
            seen.add(answer.headers["X-Machine"])
    assert len(seen) == 2, "both answer, and both know who asks"

    told: list[int] = []

    def push(some: list[str]) -> None:
        for round_ in range(10):
            for name in some:
                now = datetime.now(UTC) + timedelta(seconds=round_)
                shop = application(
                    "shop", packages(django=f"5.2.{round_}"), ports=[8001], ticks=1000 + round_
                )
                told.append(_pushed(machines.port, secrets[name], report(name, [shop], now)))

    threads = [threading.Thread(target=push, args=(names[part::4],)) for part in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: len(told) > 60)
    _port, victim = machines.behind[1]
    os.killpg(victim.pid, signal.SIGKILL)
    for thread in threads:
        thread.join(60)
    assert told == [204] * 400, "each was taken in, by one or the other"
    rows = json.loads(tightship("who-uses", "django", "--json", "--all", **variables).stdout)["rows"]
    assert sorted(row["server"] for row in rows) == sorted(names)
    assert {row["version"] for row in rows} == {"5.2.9"}
    changes = json.loads(tightship("changes", "--kind", "package", "--json", "--all", **variables).stdout)
    assert changes["total"] == 40 * 9, "each once, though some were told twice"
    with browser.open(f"http://127.0.0.1:{machines.port}/servers") as answer:
        assert "web39" in answer.read().decode()


def _pushed(port: int, secret: str, document: bytes) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        connection.request("POST", "/api/reports", document, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()
