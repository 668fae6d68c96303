"""A fresh installation: nothing is known yet, and each page says what to do."""

from __future__ import annotations

import pytest
from django.test import Client

from tightship.store.listings import LISTINGS


@pytest.mark.parametrize("name", sorted(set(LISTINGS) - {"sites", "buildouts", "vulnerabilities"}))
def test_an_empty_list_says_what_to_type(alice: Client, name: str) -> None:
    command = "tightship index update" if name == "outdated" else "tightship gather"
    assert f"<pre>{command}" in alice.get(f"/{name}").content.decode()


def test_an_empty_list_of_sites_says_what_a_site_is(alice: Client) -> None:
    assert (
        "A site is a name that a web server (nginx, Apache) answers to"
        in alice.get("/sites").content.decode()
    )


def test_without_advisories_there_is_no_all_clear(alice: Client) -> None:
    page = alice.get("/vulnerabilities").content.decode()
    assert "That can’t be said." in page
    assert "No advisories are known here: tightship advisories update" in page


def test_the_overview_says_what_to_type(alice: Client) -> None:
    page = alice.get("/").content.decode()
    assert "Nothing is known yet." in page
    assert "<pre>tightship gather</pre>" in page


def test_an_empty_list_of_buildouts_says_how_they_come(alice: Client) -> None:
    assert "docs/how-to/buildout.md" in alice.get("/buildouts").content.decode()
