"""Which versions match what was asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightship.fleet.versions import BadSpecifier, sort_key, wanted


@pytest.mark.parametrize(
    ("asked", "version", "matches"),
    [
        ("jinja2<3.1.6", "3.1.5", True),
        ("jinja2<3.1.6", "3.1.6", False),
        ("jinja2 < 3.1.6", "3.1.5", True),
        ("Jinja2", "anything", True),
        ("jinja2>=3,<4", "3.1", True),
        ("django<5.2", "5.2rc1", False),
        ("django<5.2", "5.1rc1", True),  # who asks for what is old also means a forgotten candidate
        ("shop===2.4 (odd)", "2.4 (odd)", True),
        ("shop<3", "2.4 (odd)", False),
        ("shop==2.4.*", "2.4.7", True),
    ],
)
def test_a_version_matches_as_pep_440_says(asked: str, version: str, matches: bool) -> None:
    assert wanted(asked).matches(version) is matches


@pytest.mark.parametrize("asked", ["", "<3", "jinja2<<3", "jinja2<three", "jinja2 3", "a b"])
def test_what_is_no_specifier_is_refused_with_an_example(asked: str) -> None:
    with pytest.raises(BadSpecifier, match="expected"):
        wanted(asked)


def test_names_are_those_of_pep_503() -> None:
    assert wanted("Typing_Extensions.X").name == "typing-extensions-x"


@given(st.lists(st.text(max_size=10)))
def test_any_versions_can_be_ordered(versions: list[str]) -> None:
    ordered = sorted(versions, key=sort_key)
    assert sorted(ordered, key=sort_key) == ordered


def test_proper_versions_stand_above_the_others() -> None:
    assert sorted(["1.10", "1.9", "trunk", "1.10rc1"], key=sort_key) == ["trunk", "1.9", "1.10rc1", "1.10"]
