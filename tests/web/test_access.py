"""Who may look, and what every answer says to the browser."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client, RequestFactory
from django.urls import URLPattern
from django.utils import timezone

from tests.web.conftest import PASSWORD, hashed
from tightship.store import throttling, tokens
from tightship.store.models import Wrong
from tightship.web import access
from tightship.web.bearer import WRONG_TOKENS
from tightship.web.clients import client
from tightship.web.urls import urlpatterns

OPEN = {
    "login",
    "link",
    "reports",
    "healthz",
    "add a build",
    "osv-query",
    "osv-querybatch",
    "osv-vulns",
}
"""What answers without a login; reports and builds by a token of their own, advisories on this machine."""


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create(username="bob", password=hashed(PASSWORD))


def address(pattern: URLPattern) -> str:
    return "/" + re.sub("<int:[a-z]+>", "1", re.sub("<(path|str):[a-z]+>", "x", str(pattern.pattern)))


@pytest.mark.parametrize("pattern", [one for one in urlpatterns if one.name not in OPEN], ids=address)
def test_nothing_is_seen_without_a_login(visitor: Client, pattern: URLPattern) -> None:
    answer = visitor.get(address(pattern))
    if address(pattern).endswith((".json", ".csv")) or address(pattern).startswith("/api/"):
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    else:
        assert (answer.status_code, answer["Location"].startswith("/login?next=/")) == (302, True)


def test_a_password_logs_in_and_leads_on(visitor: Client, bob: User) -> None:
    answer = visitor.post("/login", {"username": "bob", "password": PASSWORD, "next": "/ports?server=web1"})
    assert (answer.status_code, answer["Location"]) == (302, "/ports?server=web1")
    assert visitor.get("/").status_code == 200


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example.com/", "//evil.example.com", "javascript:alert(1)", "\\\\evil"]
)
def test_it_never_leads_elsewhere(visitor: Client, bob: User, elsewhere: str) -> None:
    answer = visitor.post("/login", {"username": "bob", "password": PASSWORD, "next": elsewhere})
    assert answer["Location"] == "/"


def test_a_wrong_password_is_told_without_telling_which_part_is_wrong(visitor: Client, bob: User) -> None:
    told = []
    for name in ("bob", "nobody-of-this-name"):
        answer = visitor.post("/login", {"username": name, "password": "wrong"})
        assert answer.status_code == 401
        told.append(answer.content.decode().split('role="alert">')[1].split("<")[0])
    assert told[0] == told[1] == "This account and password do not belong together."


def test_who_guesses_has_to_wait_and_others_do_not(
    visitor: Client, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        access, "authenticate", lambda _request, username, password: bob if password == PASSWORD else None
    )
    for _ in range(access.WRONG_AT_MOST):
        assert visitor.post("/login", {"username": "bob", "password": "guess"}).status_code == 401
    answer = visitor.post("/login", {"username": "bob", "password": PASSWORD})
    assert (answer.status_code, answer["Retry-After"]) == (429, "900")
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    monkeypatch.undo()
    assert elsewhere.post("/login", {"username": "bob", "password": PASSWORD}).status_code == 302


def test_guesses_are_counted_over_all_web_processes(bob: User) -> None:
    for _ in range(access.WRONG_AT_MOST):
        throttling.wrong(("account", "127.0.0.1", "bob"), timezone.now())  # as another process does
    assert Client().post("/login", {"username": "bob", "password": PASSWORD}).status_code == 429
    Wrong.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert Client().post("/login", {"username": "bob", "password": PASSWORD}).status_code == 302


def test_behind_a_trusted_web_server_each_client_is_counted_for_itself(
    rf: RequestFactory, settings: Any
) -> None:
    forwarded = {"HTTP_X_FORWARDED_FOR": "203.0.113.9, 198.51.100.7"}
    request = rf.get("/login", REMOTE_ADDR="10.0.0.1", **forwarded)
    assert client(request) == "10.0.0.1", "anybody can write that header"
    settings.TRUSTED_PROXIES = frozenset({"10.0.0.1"})
    assert client(request) == "198.51.100.7", "what the web server added, not what it was told"
    assert client(rf.get("/login", REMOTE_ADDR="10.0.0.1")) == "10.0.0.1"


def test_links_that_log_nobody_in_have_to_wait(visitor: Client, db: None) -> None:
    for _ in range(access.WRONG_LINKS):
        assert visitor.get("/login/link/nosuch").status_code == 403
    answer = visitor.get("/login/link/nosuch")
    assert (answer.status_code, answer["Retry-After"]) == (429, "900")
    assert Client(REMOTE_ADDR="192.0.2.7").get(access.new_link()).status_code == 302


def test_a_right_token_is_never_held_back_by_wrong_ones(visitor: Client, db: None) -> None:
    _known, secret = tokens.create("read", timezone.now())
    wrong = {"HTTP_AUTHORIZATION": "Bearer nosuch"}
    told = [visitor.get("/servers.json", **wrong).status_code for _ in range(WRONG_TOKENS + 1)]
    assert told == [401] * WRONG_TOKENS + [429]
    assert visitor.get("/servers.json", HTTP_AUTHORIZATION=f"Bearer {secret}").status_code == 200


def test_a_form_from_elsewhere_is_refused(bob: User) -> None:
    stranger = Client(enforce_csrf_checks=True)
    answer = stranger.post("/login", {"username": "bob", "password": PASSWORD})
    assert answer.status_code == 403
    assert "load it again" in answer.content.decode()


def test_a_login_link_works_once(visitor: Client, db: None) -> None:
    link = access.new_link()
    answer = visitor.get(link + "?next=/servers")
    assert (answer.status_code, answer["Location"], answer["Referrer-Policy"]) == (
        302,
        "/servers",
        "no-referrer",
    )
    assert "local" in visitor.get("/").content.decode()
    again = Client().get(link)
    assert (again.status_code, "<pre>tightship serve --link</pre>" in again.content.decode()) == (403, True)


def test_a_preview_of_a_login_link_does_not_use_it_up(visitor: Client, db: None) -> None:
    link = access.new_link()
    assert visitor.head(link).status_code == 204
    assert visitor.get(link, headers={"Sec-Purpose": "prefetch;prerender"}).status_code == 204
    assert visitor.get(link).status_code == 302


def test_an_old_login_link_does_not_work(visitor: Client, db: None) -> None:
    secret = tokens.new_link(datetime.now(UTC) - timedelta(minutes=tokens.LINK_MINUTES + 1))
    assert visitor.get(f"/login/link/{secret}").status_code == 403


def test_the_local_account_has_no_password(visitor: Client, db: None) -> None:
    visitor.get(access.new_link())
    person = User.objects.get(username=access.LOCAL)
    assert not person.has_usable_password()
    assert not person.is_superuser


def test_logging_out_ends_the_session(alice: Client) -> None:
    assert alice.get("/logout").status_code == 405
    assert alice.post("/logout").status_code == 302
    assert alice.get("/").status_code == 302
    assert not Session.objects.exists()


def test_a_page_that_stays_open_longer_than_its_login_leads_to_where_one_logs_in(visitor: Client) -> None:
    answer = visitor.get("/radiator", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Refresh"]) == (204, "true")


@pytest.mark.parametrize("place", ["/", "/login", "/nosuch", "/ports.json", "/api/reports", "/healthz"])
def test_every_answer_lets_a_browser_run_nothing_and_tell_nobody(alice: Client, place: str) -> None:
    answer: Any = alice.get(place)
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer["Cache-Control"]


def test_pages_hold_no_script_and_no_style_of_their_own(alice: Client) -> None:
    page = alice.get("/").content.decode()
    assert "<style" not in page
    assert " style=" not in page
    assert page.count("<script") == page.count("<script src=") == 3, (
        "htmx, the keys of the search box, copying"
    )


def test_cookies_are_for_the_server_only(visitor: Client, bob: User) -> None:
    visitor.get("/login")
    visitor.post("/login", {"username": "bob", "password": PASSWORD})
    for cookie in visitor.cookies.values():
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax"), cookie.key
    assert {"tightship_session", "tightship_csrf"} <= visitor.cookies.keys()
