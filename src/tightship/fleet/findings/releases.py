"""Findings about releases: dirty, untagged, and one application in several of them. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from tightship.fleet.findings.finding import (
    KINDS,
    Finding,
    Known,
    Severity,
    counted,
    instance_subject,
    some,
    stage_subject,
)
from tightship.fleet.found import Found, FoundGroup
from tightship.fleet.report import Release


def dirty(found: Found, _known: Known) -> Iterator[Finding]:
    for group, checkout in _checkouts(found):
        if checkout.dirty:
            place = checkout.where or group.base
            yield _of_instance(
                found,
                group,
                "dirty",
                "warning",
                f"The checkout {place} has changes that are not committed, on top of {_release(checkout)}.",
                f"git -C {shlex.quote(place)} status --short" if place else "",
            )


def untagged(found: Found, _known: Known) -> Iterator[Finding]:
    for group, checkout in _checkouts(found):
        if checkout.how == "commit" and group.released_by == "commit":
            place = checkout.where or group.base
            yield _of_instance(
                found,
                group,
                "untagged",
                "notice",
                f"The checkout {place} stands at commit {checkout.commit[:12] or checkout.release}, "
                "which has no tag.",
                f"git -C {shlex.quote(place)} describe --always" if place else "",
            )


def _checkouts(found: Found) -> Iterator[tuple[FoundGroup, Release]]:
    """The checkout that each instance runs from, once: its web process and its workers share it."""
    seen = set()
    for key in sorted(found.groups):
        group = found.groups[key]
        if group.group.kind != "application":
            continue
        for release in group.group.releases:
            if release.how in ("tag", "commit"):
                place = (group.base, release.where)
                if place not in seen:
                    seen.add(place)
                    yield group, release
                break


def _release(checkout: Release) -> str:
    if checkout.release:
        return f"{checkout.how} {checkout.release}"
    return f"commit {checkout.commit[:12]}" if checkout.commit else "an unknown commit"


def _of_instance(
    found: Found, group: FoundGroup, kind: str, severity: Severity, told: str, command: str
) -> Finding:
    place = group.base or group.key
    return Finding(
        kind,
        severity,
        place,
        instance_subject(group, found.server, place),
        (told,),
        KINDS[kind].do,
        command,
        found.server if command else "",
        group.application,
        group.stage,
        group.key,
    )


Releases = Mapping[str, Sequence[str]]
"""release -> servers that it runs on"""


def mixed(application: str, stage: str, releases: Releases, total: Mapping[str, int]) -> Finding | None:
    """One application in a stage, in all its releases. `total`: how many servers each runs on."""
    if len(releases) < 2:
        return None
    in_stage = f"in {stage}" if stage else "with no stage known"
    told = [f"{application} {in_stage} runs in {len(releases)} releases."]
    for release in sorted(releases, key=lambda one: (-total[one], one)):
        servers = counted(total[release], "server")
        told.append(f"{release} on {servers}: {_named(releases[release], total[release])}.")
    subject = stage_subject(application, stage)
    return Finding(
        "mixed",
        "warning" if stage else "notice",
        stage,
        subject,
        tuple(told),
        KINDS["mixed"].do,
        f"tightship applications --search {shlex.quote(application)}",
        "",
        application,
        stage,
    )


def _named(servers: Sequence[str], total: int) -> str:
    told = some(sorted(servers), len(servers))
    return f"{told} and {total - len(servers)} more" if total > len(servers) else told
