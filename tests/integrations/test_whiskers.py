"""What a buildout says of itself, in every form that was ever sent."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightship.integrations.whiskers import Build, Included, Pinned, Refused, parse

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def form(said: Any) -> tuple[bytes, str]:
    return urlencode({"data": json.dumps(said)}).encode(), FORM


LIST = {
    "buildoutname": "museum",
    "packages": [
        {"name": "Flask", "version": "3.1.3", "required_by": ["museum 1.0"]},
        {"name": "zc-buildout", "version": ">=6.0.1"},
        {"name": "zc-recipe-egg", "version": ">=2.0.6"},
        {"name": "zc.recipe.egg", "version": "6.0.0"},
        {"name": "", "version": "1"},
    ],
}
TABLE = {
    "hostname": "web1",
    "ipv4": "10.0.0.1",
    "started": "2026-11-20T10:00:00",
    "finished": "2026-11-20T10:01:00",
    "buildout_config": {"directory": "/srv/museum", "executable": "/usr/bin/python3"},
    "pinned_versions": {"Flask": "3.1.3", "setuptools": ">=60", "unused": "1.0"},
    "versionmap": {"Flask": "3.1.3", "jinja2": "3.1.6"},
    "packages": {
        "flask": {"version": "3.1.3", "requirements": [{"name": "Jinja2", "equation": ">=", "version": "3"}]},
        "jinja2": {"version": None, "requirements": []},
    },
}


def test_the_first_form_is_a_list() -> None:
    """buildout.sendpickedversions 0.3; on zc.buildout 6 it sends constraints as versions, and names twice."""
    assert parse(*form(LIST)) == Build(
        "museum",
        versions={"flask": "3.1.3", "zc-recipe-egg": "6.0.0"},
        required_by={"flask": ["museum 1.0"]},
        constraints={"zc-buildout": ">=6.0.1"},
    )


LATER = Build(
    "museum",
    "web1",
    "/srv/museum",
    versions={"flask": "3.1.3", "jinja2": "3.1.6"},
    picked=frozenset({"jinja2"}),
    pinned={"flask": Pinned("3.1.3"), "unused": Pinned("1.0")},
    required_by={"jinja2": ["flask"]},
)


@pytest.mark.parametrize(
    "sent",
    [
        form(TABLE),
        form({"data": {"data": TABLE}}),
        (json.dumps({"data": TABLE}).encode(), JSON),
        (json.dumps(TABLE).encode(), "application/json; charset=utf-8"),
        (json.dumps({"data": json.dumps(TABLE)}).encode(), JSON),
    ],
    ids=["1.0 as a form", "1.0 that tried again", "whiskers' master", "without data", "twice encoded"],
)
def test_the_later_form_is_a_table_however_it_is_wrapped(sent: tuple[bytes, str]) -> None:
    assert parse(*sent) == LATER


def test_our_own_form_says_where_each_pin_stands() -> None:
    said = {
        "schema": "tightship.build/1",
        "buildoutname": "museum",
        "hostname": "web1",
        "directory": "/srv/museum",
        "python": "3.11.7",
        "packages": {"flask": "3.1.3", "jinja2": "3.1.6"},
        "picked": ["Jinja2"],
        "pins": {
            "Flask": {
                "version": "3.1.3",
                "file": "buildout.cfg",
                "overrides": [{"version": "2.0", "file": "base.cfg"}],
            }
        },
        "required_by": {"Jinja2": ["flask 3.1.3"]},
        "cascade": [{"file": "buildout.cfg", "extends": ["base.cfg"]}, {"file": "base.cfg"}],
        "tools": {"zc.buildout": "6.0.1"},
    }

    found = parse(json.dumps(said).encode(), JSON)

    assert found.pinned == {"flask": Pinned("3.1.3", "buildout.cfg", (("2.0", "base.cfg"),))}
    assert found.picked == {"jinja2"}
    assert found.required_by == {"jinja2": ["flask 3.1.3"]}
    assert found.cascade == (Included("buildout.cfg", ("base.cfg",)), Included("base.cfg"))
    assert found.tools == {"zc.buildout": "6.0.1"}
    assert found.python == "3.11.7"


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        (b"", FORM, "field data"),
        (b"data=", FORM, "field data"),
        (b"data=%7B", FORM, "no JSON"),
        (b"\xff", JSON, "no JSON"),
        (b"[" * 100_000, JSON, "no JSON"),
        (b"[]", JSON, "an object with buildoutname"),
        (b"{}", JSON, "packages: expected a list"),
        (b'{"packages": 3}', JSON, "packages: expected a list"),
        (b'{"packages": [{"name": "x", "version": "1"}]}', JSON, "buildoutname"),
        (b'{"buildoutname": "x", "packages": {}}', JSON, "a build that failed"),
        (
            b'{"buildoutname": "x", "packages": [{"name": "y", "version": ">=1"}]}',
            JSON,
            "a build that failed",
        ),
    ],
)
def test_what_is_no_build_is_refused_with_the_reason(body: bytes, kind: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        parse(body, kind)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *TABLE,
                    *LIST,
                    "name",
                    "version",
                    "pins",
                    "cascade",
                    "picked",
                    "required_by",
                    "tools",
                    "overrides",
                    "file",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(anything)
def test_whatever_is_sent_is_a_build_or_refused(said: Any) -> None:
    try:
        found = parse(json.dumps(said).encode(), JSON)
    except Refused:
        return
    assert found.name
    assert found.versions


def test_in_which_order_a_client_names_what_requires_a_package_is_no_change() -> None:
    def sent(*by: str) -> bytes:
        package = {"name": "six", "version": "1.17.0", "required_by": by}
        return json.dumps({"buildoutname": "museum", "packages": [package]}).encode()

    assert parse(sent("b 1", "a 2"), "application/json") == parse(sent("a 2", "b 1"), "application/json")
