"""The answer that stands above the fold of each page, in a sentence or two. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from tightship.fleet.found import listens
from tightship.store.builds import BuildDetail
from tightship.store.details import (
    ApplicationDetail,
    EnvironmentDetail,
    GroupDetail,
    Overview,
    PackageDetail,
    ServerDetail,
)
from tightship.store.listing import Page, Row
from tightship.store.using import Use
from tightship.web.table import cut


def counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(words: Sequence[str], most: int = 6) -> str:
    """`a, b and c`; `a, b and 9 more`."""
    some = [cut(word, 60) for word in words]
    if len(some) > most:
        some = [*some[: most - 1], f"{len(some) - most + 1} more"]
    return some[0] if len(some) == 1 else f"{', '.join(some[:-1])} and {some[-1]}" if some else ""


def overview(figures: Overview) -> str:
    if not figures.covers.servers:
        return "Nothing is known yet."
    running = counted(figures.applications, "application")
    instances = counted(figures.instances, "instance")
    servers = counted(figures.covers.servers, "server")
    verb = "runs" if figures.applications == 1 else "run"
    return f"{running} {verb} in {instances} on {servers}."


def application(found: ApplicationDetail) -> str:
    if not found.stages:
        return "Nowhere: it does not run."
    said = "; ".join(_stage(stage.stage, stage.servers, stage.releases) for stage in found.stages)
    return f"{said[:1].upper()}{said[1:]}."


def _stage(stage: str, servers: int, releases: Sequence[tuple[str, str, int]]) -> str:
    named = [release for release, _how, _count in releases if release]
    where = f"on {counted(servers, 'server')}"
    in_stage = f"in {cut(stage, 60)} {where}" if stage else where
    if not named:
        return f"{in_stage}, release unknown"
    return f"{in_stage}, release{'s' * (len(named) > 1)} {listed(named)}"


def server(found: ServerDetail) -> str:
    groups = [group for group in found.found.groups.values() if group.group.kind == "application"]
    names = sorted({group.application for group in groups if group.application})
    if not names:
        return "No Python application that could be seen."
    return (
        f"{listed(names)}: {counted(len(names), 'application')} in {counted(len(groups), 'process group')}."
    )


def group_question(found: GroupDetail) -> str:
    process = found.found.group
    name = found.found.application or process.program or "this process group"
    kind = "" if process.type == "other" else f"’s {process.type}"
    return f"What is {cut(name, 60)}{kind} on {cut(found.server, 60)}, and how do we know?"


def group(found: GroupDetail, packages: int | None) -> str:
    process = found.found.group
    parts = [f"Release {cut(found.found.release, 60)}" if found.found.release else "Release unknown"]
    where = [listens(listener) for listener in process.listeners]
    parts.append(f"listens on {listed(where)}" if where else "listens nowhere")
    if process.python:
        parts.append(f"Python {cut(process.python, 40)}")
    parts.append("packages unread" if packages is None else counted(packages, "package"))
    if found.live and found.live.pids:
        parts.append(counted(len(found.live.pids), "process", "processes"))
    return f"{', '.join(parts)}."


def environment(found: EnvironmentDetail) -> str:
    what = counted(len(found.packages), "package")
    if found.environment.packages is None:
        what = "Its packages could not be read"
    users = sorted({name or "the operating system" for _number, name, _type in found.groups})
    used = f"used by {listed(users)}" if users else "nothing runs in it"
    return f"{what}; {used}, on {cut(found.server, 60)}."


def acknowledging(row: Row) -> str:
    """The command that acknowledges a finding, or takes that back."""
    if row["acknowledgement"]:
        return f"tightship findings withdraw {row['acknowledgement']}"
    subject = shlex.quote(str(row["subject"]))
    return f"tightship findings acknowledge {row['kind']} {subject} --because 'REASON' --until 30d"


def package(found: PackageDetail) -> str:
    """`3 versions in use. Only shop still uses 4.2.`"""
    uses = found.versions
    if not uses:
        return "Nobody who runs now."
    if len(uses) == 1:
        return f"{_users(uses[0])}, all in version {cut(uses[0].version, 60) or 'unknown'}."
    oldest = uses[-1]
    only = f"Only {_users(oldest)} still" if len(oldest.applications) == 1 else _users(oldest)
    verb = "uses" if len(oldest.applications) == 1 else "use"
    version = cut(oldest.version, 60) or "an unknown version"
    return f"{counted(len(uses), 'version')} in use. {only} {verb} {version}."


def buildout(found: BuildDetail) -> str:
    """`42 packages, 3 of them picked; since 2026-11-20, last built 2026-11-24.`"""
    picked = sum(one.how == "picked" for one in found.lines)
    what = counted(len(found.lines), "package") + (f", {picked} of them picked" if picked else "")
    return f"{what}; so since {found.since:%Y-%m-%d}, last built {found.seen:%Y-%m-%d %H:%M} UTC."


def newest(found: PackageDetail) -> str:
    """`The newest on the package index is 6.1.3, as of 2026-11-24.` Empty where nobody asked."""
    if not found.asked:
        return ""
    if not found.newest:
        return "No package index has it."
    return f"The newest on the package index is {cut(found.newest, 60)}, as of {found.asked:%Y-%m-%d}."


def newer(use: Use) -> list[str]:
    """What may take the place of a version, each with its step; what keeps the rest back."""
    said: list[str] = []
    for series, one in use.newer.items():
        on = f" on Python {series}" if len(use.newer) > 1 else ""
        steps = (("bugfix", one.bugfix), ("minor", one.minor), ("major", one.major))
        said += [f"{version} ({step}{on})" for step, version in steps if version]
        said += [one.needs] if one.needs else []
        said += [f"taken back: {one.yanked}"] if one.yanked else []
        said += [f"not offered: {one.ignored}"] if one.ignored else []
    return list(dict.fromkeys(said))


def _users(use: Use) -> str:
    return listed([name or "an unnamed application" for name in use.applications])


def differing(page: Page) -> str:
    """`3 differences: 2 packages and 1 port.`"""
    if not page.total:
        return "Nothing that was read."
    counts: dict[str, int] = {}
    for row in page.rows:
        counts[str(row["what"])] = counts.get(str(row["what"]), 0) + 1
    kinds = [counted(number, what) for what, number in counts.items()]
    return f"{counted(page.total, 'difference')}: {listed(kinds)}."
