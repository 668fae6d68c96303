"""`tightship serve`: the pages, on this server's loopback unless it is told and ready to go further."""

from __future__ import annotations

import getpass
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import sleep
from typing import NamedTuple
from urllib.parse import urlsplit

import click

import tightship
from tightship.cli.binding import BadBind, Bind, bind, why_not
from tightship.cli.identity import (
    SELF,
    Identity,
    NoSuchUser,
    account,
    can_run,
    chosen,
    closed,
    hand_over,
    owner_of,
)
from tightship.cli.keeping import Companion, keep, us
from tightship.cli.running import Cannot, typed
from tightship.store.place import data_directory

KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "DATABASE_URL", "PGPASSFILE", "PGSSLMODE", "PYTHONDONTWRITEBYTECODE")
"""Variables of root's that the web process gets, beside TIGHTSHIP_...: nothing else is its business."""


class Way(NamedTuple):
    """How our own programs are run: as whom, and with which variables."""

    identity: Identity
    variables: Mapping[str, str]

    def said(self, *arguments: str, given: bytes | None = None) -> str:
        """What one of our programs prints. Raises Cannot with what it said when it could not."""
        done = subprocess.run(
            us(*arguments),
            input=given,
            stdin=None if given is not None else subprocess.DEVNULL,
            capture_output=True,
            cwd="/",
            env=dict(self.variables),
            check=False,
            **self.identity.popen(),
        )
        if done.returncode != 0:
            raise Cannot(_last_line(done.stderr) or f"{' '.join(arguments[:2])} ended with {done.returncode}")
        said: bytes = done.stdout
        return said.decode(errors="replace").strip()


@click.command()
@click.option(
    "--bind",
    "where",
    default="127.0.0.1:8000",
    show_default=True,
    metavar="ADDRESS:PORT",
    help="Where to listen.",
)
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Web processes.")
@click.option(
    "--user",
    "as_user",
    default="",
    metavar="NAME",
    help="Started by root: the account that the web process runs as.",
)
@click.option("--no-work", is_flag=True, help="Without what happens by itself: see `tightship work`.")
@click.option("--first-look", is_flag=True, help="Read this server first, and say what was found.")
@click.option("--link", "only_link", is_flag=True, help="Print a fresh login link for what runs, and exit.")
def serve(where: str, workers: int, as_user: str, no_work: bool, first_look: bool, only_link: bool) -> int:
    """Serve the pages, and take in reports.

    Reads this server again each hour, and starts `tightship work`; neither with --no-work. Ends with
    Ctrl-C.

    Example: tightship serve --bind 127.0.0.1:8123
    """
    if only_link:
        return _print_link()
    hourly = _rest if no_work else look
    return up(where, workers, as_user, Beside(_first_look if first_look else None, hourly, work=not no_work))


class Beside(NamedTuple):
    """What is done beside the pages."""

    first: Callable[[Way], None] | None
    """before anybody can come"""
    hourly: Callable[[Way], None]
    work: bool = False
    """start what happens by itself, too"""
    link: str = ""
    """what prints another login link"""


def up(where: str, workers: int, as_user: str, beside: Beside) -> int:
    """Serve until told to end."""
    asked = _bind(where)
    trouble = why_not(asked)
    if trouble:
        raise Cannot(trouble)
    way = _way(asked, as_user)
    _refuse_unready(
        asked, json.loads(way.said("tightship.web", "prepare", f"http://{asked.host}:{asked.port}"))
    )
    if beside.first:
        beside.first(way)
    return keep(
        us("tightship.web", "serve", asked.address, str(asked.port), str(workers)),
        way.identity,
        way.variables,
        lambda process: _greet(asked, way, process, beside.link or f"{typed()} serve --link"),
        lambda: beside.hourly(way),
        Companion(_work(way), way.identity, way.variables) if beside.work else None,
    )


def _work(way: Way) -> list[str]:
    """The command of the program that works beside the pages.

    Where root gave its rights away it goes to no server: the keys for that are not to lie where the web
    process could read them. Another `tightship work`, of a user of its own, does that.
    """
    without = [] if way.identity is SELF else ["--no-ssh"]
    return us("tightship", "work", "--until-eof", *without)


def _bind(where: str) -> Bind:
    try:
        return bind(where)
    except BadBind as error:
        raise Cannot(str(error)) from None


def _way(asked: Bind, as_user: str) -> Way:
    if os.geteuid() != 0:
        if as_user and as_user != _our_name():
            raise Cannot(
                f"--user: only root can run the pages as another user: sudo tightship serve --user {as_user}"
            )
        return Way(SELF, os.environ)
    code = Path(tightship.__file__).parent
    try:
        identity = chosen(as_user, owner_of(code), account)
    except NoSuchUser as error:
        raise Cannot(str(error)) from None
    if not can_run(identity):
        return _as_root(asked, identity, code)
    hand_over(data_directory(), identity)
    return Way(identity, variables(os.environ, data_directory()))


def _as_root(asked: Bind, identity: Identity, code: Path) -> Way:
    where = closed(code) or closed(Path(sys.executable).resolve()) or code
    reason = f"The user {identity.name or 'nobody'} can't read {where}, which Tightship runs from"
    if not asked.loopback:
        raise Cannot(
            f"{reason}, and root serves on loopback only. Install Tightship where every user can "
            "read it, as /opt/tightship, or choose --bind 127.0.0.1:8000"
        )
    click.echo(f"{reason}: the pages run as root, so on loopback only.", err=True)
    return Way(SELF, os.environ)


def variables(ours: Mapping[str, str], data: Path) -> dict[str, str]:
    """The variables of root's that the web process gets as another user."""
    kept = {name: value for name, value in ours.items() if name in KEPT or name.startswith("TIGHTSHIP_")}
    return {**kept, "TIGHTSHIP_DATA": str(data), "HOME": str(data)}


def _refuse_unready(asked: Bind, ready: Mapping[str, bool]) -> None:
    if asked.loopback:
        return
    missing = [how for what, how in NEEDED.items() if not ready[what]]
    if missing:
        steps = "".join(f"\n  {how}" for how in missing)
        raise Cannot(
            f"Others than this server's own users could come to {asked}. First:{steps}\n"
            "Or stay on loopback and go there by ssh: tightship serve --bind 127.0.0.1:8000"
        )


NEEDED = {
    "administrator": "tightship account add NAME --administrator   (there is none with a password yet)",
    "allowed_hosts": "export TIGHTSHIP_ALLOWED_HOSTS=tightship.example.com   (the names that people type)",
    "secret_key": "export TIGHTSHIP_SECRET_KEY=$(head -c 48 /dev/urandom | base64 -w0)",
}


def _first_look(way: Way) -> None:
    if sys.platform != "linux":
        click.echo(
            "Tightship reads Linux servers, this is none: let them push their reports here "
            "(tightship token create), or gather from them."
        )
        return
    click.echo("Reading this server ...")
    look(way)
    click.echo(way.said("tightship.web", "found"))
    if way.identity is SELF and os.geteuid() != 0:
        click.echo(f"Other users' processes were only seen from outside. All of it: {typed()} gather --sudo")


def _rest(_way: Way) -> None:
    """Nothing happens by itself."""


def look(way: Way) -> None:
    """Read this server and record the report. Never ends the service: says what went wrong."""
    if sys.platform != "linux":
        return
    from tightship.remote.local import ProbeError, run_probe

    try:
        way.said("tightship", "record", "-", given=run_probe().stdout)
    except (Cannot, ProbeError, OSError) as error:
        click.echo(f"This server could not be read: {error}", err=True)


def _greet(asked: Bind, way: Way, process: subprocess.Popen[bytes], another: str) -> None:
    while not _answers(asked.address, asked.port) and process.poll() is None:
        sleep(0.05)
    if process.poll() is not None:
        return  # it has said why
    if in_journal(sys.stdout.fileno(), os.environ):
        # Whoever may read the journal must not log in by it.
        click.echo(f"Serving at http://{asked}. A link that logs in: {another}")
        return
    link = way.said("tightship.web", "link")
    click.echo(f"\n  Open   {link}\n         It logs you in, once. For another: {another}")
    tunnel = ssh_line(asked, os.environ.get("SSH_CONNECTION", ""), _our_name())
    if tunnel:
        click.echo(f"  From   {tunnel}\n         typed on your own machine, makes the link work there.")
    click.echo("  Stop   Ctrl-C\n")


def in_journal(descriptor: int, variables: Mapping[str, str]) -> bool:
    """Whether what is written there goes to systemd's journal: it says which file that is."""
    status = os.fstat(descriptor)
    return variables.get("JOURNAL_STREAM", "") == f"{status.st_dev}:{status.st_ino}"


def ssh_line(asked: Bind, connection: str, user: str) -> str:
    """The command that brings the pages to where the user sits; empty where nobody came by ssh.

    `connection` is sshd's SSH_CONNECTION: the client's address and port, then ours.
    """
    parts = connection.split()
    if len(parts) != 4 or not asked.loopback:
        return ""
    port = "" if parts[3] == "22" else f"-p {parts[3]} "
    return f"ssh {port}-L {asked.port}:{asked.host}:{asked.port} {user}@{parts[2]}"


def _print_link() -> int:
    """As the user that owns the database: root must not leave files of its own beside it."""
    way = Way(SELF, os.environ)
    data = data_directory()
    if os.geteuid() == 0 and data.exists():
        status = data.stat()
        if status.st_uid:
            way = Way(Identity(owner_of(data), status.st_uid, status.st_gid), variables(os.environ, data))
    link = way.said("tightship.web", "link")
    click.echo(link)
    parts = urlsplit(link)
    if not _answers(parts.hostname or "", parts.port or 80):
        click.echo("Nothing answers there at this moment. Start it: tightship serve", err=True)
    return 0


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=2).close()
    except OSError:
        return False
    return True


def _our_name() -> str:
    """Ours, or our number: in a container a user often has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _last_line(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("tightship: ") if lines else ""
