"""Somebody who is logged in, and the cast of `cast.py` in a real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache as cache_of
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import Browser, sync_playwright

from tests.parts import HEADLESS
from tests.web.cast import record_cast

PASSWORD = "correct horse battery staple"
hashed = cache_of(make_password)  # slow on purpose; once is enough for tests


@pytest.fixture(scope="module")
def recorded(django_db_setup: None, django_db_blocker: Any) -> Iterator[datetime]:
    """The cast, recorded once for a file of tests; what a test adds is taken back after it."""
    now = datetime.now(UTC)
    with django_db_blocker.unblock():
        record_cast(now)
        yield now
        call_command("flush", verbosity=0, interactive=False)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*HEADLESS])
        yield browser
        browser.close()


@pytest.fixture
def now(cast: datetime) -> datetime:
    """The moment that the cast's history ends at."""
    return cast


@pytest.fixture
def cast(recorded: datetime, db: None) -> datetime:
    return recorded


@pytest.fixture
def visitor(db: None) -> Client:
    """Nobody yet."""
    cache.clear()
    return Client()


@pytest.fixture
def alice(visitor: Client) -> Client:
    """Logged in."""
    visitor.force_login(User.objects.create(username="alice", password=hashed(PASSWORD)))
    return visitor
