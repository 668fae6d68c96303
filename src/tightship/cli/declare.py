"""`tightship declare`: what was found goes by the names in fleet.toml."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tightship.cli import kept
from tightship.fleet.text import harmless
from tightship.store import place

if TYPE_CHECKING:
    from tightship.cli.declaration import Declaration
    from tightship.store.declaring import Idle, Outcome, Renamed


@click.command()
@click.option(
    "--file",
    "named",
    default="",
    metavar="FILE",
    help="The declared file. Else TIGHTSHIP_FLEET, ./fleet.toml, or the one beside the data.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def declare(named: str, dry_run: bool, as_json: bool) -> None:
    """Name, own and label what was found, by fleet.toml.

    Reads the file, checks it, and calls everything that is remembered by it, the past as well. What
    comes in later is called by it too. To take a name back, remove it from the file and declare again.
    docs/reference/fleet-toml.md says what can stand in the file.

    \b
    Examples:
      tightship declare --dry-run
      tightship declare --file /etc/tightship/fleet.toml
    """
    from tightship.cli.declaration import file_of, read

    found = read(file_of(named, kept.directory()))
    outcome = _brought(found, dry_run)
    click.echo(
        json.dumps(document(found, outcome, dry_run), indent=1)
        if as_json
        else "\n".join(told(found, outcome, dry_run))
    )


def _brought(found: Declaration, dry_run: bool) -> Outcome | None:
    """What came of it; None: a trial, and nothing was recorded that could be named."""
    if dry_run:
        if not _is_there():
            return None
        kept.open_database()
    else:
        kept.make_ready()
    from tightship.store.declaring import declare as bring

    return bring(found.declared, str(Path(found.path).absolute()), datetime.now(UTC), dry_run)


def _is_there() -> bool:
    where = place.database()
    return where.vendor != "sqlite" or Path(where.name).exists()


def told(found: Declaration, outcome: Outcome | None, dry_run: bool) -> Iterator[str]:
    """What came of it, in lines. Pure."""
    if outcome is None:
        yield f"{found.path} is in order. Nothing was recorded yet that could be named: tightship gather"
        return
    if dry_run:
        yield "This is what would be; nothing was changed."
    yield from (_application(one) for one in outcome.applications)
    if not outcome.applications:
        yield f"{found.path} declares no application."
    yield from (f"{name}: gone, nothing is called that any more" for name in outcome.vanished)
    yield from (_idle(found, one) for one in outcome.idle)
    for server, near in outcome.unknown_servers:
        hint = f" Did you mean {near}?" if near else ""
        yield f"Server {server} has never reported, and does not stand under [servers].{hint}"
    if not outcome.changed:
        yield "Nothing changed: all this was declared before."


def _application(one: Renamed) -> str:
    name = harmless(one.name)
    if not one.groups:
        text = f"{name}: nothing that runs now"
    else:
        text = f"{name}: {_many(one.groups, 'process group')} on {_many(one.servers, 'server')}"
    if one.stages:
        text += f", in {harmless(', '.join(one.stages))}"
    if one.was:
        text += f" (was: {harmless(', '.join(one.was))})"
    if one.past:
        text += f"; {_many(one.past, 'past state')} named anew"
    if one.dropped:
        return f"{text}; no longer declared"
    return text + "; owner, address or labels changed" * one.described


def _idle(found: Declaration, idle: Idle) -> str:
    pattern, where = idle.pattern, _where(found, idle)
    on = f" on {', '.join(pattern.servers)}" if pattern.servers else ""
    why = f": {harmless(idle.why)}" if idle.why else ""
    return f"{where}{pattern.application}: {pattern} recognises nothing that runs now{on}{why}."


def _where(found: Declaration, idle: Idle) -> str:
    from tightship.fleet.declared import place_of

    for pattern, key in found.declared.keyed_patterns():
        if pattern == idle.pattern:
            return f"{place_of(key, found.places)}: "
    return ""


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def document(found: Declaration, outcome: Outcome | None, dry_run: bool) -> dict[str, Any]:
    """The same as JSON."""
    said: dict[str, Any] = {"file": found.path, "dry_run": dry_run, "recorded": outcome is not None}
    if outcome is None:
        return said
    return {
        **said,
        "changed": outcome.changed,
        "applications": [
            {
                "application": one.name,
                "declared": one.declared,
                "groups": one.groups,
                "servers": one.servers,
                "stages": list(one.stages),
                "was": list(one.was),
                "past": one.past,
                "described": one.described,
                "dropped": one.dropped,
            }
            for one in outcome.applications
        ],
        "vanished": list(outcome.vanished),
        "idle": [
            {
                "application": one.pattern.application,
                "stage": one.pattern.stage,
                "pattern": str(one.pattern),
                "at": _where(found, one).removesuffix(": "),
                "why": one.why,
            }
            for one in outcome.idle
        ],
        "unknown_servers": [{"server": name, "near": near} for name, near in outcome.unknown_servers],
    }
