"""What happened, as people tell it: "shop on web2 went from 2.4.0 to 2.4.1; celery 5.3.6 → 5.4.0; restarted".

A deployment changes a release, some packages and several processes, on several servers one after the
other, and hourly reports see it bit by bit. Changes of one application that lie close together are
told as one happening; servers on which the same was seen are named together. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tightship.fleet.changes import Change, sentence

CLOSE = timedelta(minutes=90)
"""Changes that are no further apart belong together: servers report hourly, each at a minute of its own."""

LONGEST = timedelta(hours=6)
"""Nothing that took longer is told as one: else an application that restarts all day would never end."""

MOST_NAMED = 6
"""Servers that a sentence names."""

_ORDER = (
    "seen",
    "back",
    "renamed",
    "retired",
    "silent",
    "heard",
    "rebooted",
    "system",
    "appeared",
    "gone",
    "named",
    "release",
    "python",
    "package",
    "listener",
    "restarted",
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A change, and where and when it was seen."""

    at: datetime
    server: str
    change: Change


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened to one application (empty: to servers) in a stage, from `at` until `until`."""

    at: datetime
    until: datetime
    application: str
    stage: str
    servers: Sequence[str]
    said: Sequence[str]
    """what changed, the most telling first; the first one goes on from the servers' names"""

    @property
    def sentence(self) -> str:
        """The whole of it: "shop on web1 and web2 went from 2.4.0 to 2.4.1; restarted"."""
        where = named(self.servers)
        who = f"{self.application} on {where}" if self.application else where
        return f"{who} {'; '.join(self.said)}"


def happenings(seen: Iterable[Seen]) -> list[Happening]:
    """Newest first. `seen`: changes in any order."""
    told = [_told(some) for some in _together(seen)]
    same: dict[tuple[object, ...], list[Happening]] = {}
    for one in sorted(told, key=lambda one: one.at):
        key = (one.application, one.stage, tuple(one.said))
        before = same.setdefault(key, [])
        if before and _near(before[-1], one):
            before[-1] = _joined(before[-1], one)
        else:
            before.append(one)
    found = [one for some in same.values() for one in some]
    return sorted(found, key=lambda one: (one.until, one.application, one.servers[0]), reverse=True)


def _together(seen: Iterable[Seen]) -> list[list[Seen]]:
    """The changes of one application on one server that lie close together."""
    groups: dict[tuple[str, str, str], list[list[Seen]]] = {}
    for one in sorted(seen, key=lambda one: one.at):
        of = groups.setdefault((one.change.application, one.change.stage, one.server), [])
        if of and one.at - of[-1][-1].at <= CLOSE and one.at - of[-1][0].at <= LONGEST:
            of[-1].append(one)
        else:
            of.append([one])
    return [some for of in groups.values() for some in of]


def _told(some: Sequence[Seen]) -> Happening:
    first = some[0]
    ordered = sorted(_netted([one.change for one in some]), key=lambda change: _rank(change.kind))
    said = list(dict.fromkeys(_say(change) for change in ordered))
    return Happening(
        first.at,
        some[-1].at,
        first.change.application,
        first.change.stage,
        (first.server,),
        tuple(said or ["changed, and changed back"]),
    )


def _netted(changes: Sequence[Change]) -> list[Change]:
    """5.2.1 → 5.2.2 and 5.2.2 → 5.2.3 is 5.2.1 → 5.2.3; what was taken back within the hour is nothing."""
    net: dict[tuple[str, str, str], Change] = {}
    others = []
    restarted = {change.group: place for place, change in enumerate(changes) if change.kind == "restarted"}
    for place, told in enumerate(changes):
        # What it still ran until it was restarted within the hour is nothing to tell.
        change = replace(told, still_runs="") if restarted.get(told.group, -1) >= place else told
        if change.kind not in ("package", "release", "python", "system"):
            others.append(change)
            continue
        # Its web process and its workers share a release: told once.
        key = (change.kind, change.subject, change.group if change.kind == "python" else "")
        before = net.get(key)
        if before is None or (before.before, before.after) == (change.before, change.after):
            net[key] = change
        else:
            net[key] = replace(change, before=before.before)
    return [*(change for change in net.values() if change.before != change.after), *others]


def _say(change: Change) -> str:
    match change.kind:
        case "release" if change.before and change.after:
            return f"went from {change.before} to {change.after}"
        case "release":
            return f"has release {change.after}"
    return sentence(change)


def _rank(kind: str) -> int:
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)


def _near(before: Happening, one: Happening) -> bool:
    return one.at - before.until <= CLOSE and one.until - before.at <= LONGEST


def _joined(before: Happening, one: Happening) -> Happening:
    servers = dict.fromkeys((*before.servers, *one.servers))
    return replace(before, until=max(before.until, one.until), servers=tuple(sorted(servers)))


def named(servers: Sequence[str]) -> str:
    """`web1, web2 and web3`; `web1, web2 and 9 more`."""
    if len(servers) > MOST_NAMED:
        return f"{', '.join(servers[: MOST_NAMED - 1])} and {len(servers) - MOST_NAMED + 1} more servers"
    *some, last = servers
    return f"{', '.join(some)} and {last}" if some else last
