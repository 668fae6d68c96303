"""Every list, as a page, as CSV and as JSON: the same rows, asked for by the same words."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import datetime, timedelta
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.reports import report
from tightship.store.listings import LISTINGS
from tightship.store.recording import record
from tightship.web.words import WORDS

pytestmark = pytest.mark.usefixtures("cast")
NAMES = sorted(LISTINGS)


def text(answer) -> str:
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


def rows_of(client: Client, address: str) -> list[dict]:
    return json.loads(client.get(address).content)["rows"]


def csv_of(client: Client, address: str) -> list[dict]:
    return list(csv.DictReader(io.StringIO(client.get(address).getvalue().decode())))


MEANT = {
    ("changes", "kind"),
    ("findings", "severity"),
    ("findings", "since"),
    ("vulnerabilities", "severity"),
}
"""(list, column) whose order is what is meant, not what the words say"""


@pytest.mark.parametrize("name", NAMES)
def test_a_page_asks_its_question_and_says_what_it_covers(alice: Client, name: str) -> None:
    page = alice.get(f"/{name}")
    assert page.status_code == 200
    assert f"<h1>{WORDS[name].question}</h1>" in page.content.decode()
    assert "Covers 2 of 3 servers; 1 silent; 1 partly unread: old1 silent partly unread" in text(page)


@pytest.mark.parametrize("name", NAMES)
def test_its_csv_and_json_have_the_same_rows(alice: Client, name: str) -> None:
    columns = [column.name for column in LISTINGS[name].columns]
    in_json, in_csv = rows_of(alice, f"/{name}.json"), csv_of(alice, f"/{name}.csv")
    assert in_json
    assert [list(row) for row in in_json] == [columns] * len(in_json)
    assert [row[columns[0]] for row in in_csv] == [
        "" if row[columns[0]] is None else str(row[columns[0]]) for row in in_json
    ]


@pytest.mark.parametrize("name", NAMES)
def test_each_column_that_can_be_sorted_by_is_and_its_heading_turns_it(alice: Client, name: str) -> None:
    for column in (column for column in LISTINGS[name].columns if column.sortable):
        up = [row[column.name] for row in rows_of(alice, f"/{name}.json?sort={column.name}")]
        down = [row[column.name] for row in rows_of(alice, f"/{name}.json?sort=-{column.name}")]
        assert sorted(map(str, up)) == sorted(map(str, down))
        there = [value for value in up if value not in (None, "")]
        if (name, column.name) not in MEANT:
            assert there == sorted(there)
        page = alice.get(f"/{name}?sort={column.name}").content.decode()
        if f">{column.title} ↑</a>" in page:  # a column in which nothing is said is left out
            assert f'href="/{name}?sort=-{column.name}">{column.title} ↑</a>' in page
            assert 'aria-sort="ascending"' in page


@pytest.mark.parametrize("name", NAMES)
def test_the_number_of_queries_does_not_grow_with_the_fleet(
    alice: Client, name: str, now: datetime, django_assert_max_num_queries
) -> None:
    from tests.web.cast import web1

    for number in range(6):
        record(report(f"more{number}", at=now, **web1()), f"more{number}", received=now)
    with django_assert_max_num_queries(18):
        assert alice.get(f"/{name}").status_code == 200


def test_a_search_finds_and_says_what_it_looked_for(alice: Client) -> None:
    page = alice.get("/applications?q=sho")
    assert "1 application for “sho”." in text(page)
    assert "shop" in text(page)
    assert "intranet</a>" not in page.content.decode()


def test_a_filter_is_shown_with_the_way_to_take_it_off(alice: Client) -> None:
    page = alice.get("/ports?server=web1&program=nginx&sort=-port").content.decode()
    assert '<a href="/ports?program=nginx&amp;sort=-port">any</a>' in page
    assert "1 port for server web1 and program nginx." in unescape(page)


def test_nothing_found_leads_back_to_all(alice: Client) -> None:
    page = alice.get("/packages?q=nosuchpackage")
    assert "Nothing matches what was asked." in text(page)
    assert 'href="/packages">All packages</a>' in page.content.decode()


def test_a_list_is_cut_into_pages_that_keep_what_was_asked(alice: Client) -> None:
    page = alice.get("/packages?size=4&sort=-package&page=2&application=shop").content.decode()
    assert "5–8 of 8" in page
    assert 'href="/packages?application=shop&amp;sort=-package&amp;size=4" rel="prev"' in page
    assert 'rel="next"' not in page
    first = alice.get("/packages.json?size=4&application=shop")
    assert first["Link"].startswith("</packages.json?application=shop&page=2&size=4&at=2")
    second = alice.get(first["Link"][1:].partition(">")[0])
    assert json.loads(second.content)["at"] == json.loads(first.content)["at"]


def test_a_page_beyond_the_last_one_leads_back(alice: Client) -> None:
    page = alice.get("/packages?page=99")
    assert page.status_code == 200
    assert 'href="/packages">All packages</a>' in page.content.decode()


def test_csv_has_all_rows_not_a_page_of_them(alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tightship.web.lists.CSV_ROWS", 4)
    found = csv_of(alice, "/packages.csv?page=2")
    assert len(found) == json.loads(alice.get("/packages.json").content)["total"] > 4
    assert len({row["package"] for row in found}) == len(found)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("sort=nothing", "order 'nothing'"),
        ("planet=mars", "filter 'planet'"),
        ("page=0", "page"),
        ("page=x", "page"),
        ("size=99999", "size"),
        ("at=yesterday", "at"),
        ("at=2999-01-01", "at"),
        ("at=2026-13-41", "at"),
    ],
)
def test_what_is_asked_wrongly_is_told_with_the_parameters_name(
    alice: Client, query: str, parameter: str
) -> None:
    for ending in (".json", ".csv"):
        answer = alice.get(f"/ports{ending}?{query}")
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
        said = json.loads(answer.content)
        assert said["parameter"] == parameter
        assert said["detail"].startswith(parameter)
    page = alice.get(f"/ports?{query}")
    assert page.status_code == 400
    assert parameter in text(page)


def test_a_port_that_is_no_number_is_told(alice: Client) -> None:
    assert json.loads(alice.get("/ports.json?port=http").content)["status"] == 400


def test_a_past_moment_has_a_banner_its_own_rows_and_stays_in_every_link(
    alice: Client, now: datetime
) -> None:
    then = (now - timedelta(hours=20)).strftime("%Y-%m-%dT%H:%M")
    page = alice.get(f"/packages?at={then}").content.decode()
    assert "As it was on" in page
    assert '<a href="/packages">Back to now</a>' in page
    assert "5.2.1 × 4" in page
    assert "5.2.2" not in page
    inside = page.split('<main id="main">')[1].split("</main>")[0]
    addresses = [unescape(found) for found in re.findall(r'href="(/[^"]*)"', inside)]
    assert addresses
    assert [found for found in addresses if "at=" not in found] == []
    django = next(row for row in rows_of(alice, f"/packages.json?at={then}") if row["package"] == "django")
    assert django["spread"] == [
        "5.2.1 × 4",
        "4.2.11 × 1",
    ]


def test_before_anything_was_known_it_says_so(alice: Client) -> None:
    page = alice.get("/applications?at=2001-01-01")
    assert "Nothing was known of it at that moment." in text(page)
    assert "Covers 0 of 0 servers" in text(page)


@pytest.mark.parametrize("place", ["/ports.json", "/ports.csv", "/diff.json", "/search.json"])
def test_what_programs_can_only_read_says_so(db: None, place: str) -> None:
    person = Client(enforce_csrf_checks=True)
    person.force_login(User.objects.create(username="carol"))
    for method in ("POST", "PUT", "DELETE"):
        answer = person.generic(method, place)
        assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
        assert answer["Content-Type"] == "application/problem+json"


def test_an_export_of_several_pages_is_of_one_moment(
    alice: Client, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    from tests.web.cast import web1

    monkeypatch.setattr("tightship.web.lists.CSV_ROWS", 1)
    before = csv_of(alice, "/servers.csv")
    export = iter(alice.get("/servers.csv").streaming_content)
    begun = next(export)
    later = datetime.now(now.tzinfo) + timedelta(seconds=1)
    record(report("aaa", at=later, **web1()), "aaa", received=later)
    whole = (begun + b"".join(export)).decode()
    assert [row["server"] for row in csv.DictReader(io.StringIO(whole))] == [row["server"] for row in before]
