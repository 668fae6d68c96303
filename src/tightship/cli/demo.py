"""`tightship demo`: a simulated fleet in a throw-away database, served as `tightship serve` does."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from tightship.cli import kept
from tightship.cli.keeping import us
from tightship.cli.running import Cannot, typed
from tightship.cli.serve import Beside, Way, up
from tightship.store import place

SEED = 1
SMALLEST = 30
"""Servers of the story. What is more than that is a crowd beside it."""

APART = ("DATABASE_URL", "TIGHTSHIP_FLEET", "TIGHTSHIP_HTTPS", "TIGHTSHIP_ALLOWED_HOSTS")
"""Variables that say where the real store is, and how it is served."""


@click.command()
@click.option(
    "--bind",
    "where",
    default="127.0.0.1:8000",
    show_default=True,
    metavar="ADDRESS:PORT",
    help="Where to listen.",
)
@click.option(
    "--servers",
    default=SMALLEST,
    show_default=True,
    type=click.IntRange(SMALLEST, 100_000),
    metavar="NUMBER",
    help="How many servers, for those who want to see it large.",
)
@click.option(
    "--keep",
    "folder",
    default="",
    metavar="DIRECTORY",
    help="Keep the database there, and use it again. Else it is thrown away at the end.",
)
@click.option("--fill-only", is_flag=True, help="Only make the database, in the directory of --keep.")
@click.option(
    "--user",
    "as_user",
    default="",
    metavar="NAME",
    help="Started by root: the account that the web process runs as.",
)
def demo(where: str, servers: int, folder: str, fill_only: bool, as_user: str) -> int:
    """Serve a simulated fleet, to look around.

    Thirty servers with sixty days behind them, and all that can go wrong in them. It has a database of
    its own, apart from yours, and every page says that it is simulated. Ends with Ctrl-C.

    \b
    Examples:
      tightship demo
      tightship demo --keep ~/demo --servers 1000
    """
    if fill_only and not folder:
        raise Cannot("--fill-only: say where to keep it: tightship demo --fill-only --keep DIRECTORY")
    ours = place.data_directory()
    with _kept(folder) as directory:
        _stand_apart(directory)
        _refuse_other(directory, ours)
        if fill_only:
            fill(directory, servers)
            return 0
        link = f"TIGHTSHIP_DATA={directory} {typed()} serve --link"
        first = partial(_fill_by, directory=directory, servers=servers)
        return up(where, 1, as_user, Beside(first, _go_on, link=link))


@contextmanager
def _kept(folder: str) -> Iterator[Path]:
    """The directory of the demo's data."""
    if folder:
        yield Path(folder).expanduser().absolute()
        return
    path = Path(tempfile.mkdtemp(prefix="tightship-demo-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _stand_apart(directory: Path) -> None:
    """From here on, in us and in all that we start, the store is the demo's."""
    for name in APART:
        os.environ.pop(name, None)
    os.environ["TIGHTSHIP_DATA"] = str(directory)


def _refuse_other(directory: Path, ours: Path) -> None:
    """Before anything is changed: a database that is there must be a demo's. `ours`: the real one's place."""
    marked = (directory / place.FILE).exists() and _is_marked(directory)
    if directory == ours and not marked:
        raise Cannot(f"--keep: {directory} is where your own data is. Name another directory.")


def _is_marked(directory: Path) -> bool:
    """Whether a demo made the database that is there; False: nothing is in it. Raises Cannot."""
    kept.open_database()
    from django.db import DatabaseError, connections

    from tightship.store.models import Server
    from tightship.store.simulation import is_simulated

    try:
        marked, empty = is_simulated(), not Server.objects.exists()
    except DatabaseError:  # of an older release, or none of ours
        marked = empty = False
    finally:
        connections.close_all()
    if not marked and not empty:
        raise Cannot(_not_ours(directory))
    return marked


def _not_ours(directory: Path) -> str:
    return f"--keep: {directory} holds a database that no demo made. Name another directory."


def _fill_by(way: Way, directory: Path, servers: int) -> None:
    """As the user that serves, in a process of its own: we may be root, and do nothing but watch."""
    command = us("tightship", "demo", "--fill-only", "--keep", str(directory), "--servers", str(servers))
    done = subprocess.run(
        command,
        cwd="/",
        env={**way.variables, "TERM": os.environ.get("TERM", "dumb"), "TIGHTSHIP_DATA": ""},
        stdin=subprocess.DEVNULL,
        check=False,
        **way.identity.popen(),
    )
    if done.returncode:
        raise Cannot("The simulated fleet could not be made; it said why.")


def _go_on(way: Way) -> None:
    """Servers report each hour: else they would all be silent soon."""
    try:
        way.said("tightship", "demo", "--fill-only", "--keep", way.variables["TIGHTSHIP_DATA"])
    except (Cannot, OSError) as error:
        click.echo(f"The simulated servers could not report: {error}", err=True)


def fill(directory: Path, servers: int) -> None:
    """Make the demo's database, or let the servers of the one that is there report once more."""
    kept.make_ready()
    from tightship.store import simulation

    now = datetime.now(UTC)
    made = simulation.simulation()
    if made and made.whole:
        if servers not in (made.servers, SMALLEST):
            raise Cannot(f"--keep: {directory} holds {made.servers} servers. Remove it to have {servers}.")
        simulation.go_on(now)
        return
    if made:
        raise Cannot(f"--keep: {directory} was only filled in part. Remove it: rm -r {directory}")
    try:
        made = simulation.begin(SEED, servers, now)
    except simulation.NotEmpty:
        raise Cannot(_not_ours(directory)) from None
    _declare(directory, now)
    _tell(now)
    if servers > SMALLEST:
        _crowd(servers - SMALLEST, now)
    _index(now)
    simulation.end(made)


def _declare(directory: Path, now: datetime) -> None:
    """Owners, labels and stages, by a file that can be changed and declared again."""
    from tightship.cli.declaration import FILE, read
    from tightship.fleet.simulated.cast import fleet_toml
    from tightship.store.declaring import declare

    file = directory / FILE
    file.write_text(fleet_toml())
    declare(read(file).declared, str(file), now)


def _tell(now: datetime) -> None:
    from tightship.fleet.simulated.story import Story
    from tightship.store.simulation import tell

    story = list(Story(now, SEED).told())
    for _one in _shown(tell(story), len(story), "Sixty days of thirty servers"):
        pass


def _crowd(servers: int, now: datetime) -> None:
    from tightship.fleet.simulated.crowd import crowd
    from tightship.store import filling

    for _server in _shown(filling.fill(crowd(servers, now, SEED)), servers, f"{servers} servers beside them"):
        pass
    filling.settle(now)


def _index(now: datetime) -> None:
    """What the simulated package index has, so that nobody has to be asked."""
    from tightship.fleet.newest import Candidate, Known, newest_first
    from tightship.fleet.simulated.index import KNOWN
    from tightship.store import indexed

    said = {name: Known(newest_first(map(Candidate, versions)), now) for name, versions in KNOWN.items()}
    indexed.keep(said, now)
    indexed.judge(now)


def _shown(done: Iterable[object], total: int, what: str) -> Iterator[object]:
    """How far it is, on a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(done, what, total, console=console, disable=not console.is_terminal, transient=True)
