"""How versions are spread, drawn beside the words that say the same."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tightship.web import bars


def widths(drawn: str) -> list[float]:
    return [float(width) for width in re.findall(r'<rect[^>]* width="([\d.]+)"', drawn)]


def test_each_version_has_its_share_of_the_bar() -> None:
    assert widths(bars.spread([3, 1])) == [75, 25]


def test_what_all_have_in_one_version_needs_no_bar() -> None:
    assert bars.spread([7]) == bars.spread([]) == ""


def test_many_versions_end_in_one_part() -> None:
    assert widths(bars.spread([10, 5, 2, 1, 1, 1])) == [50, 25, 10, 5, 10]


def test_a_share_of_nothing_is_nothing() -> None:
    assert widths(bars.share(0, 0)) == [100, 0]


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize("address", ["/packages", "/packages/django"])
def test_a_bar_is_silent_for_screen_readers_and_needs_no_style(alice: Client, address: str) -> None:
    page = alice.get(address).content.decode()
    assert "<svg" in page
    assert page.count("<svg") == page.count('aria-hidden="true">\u003crect')
    assert "style=" not in page


@pytest.mark.usefixtures("cast")
def test_a_packages_versions_say_their_share(alice: Client) -> None:
    page = re.sub(r"<[^>]+>", " ", alice.get("/packages/django").content.decode())
    shares = [int(part) for part in re.findall(r"(\d+) %", page)]
    assert len(shares) > 1
    assert 98 <= sum(shares) <= 102
