"""Acknowledgements: what somebody knows of, why it may stay, and until when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from django.db import transaction
from django.db.models import Count

from tightship.store.errors import told
from tightship.store.holding import holding
from tightship.store.models import NAME, SUBJECT, Acknowledgement, Finding
from tightship.store.querying import view
from tightship.store.statements import ask, marks, moment, portions

WILD = frozenset("*?[")

_About = tuple[str, str]
"""kind and subject of a finding"""

_ACTIVE = """
    SELECT id, kind, subject, is_pattern, until FROM store_acknowledgement
    WHERE withdrawn IS NULL AND until > %s AND (is_pattern = %s OR subject IN {}) ORDER BY until, id"""


def is_pattern(kind: str, subject: str) -> bool:
    return bool(WILD & {*kind, *subject})


def matching(about: Sequence[_About], now: datetime) -> dict[_About, int]:
    """The acknowledgement of each that has one: of several the one that lasts longest."""
    found: dict[_About, int] = {}
    for some in portions(about):
        subjects = [subject for _kind, subject in some]
        known = ask(_ACTIVE.format(marks(len(some))), [moment(now), True, *subjects])
        for number, kind, subject, pattern, _until in known:
            for one in some:
                if _matches(kind, subject, bool(pattern), one):
                    found[one] = number
    return found


def _matches(kind: str, subject: str, pattern: bool, about: _About) -> bool:
    if not pattern:
        return (kind, subject) == about
    return fnmatchcase(about[0], kind) and fnmatchcase(about[1], subject)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An acknowledgement as people see it."""

    id: int
    kind: str
    subject: str
    because: str
    by: str
    at: datetime
    until: datetime
    withdrawn: datetime | None
    withdrawn_by: str
    findings: int
    """that it covers now"""


def acknowledge(
    kind: str, subject: str, because: str, by: str, now: datetime, until: datetime
) -> Acknowledged:
    """Acknowledge what is found, and what will be, under a kind and a subject or patterns of them."""
    with told(), transaction.atomic():
        row = Acknowledgement.objects.create(
            kind=kind,
            subject=subject[:SUBJECT],
            is_pattern=is_pattern(kind, subject),
            because=because,
            by=by[:NAME],
            at=now,
            until=until,
        )
        open_ones = Finding.objects.filter(until=None)
        if not row.is_pattern:
            open_ones = open_ones.filter(kind=kind, subject=row.subject)
        _match_again(open_ones, now)
        return _told(row, _covering(now).get(row.pk, 0))


def accept_all(found: Iterable[_About], because: str, by: str, now: datetime, until: datetime) -> int:
    """Acknowledge each of these findings by itself: what is there on day one."""
    rows = [
        Acknowledgement(kind=kind, subject=subject, because=because, by=by[:NAME], at=now, until=until)
        for kind, subject in dict.fromkeys(found)
    ]
    with told(), transaction.atomic():
        for some in portions(rows):
            Acknowledgement.objects.bulk_create(some)
        _match_again(Finding.objects.filter(until=None), now)
    return len(rows)


def withdraw(number: int, by: str, now: datetime) -> Acknowledged | None:
    """Take an acknowledgement back: what it covered counts again. None: there is none to take back."""
    with told(), transaction.atomic():
        row = Acknowledgement.objects.filter(pk=number, withdrawn=None).first()
        if row is None:
            return None
        number_of = _covering(now).get(row.pk, 0)
        covered = list(Finding.objects.filter(until=None, acknowledgement=row).values_list("pk", flat=True))
        row.withdrawn, row.withdrawn_by = now, by[:NAME]
        row.save(update_fields=["withdrawn", "withdrawn_by"])
        for some in portions(covered):
            _match_again(Finding.objects.filter(pk__in=some), now)
        return _told(row, number_of)


def _match_again(findings: Any, now: datetime) -> None:
    """Findings point at the acknowledgement that covers them longest."""
    rows = list(findings.values_list("pk", "kind", "subject", "acknowledgement"))
    known = matching(list(dict.fromkeys((kind, subject) for _pk, kind, subject, _was in rows)), now)
    alike: dict[int | None, list[int]] = {}
    for pk, kind, subject, was in rows:
        now_by = known.get((kind, subject))
        if now_by != was:
            alike.setdefault(now_by, []).append(pk)
    for number, pks in alike.items():
        for some in portions(pks):
            Finding.objects.filter(pk__in=some).update(acknowledgement=number)


def called_anew(subjects: Mapping[_About, str]) -> None:
    """What was acknowledged under a name that was declared anew: under its new one."""
    for some in portions(sorted({subject for _kind, subject in subjects})):
        for row in Acknowledgement.objects.filter(subject__in=some, is_pattern=False):
            if (row.kind, row.subject) in subjects:
                row.subject = subjects[row.kind, row.subject]
                row.save(update_fields=["subject"])


def every(now: datetime, past: bool = False) -> list[Acknowledged]:
    """The acknowledgements that hold, those that end first at the top; `past`: the others too."""
    with told():
        found = Acknowledgement.objects.order_by("until", "pk")
        if not past:
            found = found.filter(withdrawn=None, until__gt=now)
        covering = _covering(now)
        return [_told(row, covering.get(row.pk, 0)) for row in found]


def _covering(now: datetime) -> dict[int, int]:
    """How many findings each acknowledgement covers that hold now."""
    found = holding(view(now)).exclude(acknowledgement=None).values("acknowledgement")
    return {row["acknowledgement"]: row["number"] for row in found.annotate(number=Count("pk")).order_by()}


def _told(row: Acknowledgement, findings: int) -> Acknowledged:
    return Acknowledged(
        row.pk,
        row.kind,
        row.subject,
        row.because,
        row.by,
        row.at,
        row.until,
        row.withdrawn,
        row.withdrawn_by,
        findings,
    )
