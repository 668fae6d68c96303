"""Paths without their releases, so that a key outlives a deployment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightship_probe.releasepath import without_release


@pytest.mark.parametrize(
    ("path", "without"),
    [
        ("/srv/shop/releases/20260101120000/venv", "/srv/shop/releases/*/venv"),
        ("/srv/shop/releases/2026-01-01_12-00-00", "/srv/shop/releases/*"),
        ("/srv/shop/releases/2026-01-01T12:00:00", "/srv/shop/releases/*"),
        ("/srv/shop/releases/1767268800123", "/srv/shop/releases/*"),
        ("/srv/shop/releases/2.4.1/venv/bin", "/srv/shop/releases/*/venv/bin"),
        ("/srv/shop/releases/v2.4.1rc1", "/srv/shop/releases/*"),
        ("/srv/shop/releases/2.4.1.dev3+g1a2b3c4", "/srv/shop/releases/*"),
        ("/srv/shop/releases/17", "/srv/shop/releases/*"),
        ("/srv/shop/2.4.1", "/srv/shop/*"),
        ("/srv/shop-2.4.1/venv", "/srv/shop/venv"),
        ("/srv/my-shop-2.4.1-rc.2", "/srv/my-shop"),
        ("/srv/shop_20260101", "/srv/shop"),
        ("/srv/shop-1a2b3c4d", "/srv/shop"),
        ("/srv/shop/1a2b3c4", "/srv/shop/*"),
        ("/srv/shop/da39a3ee5e6b4b0d3255bfef95601890afd80709", "/srv/shop/*"),
        ("/srv/eggs/shop-2.4.1-py3.11.egg", "/srv/eggs/shop"),
        ("/srv/eggs/lxml-5.0-py3.11-linux-x86_64.egg/lxml", "/srv/eggs/lxml/lxml"),
    ],
)
def test_a_release_is_taken_out(path: str, without: str) -> None:
    assert without_release(path) == without


@pytest.mark.parametrize(
    "path",
    [
        "/srv/shop/current/venv",
        "/srv/shop/venv/lib/python3.11/site-packages",
        "/opt/python3.11.7/bin",
        "/srv/customer/17",
        "/srv/port-8001",
        "/srv/cafe/deadbeef",
        "/srv/shop2",
        "",
        "/",
        "relative/path",
        "//double///slashes/",
        "/srv/größe und käse",
    ],
)
def test_what_is_no_release_stays(path: str) -> None:
    assert without_release(path) == path


@given(st.text(alphabet="/abcv.-_+@0123456789T:", max_size=60))
def test_it_is_stable_and_keeps_the_number_of_parts(path: str) -> None:
    once = without_release(path)
    assert without_release(path) == once
    assert once.count("/") == path.count("/")


@pytest.mark.parametrize(
    "part", ["1.1" + "1" * 250, "1.1" + "-1111111a" * 27, "a-" * 127, "v1" + ".1a" * 80, "1-" * 5000]
)
def test_a_hostile_name_takes_no_time(part: str) -> None:
    # Without an answer in time this test would never end.
    assert without_release("/srv/" + part + "x/y").startswith("/srv/")
