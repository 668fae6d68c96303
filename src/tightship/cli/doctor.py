"""`tightship doctor`: checks the set-up and says how to fix each thing."""

from __future__ import annotations

import dataclasses
import json
import platform
import shutil
import sys
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from tightship.cli import checks, facts
from tightship.cli.binding import Bind, why_not
from tightship.cli.checks import Check, Place
from tightship.cli.running import CANNOT, FINE
from tightship.cli.tables import to_terminal

PORT = 8000

INDENT = " " * 21

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The same as JSON: a list of checks.")
@click.option("--port", default=PORT, show_default=True, help="The port that `tightship serve` is to use.")
def doctor(as_json: bool, port: int) -> int:
    """Check the set-up, and say how to fix each thing: database, rights, clock, settings.

    Changes nothing. Exits with 2 when something failed; a warning is no failure.

    \b
    Example:
      tightship doctor
    """
    found = examine(port)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(check) for check in found], indent=1))
    else:
        _show(found)
    return CANNOT if any(check.level == "fail" for check in found) else FINE


def examine(port: int) -> list[Check]:
    """All checks of this server, in the order in which they are best fixed."""
    from tightship.cli import kept

    place = facts.place(kept.directory())
    trouble = kept.trouble()
    found = [
        checks.system(sys.platform),
        checks.python(sys.version_info[:3]),
        checks.probe_python(*facts.python_on_path()),
        checks.rights(facts.rights()),
        checks.data_directory(place),
        checks.space(place),
        checks.settings(trouble),
        *([] if trouble else _of_store(place)),
        checks.port(port, why_not(Bind("127.0.0.1", port))),
    ]
    return [check for check in found if check]


def _of_store(place: Place) -> list[Check | None]:
    from tightship.cli import kept

    database = kept.database()
    serving = kept.serving(database)
    now = datetime.now(UTC)
    return [
        checks.database(database),
        checks.simulated(database),
        checks.journal(database, place),
        checks.migrations(database),
        checks.clock(now, database),
        checks.recorded(now, database),
        checks.work(database),
        checks.secret_key(serving),
        checks.allowed_hosts(serving),
        checks.administrator(serving),
        checks.debug(serving),
    ]


def _folded(text: str) -> str:
    if not to_terminal():
        return text
    width = max(shutil.get_terminal_size().columns - len(INDENT), 30)
    return f"\n{INDENT}".join(textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False))


def _show(found: Sequence[Check]) -> None:
    for check in found:
        level = click.style(f"{check.level:4}", fg=_COLOURS[check.level])
        click.echo(f"{level}  {check.name:14} {_folded(check.says)}")
        if check.fix:
            click.echo(f"{INDENT}{_folded(check.fix)}")
    counts = [f"{sum(c.level == level for c in found)} {level}" for level in ("ok", "warn", "fail")]
    click.echo(f"{', '.join(counts)} on {platform.node()}")
