"""The API: pages of one moment, single things, problems, and the document that describes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.test import Client

from tests.reports import application, packages, report
from tightship.store import tokens
from tightship.store.listings import LISTINGS
from tightship.store.recording import record
from tightship.web.api import described

pytestmark = pytest.mark.usefixtures("cast")
TOP = Path(__file__).parents[2]
DOCUMENT = described.openapi()


def ask(client: Client, path: str, **parameters: Any) -> dict[str, Any]:
    answer = client.get(f"/api/1{path}", parameters)
    assert answer.status_code == 200, answer.content
    return json.loads(answer.content)


def fits(said: dict[str, Any], schema: str) -> None:
    """Raises where an answer is not as the document says."""
    components = {"components": DOCUMENT["components"], "$ref": f"#/components/schemas/{schema}"}
    jsonschema.Draft202012Validator(components).validate(said)


def servers(*names: str, hours: float = 0) -> None:
    for name in names:
        at = datetime.now(UTC) - timedelta(hours=hours)
        record(report(name, [application("fleet", packages(django="5.2.1"))], at), name, at)


@pytest.mark.parametrize("name", sorted(LISTINGS))
def test_each_listing_answers_as_its_schema_says(alice: Client, name: str) -> None:
    said = ask(alice, f"/{name}")
    assert said["rows"]
    fits(said, f"{described._camel(name)}Page")


def test_who_uses_and_diff_answer_as_their_schemas_say(alice: Client) -> None:
    said = ask(alice, "/who-uses", specifier="jinja2<3.1.6")
    assert said["rows"]
    fits(said, "WhoUsesPage")
    fits(ask(alice, "/who-uses", specifier="jinja2", at_rest="yes"), "AtRestPage")
    said = ask(alice, "/diff", a="web1", b="web2")
    assert said["rows"]
    fits(said, "DiffPage")


def test_single_things_answer_as_their_schemas_say(alice: Client) -> None:
    fits(ask(alice, "/overview"), "Overview")
    fits(ask(alice, "/applications/shop"), "Application")
    fits(ask(alice, "/servers/old1"), "Server")
    fits(ask(alice, "/packages/django"), "PackageUse")
    number = ask(alice, "/groups", application="shop", size=1)["rows"][0]["id"]
    group = ask(alice, f"/groups/{number}")
    fits(group, "Group")
    environment = ask(alice, f"/environments/{group['environment']}")
    fits(environment, "Environment")
    assert number in [one["id"] for one in environment["groups"]]


def walked(client: Client, path: str, between: Any = None, **parameters: Any) -> list[dict[str, Any]]:
    """All rows, page by page; `between` happens after the first."""
    said = ask(client, path, **parameters)
    rows = said["rows"]
    while said["next"]:
        if between:
            between()
            between = None
        said = ask(client, path, **parameters, cursor=said["next"])
        rows += said["rows"]
    return rows


def test_pages_are_of_one_moment_while_servers_come(alice: Client) -> None:
    servers("m1", "m2", "m3", "m4", hours=1)
    before = [row["server"] for row in ask(alice, "/servers")["rows"]]
    found = walked(alice, "/servers", lambda: servers("a-first", "n-between", "z-last"), size=2)
    assert [row["server"] for row in found] == before
    assert len(ask(alice, "/servers")["rows"]) == len(before) + 3


def test_pages_are_of_one_moment_while_applications_go(alice: Client) -> None:
    servers("m1", "m2", "m3", "m4", hours=1)
    before = [(row["server"], row["port"]) for row in ask(alice, "/groups")["rows"] if "port" in row]
    before = [row["key"] + row["server"] for row in ask(alice, "/groups")["rows"]]

    def gone() -> None:
        now = datetime.now(UTC)
        for name in ("m1", "web1"):
            record(report(name, [], now), name, now)

    found = walked(alice, "/groups", gone, size=2)
    assert [row["key"] + row["server"] for row in found] == before
    assert len(ask(alice, "/groups")["rows"]) < len(before)


def test_the_link_leads_to_the_next_page(alice: Client) -> None:
    first = alice.get("/api/1/servers?size=2&sort=-server")
    target, how = first["Link"].split("; ")
    assert how == 'rel="next"'
    second = json.loads(alice.get(target.strip("<>")).content)
    assert [row["server"] for row in second["rows"]] == ["old1"]
    assert second["next"] is None
    assert "Link" not in alice.get(target.strip("<>"))


@pytest.mark.parametrize("cursor", ["x", "W10", "bnVsbA", "é", "a" * 300, "WyIyMDI2LTExLTIwIiwxLCIiXQ"])
def test_a_cursor_that_is_none_is_told(alice: Client, cursor: str) -> None:
    answer = alice.get("/api/1/servers", {"cursor": cursor})
    said = json.loads(answer.content)
    assert (answer.status_code, said["parameter"]) == (400, "cursor")


def test_a_cursor_belongs_to_its_question(alice: Client) -> None:
    cursor = ask(alice, "/servers", size=1)["next"]
    for path, more in (("/ports", {"size": 1}), ("/servers", {"size": 2}), ("/servers", {"q": "w"})):
        assert alice.get(f"/api/1{path}", {**more, "cursor": cursor}).status_code == 400


@pytest.mark.parametrize(
    ("address", "status", "parameter"),
    [
        ("/ports?colour=red", 400, "colour"),
        ("/ports?sort=colour", 400, "sort"),
        ("/ports?size=1001", 400, "size"),
        ("/ports?at=tomorrow", 400, "at"),
        ("/ports?q=a&q=b", 400, "q"),
        ("/who-uses?specifier=jinja2<<3", 400, "specifier"),
        ("/diff?a=web1", 400, "b"),
        ("/overview?q=x", 400, "q"),
        ("/diff?a=web1&b=nobody", 404, None),
        ("/servers/nobody", 404, None),
        ("/servers/%00", 404, None),
        ("/groups/99999999999999999999999", 404, None),
        ("/nothing", 404, None),
    ],
)
def test_what_is_asked_wrongly_is_a_problem(
    alice: Client, address: str, status: int, parameter: str | None
) -> None:
    answer = alice.get(f"/api/1{address}")
    said = json.loads(answer.content)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert (said["status"], said.get("parameter")) == (status, parameter)
    fits(said, "Problem")


def test_other_methods_and_other_formats_are_problems(alice: Client) -> None:
    posted = alice.post("/api/1/ports")
    assert (posted.status_code, posted["Allow"]) == (405, "GET, HEAD")
    refused = alice.get("/api/1/ports", headers={"Accept": "text/csv"})
    assert (refused.status_code, refused["Content-Type"]) == (406, "application/problem+json")
    assert alice.get("/api/1/ports", headers={"Accept": "*/*"}).status_code == 200
    assert alice.head("/api/1/ports").content == b""


def test_a_token_that_reads_opens_the_api_and_one_that_reports_does_not(visitor: Client) -> None:
    now = datetime.now(UTC)

    def status(secret: str) -> int:
        return visitor.get("/api/1/ports", headers={"Authorization": f"Bearer {secret}"}).status_code

    token, secret = tokens.create("read", now)
    assert status(secret) == 200
    assert next(one for one in tokens.every() if one.id == token.id).last_used
    assert status(tokens.create("report", now, "web1")[1]) == 403
    assert status("unknown") == 401
    assert tokens.revoke(token.id, now)
    assert status(secret) == 401


def test_the_document_says_what_is_answered_and_is_as_the_reference_has_it(alice: Client) -> None:
    assert ask(alice, "/openapi.json") == DOCUMENT
    assert json.loads((TOP / "docs/reference/openapi.json").read_text()) == DOCUMENT, "make reference"
    assert (TOP / "docs/reference/api.md").read_text() == described.markdown(), "make reference"


def test_the_page_for_people_names_every_address(alice: Client) -> None:
    page = alice.get("/api").content.decode()
    for chapter in described.chapters():
        assert f"<code>{chapter.address}</code>" in page
