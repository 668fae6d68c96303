"""Holds what the probe says against what is true, fact by fact."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from tests.zoo.keeper import Living
from tightship.fleet.naming import named, released
from tightship.fleet.report import Environment, ProcessGroup, Report

Fact = tuple[Any, ...]

_OF_GROUP = ("kind", "type", "program", "unit", "supervisor", "container", "user")


@dataclass
class Compared:
    """Facts of one case: what is true of its processes, and what was found."""

    true: set[Fact] = field(default_factory=set)
    found: set[Fact] = field(default_factory=set)

    @property
    def recall(self) -> float:
        return len(self.true & self.found) / len(self.true) if self.true else 1.0

    @property
    def precision(self) -> float:
        return len(self.true & self.found) / len(self.found) if self.found else 0.0

    @property
    def exact(self) -> bool:
        return self.true == self.found

    def differences(self) -> list[str]:
        missing = [f"not found:  {fact}" for fact in sorted(self.true - self.found, key=repr)]
        wrong = [f"not true:   {fact}" for fact in sorted(self.found - self.true, key=repr)]
        return missing + wrong

    def add(self, other: Compared) -> None:
        self.true |= other.true
        self.found |= other.found


def compared(number: int, living: Living, report: Report) -> Compared:
    """One process group against the report. `number` tells several of one case apart."""
    assert report.state is not None
    groups = {group.key: group for group in report.state.groups}
    of_pid = {pid: groups[key] for key, live in report.live.groups.items() for pid in live.pids}
    passing = {pid: one.kind for one in report.live.passing for pid in one.pids}
    expected = dict(living.expected)
    if expected.get("kind") in ("passing", "session"):
        kind = passing.get(living.pid, "application" if living.pid in of_pid else "not seen")
        return Compared({(number, "kind", expected["kind"])}, {(number, "kind", kind)})
    group = of_pid.get(living.pid)
    if group is None:
        what = passing.get(living.pid, "not seen")
        return Compared(_true(number, living, expected), {(number, "kind", what)})
    environments = {environment.key: environment for environment in report.state.environments}
    environment = environments.get(group.environment)
    pids = set(report.live.groups[group.key].pids)
    return Compared(
        _true(number, living, expected),
        _found(number, living, group, environment, pids, report),
    )


def _true(number: int, living: Living, expected: dict[str, Any]) -> set[Fact]:
    truth = living.truth
    facts: set[Fact] = {("kind", expected.pop("kind", "application"))}
    facts |= {("process", pid) for pid in living.pids()}
    listeners = expected.pop("listeners", None)
    facts |= {("listens", *one) for one in (living.listeners() if listeners is None else listeners)}
    skipped = expected.pop("skip", ())
    if truth and "path" not in skipped:
        facts |= {("path", place, entry) for place, entry in enumerate(truth["path"])}
    if truth and "packages" not in skipped:
        facts |= {("package", *one) for one in truth["packages"]}
    if truth and "python" not in skipped:
        facts.add(("python", truth["python"]))
    facts.add(("unread", expected.pop("unread", "")))
    facts |= {(what, value) for what, value in expected.items() if value is not None}
    return {(number, *fact) for fact in facts}


def _found(
    number: int,
    living: Living,
    group: ProcessGroup,
    environment: Environment | None,
    pids: set[int],
    report: Report,
) -> set[Fact]:
    expected = living.expected
    skipped = expected.get("skip", ())
    facts: set[Fact] = {("kind", group.kind)}
    facts |= {("process", pid) for pid in pids}
    facts |= {
        ("listens", one.protocol, one.path if one.protocol == "unix" else one.address, one.port)
        for one in group.listeners
    }
    if living.truth and "path" not in skipped:
        path = [entry for entry in (environment.path if environment else ()) if _exists(living.pid, entry)]
        facts |= {("path", place, entry) for place, entry in enumerate(path)}
    if living.truth and "packages" not in skipped and environment and environment.packages:
        lines = report.sets[environment.packages]
        facts |= {("package", line.name, line.version, line.shadowed) for line in lines}
    if living.truth and "python" not in skipped:
        facts.add(("python", group.python))
    facts.add(("unread", _unread(group, environment, expected.get("unread") or "")))
    facts |= {(what, getattr(group, what)) for what in _OF_GROUP if what in expected and what != "kind"}
    name = named(group)
    concluded = {
        "name": name.application,
        "stage": name.stage,
        "release": released(group, name.application)[0],
        "commit": next((one.commit for one in group.releases if one.commit), ""),
        "environment": environment.kind if environment else "",
        "workers": report.live.groups[group.key].workers,
        "base": group.base,
        "key": group.key,
        "at_rest": environment.at_rest if environment else None,
    }
    facts |= {(what, value) for what, value in concluded.items() if expected.get(what) is not None}
    return {(number, *fact) for fact in facts}


def _unread(group: ProcessGroup, environment: Environment | None, wanted: str) -> str:
    """`wanted` where something unread says so and nothing else is unread; else all that is unread."""
    told = [*group.unread, *(environment.unread if environment else ())]
    texts = [f"{one.what}: {one.why}" for one in told]
    if wanted and texts and all(wanted in text for text in texts):
        return wanted
    return "; ".join(dict.fromkeys(texts))


def _exists(pid: int, path: str) -> bool:
    return os.path.exists(f"/proc/{pid}/root{path}") or os.path.exists(path)
