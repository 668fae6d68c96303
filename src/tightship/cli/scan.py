"""`tightship scan`: what runs on this server now. Records nothing, needs no database."""

from __future__ import annotations

import json
import os
import sys

import click

from tightship.cli.running import CANNOT, FINE, Cannot
from tightship.cli.sharing import partial, sudo, the_rest

NAMED = 6
"""So many things are named of those that could not be read for one reason."""


@click.command()
@sudo
@click.option("--all", "everything", is_flag=True, help="Also what the operating system itself runs.")
@click.option("--json", "as_json", is_flag=True, help="The report, exactly as the probe prints it.")
@click.option("--pretty", is_flag=True, help="The report, indented for reading.")
@partial
def scan(sudo: bool, everything: bool, as_json: bool, pretty: bool, partial: bool) -> int:
    """What runs on this server now. Records nothing.

    Reads /proc and the files of what runs there; runs nothing of it. An ordinary user sees what
    they may see, is told what is missing, and the one command that shows the rest.

    \b
    Examples:
      tightship scan
      tightship scan --sudo
    """
    document = probe_here(sudo)
    if as_json or pretty:
        _print_document(document, pretty)
        return FINE if partial or json.loads(document)["state"]["complete"] else CANNOT
    return _show(document, everything, partial)


def probe_here(sudo: bool) -> bytes:
    """The report of this server. Raises `Cannot` and `ProbeError`."""
    if not sys.platform.startswith("linux"):
        system = {"darwin": "macOS"}.get(sys.platform, sys.platform)
        raise Cannot(
            f"This is {system}, and the probe reads Linux. Run `tightship scan` on the server itself, "
            "or let it push its reports here (docs/how-to/agent.md)."
        )
    from tightship.remote.local import run_probe

    # Root needs no sudo, and a container may not have it.
    return run_probe(sudo=sudo and os.geteuid() != 0).stdout


def _print_document(document: bytes, pretty: bool) -> None:
    text = document.decode("ascii")
    click.echo(json.dumps(json.loads(text), indent=1) if pretty else text.rstrip("\n"))


def _show(document: bytes, everything: bool, partial: bool) -> int:
    from tightship.cli import scanned, tables
    from tightship.fleet.report import load

    report = load(document)
    server = scanned.found(report)
    rows = scanned.rows(report, server, scanned.EVERYTHING if everything else scanned.APPLICATIONS)
    tables.draw(scanned.COLUMNS, rows, scanned.KEYS)
    # Behind a pipe the rows go on alone, and what they lack still reaches whoever looks.
    err = not tables.to_terminal()
    missing = scanned.unread(report, server)
    for line in scanned.summary(missing, NAMED):
        tables.note(line, err)
    tables.note(scanned.ending(report, server, len(rows)), err)
    if missing and not report.live.privileged:
        click.echo(f"To see the rest: {the_rest('scan')}", err=err)
    return FINE if partial or not missing else CANNOT
