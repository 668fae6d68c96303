"""OSV's API: the shapes that its clients read, who may ask, and that ignorance is no all-clear."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests.advisories import fill, real
from tightship.store import tokens

pytestmark = pytest.mark.django_db

JINJA = {"package": {"name": "jinja2", "ecosystem": "PyPI"}, "version": "2.10"}


@pytest.fixture
def filled(db: None) -> None:
    fill(real(), datetime.now(UTC))


def ask(client: Client, said: Any, address: str = "/v1/query", **more: Any) -> Any:
    document = said if isinstance(said, bytes) else json.dumps(said)
    return client.post(address, document, content_type="application/json", **more)


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [one["id"] for one in json.loads(answer.content).get("vulns", [])]


BOTH = ["GHSA-462w-v97r-4m45", "GHSA-g3rq-g295-4j3m", "PYSEC-2019-217", "PYSEC-2021-66"]


@pytest.mark.parametrize(
    "said",
    [
        JINJA,
        {"package": {"name": "Jinja2", "ecosystem": "PyPI"}, "version": "2.10.0"},
        {"package": {"purl": "pkg:pypi/jinja2@2.10"}},
        {"package": {"purl": "pkg:pypi/jinja2"}, "version": "2.10"},
        {"package": {"name": "jinja2", "ecosystem": "PyPI"}},
    ],
)
def test_whole_records_are_answered_for_a_name_or_a_purl(visitor: Client, filled: None, said: Any) -> None:
    answer = ask(visitor, said)
    assert ids(answer) == BOTH
    first = json.loads(answer.content)["vulns"][0]
    known = next(one for one in real() if one["id"] == first["id"])
    assert {**first, "modified": ""} == {**known, "modified": ""}


def test_what_no_advisory_is_about_is_answered_by_an_empty_object(visitor: Client, filled: None) -> None:
    assert ask(visitor, {**JINJA, "version": "3.1.6"}).content == b"{}"
    assert ask(visitor, {"package": {"name": "our-own", "ecosystem": "PyPI"}}).content == b"{}"


def test_a_batch_is_answered_by_ids_and_each_is_fetched_then(visitor: Client, filled: None) -> None:
    answer = ask(visitor, {"queries": [JINJA, {**JINJA, "version": "3.1.6"}]}, "/v1/querybatch")
    some, none = json.loads(answer.content)["results"]
    assert ([one["id"] for one in some["vulns"]], none) == (BOTH, {})
    assert all(one["modified"].endswith("Z") for one in some["vulns"])
    record = json.loads(visitor.get(f"/v1/vulns/{BOTH[0]}").content)
    assert (record["id"], record["aliases"]) == (BOTH[0], ["CVE-2019-10906", "PYSEC-2019-217"])
    missing = visitor.get("/v1/vulns/GHSA-nothing")
    assert (missing.status_code, json.loads(missing.content)) == (
        404,
        {"code": 5, "message": "Bug not found."},
    )


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"{", "Expected a question in JSON."),
        (b"[" * 100_000, "Expected a question in JSON."),
        ([], "Expected an object in JSON."),
        ({}, "package: expected a name"),
        ({"commit": "0f" * 20}, "package: expected a name"),
        ({"package": {"name": "x", "ecosystem": "npm"}}, "ecosystem: only PyPI is known here."),
        ({"package": {"name": "x"}}, "ecosystem: only PyPI is known here."),
        ({"package": {"ecosystem": "PyPI"}}, "name: expected a text"),
        ({"package": {"name": 7, "ecosystem": "PyPI"}}, "name: expected a text"),
        ({"package": {"name": "x\0", "ecosystem": "PyPI"}}, "name: expected a text"),
        ({**JINJA, "version": ["2"]}, "version: expected a text"),
        ({"package": {"purl": "pkg:npm/x@1"}}, "purl: only packages of PyPI"),
        ({"package": {"purl": "jinja2"}}, "purl: expected one"),
        ({"package": {"purl": 7}}, "purl: expected one"),
        ({"package": {"purl": "pkg:pypi/x@1"}, "version": "1"}, "version: it stands in the purl"),
    ],
)
def test_what_is_no_question_is_refused(visitor: Client, filled: None, said: Any, why: str) -> None:
    answer = ask(visitor, said)
    assert answer.status_code == 400
    assert json.loads(answer.content)["code"] == 3
    assert why in json.loads(answer.content)["message"]


def test_a_batch_is_bounded_and_asked_by_post(visitor: Client, filled: None) -> None:
    assert ask(visitor, {"queries": [JINJA] * 1001}, "/v1/querybatch").status_code == 400
    assert ask(visitor, {"queries": JINJA}, "/v1/querybatch").status_code == 400
    assert visitor.get("/v1/query").status_code == 405
    assert visitor.post("/v1/vulns/GHSA-1").status_code == 405


def test_without_advisories_or_with_old_ones_nobody_gets_an_empty_answer(
    visitor: Client, settings: Any
) -> None:
    for address in ("/v1/query", "/v1/querybatch"):
        answer = ask(visitor, JINJA, address)
        assert answer.status_code == 503
        assert "No advisories are known here" in json.loads(answer.content)["message"]
    fill(real(), datetime.now(UTC) - timedelta(days=8))
    assert "8 days old" in json.loads(ask(visitor, JINJA).content)["message"]
    assert visitor.get(f"/v1/vulns/{BOTH[0]}").status_code == 503


# Who may ask


@pytest.fixture
def token(db: None) -> str:
    return tokens.create("read", datetime.now(UTC))[1]


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()}


def test_others_need_a_token_to_read_also_as_a_password(visitor: Client, filled: None, token: str) -> None:
    there = {"REMOTE_ADDR": "192.0.2.7"}
    answer = ask(visitor, JINJA, **there)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert ids(ask(visitor, JINJA, headers={"Authorization": f"Bearer {token}"}, **there)) == BOTH
    assert ids(ask(visitor, JINJA, headers=basic(token), **there)) == BOTH
    assert ask(visitor, JINJA, headers=basic("guessed"), **there).status_code == 401
    assert ask(visitor, JINJA, headers={"Authorization": "Basic %%%"}, **there).status_code == 401
    report = tokens.create("report", datetime.now(UTC), server="web1")[1]
    assert ask(visitor, JINJA, headers=basic(report), **there).status_code == 403
    assert visitor.get("/api/1/servers", headers=basic(token)).status_code == 401, "only here"


def test_whom_a_web_server_in_front_passes_on_is_not_here(
    visitor: Client, filled: None, settings: Any
) -> None:
    passed_on = {"X-Forwarded-For": "192.0.2.7"}
    assert ask(visitor, JINJA, headers=passed_on).status_code == 401
    settings.TRUSTED_PROXIES = frozenset({"127.0.0.1"})
    assert ask(visitor, JINJA, headers=passed_on).status_code == 401
    assert ask(visitor, JINJA, headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 200
