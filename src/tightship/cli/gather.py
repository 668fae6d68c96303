"""`tightship gather`: reads servers, this one or others over ssh, and records what was found."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from tightship.cli import kept
from tightship.cli.chosen import chosen
from tightship.cli.running import CANNOT, FINE
from tightship.cli.scan import probe_here
from tightship.cli.sharing import sudo as sudo_option
from tightship.cli.sharing import the_rest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tightship.cli.chosen import Service
    from tightship.fleet.report import Report
    from tightship.remote.target import Target
    from tightship.store.recording import Recorded
    from tightship.work.gathering import Came

FEW = 3
"""Servers of which nobody needs to see how far it is."""


@dataclass(frozen=True, slots=True)
class How:
    """How servers are read, as it was typed."""

    sudo: bool
    at_once: int
    within: int
    as_json: bool


@click.command()
@click.argument("servers", nargs=-1, metavar="[SERVER]...")
@sudo_option
@click.option("--file", "named", default="", metavar="FILE", help="The declared file, for its servers.")
@click.option("--ssh-config", default="", metavar="FILE", help="Instead of ~/.ssh/config.")
@click.option(
    "--at-once", type=click.IntRange(1, 200), default=10, show_default=True, help="So many servers at a time."
)
@click.option(
    "--within", type=click.IntRange(1, 3600), default=120, show_default=True, help="Seconds for each server."
)
@click.option("--json", "as_json", is_flag=True, help="What came of each server, as JSON.")
@click.option(
    "--prepare",
    is_flag=True,
    help="Read nothing: install the probe there as root's own program, and print the one line that --sudo "
    "then needs.",
)
def gather(servers: tuple[str, ...], named: str, ssh_config: str, prepare: bool, **how: Any) -> int:
    """Read servers, and record what was found.

    SERVER is a name in fleet.toml, a pattern like 'web*' over these and the Hosts of ~/.ssh/config, or
    [user@]host[:port]. None named: all servers of fleet.toml; where it has none, the server that this is
    typed on. Over ssh nothing is installed there, and nothing stays, but for --prepare: see
    docs/how-to/gather-over-ssh.md.

    Where a service was chosen (TIGHTSHIP_URL, or `tightship login`), the reports are handed over to it, with
    a token that was made by `tightship token create --gather`.

    What could not be read keeps the state that was known before. Exits with 0 when all came in, also when
    some could only be read in part, and with 2 when one did not.

    \b
    Examples:
      tightship gather
      tightship gather --sudo web1 web2 deploy@web3.example.com:2222
      tightship gather 'web*' --at-once 30
      tightship gather --prepare root@web1 root@web2
    """
    from tightship.cli.reaching import declared, targets

    found = targets(servers, declared(named), ssh_config)
    if prepare:
        return _prepare(found, How(**how))
    return _over_ssh(found, How(**how)) if found else _this_server(how["sudo"])


def _prepare(targets: Sequence[Target], how: How) -> int:
    from tightship.cli.preparing import prepare

    if how.as_json:
        raise click.UsageError("--prepare prints lines for people, and no JSON.")
    if not targets:
        raise click.UsageError("--prepare: name the servers; here root reads all as it is.")
    return prepare(targets, sudo=how.sudo, at_once=how.at_once, timeout=how.within)


def _this_server(sudo: bool) -> int:
    service = chosen()
    if service:
        return _this_server_for(service, sudo)
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
    return FINE


def _this_server_for(service: Service, sudo: bool) -> int:
    """Hand the report of this server over, under its hostname."""
    from tightship.cli.service import tell
    from tightship.fleet.report import load

    document = probe_here(sudo)
    state = load(document).state
    name = state.system.name if state else ""
    tell(service, "/api/reports", {"server": name}, document)
    click.echo(f"Handed over to {service.url}: the report of {name}.")
    return FINE


def _over_ssh(targets: Sequence[Target], how: How) -> int:
    from tightship.store.ready import set_up

    service = chosen()
    (set_up if service else kept.make_ready)()
    from tightship.cli.handing import to_service
    from tightship.work.gathering import document, gather_all

    began, came = time.monotonic(), []
    asked = gather_all(
        targets,
        sudo=how.sudo,
        at_once=how.at_once,
        timeout=how.within,
        keep=to_service(service) if service else None,
    )
    with _shown(len(targets), how.as_json) as show, closing(asked):
        for one in asked:
            came.append(one)
            show(one)
    if how.as_json:
        click.echo(document(came))
    else:
        for line in summary(came, time.monotonic() - began, how.sudo):
            click.echo(line, err=True)
    return FINE if all(one.well for one in came) else CANNOT


@contextmanager
def _shown(number: int, as_json: bool) -> Iterator[Callable[[Came], None]]:
    """Prints a line for each server as it comes; on a terminal also how far it is, below them."""
    if as_json:
        yield _not_shown
    elif number <= FEW or not sys.stderr.isatty():
        yield lambda came: click.echo(line_of(came))
    else:
        from rich.console import Console
        from rich.progress import Progress
        from rich.text import Text

        with Progress(console=Console(stderr=not sys.stdout.isatty()), transient=True) as progress:
            task = progress.add_task("Servers", total=number)

            def show(came: Came) -> None:
                progress.console.print(Text(line_of(came)))
                progress.advance(task)

            yield show


def _not_shown(_came: Came) -> None:
    """Whoever asked for JSON gets all of it at the end."""


def line_of(came: Came) -> str:
    """What came of one server, in a line. Pure."""
    from tightship.fleet.text import harmless

    said = f"{came.kind.replace('-', ' '):12} {came.server}"
    if came.why:
        return f"{said}: {harmless(came.why)}"
    if not came.well:
        return said
    seen = f"{_many(came.applications, 'process group')} of applications"
    news = "first report" if came.first else _many(came.changes, "change") if came.changes else ""
    return f"{said}: {seen}" + (f", {news}" if news else "")


def summary(came: Sequence[Came], seconds: float, sudo: bool) -> Iterator[str]:
    """All of it, in a line or two. Pure."""
    counts = Counter(one.kind.replace("-", " ") for one in came)
    well = sum(one.well for one in came)
    said = ", ".join(f"{number} {kind}" for kind, number in counts.most_common())
    yield f"{well} of {_many(len(came), 'server')} came in, in {seconds:.1f} s: {said}."
    if not sudo and any(one.well and not one.privileged for one in came):
        yield (
            "Where we are not root, other users' processes were only seen from outside. All of it: "
            "tightship gather --sudo (docs/how-to/gather-over-ssh.md says what that needs)"
        )
    if any(one.first for one in came):
        yield "To see it: tightship applications, or in a browser: tightship serve"


def told(result: Recorded, report: Report) -> str:
    """What came of a report of this server, in a line or two. Pure."""
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
