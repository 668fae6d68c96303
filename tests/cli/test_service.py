"""Reading verbs that ask a real service say what they say over the store itself."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.cli.conftest import Tightship, program
from tests.web.service import Service, serving

ALSO_MANY = """
from datetime import UTC, datetime
from tests.reports import application, packages, report
from tightship.store.recording import record
for number in range(60):
    now = datetime.now(UTC)
    lines = packages(django=f"5.2.{number}", jinja2="3.1.5")
    name, many = f"many{number:02}", application("many", lines, ports=[9000 + number])
    record(report(name, [many], now), name, now)
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    from tests.web.service import RECORD

    with serving(tmp_path_factory.mktemp("service"), RECORD + ALSO_MANY) as running:
        yield running


@pytest.fixture(scope="module")
def local(service: Service) -> Tightship:
    """Over the service's own store."""
    return program(Path(service.environment["TIGHTSHIP_DATA"]))


@pytest.fixture(scope="module")
def token(local: Tightship) -> str:
    return local("token", "create", "--read").stdout.strip()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Tightship:
    """On a machine that has no store."""
    run = program(tmp_path / "nothing")

    def tightship(*arguments: str, **variables: str):
        return run(*arguments, **{"XDG_CONFIG_HOME": str(tmp_path / "config"), **variables})

    return tightship


@pytest.fixture
def asking(elsewhere: Tightship, service: Service, token: str) -> Tightship:
    def tightship(*arguments: str, **variables: str):
        return elsewhere(
            *arguments, **{"TIGHTSHIP_URL": service.address, "TIGHTSHIP_TOKEN": token, **variables}
        )

    return tightship


@pytest.fixture(scope="module")
def now(local: Tightship) -> str:
    """Of the newest answer, so that two answers can be of the same one."""
    return json.loads(local("servers", "--json").stdout)["at"]


QUESTIONS = [
    ["applications"],
    ["servers", "--sort", "-seen", "--json"],
    ["sites", "--csv"],
    ["ports", "--page", "2"],
    ["packages", "--application", "shop", "--search", "django"],
    ["changes", "--told", "--since", "1d"],
    ["who-uses", "jinja2<3.1.6"],
    ["who-uses", "pip", "--at-rest", "--json"],
    ["findings", "--fail-on", "warning"],
    ["search", "shop"],
    ["search", "shpo", "--json"],
    ["search", "many"],
    ["search", "nosuchthing"],
    ["diff", "web1", "web2"],
    ["diff", "web1", "5h"],
]


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_a_service_is_told_as_the_store_itself_is(
    question: list[str], asking: Tightship, local: Tightship, now: str
) -> None:
    typed = question if "5h" in question else [*question, "--at", now]
    there, here = asking(*typed), local(*typed)
    assert (there.stdout, there.stderr, there.returncode) == (here.stdout, here.stderr, here.returncode)


def test_the_newest_is_told_the_same_but_for_its_moment(asking: Tightship, local: Tightship) -> None:
    there, here = (json.loads(run("ports", "--json").stdout) for run in (asking, local))
    assert there.pop("at") > "2020"
    here.pop("at")
    assert there == here
    assert there["total"] > 60


def test_a_login_is_tried_kept_for_its_user_alone_and_forgotten(
    elsewhere: Tightship, service: Service, token: str, tmp_path: Path
) -> None:
    done = elsewhere("login", service.address, typed=token)
    assert done.returncode == 0, done.stderr
    assert token not in done.stdout + done.stderr
    kept = tmp_path / "config/tightship/service.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "shop" in elsewhere("applications").stdout
    assert elsewhere("applications", TIGHTSHIP_URL="").stderr.startswith(
        "tightship: Nothing was recorded yet"
    )
    assert "Forgot" in elsewhere("logout").stdout
    assert not kept.exists()
    assert elsewhere("applications").stderr.startswith("tightship: Nothing was recorded yet")
    assert elsewhere("logout").stdout == "No service was kept.\n"


def test_a_wrong_token_is_not_kept(elsewhere: Tightship, service: Service, tmp_path: Path) -> None:
    done = elsewhere("login", service.address, typed="wrong")
    assert done.returncode == 2
    assert "does not accept the token" in done.stderr
    assert "tightship token create --read" in done.stderr
    assert not (tmp_path / "config/tightship/service.json").exists()


def test_a_token_that_pushes_reports_does_not_read(
    elsewhere: Tightship, local: Tightship, service: Service
) -> None:
    other = local("token", "create", "--server", "web1").stdout.strip()
    done = elsewhere("servers", TIGHTSHIP_URL=service.address, TIGHTSHIP_TOKEN=other)
    assert done.returncode == 2
    assert "for scope report, not for read" in done.stderr


def test_what_is_asked_wrongly_is_told_as_it_is_locally(asking: Tightship, local: Tightship) -> None:
    for typed in (
        ["ports", "--port", "many"],
        ["ports", "--sort", "colour"],
        ["changes", "--since", "the day before"],
        ["who-uses", "jinja2<<3"],
    ):
        there, here = asking(*typed), local(*typed)
        assert (there.returncode, there.stdout) == (2, "")
        assert there.stderr == here.stderr


def test_help_needs_no_service(elsewhere: Tightship) -> None:
    assert "--server" in elsewhere("ports", "--help", TIGHTSHIP_URL="gopher://x").stdout


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("gopher://x", "expected https://HOST"),
        ("https://user:secret@example.com", "without user"),
        ("http://192.0.2.7:8000", "is not encrypted"),
        ("https://", "expected https://HOST"),
        ("http://[::1", "expected https://HOST"),
    ],
)
def test_an_address_that_makes_no_sense_is_told(url: str, says: str, elsewhere: Tightship) -> None:
    for done in (
        elsewhere("servers", TIGHTSHIP_URL=url, TIGHTSHIP_TOKEN="x"),
        elsewhere("login", url, typed="x"),
    ):
        assert done.returncode == 2
        assert says in done.stderr
        assert "secret" not in done.stderr or "got" not in done.stderr


def test_without_a_token_it_says_how_to_get_one(elsewhere: Tightship, service: Service) -> None:
    done = elsewhere("servers", TIGHTSHIP_URL=service.address)
    assert done.returncode == 2
    assert f"tightship login {service.address}" in done.stderr


def test_nothing_that_answers_is_told(elsewhere: Tightship) -> None:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{trial.getsockname()[1]}"
    done = elsewhere("servers", TIGHTSHIP_URL=url, TIGHTSHIP_TOKEN="x")
    assert done.returncode == 2
    assert "connection refused" in done.stderr


Answering = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def stranger(status: int, body: bytes = b"", **headers: str) -> Iterator[tuple[str, list[str]]]:
    """Something else that answers, and the tokens that it was sent."""
    sent: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent.append(self.headers.get("Authorization", ""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", sent
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "kind", "says"),
    [
        (200, b"<html>Welcome", "text/html", "does not answer as Tightship does: it answered text/html"),
        (200, b"{", "application/json", "does not answer as Tightship does"),
        (200, b'{"rows": []}', "application/json", "does not answer as version 1 of the API does"),
        (404, b"<html>nginx", "text/html", "does not answer as Tightship does: it answered 404"),
        (502, b"<html>nginx", "text/html", "it answered 502"),
        (
            404,
            b'{"status": 404, "detail": "No page has the address /api/1/servers."}',
            "application/problem+json",
            "older or newer Tightship",
        ),
        (
            503,
            b'{"status": 503, "detail": "The database is locked."}',
            "application/problem+json",
            "can't answer now (503): The database is locked.",
        ),
    ],
)
def test_what_is_no_tightship_is_told(
    status: int, body: bytes, kind: str, says: str, elsewhere: Tightship
) -> None:
    with stranger(status, body, Content_Type=kind) as (url, _sent):
        done = elsewhere("servers", TIGHTSHIP_URL=url, TIGHTSHIP_TOKEN="x")
    assert done.returncode == 2
    assert says in done.stderr


def test_a_token_is_not_sent_where_an_answer_leads(elsewhere: Tightship) -> None:
    with (
        stranger(200) as (other, sent_on),
        stranger(302, Location=f"{other}/login") as (url, sent),
    ):
        done = elsewhere("servers", TIGHTSHIP_URL=url, TIGHTSHIP_TOKEN="tightship_x")
    assert done.returncode == 2
    assert f"leads on to {other}/login" in done.stderr
    assert (sent, sent_on) == (["Bearer tightship_x"], [])


def test_the_how_to_s_curl_commands_are_answered(service: Service, token: str) -> None:
    page = Path(__file__).parents[2] / "docs/how-to/ask-a-service.md"
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        environment = {**os.environ, "TIGHTSHIP_URL": service.address, "TIGHTSHIP_TOKEN": token}
        done = subprocess.run(["sh", "-c", block], env=environment, capture_output=True, check=True)
        assert "rows" in json.loads(done.stdout)


@pytest.mark.parametrize(
    "typed",
    [
        ["findings", "--baseline", "--because", "so"],
        ["findings", "acknowledge", "silent", "old1", "--because", "so", "--until", "2d"],
        ["findings", "acknowledged"],
    ],
)
def test_what_is_written_is_not_written_beside_the_service_that_is_asked(
    typed: list[str], asking: Tightship, service: Service
) -> None:
    done = asking(*typed)
    assert done.returncode == 2
    assert f"is for where the data is kept, and {service.address} is asked from here" in done.stderr
