"""`tightship record`: records a report that was made before. For `serve`'s root parent, and for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import BinaryIO

import click

from tightship.cli import kept
from tightship.cli.gather import told


@click.command(hidden=True)
@click.argument("report", type=click.File("rb"))
@click.option("--server", default="", metavar="NAME", help="Its name, where it is not the hostname.")
def record(report: BinaryIO, server: str) -> None:
    """Record a report that was made before, from a file or (-) the standard input.

    \b
    Example:
      ssh web1 python3 -I - < probe.py | tightship record - --server web1
    """
    from tightship.fleet.report import LARGEST, load

    read = load(report.read(LARGEST + 1))
    kept.make_ready()
    from tightship.store.recording import record as remember

    click.echo(told(remember(read, server, datetime.now(UTC)), read))
