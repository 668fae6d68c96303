"""What `scan` shows of a report: rows of the table, and what was not read. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from tightship.fleet.found import Found, FoundGroup, from_report, listens
from tightship.fleet.report import ProcessGroup, Report
from tightship.fleet.report import Unread as Missed
from tightship.store.listing import Column, Row

COLUMNS = (
    Column("application", "Application"),
    Column("ports", "Ports", "list"),
    Column("release", "Release"),
    Column("stage", "Stage"),
    Column("stale", "Stale"),
    Column("packages", "Packages", "number"),
    Column("python", "Python"),
    Column("type", "Type"),
    Column("user", "User"),
    Column("base", "Directory"),
)
KEYS = ("application", "ports", "release", "packages")
"""Columns that stay on the narrowest terminal."""

APPLICATIONS = frozenset({"application"})
EVERYTHING = frozenset({"application", "system", "session"})


def found(report: Report) -> Found:
    """The report, concluded."""
    if report.state is None:
        raise ValueError("a scan always has a state")
    return from_report(report, report.state.system.name, report.live.at)


def rows(report: Report, server: Found, kinds: Collection[str]) -> list[Row]:
    """One row for each process group of `kinds`."""
    shown = [group for group in server.groups.values() if group.group.kind in kinds]
    return sorted((_row(report, group) for group in shown), key=lambda row: (row["application"], row["type"]))


def _row(report: Report, found: FoundGroup) -> Row:
    group = found.group
    return {
        "application": found.application or group.program,
        "stage": found.stage,
        "release": found.release,
        "type": f"{group.type}, {group.program}" if group.program else group.type,
        "ports": _ports(group) or ("not read" if group.unread and not report.live.privileged else ""),
        "python": group.python,
        "packages": _count(report, found.packages),
        "stale": "maybe" if found.maybe_stale else "",
        "user": group.user,
        "base": found.base or group.cwd,
    }


def _ports(group: ProcessGroup) -> list[str]:
    """Its ports; where it has none, its unix sockets. Many have one of those beside, for their own use."""
    ports = [listener for listener in group.listeners if listener.protocol == "tcp"]
    return [listens(listener) for listener in ports or group.listeners]


def _count(report: Report, packages: str | None) -> int | str:
    """A report of a whole scan brings all its sets; what has none could not be read."""
    lines = report.sets.get(packages or "")
    return "not read" if lines is None else len({package.name for package in lines})


Unread = dict[str, dict[str, list[str]]]
"""Reason -> what -> whose it is (application, environment); empty: the server's."""


def unread(report: Report, server: Found) -> Unread:
    """What was not read, in the order of the report; each thing once."""
    collected: Unread = {}
    _collect(collected, server.unread, "")
    for group in server.groups.values():
        _collect(collected, group.group.unread, group.application or group.key)
    for environment in server.environments.values():
        _collect(collected, environment.unread, environment.prefix or environment.key)
    _collect(collected, report.live.abandoned, "")
    return collected


def _collect(collected: Unread, items: Iterable[Missed], whose: str) -> None:
    for item in items:
        owners = collected.setdefault(item.why, {}).setdefault(item.what, [])
        if whose and whose not in owners:
            owners.append(whose)


def summary(missing: Unread, most: int) -> list[str]:
    """A line for each reason, naming at most so many things and so many owners of each."""
    lines = []
    for why, whats in missing.items():
        named = [f"{what} ({_some(owners, most)})" if owners else what for what, owners in whats.items()]
        lines.append(f"Not read, {why}: {_some(named, most)}")
    return lines


def _some(words: Sequence[str], most: int) -> str:
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def ending(report: Report, server: Found, shown: int) -> str:
    """The last line: how many, of which server, read as whom."""
    others = len(server.groups) - shown
    parts = [
        f"{shown} in all" if shown else "No Python application found",
        f"{others} of the system's own not shown, --all does" if others else "",
        f"{server.system.name}, read {'as root' if report.live.privileged else 'as an ordinary user'}",
    ]
    return " · ".join(part for part in parts if part)
