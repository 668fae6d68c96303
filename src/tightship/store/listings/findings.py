"""Findings: the worst first, what is acknowledged last."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from django.db.models import Q, QuerySet

from tightship.fleet.findings import KINDS, RANK, SEVERITIES
from tightship.fleet.findings.servers import silent_evidence
from tightship.store.holding import began, in_order
from tightship.store.listing import BadParams, Column, Filter, Params, Row, View
from tightship.store.listings.signs import APPLICATION, SERVER, STAGE
from tightship.store.models import Finding
from tightship.store.querying import Queried, last_heard

KIND = Filter("kind", "Kind", choices=tuple(KINDS))
SEVERITY = Filter("severity", "Severity", choices=SEVERITIES)


def _findings(view: View) -> QuerySet[Finding]:
    return in_order(view).select_related("application", "server", "acknowledgement")


def finding_rows(view: View, findings: Sequence[Finding], _params: Params) -> list[Row]:
    return [finding_row(view, finding) for finding in findings]


def finding_row(view: View, finding: Finding) -> Row:
    said = json.loads(finding.data)
    evidence = list(said["evidence"])
    if finding.kind == "silent" and finding.server:
        evidence = list(silent_evidence(last_heard(finding.server, view), view.moment))
    known = finding.acknowledgement if finding.accepted else None  # type: ignore[attr-defined]
    kind = KINDS.get(finding.kind)
    return {
        "id": finding.pk,
        "finding": kind.title if kind else finding.kind,
        "severity": SEVERITIES[finding.rank - 1],
        "kind": finding.kind,
        "subject": finding.subject,
        "application": finding.application.name if finding.application else "",
        "stage": finding.stage,
        "server": finding.server.name if finding.server else "",
        "told": evidence[0] if evidence else "",
        "evidence": evidence,
        "do": said["do"],
        "command": said["command"],
        "where": said["where"],
        "since": began(finding, view),
        "acknowledged": known.until if known else None,
        "because": known.because if known else "",
        "by": known.by if known else "",
        "acknowledgement": known.pk if known else None,
        "group": finding.group,
    }


def like(glob: str) -> str:
    """A pattern with * and ? as a regular expression that both databases know."""
    return "^" + "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in glob) + "$"


def _subject(text: str, _view: View) -> Q:
    if "*" in text or "?" in text:
        return Q(subject__regex=like(text[:300]))
    return Q(subject=text)


def _severity(name: str, _view: View) -> Q:
    if name not in RANK:
        raise BadParams(f"filter 'severity': expected one of {', '.join(SEVERITIES)}")
    return Q(rank=RANK[name])


def _acknowledged(text: str, _view: View) -> Q:
    if text not in ("yes", "no"):
        raise BadParams("filter 'acknowledged': expected one of no, yes")
    return Q(accepted=int(text == "yes"))


FINDINGS = Queried(
    "findings",
    "Findings",
    (
        Column("finding", "Finding", thing="finding", sortable=False),
        Column("severity", "Severity"),
        Column("application", "Application", thing="application"),
        Column("stage", "Stage"),
        Column("server", "Server", thing="server"),
        Column("told", "What is known", sortable=False),
        Column("since", "Since", "time"),
        Column("acknowledged", "Acknowledged until", "time", sortable=False),
        Column("kind", "Kind", detail=True),
        Column("subject", "Subject", detail=True),
        Column("evidence", "Evidence", "list", sortable=False, detail=True),
        Column("do", "What to do", sortable=False, detail=True),
        Column("command", "Command", sortable=False, detail=True),
        Column("where", "Where to type it", sortable=False, detail=True),
        Column("because", "Acknowledged because", sortable=False, detail=True),
    ),
    (
        KIND,
        SEVERITY,
        APPLICATION,
        SERVER,
        STAGE,
        Filter("owner", "Owner", "Only of applications of this owner."),
        Filter("subject", "Subject", "Only this subject; * stands for anything."),
        Filter("acknowledged", "Acknowledged", "Only what is acknowledged, or is not.", ("no", "yes")),
    ),
    _findings,
    finding_rows,
    {
        "severity": "rank",
        "kind": "kind",
        "subject": "subject",
        "application": "application__name",
        "stage": "stage",
        "server": "server__name",
        "since": "began",
    },
    {
        "kind": "kind",
        "severity": _severity,
        "application": "application__name",
        "server": "server__name",
        "stage": "stage",
        "owner": "application__owner",
        "subject": _subject,
        "acknowledged": _acknowledged,
    },
    ("subject", "kind", "data"),
    ("accepted", "rank", "kind", "subject"),
)
