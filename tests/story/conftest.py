"""One set-up for all stories: three applications that run, and a store in which they were gathered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.applications import Site, django_site, folder, uvicorn_site, waitress_site
from tests.story.typing_it import Tightship, as_root

__all__ = ["django_site", "uvicorn_site", "waitress_site"]


@pytest.fixture(scope="session")
def sites(django_site: Site, uvicorn_site: Site, waitress_site: Site) -> dict[str, Site]:
    """Application -> the truth about it."""
    return {"shop": django_site, "stock": uvicorn_site, "intranet": waitress_site}


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
