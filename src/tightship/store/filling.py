"""Fills the store with servers that it does not know yet, whole histories at a time, for simulated fleets.

Everything is decided by what `record` decides by, and the rows are the same, to their last column; only
they are kept in memory until a server's history is told, and written for many servers at once.
What `record` learns to keep has to be kept here too: a test compares the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection, transaction

from tightship.fleet import changes as differences
from tightship.fleet.found import Found, from_report
from tightship.fleet.naming import DeclaredNames
from tightship.fleet.remembering import remembered
from tightship.fleet.report import Package, Report
from tightship.fleet.simulated.servers import Told
from tightship.fleet.text import clip
from tightship.store import judging, rows, sets, statements, tallies, terms, wordings
from tightship.store.errors import told
from tightship.store.models import NAME, Change, Instance, Interval, Server
from tightship.store.names import applications, declared_names
from tightship.store.recording import CHANGE, change_row, moment_of, text_of_change

SERVERS_AT_ONCE = 100


def fill(servers: Iterable[tuple[str, Sequence[Told]]]) -> Iterator[str]:
    """Record the histories of servers that are not known yet; gives the name of each that is done."""
    left = iter(servers)
    names = declared_names()
    while some := list(islice(left, SERVERS_AT_ONCE)):
        with told(), transaction.atomic():
            _fill([_History(name, names).through(reports) for name, reports in some])
        yield from (name for name, _reports in some)


def settle(now: datetime) -> None:
    """What `record` does by and by, after all was filled in: names to be searched for, and findings, which
    begin now. And what PostgreSQL does by itself after a while: its plans go by what is in the tables."""
    with told():
        terms.fill()
    judging.judge_all(now)
    with told(), connection.cursor() as cursor:
        cursor.execute(_statistics())


def _statistics() -> str:
    if connection.vendor != "postgresql" or connection.in_atomic_block:  # where VACUUM is refused
        return "ANALYZE"
    return "VACUUM ANALYZE"


@dataclass(slots=True)
class _Row:
    """An interval: what was found, since when."""

    since: datetime
    found: Mapping[str, Any]
    until: datetime | None = None


@dataclass(slots=True)
class _State:
    """What is known after a report: found, and when."""

    at: datetime
    found: Found
    happened: Sequence[differences.Change]


@dataclass(slots=True)
class _History:
    """All that is to be remembered of one server."""

    name: str
    names: DeclaredNames
    first_seen: datetime | None = None
    received: datetime | None = None
    moment: datetime | None = None
    newest: Report | None = None
    with_state: Report | None = None
    states: list[_State] = field(default_factory=list)
    sets: dict[str, Sequence[Package]] = field(default_factory=dict)

    def through(self, reports: Sequence[Told]) -> _History:
        for one in reports:
            self._take(one.report, one.at)
        return self

    def _take(self, report: Report, received: datetime) -> None:
        moment = moment_of(report, received)
        if self.moment and moment <= self.moment:
            return  # late, or the same again
        unchanged = self.newest and self.newest.digest == report.digest
        self.first_seen = self.first_seen or received
        self.received, self.moment, self.newest = received, moment, report
        if unchanged:
            return
        assert report.state is not None
        self.with_state = report
        self.sets.update(report.sets)
        before = self.states[-1].found if self.states else None
        now = remembered(before, from_report(report, self.name, moment, self.names))
        happened = differences.changes(before, now, self.sets.__getitem__)
        self.states.append(_State(moment, now, happened))


def _fill(histories: Sequence[_History]) -> None:
    ids = rows.Ids()
    _need_sets(histories, ids)
    groups = [group for one in histories for state in one.states for group in state.found.groups.values()]
    ids.applications.update(applications({group.application for group in groups if group.application}))
    servers = Server.objects.bulk_create([_server(one) for one in histories])
    instances = _instances(histories, servers, ids)
    intervals: dict[type[Interval], list[tuple[Any, ...]]] = {}
    changes: list[tuple[Any, ...]] = []
    for history, server in zip(histories, servers, strict=True):
        ids.instances = instances[server.pk]
        for model, some in _intervals(history, ids).items():
            intervals.setdefault(model, []).extend((server.pk, *row) for row in some)
        for state in history.states:
            at = statements.moment(state.at)
            some_changes = [change_row(change, ids) for change in state.happened]
            _need(map(text_of_change, some_changes), ids)
            changes += ((server.pk, at, *row, ids.wordings[text_of_change(row)]) for row in some_changes)
    for model, some in intervals.items():
        statements.pour(model, ("server_id", "key", "since", "until", *said(model)), some)
    statements.pour(Change, CHANGE, changes)
    tallies.count([server.pk for server in servers])


def _need(texts: Iterable[str], ids: rows.Ids) -> None:
    missing = set(texts) - ids.wordings.keys()
    if missing:
        ids.wordings.update(wordings.ids_of(missing))


def _need_sets(histories: Sequence[_History], ids: rows.Ids) -> None:
    given = {digest: lines for one in histories for digest, lines in one.sets.items()}
    ids.sets.update(sets.ids_of(given))
    ids.sets.update(sets.add({digest: lines for digest, lines in given.items() if digest not in ids.sets}))


def _server(history: _History) -> Server:
    newest, state = history.newest, history.with_state and history.with_state.state
    assert newest
    assert state
    assert history.first_seen
    assert history.received
    assert history.moment
    sent = newest.live.sent
    return Server(
        name=clip(history.name, NAME),
        machine_id=state.system.machine_id[:64],
        first_seen=history.first_seen,
        last_seen=history.received,
        reported_at=history.moment,
        said_at=newest.live.at,
        skew=(history.received - sent).total_seconds() if sent else None,
        digest=newest.digest,
        complete=state.complete,
        live=newest.live.model_dump_json(),
    )


def _instances(
    histories: Sequence[_History], servers: Sequence[Server], ids: rows.Ids
) -> dict[int, rows.Instances]:
    wanted: dict[tuple[int, str, str, str], Instance] = {}
    for history, server in zip(histories, servers, strict=True):
        for state in history.states:
            for group in state.found.groups.values():
                if group.application:
                    stage, base = clip(group.stage, NAME), clip(group.base, rows.KEY)
                    key = (server.pk, group.application, stage, base)
                    if key not in wanted:
                        application = ids.applications[group.application]
                        wanted[key] = Instance(
                            server=server, application_id=application, stage=stage, base=base
                        )
    _need((wordings.text_of((one.stage, one.base)) for one in wanted.values()), ids)
    for one in wanted.values():
        one.wording_id = ids.wordings[wordings.text_of((one.stage, one.base))]
    Instance.objects.bulk_create(wanted.values())
    found: dict[int, rows.Instances] = {server.pk: {} for server in servers}
    for (number, application_name, stage, base), instance in wanted.items():
        found[number][application_name, stage, base] = instance.pk
    return found


def said(model: type[Interval]) -> tuple[str, ...]:
    names = (one.attname for one in model._meta.concrete_fields)
    return tuple(name for name in names if name not in ("id", "server_id", "key", "since", "until"))


def _intervals(history: _History, ids: rows.Ids) -> dict[type[Interval], list[tuple[Any, ...]]]:
    """All intervals of a server, as rows without the server."""
    open_ones: dict[type[Interval], dict[str, _Row]] = {}
    ended: dict[type[Interval], list[tuple[Any, ...]]] = {}
    for state in history.states:
        all_wanted = rows.wanted(state.found, ids)
        texts = wordings.texts_in(all_wanted)
        _need(texts.values(), ids)
        wordings.put(all_wanted, texts, ids.wordings)
        for model, keyed in all_wanted.items():
            current = open_ones.setdefault(model, {})
            over = ended.setdefault(model, [])
            for key in [key for key in current if keyed.get(key) != current[key].found]:
                row = current.pop(key)
                row.until = state.at
                over.append(_told(model, key, row))
            for key, found in keyed.items():
                if key not in current:
                    current[key] = _Row(state.at, found)
    for model, current in open_ones.items():
        ended[model] += (_told(model, key, row) for key, row in current.items())
    return ended


def _told(model: type[Interval], key: str, row: _Row) -> tuple[Any, ...]:
    until = row.until and statements.moment(row.until)
    return (key, statements.moment(row.since), until, *(row.found[name] for name in said(model)))
