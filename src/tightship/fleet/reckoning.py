"""Holds a list kept by hand against what was found, and says where it is wrong. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

Kind = Literal["not found", "no such server", "silent", "not listed", "port", "release", "owner", "stage"]

KINDS: Mapping[Kind, str] = {
    "not found": "does not run where the list says",
    "no such server": "is on a server that nobody has read",
    "silent": "is on a server that does not report",
    "not listed": "runs, and is not in the list",
    "port": "has another port",
    "release": "has another release",
    "owner": "has another owner",
    "stage": "is in another stage",
}
"""The worst first; the words go on from a number of things."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the list. What it does not say is empty."""

    line: int
    application: str = ""
    server: str = ""
    port: str = ""
    release: str = ""
    owner: str = ""
    stage: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Runs:
    """An application on a server, as it was found; all its instances there together."""

    application: str
    server: str
    ports: frozenset[str] = frozenset()
    releases: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What was found, and on what that rests."""

    runs: Sequence[Runs]
    servers: Collection[str]
    silent: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which the list and the servers disagree. `line` 0: no line is about it."""

    kind: Kind
    line: int
    application: str
    server: str
    listed: str = ""
    found: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What came of holding one against the other."""

    lines: int
    right: int
    differences: Sequence[Difference]
    counts: Mapping[Kind, int] = field(default_factory=dict)


def reckon(listed: Sequence[Listed], known: Known) -> Reckoning:
    """Each line against what runs, and what runs against the lines."""
    fleet = _Fleet(known)
    told: list[Difference] = []
    right = 0
    for one in listed:
        wrong = list(fleet.against(one))
        told += wrong
        right += not wrong
    told += fleet.not_listed(listed)
    order = list(KINDS)
    told.sort(key=lambda one: (order.index(one.kind), one.line, one.application, one.server))
    counts = {kind: sum(one.kind == kind for one in told) for kind in KINDS}
    return Reckoning(len(listed), right, told, {kind: count for kind, count in counts.items() if count})


def plain(name: str) -> str:
    """A name as it is compared: `Web_Shop` is `web-shop`."""
    return re.sub(r"[\s_.]+", "-", name.strip().lower())


def first_part(server: str) -> str:
    """`web1` of `web1.example.com`; of an address all of it."""
    name = server.strip().lower().rstrip(".")
    return name if re.fullmatch(r"[\d.]+|.*:.*", name) else name.partition(".")[0]


def values(cell: str) -> frozenset[str]:
    """The values of a cell that may have several: `8001, 8002`."""
    return frozenset(part for part in re.split(r"[,;/\s]+", cell.strip()) if part)


class _Fleet:
    """What was found, by names as they are compared."""

    def __init__(self, known: Known) -> None:
        self.silent = set(known.silent)
        self.servers = {server.lower(): server for server in known.servers}
        self.short = _unique({server: first_part(server) for server in known.servers})
        self.on: dict[str, dict[str, Runs]] = defaultdict(dict)
        self.everywhere: dict[str, list[Runs]] = defaultdict(list)
        self.called: dict[str, str] = {}
        for one in known.runs:
            self.on[one.server][plain(one.application)] = one
            self.everywhere[plain(one.application)].append(one)
            self.called[plain(one.application)] = one.application

    def server(self, said: str) -> str:
        """The server that a cell names; empty: none that is known."""
        name = said.strip().lower().rstrip(".")
        return self.servers.get(name) or self.short.get(first_part(name), "")

    def against(self, one: Listed) -> Iterator[Difference]:
        server = self.server(one.server) if one.server else ""
        if one.server and not server:
            near = get_close_matches(one.server.lower(), self.servers, 1, 0.7)
            hint = f"near: {self.servers[near[0]]}" if near else "gather from it, or let it report"
            yield self._told("no such server", one, one.server, hint=hint)
            return
        if server in self.silent:
            yield self._told("silent", one, server, hint="what it said last may not be so any more")
            return
        if not one.application:
            return
        some = self._meant(one, server)
        if not some:
            yield self._told("not found", one, server, hint=self._elsewhere(one, server))
            return
        yield from self._facts(one, server, some)

    def _meant(self, one: Listed, server: str) -> list[Runs]:
        name = plain(one.application)
        if not server:
            return self.everywhere.get(name, [])
        found = self.on[server].get(name)
        return [found] if found else []

    def _elsewhere(self, one: Listed, server: str) -> str:
        others = sorted({run.server for run in self.everywhere.get(plain(one.application), [])})
        if others:
            more = f" and {len(others) - 3} more" if len(others) > 3 else ""
            return f"it runs on {', '.join(others[:3])}{more}"
        here = self.on[server] if server else self.called
        near = get_close_matches(plain(one.application), list(here), 1, 0.6)
        return f"near: {self.called[near[0]]}" if near else "it runs nowhere"

    def _facts(self, one: Listed, server: str, some: Sequence[Runs]) -> Iterator[Difference]:
        facts: Sequence[tuple[Kind, frozenset[str], frozenset[str]]] = (
            ("port", values(one.port), _all(run.ports for run in some)),
            ("release", values(one.release), _all(run.releases for run in some)),
            ("stage", _lower(values(one.stage)), _lower(_all(run.stages for run in some))),
        )
        for kind, said, found in facts:
            # Nothing found says that it is not known, not that the list is wrong.
            if said and found and not _as_releases(said) <= _as_releases(found):
                yield self._told(kind, one, server, ", ".join(sorted(said)), ", ".join(sorted(found)))
        owners = sorted({run.owner for run in some if run.owner})
        if one.owner and owners and plain(one.owner) not in map(plain, owners):
            yield self._told("owner", one, server, one.owner, ", ".join(owners))

    def not_listed(self, listed: Sequence[Listed]) -> Iterator[Difference]:
        """What runs where no line has it. A line without a server has its application everywhere."""
        with_server = {(plain(one.application), self.server(one.server)) for one in listed if one.server}
        everywhere = {plain(one.application) for one in listed if not one.server}
        known = {plain(one.application) for one in listed}
        # A list of servers alone says nothing of applications.
        if not any(one.application for one in listed):
            listed_servers = {self.server(one.server) for one in listed}
            for server in sorted(set(self.servers.values()) - listed_servers):
                yield Difference("not listed", 0, "", server)
            return
        for server, runs in sorted(self.on.items()):
            for name, run in sorted(runs.items()):
                if name in everywhere or (name, server) in with_server:
                    continue
                hint = "the list has it on other servers" if name in known else ""
                ports = ", ".join(sorted(run.ports))
                yield Difference("not listed", 0, run.application, server, "", ports, hint)

    def _told(
        self, kind: Kind, one: Listed, server: str, listed: str = "", found: str = "", hint: str = ""
    ) -> Difference:
        return Difference(kind, one.line, one.application, server or one.server, listed, found, hint)


def _all(some: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*some)


def _lower(some: Iterable[str]) -> frozenset[str]:
    return frozenset(value.lower() for value in some)


def _as_releases(some: Iterable[str]) -> frozenset[str]:
    """`v2.4.1` is 2.4.1; of a release with the state of its checkout behind it the first word counts."""
    return frozenset(re.sub(r"^v(?=\d)", "", value.partition(" ")[0].lower()) for value in some)


def _unique(named: Mapping[str, str]) -> dict[str, str]:
    """short -> server, where only one is called so."""
    found: dict[str, list[str]] = defaultdict(list)
    for server, short in named.items():
        found[short].append(server)
    return {short: servers[0] for short, servers in found.items() if len(servers) == 1}
