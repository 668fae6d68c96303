"""Findings: what is not as it should be, concluded from what was found. Pure.

A module for each family of rules; a rule takes what was found on a server and what else is known, and
gives its findings. `mixed`, and what comes of several servers, is asked for by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tightship.fleet.findings import endoflife, packages, ports, processes, releases, servers
from tightship.fleet.findings.finding import KINDS, RANK, SEVERITIES, Finding, Known, SetFacts, Severity
from tightship.fleet.found import Found

Rule = Callable[[Found, Known], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    ports.conflicts,
    processes.stale,
    processes.conflict,
    releases.dirty,
    releases.untagged,
    packages.duplicates,
    endoflife.ended,
    servers.unread,
    servers.clock_skew,
)


def of_server(found: Found, known: Known) -> list[Finding]:
    """All findings about one server and what runs on it."""
    return [finding for rule in RULES for finding in rule(found, known)]


__all__ = ["KINDS", "RANK", "RULES", "SEVERITIES", "Finding", "Known", "SetFacts", "Severity", "of_server"]
