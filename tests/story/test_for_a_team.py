"""Served for a team, as docs/how-to/serve-for-a-team.md says: behind a web server that speaks TLS."""

from __future__ import annotations

import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from tests.applications import folder, free_port, running
from tests.story.typing_it import as_root, program

HOST = "tightship.example.com"
FROM_NGINX = {"Host": HOST, "X-Forwarded-Proto": "https"}
PASSWORD = "correct horse 9"


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where Tightship listens for the web server in front of it."""
    with folder() as data:
        tightship = as_root(data)
        tightship.run("account", "add", "alice", "--administrator", given=f"{PASSWORD}\n".encode())
        port = free_port()
        command, variables = program(False)
        settings = {"TIGHTSHIP_DATA": str(data), "TIGHTSHIP_ALLOWED_HOSTS": HOST, "TIGHTSHIP_HTTPS": "1"}
        serve = [*command, "serve", "--bind", f"127.0.0.1:{port}"]
        mine: dict[str, Any] = {"user": None, "group": None, "extra_groups": None}
        with running(serve, Path("/"), {**variables, **settings}, port, **mine):
            yield f"http://127.0.0.1:{port}"


def ask(
    url: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None
) -> tuple[int, Message, str]:
    """Status, headers and body of an answer, redirections not followed."""
    data = urllib.parse.urlencode(form).encode() if form else None
    opener = urllib.request.build_opener(_Stay)
    try:
        with opener.open(urllib.request.Request(url, data, dict(headers)), timeout=30) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.headers, answer.read().decode()


def log_in(address: str, headers: Mapping[str, str]) -> tuple[int, Message]:
    """Type name and password into the form, as a browser that sees https does."""
    _status, said, page = ask(f"{address}/login", headers)
    token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[0]
    cookie = said["Set-Cookie"].split(";")[0]
    form = {"username": "alice", "password": PASSWORD, "csrfmiddlewaretoken": token, "next": "/ports"}
    browser = {"Origin": f"https://{HOST}", "Referer": f"https://{HOST}/login", "Cookie": cookie}
    status, answer, _page = ask(f"{address}/login", {**headers, **browser}, form)
    return status, answer


def test_an_account_logs_in_through_the_web_server_and_its_cookies_are_for_https(address: str) -> None:
    status, answer = log_in(address, FROM_NGINX)
    assert (status, answer["Location"]) == (302, "/ports")
    (session,) = [cookie for cookie in answer.get_all("Set-Cookie") or [] if "session" in cookie]
    assert "Secure" in session
    page = ask(f"{address}/ports", {**FROM_NGINX, "Cookie": session.split(";")[0]})
    assert page[0] == 200


def test_a_form_from_elsewhere_is_refused(address: str) -> None:
    assert log_in(address, {**FROM_NGINX, "Host": "127.0.0.1"})[0] == 403


def test_another_name_is_not_answered(address: str) -> None:
    assert ask(f"{address}/login", {**FROM_NGINX, "Host": "evil.example.com"})[0] == 400
