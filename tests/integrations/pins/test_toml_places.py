"""Where strings of a TOML file stand, beside what tomllib reads."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightship.integrations.pins.toml_places import strings

CASES = Path(__file__).parent / "cases"

KEYS = st.sampled_from(["a", "b-c", '"d.e"', "'f g'", "a.b", 'x . "y\\"z"', "1"])
STRINGS = st.sampled_from(
    ['"one"', "'two'", '"with \\"quotes\\" and # hash"', "'raw \\'", '""', '"""three\nlines"""',
     "'''\nfo'ur'''", '"""ends with ""\\""""', '"""a"""""', "''''quoted''''", '"é\\u00e9"']
)  # fmt: skip
SCALARS = STRINGS | st.sampled_from(["1", "-1.5e3", "true", "1979-05-27T07:32:00Z", "inf", "0xff"])


def _array(values: list[str]) -> str:
    return "[ " + ", # here ]\n  ".join(values) + (" ,\n]" if values else "\n]")


def _inline(pairs: list[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{key} = {value}" for key, value in pairs) + "}"


VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(_array)
        | st.lists(st.tuples(KEYS, inner), max_size=2, unique_by=lambda pair: pair[0]).map(_inline)
    ),
    max_leaves=5,
)
PAIRS = st.tuples(KEYS, VALUES).map(lambda pair: f"{pair[0]}  =  {pair[1]}  # comment = 'no'\n")
HEADERS = st.sampled_from(
    ["[t]\n", "[t.u]\n", "[[many]]\n", "[ many . one ]\n", '[["q"]] # x\n', "\n", "# [no]\n"]
)


def flat(document: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every string with its path."""
    if isinstance(document, str):
        yield path, document
    elif isinstance(document, dict):
        for key, value in document.items():
            yield from flat(value, (*path, key))
    elif isinstance(document, list):
        for number, value in enumerate(document):
            yield from flat(value, (*path, number))


def compared(text: str) -> None:
    found = strings(text)
    read = dict(flat(tomllib.loads(text)))
    assert found.keys() == read.keys()
    for path, place in found.items():
        between = text[place.start : place.end]
        if "\\" not in between:
            assert between.removeprefix("\n") == read[path]


@given(st.lists(PAIRS | HEADERS, max_size=8).map("".join))
def test_every_string_is_found_where_it_stands(text: str) -> None:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    compared(text)


@pytest.mark.parametrize("file", sorted(CASES.glob("*/project/*.toml")), ids=lambda file: file.parts[-3])
def test_real_files_are_walked_over_whole(file: Path) -> None:
    if "broken" not in file.name:
        compared(file.read_text())
        compared(file.read_text().replace("\n", "\r\n"))


def test_our_own_project_is_walked_over_whole() -> None:
    compared((Path(__file__).parents[3] / "pyproject.toml").read_text())
