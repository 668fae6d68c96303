"""record(report): one transaction that brings what is remembered of a server up to date. Idempotent.

An unchanged report costs one UPDATE. What differs closes an interval and opens another; what could
not be read stays as it was known, marked. Order is the server's own, corrected by our clock: a
report that comes late does not undo a newer one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from django.db import IntegrityError, connection, transaction

from tightship.fleet import changes as differences
from tightship.fleet.findings.servers import SKEWED, is_skewed
from tightship.fleet.found import Found, from_report
from tightship.fleet.imported import beside
from tightship.fleet.naming import DeclaredNames
from tightship.fleet.remembering import remembered
from tightship.fleet.report import Package, Report, load
from tightship.fleet.searching import terms
from tightship.fleet.text import clip
from tightship.store import intervals, judging, rows, setfacts, sets, statements, tallies, wordings
from tightship.store.errors import told
from tightship.store.models import NAME, Change, Instance, Server
from tightship.store.names import applications, declared_names
from tightship.store.terms import remember

Kind = Literal["recorded", "unchanged", "repeated", "late"]


class NeedState(Exception):
    """The digest is not that of what is known: the state has to be sent."""


class NeedSets(Exception):
    """The state names package sets that are not known; `digests` says which."""

    def __init__(self, digests: Sequence[str]) -> None:
        super().__init__(f"{len(digests)} package sets are not known here")
        self.digests = digests


class ReportsItself(Exception):
    """A server that a probe reads can't be imported: what really runs there is known."""

    def __init__(self, server: str, last_seen: datetime) -> None:
        super().__init__(f"{server} reports itself")
        self.server = server
        self.last_seen = last_seen


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of a report."""

    kind: Kind
    server: str
    first: bool = False
    complete: bool = True
    changes: int = 0


def record(
    report: Report | bytes,
    server: str = "",
    received: datetime | None = None,
    names: DeclaredNames | None = None,
    imported: str = "",
) -> Recorded:
    """Remember a report. `server`: its name; empty: the hostname in it. `names`: those that were
    declared; None: those in the store. `imported`: the file that it was made from, where no probe made it;
    it says nothing about other applications that were imported for this server. Raises `Refused` for what is
    no report, `NeedState`, `NeedSets`, `ReportsItself`, and `StoreError` when the database can't; then
    nothing changed.
    """
    report = load(report) if isinstance(report, bytes) else report
    name = clip(server or (report.state.system.name if report.state else ""), NAME)
    if not name:
        raise NeedState
    received = received or datetime.now(UTC)
    with told():
        # The short way, for what comes in every hour from servers on which nothing changed.
        if report.state is None and _same_again(report, name, received):
            return Recorded("unchanged", name)
        try:
            return _record(report, name, received, names, imported)
        except IntegrityError:
            # Two first reports of one server at the same moment: now the other has made it known.
            return _record(report, name, received, names, imported)


def moment_of(report: Report, received: datetime) -> datetime:
    """When the probe looked, by our clock: the server's may be years off."""
    live = report.live
    age = live.sent - live.at if live.sent else timedelta(seconds=0)
    return received - max(age, timedelta(0)) if age < timedelta(days=366) else received


_SAME_AGAIN = """
    UPDATE store_server SET last_seen = %s, reported_at = %s, said_at = %s, skew = %s, live = %s
    WHERE name = %s AND digest = %s AND reported_at < %s AND said_at <> %s
    AND (skew IS NOT NULL AND (skew >= %s OR skew <= %s)) = %s"""


def _same_again(report: Report, name: str, received: datetime) -> bool:
    """Whether nothing changed since the newest report; then this was all that there was to do."""
    when = statements.moment(moment_of(report, received))
    said = statements.moment(report.live.at)
    new = (statements.moment(received), when, said, _skew(report, received), report.live.model_dump_json())
    # A clock that went wrong, or is right again, is news.
    clock = (SKEWED, -SKEWED, is_skewed(_skew(report, received)))
    return statements.tell(_SAME_AGAIN, (*new, name, report.digest, when, said, *clock)) == 1


def _skew(report: Report, received: datetime) -> float | None:
    return (received - report.live.sent).total_seconds() if report.live.sent else None


@transaction.atomic
def _record(
    report: Report, name: str, received: datetime, names: DeclaredNames | None, imported: str
) -> Recorded:
    # Before the server's row: `declare` first takes these, then what is found on servers.
    names = declared_names() if names is None else names
    row = locked(name)
    moment = moment_of(report, received)
    if imported and row and not row.imported and not row.retired:
        raise ReportsItself(name, row.last_seen)
    if row and row.digest == report.digest and row.said_at == report.live.at:
        return Recorded("repeated", name, complete=row.complete)
    if row and moment <= max(row.reported_at, row.retired or row.reported_at):
        return Recorded("late", name, complete=row.complete)
    if row and row.digest == report.digest and _same_again(report, name, received):
        return Recorded("unchanged", name, complete=row.complete)
    if report.state is None:
        raise NeedState
    server = row or Server(name=name, first_seen=received)
    stored = intervals.read(server) if row else {}
    ids = rows.ids_in(stored)
    _need_sets(report, ids)
    is_known = row is not None and row.retired is None
    before = rows.known(server, stored, parsed=rows.parsed_of(report.state)) if is_known else None
    new = from_report(report, name, moment, names)
    now = beside(before, new) if imported else remembered(before, new)
    happened = differences.changes(before, now, _packages(report))
    if server.retired:
        happened = [differences.Change("back", after=now.system.os.name)]
        server.retired, server.retired_because = None, ""
    server.imported = clip(imported, NAME)
    _save(server, report, received, moment)
    _need_names(server, now, ids)
    wanted = rows.wanted(now, ids)
    changed = [change_row(change, ids) for change in happened]
    _need_wordings(stored, wanted, changed, ids)
    intervals.write(server, moment, stored, wanted)
    tallies.count([server.pk])
    _tell(server, moment, changed, ids)
    remember(terms(now) - terms(before))
    judging.judge(server, before, now, moment, ids.applications)
    return Recorded("recorded", name, row is None, report.state.complete, len(happened))


def _need_sets(report: Report, ids: rows.Ids) -> None:
    """Learn the ids of the sets that a report names, and store those that are new."""
    ids.sets.update(sets.ids_of(report.sets_named() - ids.sets.keys()))
    missing = report.sets_named() - ids.sets.keys()
    unknown = sorted(missing - report.sets.keys())
    if unknown:
        raise NeedSets(unknown)
    if missing:
        new = {digest: report.sets[digest] for digest in missing}
        ids.sets.update(sets.add(new))
        setfacts.learn(new)


def _packages(report: Report) -> differences.Packages:
    def packages(digest: str) -> Sequence[Package]:
        return report.sets[digest] if digest in report.sets else sets.lines_of(digest)

    return packages


def locked(name: str) -> Server | None:
    # SQLite has one writer at a time anyway, and no FOR UPDATE.
    lock = "FOR UPDATE" if connection.vendor == "postgresql" else ""
    found = Server.objects.raw(f"SELECT * FROM store_server WHERE name = %s {lock}", [name])  # noqa: S608
    return next(iter(found), None)


_SAVE = """
    UPDATE store_server SET machine_id = %s, last_seen = %s, reported_at = %s, said_at = %s, skew = %s,
    digest = %s, complete = %s, live = %s, imported = %s, retired = NULL, retired_because = ''
    WHERE id = %s"""


def _save(server: Server, report: Report, received: datetime, moment: datetime) -> None:
    assert report.state is not None
    server.machine_id = report.state.system.machine_id[:64]
    server.last_seen, server.reported_at, server.said_at = received, moment, report.live.at
    server.skew = _skew(report, received)
    server.digest = report.digest
    server.complete = report.state.complete
    server.live = report.live.model_dump_json()
    if server._state.adding:
        server.save()
        return
    times = [statements.moment(when) for when in (received, moment, report.live.at)]
    said = (server.skew, server.digest, server.complete, server.live, server.imported, server.pk)
    statements.tell(_SAVE, (server.machine_id, *times, *said))


def _need_names(server: Server, found: Found, ids: rows.Ids) -> None:
    """Learn the ids of the applications and instances found; those that are new are made."""
    groups = [group for group in found.groups.values() if group.application]
    ids.applications.update(applications({group.application for group in groups} - ids.applications.keys()))
    wanted = {(group.application, clip(group.stage, NAME), clip(group.base, rows.KEY)) for group in groups}
    missing = wanted - ids.instances.keys()
    if missing:
        texts = wordings.ids_of(wordings.text_of((stage, base)) for _name, stage, base in missing)
        made = [
            Instance(
                server=server,
                application_id=ids.applications[name],
                stage=stage,
                base=base,
                wording_id=texts[wordings.text_of((stage, base))],
            )
            for name, stage, base in sorted(missing)
        ]
        Instance.objects.bulk_create(made, ignore_conflicts=True)
        found_ones = Instance.objects.filter(server=server)
        for name, stage, base, number in found_ones.values_list("application__name", "stage", "base", "id"):
            ids.instances[name, stage, base] = number


def _need_wordings(
    stored: intervals.Rows, wanted: wordings.Wanted, changed: Sequence[ChangeRow], ids: rows.Ids
) -> None:
    """Learn the ids of the texts that lists are searched by; those that are new are made."""
    texts = wordings.texts_in(wanted)
    ids.wordings.update(wordings.texts_known(stored))
    needed = {*texts.values(), *map(text_of_change, changed)}
    ids.wordings.update(wordings.ids_of(needed - ids.wordings.keys()))
    wordings.put(wanted, texts, ids.wordings)


CHANGE = (
    "server_id",
    "at",
    "kind",
    "application_id",
    "stage",
    "group",
    "subject",
    "before",
    "after",
    "still_runs",
    "wording_id",
)
ChangeRow = tuple[str | int | None, ...]
"""The columns of a change but for the server, the moment and its text."""


def _tell(server: Server, moment: datetime, changed: Sequence[ChangeRow], ids: rows.Ids) -> None:
    at = statements.moment(moment)
    told = [(server.pk, at, *row, ids.wordings[text_of_change(row)]) for row in changed]
    if told:
        statements.insert(Change, CHANGE, told)


def text_of_change(row: ChangeRow) -> str:
    said = dict(zip(CHANGE[2:], row, strict=False))
    return wordings.text_of(str(said[name]) for name in wordings.FIELDS[Change])


def change_row(change: differences.Change, ids: rows.Ids) -> ChangeRow:
    return (
        change.kind,
        ids.applications.get(change.application),
        clip(change.stage, NAME),
        clip(change.group, rows.KEY),
        clip(change.subject, rows.KEY),
        clip(change.before, NAME),
        clip(change.after, NAME),
        clip(change.still_runs, NAME),
    )
