"""Findings about servers themselves: unread, silent, a wrong clock, more machines than names. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from tightship.fleet.findings.finding import KINDS, Finding, Known, Severity, counted, some
from tightship.fleet.found import Found

MOST = 8

SKEWED = 120
"""Seconds. Less comes from slow networks and queues."""

TURNS_COUNT = timedelta(days=7)
"""How long two machines under one name are told of after the last turn."""


def is_skewed(skew: float | None) -> bool:
    return skew is not None and abs(skew) >= SKEWED


def _of(
    server: str, kind: str, severity: Severity, told: Sequence[str], command: str = "", where: str = ""
) -> Finding:
    return Finding(kind, severity, kind, server, tuple(told), KINDS[kind].do, command, where)


def unread(found: Found, _known: Known) -> Iterator[Finding]:
    partly = [group for group in found.groups.values() if group.group.unread or group.kept]
    hidden = [one.key for one in found.environments.values() if one.packages is None and one.unread]
    if found.complete and not (found.unread or partly or hidden):
        return
    told = [] if found.complete else ["The report is incomplete: what it does not name may still run."]
    told += [f"{one.what}: {one.why}." for one in found.unread[:MOST]]
    if len(found.unread) > MOST:
        told.append(f"And {len(found.unread) - MOST} things more.")
    if partly:
        names = some(sorted(group.key for group in partly))
        told.append(f"{counted(len(partly), 'process group')} only partly read: {names}.")
    if hidden:
        told.append(f"Packages unread of {counted(len(hidden), 'environment')}: {some(sorted(hidden))}.")
    severity: Severity = "notice" if found.complete else "warning"
    yield _of(found.server, "unread", severity, told, "tightship gather --sudo", found.server)


def clock_skew(found: Found, known: Known) -> Iterator[Finding]:
    skew = known.skew
    if skew is not None and is_skewed(skew):
        side = "behind" if skew > 0 else "ahead of"
        told = f"Its clock was {_span(abs(skew))} {side} ours when that was first seen."
        yield _of(found.server, "clock-skew", "warning", [told], "timedatectl timesync-status", found.server)


def _span(seconds: float) -> str:
    if seconds < 7200:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 3600:.0f} hours" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"


def silence(server: str) -> Finding:
    """What a server will have when it no longer reports."""
    return _of(server, "silent", "warning", (), "systemctl list-timers 'tightship*'", server)


def silent_evidence(last_seen: datetime, now: datetime) -> tuple[str, ...]:
    ago = _span((now - last_seen).total_seconds())
    return (f"Its last report came in at {last_seen:%Y-%m-%d %H:%M} UTC, {ago} before.",)


def two_names(server: str, machine_id: str, others: Sequence[str]) -> Finding:
    report = "reports" if len(others) == 1 else "report"
    told = f"{some(sorted(others))} {report} with machine id {machine_id} too."
    return _of(server, "two-names", "warning", [told], "sudo systemd-machine-id-setup --print", server)


def two_machines(server: str, machines: Sequence[str]) -> Finding:
    told = f"It reported in turn with machine id {' and '.join(machines)}."
    return _of(server, "two-machines", "warning", [told], "tightship token list")
