"""One set-up for all stories: three applications that run, and a store in which they were gathered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.applications import Site, called, django_running, folder, uvicorn_running, waitress_running
from tests.story.typing_it import Tightship, as_root


@pytest.fixture(scope="session")
def sites() -> Iterator[dict[str, Site]]:
    """Application -> the truth about it. Each has a name of its own: others may run a `shop` here, too."""
    with (
        django_running(called("shop")) as shop,
        uvicorn_running(called("stock")) as stock,
        waitress_running(called("intranet")) as intranet,
    ):
        yield {"shop": shop, "stock": stock, "intranet": intranet}


@pytest.fixture(scope="session")
def gathered(sites: dict[str, Site]) -> Iterator[Tightship]:
    """`tightship` over a store in which these applications were gathered once."""
    with folder() as data:
        tightship = as_root(data)
        said = tightship.gather()
        assert said.startswith("Recorded "), said
        yield tightship


@pytest.fixture
def data() -> Iterator[Path]:
    """A new data directory, that another user may be given."""
    with folder() as path:
        yield path
