"""`tightship forget`: what ended long ago is no longer kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from tightship.cli import kept
from tightship.cli.moments import Local, shown
from tightship.cli.running import FINE
from tightship.fleet.moments import BadMoment, moment


@click.command()
@click.option("--before", required=True, metavar="WHEN", help="What ended before: 2026-01-01, 52w, 400d.")
@click.option("--dry-run", is_flag=True, help="Only say how much it would be.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def forget(before: str, dry_run: bool, as_json: bool) -> int:
    """Remove what ended before a moment: earlier states, and changes.

    What holds now stays, however long it has been so. No page answers for a moment before that any
    more. It may run while reports come in, and may be interrupted. There is no way back but a copy.

    \b
    Examples:
      tightship forget --before 400d --dry-run
      tightship forget --before 2025-01-01
    """
    try:
        asked = moment(before, datetime.now(UTC), Local())
    except BadMoment as error:
        raise click.UsageError(f"--before{str(error).removeprefix('at')}") from None
    if asked is None:
        raise click.UsageError("--before: expected a moment, as 2026-01-01 or 400d")
    kept.open_database()
    from tightship.store import forgetting

    outcome = forgetting.forgettable(asked) if dry_run else forgetting.forget(asked)
    if as_json:
        told = {"before": asked.isoformat(), "dry_run": dry_run, "removed": dict(outcome.removed)}
        click.echo(json.dumps(told, indent=1))
        return FINE
    counted = ", ".join(f"{number} {what}" for what, number in outcome.removed.items() if number)
    does = "Would remove" if dry_run else "Removed"
    click.echo(f"{does} what ended before {shown(asked)}: {counted or 'nothing'}.")
    return FINE
