"""Changes: one difference each between what was known of a server and what is known now. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from tightship.fleet.found import Found, FoundGroup, listens, package_changes, versions_of
from tightship.fleet.report import Package

Packages = Callable[[str], Sequence[Package]]
"""digest of a package set -> its packages"""

KINDS = {
    "seen": "first seen",
    "appeared": "appeared",
    "gone": "gone",
    "restarted": "restarted",
    "release": "release",
    "package": "package",
    "python": "Python",
    "listener": "listener",
    "system": "system",
    "rebooted": "rebooted",
    "named": "named",
    "renamed": "renamed",
    "retired": "retired",
    "back": "back",
    "silent": "silent",
    "heard": "heard again",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `before` or `after` is empty where there was, or is, nothing."""

    kind: str
    subject: str = ""
    """what changed: a package, a port, a path; empty: the process group itself"""
    before: str = ""
    after: str = ""
    group: str = ""
    """key of the process group; empty: the server"""
    application: str = ""
    stage: str = ""
    still_runs: str = ""
    """a package changed on disk, and the process was not restarted: the version that it still runs"""


def changes(known: Found | None, now: Found, packages: Packages) -> list[Change]:
    """What happened between two states of a server. The first report is one change, not hundreds."""
    if known is None:
        return [Change("seen", after=now.system.os.name)]
    found = [*_of_system(known, now), *_of_packages(known, now, packages)]
    for key in sorted(known.groups.keys() | now.groups.keys()):
        before, after = known.groups.get(key), now.groups.get(key)
        if before is None and after is not None:
            found.append(_of(after, "appeared", after=after.release))
        elif after is None and before is not None:
            found.append(_of(before, "gone", before=before.release))
        elif before is not None and after is not None:
            found.extend(_of_group(before, after))
    return found


def _of(group: FoundGroup, kind: str, subject: str = "", before: str = "", after: str = "") -> Change:
    return Change(kind, subject, before, after, group.key, group.application, group.stage)


def _of_group(before: FoundGroup, after: FoundGroup) -> Iterator[Change]:
    if not after.kept:
        if (before.application, before.stage) != (after.application, after.stage):
            yield _of(after, "named", "", before.application, after.application)
        if before.release != after.release and after.release:
            yield _of(after, "release", "", before.release, after.release)
        if before.group.python != after.group.python and before.group.python and after.group.python:
            yield _of(after, "python", "", before.group.python, after.group.python)
        yield from _of_listeners(before, after)
    if before.group.started != after.group.started:
        yield _of(after, "restarted")


def _of_packages(known: Found, now: Found, packages: Packages) -> Iterator[Change]:
    """Packages that changed, once for each instance: its web process and its workers share them."""
    difference = cache(lambda before, after: package_changes(packages(before), packages(after)))
    versions = cache(lambda digest: versions_of(packages(digest)))
    told: dict[tuple[str, ...], Change] = {}
    for before, after in _still_there(known, now):
        if not after.application or not before.packages or not after.packages:
            continue
        if before.packages == after.packages:
            continue
        running = versions(after.loaded) if after.surely_stale else {}
        for one in difference(before.packages, after.packages):
            key = (after.application, after.stage, after.base, one.name, one.before, one.after)
            change = told.setdefault(key, _of(after, "package", one.name, one.before, one.after))
            still = running.get(one.name, "")
            if still and still != one.after:
                told[key] = replace(change, still_runs=still)
    yield from told.values()


def _still_there(known: Found, now: Found) -> Iterator[tuple[FoundGroup, FoundGroup]]:
    for key in sorted(known.groups.keys() & now.groups.keys()):
        if not now.groups[key].kept:
            yield known.groups[key], now.groups[key]


def _of_listeners(before: FoundGroup, after: FoundGroup) -> Iterator[Change]:
    old = {listens(listener) for listener in before.group.listeners}
    new = {listens(listener) for listener in after.group.listeners}
    for listener in sorted(old - new):
        yield _of(after, "listener", listener, before=listener)
    for listener in sorted(new - old):
        yield _of(after, "listener", listener, after=listener)


def _of_system(known: Found, now: Found) -> Iterator[Change]:
    if known.system.boot and now.system.boot and known.system.boot != now.system.boot:
        yield Change("rebooted")
    facts = (
        ("operating system", known.system.os.name, now.system.os.name),
        ("kernel", known.system.kernel, now.system.kernel),
        ("hostname", known.system.name, now.system.name),
        ("machine id", known.system.machine_id, now.system.machine_id),
    )
    for subject, before, after in facts:
        if before != after and before and after:
            yield Change("system", subject, before, after)


_WITH = {
    "seen": ("first seen", ": "),
    "back": ("is back", ": "),
    "retired": ("retired", ": "),
    "appeared": ("appeared", " in release "),
}
"""The words, and what joins them to what is there now."""


def sentence(change: Change) -> str:
    """A change in words, without its server: "django 5.2.1 → 5.2.2; the process still runs 5.2.1"."""
    subject, before, after = change.subject, change.before, change.after
    was, now = bool(before), bool(after)
    match change.kind:
        case "package":
            return _of_package(change)
        case "listener":
            return f"no longer listens on {before}" if was else f"listens on {after}"
        case "release":
            return f"{before} → {after}" if was else f"release {after}"
        case "seen" | "back" | "retired" | "appeared":
            return _WITH[change.kind][0] + f"{_WITH[change.kind][1]}{after}" * now
        case "gone":
            return "gone" + f", was {before}" * was
        case "python" | "system":
            return f"{subject or 'Python'} {before} → {after}"
        case "named" | "renamed":
            return f"{change.kind} {after}" + f", was {before}" * was
        case "silent":
            return "fell silent"
        case "heard":
            return "reports again"
    return change.kind


def _of_package(change: Change) -> str:
    if not change.before:
        return f"{change.subject} {change.after} installed"
    gone = f"{change.subject} {change.before} removed"
    text = f"{change.subject} {change.before} → {change.after}" if change.after else gone
    return text + f"; the process still runs {change.still_runs}" * bool(change.still_runs)
