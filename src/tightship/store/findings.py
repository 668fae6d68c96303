"""Findings as pages and verbs ask for them: one whole, those of a process group, how many there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from tightship.fleet.findings import KINDS, RANK, SEVERITIES, Severity
from tightship.fleet.findings.packages import UNNAMED
from tightship.store.errors import told
from tightship.store.holding import in_order, kinds_apart
from tightship.store.intervals import at
from tightship.store.listing import Listing, Params, Row, View
from tightship.store.listings.findings import FINDINGS, finding_row
from tightship.store.models import Finding, FoundGroup, Member, VulnerableVersion

ORDER = ("accepted", "rank", "kind", "subject", "pk")

NAMEABLE = 2_000
"""Of more findings, none is named where all are counted: nobody reads three names of thousands."""

MOST = 50
"""Earlier times that are told of one finding."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How many findings there are of a kind and a severity."""

    kind: str
    severity: Severity
    number: int
    """that nobody acknowledged"""
    subjects: Sequence[tuple[int, str]]
    """(id, subject) of the first few"""

    @property
    def title(self) -> str:
        return KINDS[self.kind].title if self.kind in KINDS else self.kind


@dataclass(frozen=True, slots=True)
class Summary:
    counted: Sequence[Counted]
    """the worst first"""
    acknowledged: int

    @property
    def severities(self) -> Mapping[Severity, int]:
        return {
            severity: sum(one.number for one in self.counted if one.severity == severity)
            for severity in SEVERITIES
        }


def summary(view: View, named: int = 3) -> Summary:
    """What needs somebody now. Two queries, and one for those that are named."""
    with told():
        counted = [
            row
            for some in kinds_apart(view)
            for row in some.values("kind", "rank", "accepted").annotate(number=Count("*")).order_by()
        ]
        rows = sorted(counted, key=lambda row: (row["rank"], _place(row["kind"])))
        counting = [row for row in rows if not row["accepted"]]
        few = 0 < sum(row["number"] for row in counting) <= NAMEABLE
        names = _named(view, [row["kind"] for row in counting], named) if few else {}
        return Summary(
            [
                Counted(
                    row["kind"],
                    SEVERITIES[row["rank"] - 1],
                    row["number"],
                    names.get((row["kind"], row["rank"]), ()),
                )
                for row in counting
            ],
            sum(row["number"] for row in rows if row["accepted"]),
        )


def _place(kind: str) -> int:
    return list(KINDS).index(kind) if kind in KINDS else len(KINDS)


def _named(view: View, kinds: Sequence[str], most: int) -> dict[tuple[str, int], list[tuple[int, str]]]:
    """The first few subjects of each kind and severity."""
    found: dict[tuple[str, int], list[tuple[int, str]]] = {}
    open_ones = in_order(view).filter(accepted=0, kind__in=kinds)
    for pk, kind, rank, subject in open_ones.order_by("rank", "kind", "subject").values_list(
        "pk", "kind", "rank", "subject"
    )[: most * 40]:
        some = found.setdefault((kind, rank), [])
        if len(some) < most:
            some.append((pk, subject))
    return found


@dataclass(frozen=True, slots=True)
class Time:
    """Once that it was so."""

    id: int
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class FindingDetail:
    row: Row
    """as in the listing"""
    meaning: str
    when: str
    """what this severity means for this kind"""
    holds: bool
    """at the moment of the view"""
    until: datetime | None
    times: Sequence[Time]
    """when it was so, the newest first, this one included"""
    group_id: int | None


def finding(view: View, number: int) -> FindingDetail | None:
    """A finding, also one that is over; None: there was none."""
    with told():
        held = in_order(view).filter(pk=number).select_related("application", "server", "acknowledgement")
        row = held.first()
        over = row is None
        if row is None:
            row = (
                Finding.objects.filter(pk=number, since__lte=view.moment)
                .select_related("application", "server", "acknowledgement")
                .first()
            )
            if row is None:
                return None
            row.accepted = 0  # type: ignore[attr-defined]
        kind = KINDS.get(row.kind)
        severity = SEVERITIES[row.rank - 1]
        return FindingDetail(
            finding_row(view, row),
            kind.meaning if kind else "",
            kind.severities.get(severity, "") if kind else "",
            not over,
            row.until,
            _times(view, row),
            _group_id(view, row),
        )


def _times(view: View, row: Finding) -> list[Time]:
    of = Q(server=row.server_id) if row.server_id else Q(server=None, application=row.application_id)
    same = Finding.objects.filter(of, kind=row.kind, key=row.key, since__lte=view.moment)
    found = same.order_by("-since", "-pk").values_list("pk", "since", "until")[:MOST]
    return [Time(*one) for one in found]


def _group_id(view: View, row: Finding) -> int | None:
    if not row.group or not row.server_id:
        return None
    groups = FoundGroup.objects.filter(at(view.at), server=row.server_id, key=row.group)
    return groups.values_list("pk", flat=True).first()


def of_group(view: View, server: str, key: str, application: str, stage: str, base: str) -> list[Row]:
    """The findings about one process group: its own, its instance's and its application's in its stage."""
    with told():
        own = Q(server__name=server, group=key)
        instance = Q(server__name=server, application__name=application, stage=stage, subject__endswith=base)
        mixed = Q(server=None, kind="mixed", application__name=application, stage=stage)
        some = own | mixed | _vulnerable(view, server, key) | (instance if base else Q(pk=None))
        found = in_order(view).filter(some).select_related("application", "server", "acknowledgement")
        return [finding_row(view, row) for row in found.order_by(*ORDER)[:MOST]]


def _vulnerable(view: View, server: str, key: str) -> Q:
    """Of all that its application has, what the process group itself runs, or will when started anew."""
    group = FoundGroup.objects.filter(at(view.at), server__name=server, key=key)
    sets = group.values_list("loaded", "packages", "application").first()
    if sets is None:
        return Q(pk=None)
    held = Member.objects.filter(set__in=[one for one in sets[:2] if one], shadowed=False)
    versions = VulnerableVersion.objects.filter(version__in=held.values("version"))
    nameless = Q(key__startswith=f"{UNNAMED} ") if sets[2] is None else Q()
    return Q(kind="vulnerable", application=sets[2], vulnerable__in=versions) & nameless


def about(view: View, most: int, without: str = "", **of: str) -> tuple[list[Row], int]:
    """The first findings about something, those that count first, and how many there are; but for a kind."""
    with told():
        found = (
            in_order(view)
            .filter(**of)
            .exclude(kind=without)
            .select_related("application", "server", "acknowledgement")
        )
        some = list(found.order_by(*ORDER)[: most + 1])
        total = len(some) if len(some) <= most else found.count()
        return [finding_row(view, row) for row in some[:most]], total


def at_or_above(
    view: View, severity: Severity, filters: Mapping[str, str], query: str = "", listing: Listing = FINDINGS
) -> int:
    """How many findings of this severity or a worse one there are, that nobody acknowledged."""
    wanted = [name for name in SEVERITIES if RANK[name] <= RANK[severity]]
    asked = filters.get("severity")
    if filters.get("acknowledged") == "yes":
        return 0
    total = 0
    for name in wanted:
        if asked in (None, name):
            chosen = {**filters, "severity": name, "acknowledged": "no"}
            total += listing.page(view, Params(size=1, query=query, filters=chosen)).total
    return total


def every(listing: Listing, view: View, filters: Mapping[str, str], query: str) -> Iterator[tuple[str, str]]:
    """Kind and subject of all findings that a listing has."""
    params = Params(query=query, size=10_000, filters=filters)
    pages = 1
    while params.page <= pages:
        page = listing.page(view, params)
        yield from ((str(row["kind"]), str(row["subject"])) for row in page.rows)
        pages, params = page.pages, params.with_(page=params.page + 1)
