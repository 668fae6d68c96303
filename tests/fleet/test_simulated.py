"""The simulated fleet: the same each time, in reports that are real in form, with all that it promises."""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from tightship.fleet.declared import declared
from tightship.fleet.report import SCHEMA, Report, digest_of_set, load, package_line
from tightship.fleet.simulated.cast import SERVERS, fleet_toml
from tightship.fleet.simulated.crowd import crowd
from tightship.fleet.simulated.index import DAYS
from tightship.fleet.simulated.servers import Told
from tightship.fleet.simulated.story import SILENT, Story

END = datetime(2026, 11, 23, 17, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def story() -> list[Told]:
    return list(Story(END).told())


def test_the_same_seed_and_end_tell_the_same(story: list[Told]) -> None:
    assert list(Story(END).told()) == story
    assert [one.report.digest for one in Story(END, 2).told()] != [one.report.digest for one in story]
    assert list(crowd(3, END)) == list(crowd(3, END))


def test_what_is_told_is_a_report_as_a_probe_prints_it(story: list[Told]) -> None:
    crowded = [one for _server, told in crowd(2, END) for one in told]
    for one in [*story, *crowded]:
        assert load(_document(one.report)) == one.report


def _document(report: Report) -> bytes:
    assert report.state is not None
    sets = {digest: [package_line(line) for line in lines] for digest, lines in report.sets.items()}
    for digest, lines in sets.items():
        assert digest_of_set(lines) == digest
    head = f'"schema": "{SCHEMA}", "digest": "{report.digest}", "live": {report.live.model_dump_json()}'
    return f'{{{head}, "state": {report.state.model_dump_json()}, "sets": {json.dumps(sets)}}}'.encode()


def test_reports_come_in_their_order_and_none_from_the_future(story: list[Told]) -> None:
    told: dict[str, list[datetime]] = defaultdict(list)
    for one in story:
        told[one.server].append(one.at)
        assert one.at <= END
    assert set(told) == set(SERVERS)
    assert len(SERVERS) == 30
    for server, moments in told.items():
        assert moments == sorted(set(moments)), server
        silence = END - moments[-1]
        assert (silence > timedelta(days=1)) == (server in SILENT), server
        assert END - moments[0] > timedelta(days=DAYS - 1)


def test_what_is_declared_of_it_is_in_order() -> None:
    said = declared(tomllib.loads(fleet_toml()), {})
    assert said.applications["shop"].owner == "web team"


def test_a_crowd_has_as_many_servers_as_were_asked_for() -> None:
    told = dict(crowd(40, END))
    assert len(told) == 40
    for reports in told.values():
        assert [one.at for one in reports] == sorted({one.at for one in reports})
        state = reports[-1].report.state
        assert state is not None
        assert len(state.groups) >= 20
