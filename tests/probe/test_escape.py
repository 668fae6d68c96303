"""Text from outside, made harmless before it leaves the server."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightship.fleet import text as receiving
from tightship_probe import escape

ANYTHING = st.text(st.characters(exclude_categories=[]), max_size=50)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("shop", "shop"),
        ("Müller", "Müller"),
        ("a\0b\x1b[0m\n", "a\\x00b\\x1b[0m\\x0a"),
        (os.fsdecode(b"caf\xe9"), "caf\\xe9"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_is_not_to_be_seen_is_written_visibly(said: str, told: str) -> None:
    assert escape.harmless(said) == told


def test_two_long_names_stay_distinct() -> None:
    one, other = escape.name("a" * 300), escape.name("a" * 299 + "b")
    assert len(one) == len(other) == 200
    assert one != other


@given(ANYTHING)
def test_nothing_is_left_for_the_service_to_clean(said: str) -> None:
    told = escape.all_harmless({said: [said]})
    assert receiving.clean(told) == told


@given(ANYTHING)
def test_the_search_over_a_whole_report_overlooks_nothing(said: str) -> None:
    if escape.harmless(said) != said:
        assert escape.needs_escaping(json.dumps([said]))


@given(st.lists(ANYTHING.map(lambda field: field.replace("\t", " ")), min_size=1, max_size=6))
def test_lines_of_packages_keep_their_tabs(fields: list[str]) -> None:
    (line,) = escape.harmless_lines(["\t".join(fields)])
    assert line == "\t".join(escape.harmless(field) for field in fields)
