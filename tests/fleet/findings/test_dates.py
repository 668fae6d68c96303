"""Dates of end of life: our file, and endoflife.date's JSON."""

from __future__ import annotations

from typing import Any

import pytest

from tightship.fleet.findings.endoflife import BadDates, from_endoflife_date, parse, series_of, written


def dates(document: Any) -> list[tuple[str, str]]:
    found = from_endoflife_date(document, "python", "python.json (2026-11-23)")
    return [(one.series, f"{one.ends:%Y-%m-%d}") for one in found]


def test_the_form_with_cycles() -> None:
    document = [
        {"cycle": "3.13", "releaseDate": "2024-10-07", "eol": "2029-10-31", "latest": "3.13.1", "lts": False},
        {"cycle": "3.15", "eol": False},
        {"cycle": "3.0", "eol": True},
    ]
    assert dates(document) == [("3.13", "2029-11-01")]


def test_the_form_with_releases() -> None:
    releases = [{"name": "3.9", "isEol": True, "eolFrom": "2025-10-31"}, {"name": "3.15", "eolFrom": None}]
    assert dates({"schema_version": "1.2.0", "result": {"name": "python", "releases": releases}}) == [
        ("3.9", "2025-11-01")
    ]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({}, "expected the JSON of https://endoflife.date/api/python.json"),
        ([], "expected the JSON"),
        (["3.9"], "entry 1: expected an object"),
        ([{"cycle": 3.9, "eol": "2025-10-31"}], "entry 1: expected a cycle"),
        ([{"cycle": "3.9", "eol": "soon"}], "entry 1: expected a date, as 2027-10-31, got 'soon'"),
        ([{"cycle": "3.9", "eol": "9999-12-31"}], "expected a date"),
        ([{"cycle": "bookworm", "eol": "2028-06-30"}], "none of its 1 entries has a cycle"),
    ],
)
def test_what_is_no_such_document_is_told(document: Any, says: str) -> None:
    with pytest.raises(BadDates, match=r".") as told:
        dates(document)
    assert says in str(told.value)


def test_what_is_written_can_be_read() -> None:
    text = "django 4.2 2026-04-30 a site (2026-11)\npython 3.9 2025-10-31 x\npython 3.10 2026-10-31 x\n"
    assert written(parse(text, "here")) == text


def test_a_line_that_can_not_be_read_is_named() -> None:
    with pytest.raises(BadDates, match=r"here, line 2: expected PRODUCT SERIES DATE SOURCE"):
        parse("# dates\npython 3.9\n", "here")


@pytest.mark.parametrize(
    ("version", "series"),
    [("3.11.7", "3.11"), ("5.2rc1", "5.2"), ("3.11.2+", "3.11"), ("2.7", "2.7"), ("unknown", ""), ("", "")],
)
def test_a_version_is_of_a_series(version: str, series: str) -> None:
    assert series_of(version) == series
