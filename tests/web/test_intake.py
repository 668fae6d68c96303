"""Reports over HTTP: the digest protocol, tokens, and everything that may be wrong with a request."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.reports import application, head, packages, report
from tightship.fleet.report import LARGEST
from tightship.store import tokens
from tightship.store.models import PackageSet, Server

SHOP = application("shop", packages(django="5.2.1"), ports=[8001])


@pytest.fixture
def token(db: None) -> str:
    return tokens.create("report", datetime.now(UTC), server="web1")[1]


def post(client: Client, token: str, document: bytes, **more: Any) -> Any:
    return client.post(
        "/api/reports",
        document,
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}", **more.pop("headers", {})},
        **more,
    )


def said(answer: Any) -> dict[str, Any]:
    assert answer["Content-Type"] == "application/problem+json"
    return json.loads(answer.content)


def at(minutes: int) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=minutes)


def test_a_whole_report_is_recorded_for_the_tokens_server_whatever_it_calls_itself(
    visitor: Client, token: str
) -> None:
    assert post(visitor, token, report("another-name", [SHOP])).status_code == 204
    assert list(Server.objects.values_list("name", flat=True)) == ["web1"]


def test_first_only_the_digest_then_what_is_asked_for(visitor: Client, token: str) -> None:
    whole = report("web1", [SHOP], at(-3))
    answer = post(visitor, token, head(whole))
    assert (answer.status_code, said(answer)["send"]) == (409, "state")
    # `state` must be sent as it was digested: the whole document, without its sets.
    start, _sets = whole.split(b', "sets": ')
    answer = post(visitor, token, start + b"}")
    assert answer.status_code == 422
    assert said(answer)["unknown"] == [json.loads(whole)["state"]["environments"][0]["packages"]]
    assert not Server.objects.exists()
    assert post(visitor, token, whole).status_code == 204
    assert post(visitor, token, head(report("web1", [SHOP], at(-2)))).status_code == 204
    assert Server.objects.get().said_at == at(-2)


def test_the_same_report_again_changes_nothing(visitor: Client, token: str) -> None:
    whole = report("web1", [SHOP], at(-2))
    assert [post(visitor, token, whole).status_code for _ in range(2)] == [204, 204]


def test_it_may_be_packed(visitor: Client, token: str) -> None:
    packed = gzip.compress(report("web1", [SHOP]))
    assert post(visitor, token, packed, headers={"Content-Encoding": "gzip"}).status_code == 204


def flipped(document: bytes) -> bytes:
    return document.replace(b"Debian", b"debian")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda whole: whole[: len(whole) // 2], "not JSON at byte"),
        (lambda whole: whole + b"x", "something follows the report"),
        (lambda whole: whole.replace(b"tightship.report/1", b"tightship.report/9"), "schema: expected"),
        (flipped, "state: the digest"),
        (lambda whole: whole.replace(b"django", b"jungle"), "sets."),
        (lambda _whole: b" ", "expected '{'"),
        (lambda _whole: b"[]", "expected '{'"),
        (lambda _whole: b"[" * 100_000, "expected '{'"),
        (lambda _whole: b'{"a":' * 50_000, ""),
        (lambda whole: whole.replace(b'"digest"', b'"digets"'), "digest"),
        (lambda _whole: b"\xff\xfe", "plain ASCII"),
    ],
)
def test_a_broken_report_is_refused_with_the_reason_and_the_next_goes_in(
    visitor: Client, token: str, spoil: Any, reason: str
) -> None:
    whole = report("web1", [SHOP])
    answer = post(visitor, token, spoil(whole))
    assert answer.status_code == 400
    assert reason in said(answer)["detail"]
    assert not Server.objects.exists()
    assert not PackageSet.objects.exists()
    assert post(visitor, token, whole).status_code == 204


def test_a_report_of_200_megabytes_is_refused_before_it_is_read(visitor: Client, token: str) -> None:
    class Unread:
        def read(self, *_size: int) -> bytes:
            raise AssertionError("it was read")

        readline = read

    answer = visitor.generic(
        "POST",
        "/api/reports",
        b"",
        headers={"Authorization": f"Bearer {token}"},
        CONTENT_LENGTH=str(200_000_000),
        **{"wsgi.input": Unread()},
    )
    assert answer.status_code == 413
    assert str(LARGEST) in said(answer)["detail"]


def test_a_small_report_that_unpacks_to_a_huge_one_is_refused(visitor: Client, token: str) -> None:
    packed = gzip.compress(b" " * (LARGEST + 1))
    answer = post(visitor, token, packed, headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, len(packed) < LARGEST) == (413, True)


@pytest.mark.parametrize(
    ("more", "status", "reason"),
    [
        ({"headers": {"Content-Encoding": "br"}}, 415, "expected gzip or none"),
        ({"headers": {"Content-Encoding": "gzip"}}, 400, "gzip data is broken"),
        ({"CONTENT_LENGTH": ""}, 411, "say how many bytes come"),
        ({"CONTENT_LENGTH": "many"}, 400, "expected a number"),
        ({"CONTENT_LENGTH": "-1"}, 400, "expected a number"),
    ],
)
def test_what_is_said_of_the_body_must_be_true(
    visitor: Client, token: str, more: Any, status: int, reason: str
) -> None:
    answer = post(visitor, token, report("web1", [SHOP]), **more)
    assert (answer.status_code, reason in said(answer)["detail"]) == (status, True)


def test_packed_data_that_ends_too_early_is_refused(visitor: Client, token: str) -> None:
    packed = gzip.compress(report("web1", [SHOP]))[:-20]
    answer = post(visitor, token, packed, headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, "ends too early" in said(answer)["detail"]) == (400, True)


def test_without_a_token_nothing_is_taken_in(visitor: Client, db: None) -> None:
    answer = visitor.post("/api/reports", b"{}", content_type="application/json")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert "tightship token create" in said(answer)["detail"]


def test_a_token_that_is_unknown_revoked_or_expired_is_refused(visitor: Client, token: str) -> None:
    now = datetime.now(UTC)
    known, revoked = tokens.create("report", now, server="web1")
    tokens.revoke(known.id, now)
    expired = tokens.create("report", now, server="web1", expires=now - timedelta(seconds=1))[1]
    for bad in ("nonsense", revoked, expired, token + "x"):
        assert post(visitor, bad, report("web1", [SHOP])).status_code == 401


def test_a_token_that_may_only_read_may_not_report(visitor: Client, db: None) -> None:
    reading = tokens.create("read", datetime.now(UTC))[1]
    answer = post(visitor, reading, report("web1", [SHOP]))
    assert (answer.status_code, "scope read" in said(answer)["detail"]) == (403, True)


def test_only_post_is_for_reports(visitor: Client, db: None) -> None:
    answer = visitor.get("/api/reports")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_a_token_that_reports_may_not_read_and_one_that_reads_may(visitor: Client, token: str) -> None:
    reading = tokens.create("read", datetime.now(UTC))[1]
    assert visitor.get("/servers.json", headers={"Authorization": f"Bearer {token}"}).status_code == 403
    assert visitor.get("/servers.json", headers={"Authorization": f"Bearer {reading}"}).status_code == 200
    assert visitor.get("/servers.csv", headers={"Authorization": f"Bearer {reading}"}).status_code == 200
    assert visitor.get("/servers.json").status_code == 401
    assert visitor.get("/servers", headers={"Authorization": f"Bearer {reading}"}).status_code == 302


# What a real database refuses, by a real service with a database of its own

TROUBLE = """
import sqlite3, sys
from datetime import UTC, datetime
from pathlib import Path
import django
from django.conf import settings
django.setup()
settings.ALLOWED_HOSTS.append("testserver")
from django.db import connection
from django.test import Client
from tests.reports import application, packages, report
from tightship.store import tokens

token = tokens.create("report", datetime.now(UTC), server="web1")[1]
SHOP = application("shop", packages(**{f"p{number}": "1" for number in range(3000)}))

def post():
    answer = Client().post("/api/reports", report("web1", [SHOP]), content_type="application/json",
                           headers={"Authorization": "Bearer " + token})
    print(answer.status_code, answer.headers.get("Retry-After", ""), answer.content.decode().strip())

other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
other.execute("BEGIN EXCLUSIVE")
post()
other.execute("ROLLBACK")
with connection.cursor() as cursor:
    pages = cursor.execute("PRAGMA page_count").fetchone()[0]
    cursor.execute(f"PRAGMA max_page_count={pages}")
post()
with connection.cursor() as cursor:
    cursor.execute("PRAGMA max_page_count=1073741823")
    cursor.execute("PRAGMA query_only=1")
post()
with connection.cursor() as cursor:
    cursor.execute("PRAGMA query_only=0")
post()
"""


def test_a_database_that_is_locked_full_or_read_only_answers_503_and_the_next_report_goes_in(
    tmp_path: Path,
) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": "",
        "TIGHTSHIP_DATA": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "tightship.web.settings",
        "TIGHTSHIP_LOCK_SECONDS": "0.2",
    }
    prepared = [sys.executable, "-m", "tightship.web", "prepare", "http://127.0.0.1:1"]
    subprocess.run(prepared, env=environment, check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-c", TROUBLE],
        env=environment,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == 0, done.stderr
    locked, full, read_only, fine = done.stdout.splitlines()
    assert locked.startswith("503 60")
    assert "is locked: another program has been writing to it" in locked
    assert full.startswith("503 60")
    assert "the disk is full" in full
    assert read_only.startswith("503 60")
    assert "can't be written by this user" in read_only
    assert fine.startswith("204")


PAGES_WITHOUT_A_TABLE = """
import django
from django.conf import settings
django.setup()
settings.ALLOWED_HOSTS.append("testserver")
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
client = Client()
client.force_login(User.objects.create(username="alice"))
with connection.cursor() as cursor:
    cursor.execute("DROP TABLE store_change")
for address in ("/", "/changes", "/changes.json"):
    answer = client.get(address)
    why = "is not as this release needs it" in answer.content.decode()
    print(answer.status_code, answer.headers["Retry-After"], why)
"""


def test_a_page_that_the_database_cannot_give_says_why(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "TIGHTSHIP_DATA": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "tightship.web.settings",
    }
    environment.pop("DATABASE_URL", None)
    prepared = [sys.executable, "-m", "tightship.web", "prepare", "http://127.0.0.1:1"]
    subprocess.run(prepared, env=environment, check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-c", PAGES_WITHOUT_A_TABLE],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["503 60 True"] * 3, done.stderr


ONE_REQUEST = """
import sys, django
from django.conf import settings
django.setup()
from django.test import Client
settings.ALLOWED_HOSTS.append("testserver")
answer = Client().get("/healthz")
print(answer.status_code, answer.content.decode())
"""


def test_health_says_what_is_wrong_with_the_database(tmp_path: Path) -> None:
    """A real database: not there yet, brought up to date, then closed to us."""
    environment = {
        **os.environ,
        "DATABASE_URL": "",
        "TIGHTSHIP_DATA": str(tmp_path / "data"),
        "DJANGO_SETTINGS_MODULE": "tightship.web.settings",
    }

    def asked() -> str:
        done = subprocess.run(
            [sys.executable, "-c", ONE_REQUEST], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert asked().startswith("503")
    subprocess.run(
        [sys.executable, "-m", "tightship.web", "prepare", "http://127.0.0.1:1"],
        env=environment,
        check=True,
        capture_output=True,
    )
    assert asked().startswith("200")
    (tmp_path / "data" / "tightship.sqlite3").write_bytes(b"this is no database" * 100)
    assert "is damaged" in asked()
