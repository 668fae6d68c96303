"""A store in the database that this run is for: SQLite, or PostgreSQL (see beside.py)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests import reports
from tests.reports import WHEN
from tightship.store.listing import Params, Row
from tightship.store.listings import LISTINGS
from tightship.store.querying import view
from tightship.store.recording import Recorded, record

HOUR = timedelta(hours=1)


class Told:
    """Records reports an hour apart, and asks what is remembered."""

    def __init__(self) -> None:
        self.now = WHEN

    def __call__(self, *applications: tuple[Any, Any], server: str = "web1", **more: Any) -> Recorded:
        self.now += HOUR
        document = reports.report(server, applications, at=self.now, **more)
        return record(document, server, self.now)

    def rows(self, listing: str, at: datetime | None = None, query: str = "", **filters: str) -> list[Row]:
        page = LISTINGS[listing].page(view(self.now, at), Params(query=query, filters=filters))
        return list(page.rows)


@pytest.fixture
def told(db: None) -> Told:
    return Told()


@pytest.fixture
def shop() -> Callable[..., tuple[Any, Any]]:
    def make(*versions: str, **more: Any) -> tuple[Any, Any]:
        django = versions[0] if versions else "5.2.1"
        return reports.application("shop", reports.packages(django=django, jinja2="3.1.4"), **more)

    return make
