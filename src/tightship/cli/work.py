"""`tightship work`: what happens without anyone asking."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tightship.cli import kept
from tightship.cli.running import CANNOT, FINE, Cannot

if TYPE_CHECKING:
    from tightship.remote.target import Target


@click.command()
@click.option("--sudo", is_flag=True, help="Run the probe, and nothing else, as root on the servers.")
@click.option("--file", "named", default="", metavar="FILE", help="The declared file, for its servers.")
@click.option("--ssh-config", default="", metavar="FILE", help="Instead of ~/.ssh/config.")
@click.option(
    "--at-once", type=click.IntRange(1, 200), default=10, show_default=True, help="So many servers at a time."
)
@click.option("--once", is_flag=True, help="Do what is to be done now, and exit.")
@click.option("--no-ssh", is_flag=True, help="Go to no server: only note who is silent, and tidy up.")
@click.option("--until-eof", is_flag=True, hidden=True, help="End with the standard input.")
def work(once: bool, until_eof: bool, **how: Any) -> int:
    """Read each server once an hour, and note who is silent.

    The servers are those of fleet.toml, each at a minute of its own; a changed file counts at once. Where
    several share a database one works and the others wait; when it is gone, another takes over within five
    minutes. `tightship serve` starts one by itself. docs/explanation/work.md says more.

    \b
    Examples:
      tightship work
      tightship work --once --sudo
    """
    kept.only_here("work")
    kept.make_ready()
    from django.conf import settings

    from tightship.work.working import Work

    fleet = None if how["no_ssh"] else Fleet(how["named"], how["ssh_config"])
    working = Work(
        fleet.servers if fleet else None,
        _tell,
        settings.SILENT_AFTER,
        sudo=how["sudo"],
        at_once=how["at_once"],
    )
    if once:
        try:
            return FINE if all(one.well for one in working.once()) else CANNOT
        finally:
            working.end()
    working.run(_stopped_by_signals(until_eof))
    return FINE


def _tell(said: str) -> None:
    from tightship.fleet.text import harmless

    click.echo(f"work: {harmless(said)}", err=True)


def _stopped_by_signals(until_eof: bool) -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # Not in here: whoever waits for it, in this very thread, may hold its lock.
        signal.signal(number, lambda _number, _frame: threading.Thread(target=stop.set).start())
    if until_eof:

        def wait() -> None:
            while os.read(sys.stdin.fileno(), 1024):
                pass
            stop.set()

        threading.Thread(target=wait, daemon=True).start()
    return stop


@dataclass(slots=True)
class Fleet:
    """The servers of the declared file, read again when it changed. A broken one keeps those of before."""

    named: str
    ssh_config: str
    _seen: object = None
    _servers: Sequence[Target] = ()
    _files: Sequence[Path] = field(default_factory=tuple)

    def servers(self) -> Sequence[Target]:
        """Never raises: what is wrong with the file is told once."""
        seen = self._signature()
        if self._seen is None or seen != self._seen:
            try:
                self._read()
            except Cannot as error:
                _tell(error.format_message())
                _tell(f"The servers stay those of before: {len(self._servers)}.")
            self._seen = self._signature()
        return self._servers

    def _read(self) -> None:
        from tightship.cli.declaration import file_of, read
        from tightship.cli.reaching import targets

        try:
            file = file_of(self.named, kept.directory())
        except Cannot:
            if self.named:
                raise
            self._servers, self._files = (), ()
            return
        self._files = (file,)
        declaration = read(file)
        self._files = tuple({file, *(Path(place.file) for place in declaration.places.values())})
        self._servers = targets((), declaration.declared, self.ssh_config)

    def _signature(self) -> object:
        """What changes when a file does, or one comes beside them."""
        looked = {*self._files, *(file.parent for file in self._files)} or {Path.cwd(), kept.directory()}
        return tuple((str(path), _changed(path)) for path in sorted(looked))


def _changed(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_ctime_ns, status.st_size
