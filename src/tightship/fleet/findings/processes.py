"""Findings about process groups: what they run is not what is on disk, or sources disagree. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from tightship.fleet.findings.finding import KINDS, Finding, Known, of_group, some
from tightship.fleet.found import Found, FoundGroup, PackageChange
from tightship.fleet.report import Evidence, ProcessGroup

MOST = 12
"""Sentences of evidence."""


def stale(found: Found, known: Known) -> Iterator[Finding]:
    for group in found.groups.values():
        if group.group.kind != "application" or not (group.surely_stale or group.maybe_stale):
            continue
        sentences = _certain(group, known) if group.surely_stale else _maybe(group)
        where, command = restart(found.server, group.group)
        yield Finding(
            "stale-process",
            "warning" if group.surely_stale else "notice",
            group.key,
            of_group(group, found.server),
            sentences,
            KINDS["stale-process"].do if command else f"Restart it on {found.server}, as it was started.",
            command,
            where,
            group.application,
            group.stage,
            group.key,
        )


def _certain(group: FoundGroup, known: Known) -> tuple[str, ...]:
    assert group.loaded
    assert group.packages
    changes = [one for one in known.differences(group.loaded, group.packages) if one.before]
    told = [_running(one) for one in changes[:MOST]]
    if len(changes) > MOST:
        told.append(f"And {len(changes) - MOST} packages more.")
    return tuple(told) or ("Packages were added to its environment after its start.",)


def _running(one: PackageChange) -> str:
    on_disk = f"on disk is {one.after}" if one.after else "on disk it is gone"
    return f"{one.name}: {one.before} runs, {on_disk}."


def _maybe(group: FoundGroup) -> tuple[str, ...]:
    newer = sorted({one.what for one in group.group.stale if one.how == "newer"})
    deleted = sorted({one.what for one in group.group.stale if one.how == "deleted"})
    others = sorted(
        {f"{one.how}: {one.what}." for one in group.group.stale if one.how not in ("newer", "deleted")}
    )
    told = []
    if newer:
        told.append(f"Installed after it started: {some(newer)}.")
    if deleted:
        told.append(f"It still holds files that are gone: {some(deleted)}.")
    return (*told, *others[:MOST])


def restart(server: str, group: ProcessGroup) -> tuple[str, str]:
    """(server, command) that restarts a process group; nothing where none is known.

    What names it came from the server: it is quoted for one shell. It stands in no command that hands it
    on to another, as `ssh` does.
    """
    if group.container:
        return server, f"sudo docker restart {shlex.quote(group.container)}"
    if group.supervisor:
        return server, f"sudo supervisorctl restart {shlex.quote(group.supervisor)}"
    if group.unit:
        return server, f"sudo systemctl restart {shlex.quote(group.unit)}"
    return "", ""


def conflict(found: Found, _known: Known) -> Iterator[Finding]:
    for group in found.groups.values():
        if group.group.kind != "application" or not group.conflict:
            continue
        told = [_set_aside(one) for one in group.group.conflict[:MOST]]
        if group.set_aside:
            named = f"It is called {group.application}, {group.named_by}"
            told.append(f"{named}; {group.set_aside} recognises it as well.")
        yield Finding(
            "conflict",
            "notice",
            group.key,
            of_group(group, found.server),
            tuple(told),
            KINDS["conflict"].do,
            "tightship declare --dry-run" if group.set_aside else "",
            "",
            group.application,
            group.stage,
            group.key,
        )


def _set_aside(one: Evidence) -> str:
    return f"{one.what}: {one.how} says {one.value}, and was not believed."
