"""A list kept by hand, held against what runs."""

from __future__ import annotations

from tightship.fleet.reckoning import Difference, Known, Listed, Runs, plain, reckon

FLEET = Known(
    [
        Runs(
            "shop", "web1", frozenset({"8001"}), frozenset({"2.4.1"}), frozenset({"production"}), "web team"
        ),
        Runs("shop", "web2", frozenset({"8001", "8002"}), frozenset({"2.5.0 (dirty)"})),
        Runs("web-blog", "web2", frozenset({"8003"})),
        Runs("old", "old1"),
    ],
    ["web1", "web2.example.com", "web2", "old1", "spare1"],
    ["old1"],
)


def told(*listed: Listed, known: Known = FLEET) -> list[tuple[str, int, str, str]]:
    """Of what the lines themselves are told."""
    found = reckon(listed, known).differences
    return [
        (one.kind, one.line, one.listed or one.server, one.found or one.hint) for one in found if one.line
    ]


def test_a_line_that_is_right_is_counted() -> None:
    right = Listed(2, "Shop", "WEB1.example.com", "8001", "v2.4.1", "Web Team", "Production")
    came = reckon([right], FLEET)
    assert (came.lines, came.right) == (1, 1)
    assert [one.kind for one in came.differences] == ["not listed", "not listed", "not listed"]


def test_each_fact_that_differs_is_told() -> None:
    wrong = Listed(2, "shop", "web1", "8009", "2.4.0", "nobody", "test")
    assert told(wrong) == [
        ("port", 2, "8009", "8001"),
        ("release", 2, "2.4.0", "2.4.1"),
        ("owner", 2, "nobody", "web team"),
        ("stage", 2, "test", "production"),
    ]


def test_one_of_several_ports_is_right_and_a_release_is_its_first_word() -> None:
    assert told(Listed(2, "shop", "web2", "8002", "2.5.0")) == []
    assert told(Listed(2, "shop", "web2", "8002, 8009")) == [("port", 2, "8002, 8009", "8001, 8002")]


def test_what_nobody_knows_is_no_difference() -> None:
    assert told(Listed(2, "web-blog", "web2", "8003", "1.0", "somebody")) == []


def test_an_application_that_is_not_there_is_looked_for_elsewhere() -> None:
    assert told(Listed(2, "shop", "spare1")) == [("not found", 2, "spare1", "it runs on web1, web2")]
    assert told(Listed(2, "webblog", "web2")) == [("not found", 2, "web2", "near: web-blog")]
    assert told(Listed(2, "xyz", "web2")) == [("not found", 2, "web2", "it runs nowhere")]
    assert told(Listed(2, "xyz")) == [("not found", 2, "", "it runs nowhere")]


def test_a_server_that_nobody_read_or_that_is_silent_says_nothing() -> None:
    assert told(Listed(2, "shop", "spare9")) == [("no such server", 2, "spare9", "near: spare1")]
    assert told(Listed(2, "old", "old1")) == [
        ("silent", 2, "old1", "what it said last may not be so any more")
    ]


def test_what_runs_and_is_not_listed_is_told_with_its_ports() -> None:
    came = reckon([Listed(2, "shop", "web1"), Listed(3, "web_blog")], FLEET)
    assert [one for one in came.differences if not one.line] == [
        Difference("not listed", 0, "old", "old1"),
        Difference("not listed", 0, "shop", "web2", "", "8001, 8002", "the list has it on other servers"),
    ]


def test_a_list_of_servers_alone_is_held_against_servers() -> None:
    came = reckon([Listed(1, server="web1"), Listed(2, server="web7")], FLEET)
    assert [(one.kind, one.server) for one in came.differences] == [
        ("no such server", "web7"),
        ("not listed", "old1"),
        ("not listed", "spare1"),
        ("not listed", "web2"),
        ("not listed", "web2.example.com"),
    ]


def test_two_servers_with_one_short_name_are_not_taken_for_each_other() -> None:
    assert told(Listed(2, "shop", "web2.other.example")) == [
        ("no such server", 2, "web2.other.example", "near: web2.example.com")
    ]


def test_names_are_compared_as_people_write_them() -> None:
    assert plain(" Web_Shop ") == plain("web.shop") == "web-shop"
