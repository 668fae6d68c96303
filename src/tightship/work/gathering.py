"""Reads many servers over ssh and records each as it comes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from tightship.fleet.report import Refused, Report, load
from tightship.remote import prepared
from tightship.remote.local import PROGRAM
from tightship.remote.program import source
from tightship.remote.ssh import AT_ONCE, SECONDS, Outcome, run_all
from tightship.remote.target import Target
from tightship.store import attempts
from tightship.store.recording import record

WELL = ("recorded", "unchanged", "partial", "handed over")
"""Came in. Partial: some of it could not be read, and stays as it was known. Handed over: to a service."""


@dataclass(frozen=True, slots=True)
class Came:
    """What came of one server."""

    server: str
    kind: str
    """one of WELL, late-report, or how it failed: unreachable, unknown-key, no-python, refused, ..."""
    why: str = ""
    seconds: float = 0.0
    changes: int = 0
    first: bool = False
    applications: int = 0
    """process groups of applications"""
    privileged: bool = True
    """read as root"""

    @property
    def well(self) -> bool:
        return self.kind in WELL


Keep = Callable[[Outcome, datetime], Came]


def gather_all(
    targets: Iterable[Target],
    *,
    sudo: bool = False,
    at_once: int = AT_ONCE,
    timeout: float = SECONDS,
    stop: threading.Event | None = None,
    keep: Keep | None = None,
) -> Generator[Came, None, None]:
    """Read servers, so many at once, and record each as it comes. Who stops asking, or sets `stop`, ends the
    rest. `keep`: what is done with each instead of recording it here.

    Raises `StoreError` when the database can't; what came before is recorded.
    """
    asked = run_all(
        targets,
        source(PROGRAM),
        sudo=sudo,
        installed=prepared.PATH,
        at_once=at_once,
        timeout=timeout,
        stop=stop,
    )
    with closing(asked):
        for outcome in asked:
            yield (keep or _recorded)(outcome, datetime.now(UTC))


def _recorded(outcome: Outcome, now: datetime) -> Came:
    came = _came(outcome, now) if outcome.kind == "ok" else failed(outcome)
    if came.kind != "stopped":
        attempts.note(came.server, attempts.OK if came.well else came.kind, came.why, now)
    return came


def failed(outcome: Outcome) -> Came:
    return Came(outcome.target.name, outcome.kind, outcome.why, outcome.seconds)


def _came(outcome: Outcome, now: datetime) -> Came:
    server = outcome.target.name
    try:
        report = sent(load(outcome.stdout), outcome.clock)
    except Refused as error:
        return Came(server, "failed", f"it printed no report: {error}", outcome.seconds)
    result = record(report, server, now)
    kind = {"late": "late-report", "repeated": "unchanged"}.get(result.kind, result.kind)
    return Came(
        server,
        kind if result.complete or kind == "late-report" else "partial",
        "a newer report of it is there already; see its clock" if kind == "late-report" else "",
        outcome.seconds,
        result.changes,
        result.first,
        applications_in(report),
        report.live.privileged,
    )


def applications_in(report: Report) -> int:
    """How many process groups of applications a report has."""
    return sum(group.kind == "application" for group in report.state.groups) if report.state else 0


def sent(report: Report, clock: int | None) -> Report:
    """The report with the moment at which it left, by the server's clock: so that a wrong one is noticed."""
    if clock is None or report.live.sent is not None:
        return report
    try:
        # A clock of whole seconds is behind by half a one.
        moment = max(report.live.at, datetime.fromtimestamp(clock + 0.5, UTC))
    except (OverflowError, OSError, ValueError):
        return report
    return replace(report, live=report.live.model_copy(update={"sent": moment}))


def document(came: Sequence[Came]) -> str:
    """As JSON, for programs."""
    return json.dumps(
        [
            {
                "server": one.server,
                "result": one.kind,
                "why": one.why,
                "seconds": round(one.seconds, 2),
                "changes": one.changes,
                "first": one.first,
                "applications": one.applications,
                "privileged": one.privileged,
            }
            for one in came
        ],
        indent=1,
    )
