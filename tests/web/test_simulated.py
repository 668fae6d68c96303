"""A simulated fleet says so on every page, and in every answer to a program."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from tightship.store.listings import LISTINGS
from tightship.store.simulation import begin
from tightship.web.words import ROOMS

PAGES = [*(address for address, _name in ROOMS), "/login", "/no-such-page", "/servers/no-such-server"]
MARK = "None of these servers exists"


@pytest.mark.parametrize("address", PAGES)
def test_every_page_of_a_simulated_fleet_says_so(alice: Client, address: str) -> None:
    assert MARK not in alice.get(address).content.decode()
    begin(1, 30, datetime.now(UTC))
    assert MARK in alice.get(address).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("name", LISTINGS)
def test_every_answer_to_a_program_says_so(alice: Client, name: str) -> None:
    assert "simulated" not in alice.get(f"/{name}.json").json()["covers"]
    begin(1, 30, datetime.now(UTC))
    assert alice.get(f"/{name}.json").json()["covers"]["simulated"] is True
