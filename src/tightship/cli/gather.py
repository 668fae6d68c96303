"""`tightship gather`: reads this server and records what was found."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from tightship.cli import kept
from tightship.cli.scan import probe_here
from tightship.cli.sharing import sudo as sudo_option
from tightship.cli.sharing import the_rest

if TYPE_CHECKING:
    from tightship.fleet.report import Report
    from tightship.store.recording import Recorded


@click.command()
@sudo_option
def gather(sudo: bool) -> None:
    """Read this server, and record what was found.

    What could not be read keeps the state that was known before. Exits with 0 when it was recorded,
    also when that was not all: the answer says so. Meant for each hour, by a timer or cron.

    \b
    Examples:
      tightship gather
      tightship gather --sudo
    """
    kept.make_ready()
    document = probe_here(sudo)
    from tightship.fleet.report import load
    from tightship.store.recording import record

    report = load(document)
    result = record(report, received=datetime.now(UTC))
    click.echo(told(result, report))
    if not report.live.privileged and os.geteuid() != 0:
        click.echo(f"Other users' processes were only seen from outside. All of it: {the_rest('gather')}")
    if result.first:
        click.echo("To see it: tightship applications, or in a browser: tightship serve")


def told(result: Recorded, report: Report) -> str:
    """What came of a report, in a line or two. Pure."""
    state = report.state
    groups = [group for group in state.groups if group.kind == "application"] if state else []
    packages = {package.name for lines in report.sets.values() for package in lines}
    seen = f"{_many(len(groups), 'process group')} of applications, {_many(len(packages), 'package')}"
    first = {
        "recorded": f"Recorded {result.server}: {seen}. {_changes(result)}",
        "unchanged": f"Unchanged {result.server}: {seen}.",
        "repeated": f"Unchanged {result.server}: this very report was recorded before.",
        "late": f"Not recorded: a newer report of {result.server} is already there. "
        "See `tightship doctor` about the clock.",
    }[result.kind]
    if result.complete:
        return first.rstrip()
    return f"{first.rstrip()}\nPartial: what could not be read stays as it was known before."


def _changes(result: Recorded) -> str:
    if result.first:
        return "The first report of this server."
    return f"{_many(result.changes, 'change')} since the report before." if result.changes else ""


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
