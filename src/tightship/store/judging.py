"""Findings, brought up to date with what a report touched. Within the report's transaction.

A finding is a row from `since` until `until`. What stays the same is left alone; what is told otherwise
(a name, a version, a severity) is changed in place: it is the same finding. One that is only to come, as
an end of life, begins in the future.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from tightship.fleet.findings import Finding, Known, of_server
from tightship.fleet.findings.releases import mixed
from tightship.fleet.findings.servers import TURNS_COUNT, silence, two_machines, two_names
from tightship.fleet.found import Found
from tightship.fleet.report import digest_of
from tightship.store import exposures, intervals, rows
from tightship.store.bringing import Place, Values, bring, by_place, lock, read, values
from tightship.store.endings import endings, text_shipped
from tightship.store.errors import told
from tightship.store.models import NAME, Application, Change, FoundGroup, Judged, Server
from tightship.store.models import Finding as Row
from tightship.store.setfacts import differences, facts
from tightship.store.statements import ask, marks, portions

RULES = "1"
"""Another number: all servers are judged anew once this release makes the database ready."""

NAMED = 5
"""Servers that are named for each release."""


def judge(
    server: Server, before: Found | None, now: Found, when: datetime, applications: Mapping[str, int]
) -> None:
    """Bring the findings of a server up to date, and of the applications whose releases changed on it."""
    stored = by_place(read("server_id = %s", [server.pk])) if before else {}
    known = Known(facts, differences, endings(), server.skew)
    found = [*of_server(now, known), silence(server.name)]
    anew, kept = _of_machines(server, before, now, when, stored)
    wanted = values([*found, *anew], applications)
    bring(server.pk, {place: row for place, row in stored.items() if place not in kept}, wanted, when)
    released = {applications[name] for name in _touched(before, now) if name in applications}
    exposed = exposures.touched(before, now, applications)
    if released and exposed:
        # In one go: two reports that wait for each other's applications would wait for ever.
        lock(sorted(released | exposed - exposures.NOBODYS))
    if released:
        judge_mixed(released, when)
    if exposed:
        exposures.judge(exposed, when)


def end(server: int, when: datetime) -> None:
    """Nothing is wrong any more with a server that is no longer there."""
    bring(server, by_place(read("server_id = %s", [server])), {}, when)


# One server


def _of_machines(
    server: Server, before: Found | None, now: Found, when: datetime, stored: Mapping[Place, Values]
) -> tuple[list[Finding], set[Place]]:
    """Findings about machine ids, and the stored ones that stay as they are. Mostly without a query."""
    kept = {place for place in stored if place[0] in ("two-names", "two-machines")}
    machine, was = now.system.machine_id, before.system.machine_id if before else ""
    if not machine or machine == was:
        return [], kept
    found = []
    others = ask(
        "SELECT name FROM store_server WHERE machine_id = %s AND id <> %s AND retired IS NULL "
        "ORDER BY name LIMIT 20",
        [machine[:64], server.pk],
    )
    if others:
        found.append(two_names(server.name, machine, [str(name) for (name,) in others]))
    turned = Change.objects.filter(
        server=server,
        kind="system",
        subject="machine id",
        before=machine[:NAME],
        at__gt=when - TURNS_COUNT,
    )
    if was and turned.exists():
        found.append(two_machines(server.name, sorted((was, machine))))
    elif was:
        return found, kept - {("two-names", "two-names")}
    return found, set()


def _touched(before: Found | None, now: Found) -> set[str]:
    """The applications of which a server has other releases now."""
    return {name for name, _stage, _release in _running(before) ^ _running(now)}


def _running(found: Found | None) -> set[tuple[str, str, str]]:
    return {
        (group.application, group.stage, group.release)
        for group in (found.groups.values() if found else ())
        if group.group.kind == "application" and group.application
    }


# One application on all servers

_RELEASES = """
    SELECT application_id, name, stage, "release", server, total FROM (
        SELECT d.*,
            ROW_NUMBER() OVER (PARTITION BY application_id, stage, "release" ORDER BY server) AS place,
            COUNT(*) OVER (PARTITION BY application_id, stage, "release") AS total
        FROM (
            SELECT DISTINCT g.application_id, a.name, g.stage, g."release", s.name AS server
            FROM store_foundgroup g
            JOIN store_server s ON s.id = g.server_id
            JOIN store_application a ON a.id = g.application_id
            WHERE g."until" IS NULL AND g.kind = 'application' AND g."release" <> ''
            AND g.application_id IN {}
        ) d
    ) e WHERE place <= {} ORDER BY application_id, stage, "release", place"""


def judge_mixed(numbers: Collection[int], when: datetime) -> None:
    """Bring up to date which applications run in several releases. Two queries for all of them."""
    for some in portions(sorted(numbers)):
        lock(some)
        _judge_mixed(some, when)


def _judge_mixed(numbers: Sequence[int], when: datetime) -> None:
    running: dict[tuple[int, str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    totals: dict[tuple[int, str, str], dict[str, int]] = defaultdict(dict)
    for number, name, stage, release, server, total in ask(
        _RELEASES.format(marks(len(numbers)), NAMED), numbers
    ):
        running[number, name, stage][release].append(server)
        totals[number, name, stage][release] = total
    wanted: dict[int, dict[Place, Values]] = defaultdict(dict)
    for place, releases in running.items():
        number, name, stage = place
        finding = mixed(name, stage, releases, totals[place])
        if finding:
            wanted[number].update(values([finding], {name: number}))
    condition = f"server_id IS NULL AND kind = 'mixed' AND application_id IN {marks(len(numbers))}"
    stored: dict[int, dict[Place, Values]] = defaultdict(dict)
    for row in read(condition, numbers):
        stored[row["application_id"]][row["kind"], row["key"]] = row
    for number in {*wanted, *stored}:
        bring(None, stored[number], wanted[number], when)


# All servers


def rules() -> str:
    """Names the rules and dates of this release."""
    return digest_of(f"{RULES}\n{text_shipped()}".encode())


def catch_up(now: datetime) -> int:
    """Judge all servers, once, where they were judged by other rules than this release's."""
    with told():
        if ask("SELECT 1 FROM store_judged WHERE rules = %s", [rules()]):
            return 0
        judged = judge_all(now)
        with transaction.atomic():
            Judged.objects.all().delete()
            Judged.objects.create(rules=rules())
        return judged


APPLICATIONS_AT_ONCE = 20


def judge_all(now: datetime) -> int:
    """Judge every server by what is known of it, then every application. A transaction for each, or a few:
    whatever reports meanwhile waits for no more than that."""
    with told():
        numbers = list(Server.objects.order_by("pk").values_list("pk", flat=True))
        latest = now
        for number in numbers:
            with transaction.atomic():
                latest = max(latest, _judge_again(number, now)[0])
        applications = Application.objects.order_by("pk").values_list("pk", flat=True)
        for some in portions(applications, APPLICATIONS_AT_ONCE):
            with transaction.atomic():
                judge_mixed(some, latest)
    exposures.judge_all(latest)
    return len(numbers)


@dataclass(frozen=True, slots=True)
class CalledAnew:
    """What `declare` calls otherwise than before."""

    servers: frozenset[int]
    """on which more changed than names: what was set aside, or how a release is known"""
    applications: frozenset[int]
    """by their old names and their new ones"""


def judge_called_anew(anew: CalledAnew, now: datetime) -> None:
    """Bring up to date what names decide. Within the transaction of `declare`."""
    sharing = Row.objects.filter(until=None, kind="port-conflict", application__in=anew.applications)
    judge_again(sorted(anew.servers | {one for one in sharing.values_list("server", flat=True) if one}), now)
    judge_mixed(anew.applications, now)
    exposures.judge(anew.applications | {exposures.UNNAMED}, now)


def forget_mixed(applications: Collection[int]) -> None:
    """Applications that nothing is called any more were never in several releases."""
    still = FoundGroup.objects.filter(application__in=applications).values("application")
    Row.objects.filter(server=None, application__in=applications).exclude(application__in=still).delete()


@transaction.atomic
def judge_again(numbers: Iterable[int], now: datetime) -> None:
    """Judge servers by what is known of them already, and the applications that they have."""
    latest, applications = now, set()
    for number in numbers:
        when, some = _judge_again(number, now)
        latest = max(latest, when)
        applications |= some
    judge_mixed(applications, latest)


def _judge_again(number: int, now: datetime) -> tuple[datetime, set[int]]:
    """Judge one server by what is known of it. Returns as of when, and the ids of its applications."""
    lock = "FOR UPDATE" if connection.vendor == "postgresql" else ""
    for server in Server.objects.raw(f"SELECT * FROM store_server WHERE id = %s {lock}", [number]):  # noqa: S608
        stored = intervals.read(server)
        known, applications = rows.known(server, stored), rows.ids_in(stored).applications
        when = max(now, server.reported_at)
        judge(server, known, known, when, applications)
        return when, set(applications.values())
    return now, set()  # it was forgotten meanwhile
