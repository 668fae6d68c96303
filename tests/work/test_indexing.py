"""The package indexes are asked again each day, once somebody asked for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests import reports
from tests.index.simple import Simple, serving, wheel
from tests.reports import WHEN
from tightship.store import indexed
from tightship.store.models import Behind, Indexed
from tightship.store.recording import record
from tightship.work.indexing import Indexing

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def simple(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[Simple]:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with serving({"django": [wheel("django", "5.2.1"), wheel("django", "5.2.9")]}) as found:
        monkeypatch.setenv("PIP_INDEX_URL", found.url)
        yield found


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def indexing(said: list[str]) -> Indexing:
    lines = reports.packages(django="5.2.1", jinja2="3.1.4")
    record(reports.report("web1", [reports.application("shop", lines)], at=WHEN), "web1", WHEN)
    return Indexing(said.append)


def test_nobody_is_asked_before_somebody_wanted_it(simple: Simple, indexing: Indexing) -> None:
    assert indexing.once(WHEN) == 0
    assert simple.asked == []


def test_what_was_asked_is_asked_again_a_day_later_and_what_is_new_within_the_hour(
    simple: Simple, indexing: Indexing, said: list[str]
) -> None:
    from tightship.fleet.newest import Known

    indexed.keep({"django": Known(asked=WHEN)}, WHEN)

    assert indexing.once(WHEN) == 1
    assert simple.asked == ["jinja2"]
    assert indexing.once(WHEN + timedelta(minutes=1)) == 0

    assert indexing.once(WHEN + DAY * 1.1) == 2
    assert Behind.objects.get().bugfix == "5.2.9"
    assert said == []


def test_an_index_that_is_down_is_told_once_and_what_was_known_stays(
    simple: Simple, indexing: Indexing, said: list[str]
) -> None:
    from tightship.fleet.newest import Candidate, Known

    known = Known([Candidate("5.2.9"), Candidate("5.2.1")], asked=WHEN)
    indexed.keep({"django": known, "jinja2": Known(asked=WHEN)}, WHEN)
    simple.failures = [403] * 4

    indexing.once(WHEN + DAY * 1.1)
    indexing.once(WHEN + DAY * 1.2)

    assert [f"{simple.url} answers 403 for {name}" in said[0] for name in ("django",)] == [True]
    assert len(said) <= 2
    row = Indexed.objects.get(package__name="django")
    assert row.problem
