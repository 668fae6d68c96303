"""What is pure in the pages: moments, query strings, cells, sentences, the timeline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tightship.fleet.moments import BadMoment, moment
from tightship.store.details import NOTHING_SAID, ApplicationDetail, StageDetail
from tightship.store.listing import BadParams, Column, Params
from tightship.web import asking, markup, sentences, table, timeline

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
AMSTERDAM = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", None),
        ("2026-11-20", datetime(2026, 11, 20, 23, 59, 59, 999999, AMSTERDAM)),
        ("2026-11-20T14:05", datetime(2026, 11, 20, 14, 5, tzinfo=AMSTERDAM)),
        ("2026-11-20 14:05:30", datetime(2026, 11, 20, 14, 5, 30, tzinfo=AMSTERDAM)),
        ("2026-11-20T14:05Z", datetime(2026, 11, 20, 14, 5, tzinfo=UTC)),
        ("2026-11-20T14:05 05:30", datetime(2026, 11, 20, 8, 35, tzinfo=UTC)),  # a + that was not escaped
        ("2026-11-23", NOW),  # today is not over yet
    ],
)
def test_a_moment_is_understood_as_people_write_it(text: str, meant: datetime | None) -> None:
    assert moment(text, NOW, AMSTERDAM) == meant


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-13-01", "2026-11-24", "2999-01-01", "0001-01-01", "9999-12-31", "1", "T"]
)
def test_what_is_no_moment_of_the_past_is_told_with_an_example(text: str) -> None:
    with pytest.raises(BadMoment, match="expected a date or a moment in the past, as 2026-11-20"):
        moment(text, NOW, AMSTERDAM)


def test_what_is_asked_goes_through_a_query_string_unchanged() -> None:
    asked = Params("a b&c", "-server", 3, 20, {"server": "web1", "type": "web"})
    text = asking.query(asked, "2026-11-20T14:05+01:00")
    assert (
        text == "?q=a+b%26c&server=web1&type=web&sort=-server&page=3&size=20&at=2026-11-20T14%3A05%2B01%3A00"
    )
    assert asking.params(dict(parse_qsl(text[1:]))) == asked


def test_what_is_as_by_itself_is_not_said() -> None:
    assert asking.query(Params()) == ""


@pytest.mark.parametrize(
    "asked", [{"page": "-1"}, {"page": "1e3"}, {"page": "٣"}, {"size": "0"}, {"size": "1001"}]
)
def test_a_page_that_is_no_number_is_refused(asked: dict[str, str]) -> None:
    with pytest.raises(BadParams, match="expected a number from 1 to"):
        asking.params(asked)


def cells(value: Any) -> table.Cell:
    """The second cell of a table's only row."""
    columns = (Column("application", "Application"), Column("x", "X", "list"))
    page: Any = SimpleNamespace(
        listing=SimpleNamespace(columns=columns), params=Params(), rows=[{"application": "shop", "x": value}]
    )
    return table.drawn(page, lambda _thing, value, _row: f"/{value}").rows[0][1]


def test_a_cell_with_many_items_says_how_many_more_there_are() -> None:
    cell = cells([str(number) for number in range(20)])
    assert (len(cell.items), cell.more) == (table.MOST, 20 - table.MOST)


@pytest.mark.parametrize("nothing", [None, "", []])
def test_a_cell_of_nothing_is_nothing(nothing: Any) -> None:
    assert cells(nothing).nothing
    assert not cells(0).nothing
    assert not cells(False).nothing


def test_a_long_text_is_cut_in_its_middle_and_kept_whole_beside_it() -> None:
    (item,) = cells("a" * 200 + "the end").items
    assert item.text.startswith("aaaa")
    assert item.text.endswith("the end")
    assert len(item.text) == table.LONGEST
    assert item.whole == "a" * 200 + "the end"


def test_an_application_is_told_by_its_stages() -> None:
    stages = [
        StageDetail("acceptance", [("2.5.0rc1", "tag", 1)], 1),
        StageDetail("production", [("2.4.1", "tag", 2), ("", "", 1)], 3),
    ]
    assert sentences.application(ApplicationDetail("shop", NOTHING_SAID, stages)) == (
        "In acceptance on 1 server, release 2.5.0rc1; in production on 3 servers, release 2.4.1."
    )
    assert sentences.application(ApplicationDetail("shop", NOTHING_SAID, [])) == "Nowhere: it does not run."


def test_many_names_are_told_as_some_and_more() -> None:
    assert sentences.listed(["a", "b"]) == "a and b"
    assert sentences.listed(list("abcdefgh")) == "a, b, c, d, e and 3 more"


def change(
    hours: int, before: str, after: str, server: str = "web1", what: str = "package"
) -> dict[str, Any]:
    return {
        "at": NOW - timedelta(hours=hours),
        "application": "shop",
        "stage": "",
        "server": server,
        "what": what,
        "subject": "" if what == "release" else "b",
        "before": before,
        "after": after,
        "group": "unit:shop.service",
        "still_runs": "",
    }


def test_what_happened_to_one_application_is_one_event_and_each_change_is_said_once() -> None:
    found = timeline.events(
        [
            change(1, "1", "2"),
            change(1, "1", "2"),
            change(1, "1", "2", what="release"),
            change(1, "1", "2", "web2"),
        ]
    )
    assert [(event.servers, event.said) for event in found] == [
        (("web2",), ("b 1 → 2",)),
        (("web1",), ("went from 1 to 2", "b 1 → 2")),
    ]


def test_an_event_of_many_changes_says_how_many_more() -> None:
    many = [{**change(1, "1", "2"), "subject": str(number)} for number in range(10)]
    (event,) = timeline.events(many)
    assert (len(event.said), event.more) == (timeline.MOST, 10 - timeline.MOST)


def test_of_many_servers_some_are_named_and_the_others_counted() -> None:
    named = markup.servers([f"web{number}" for number in range(20)], "2026-11-20T10:00", 2)
    assert named == (
        '<a href="/servers/web0?at=2026-11-20T10%3A00">web0</a>, '
        '<a href="/servers/web1?at=2026-11-20T10%3A00">web1</a> <span class="soft">and 18 more</span>'
    )
    assert markup.servers(["<b>"], "", 2) == '<a href="/servers/%3Cb%3E">&lt;b&gt;</a>'


def test_the_times_that_are_asked_for_most_are_those_of_who_asks() -> None:
    noon = datetime(2026, 11, 20, 12, 0, tzinfo=AMSTERDAM)
    assert timeline.lately(noon) == [
        ("Today", "2026-11-20", ""),
        ("Last night", "2026-11-19T18:00", "2026-11-20T09:00"),
        ("The last seven days", "2026-11-14", ""),
    ]
    assert timeline.lately(noon.replace(hour=7))[1] == ("Last night", "2026-11-19T18:00", "")


def test_days_are_those_of_the_zone_that_people_are_in() -> None:
    found = timeline.events(
        [change(12, "1", "2"), change(13, "7", "8", "web2")]
    )  # at midnight UTC, an hour before
    assert [len(events) for _day, events in timeline.days(found, UTC)] == [1, 1]
    assert [len(events) for _day, events in timeline.days(found, AMSTERDAM)] == [2]
