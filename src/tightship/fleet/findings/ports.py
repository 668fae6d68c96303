"""Findings about ports: two instances that accept requests on the same one. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

from tightship.fleet.findings.finding import KINDS, Finding, Known, stage_subject
from tightship.fleet.found import Found, FoundGroup, listens
from tightship.fleet.report import Listener

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - read, not bound

_At = tuple[FoundGroup, Listener]


def conflicts(found: Found, _known: Known) -> Iterator[Finding]:
    by_port: dict[tuple[str, int], list[_At]] = defaultdict(list)
    for key in sorted(found.groups):
        group = found.groups[key]
        # One that the newest report did not see may have left its port to the other.
        if group.group.kind != "application" or group.kept:
            continue
        for listener in group.group.listeners:
            if listener.protocol == "tcp" and listener.how != "systemd":
                # A container has ports of its own.
                by_port[group.group.container, listener.port].append((group, listener))
    for (container, port), some in sorted(by_port.items()):
        sharing = _sharing(some)
        if sharing:
            yield _finding(found, container, port, sharing)


def _sharing(some: Sequence[_At]) -> list[_At]:
    """Those that accept the same connections as another instance."""
    found: list[_At] = []
    for one, other in combinations(some, 2):
        if _instance(one[0]) != _instance(other[0]) and _overlap(one[1], other[1]):
            found += [at for at in (one, other) if at not in found]
    return found


def _instance(group: FoundGroup) -> tuple[str, str, str]:
    return group.application, group.stage, group.base


def _overlap(one: Listener, other: Listener) -> bool:
    return one.address == other.address or one.address in EVERYWHERE or other.address in EVERYWHERE


def _finding(found: Found, container: str, port: int, sharing: Sequence[_At]) -> Finding:
    first = sharing[0][0]
    return Finding(
        "port-conflict",
        "critical",
        f"{port} {container}".strip(),
        f"{found.server}:{port}",
        tuple(
            f"{stage_subject(group.application, group.stage)} listens on {listens(listener)} ({group.key})."
            for group, listener in sharing
        ),
        KINDS["port-conflict"].do,
        f"sudo ss -ltnp 'sport = :{port}'",
        found.server,
        first.application,
        first.stage,
        first.key,
    )
