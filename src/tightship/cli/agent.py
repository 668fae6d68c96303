"""`tightship agent`: sets up servers that push their own reports, says how they do, takes it back."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tightship.cli import kept
from tightship.cli.running import CANNOT, FINE, Cannot
from tightship.fleet.text import harmless
from tightship.store.listing import Column, Row

if TYPE_CHECKING:
    from tightship.remote.agent import Wanted
    from tightship.remote.ssh import Outcome
    from tightship.remote.target import Target

COLUMNS = (
    Column("server", "Server"),
    Column("version", "Version"),
    Column("last_try", "Last run", "time"),
    Column("last_sent", "Last sent", "time"),
    Column("spooled", "Spooled", "number"),
    Column("lost", "Lost", "number"),
    Column("error", "What is wrong"),
)


@click.group()
def agent() -> None:
    """Servers push their own reports, where ssh is not wanted.

    Once an hour root's probe reads the server, and an unprivileged sender sends the report to where
    Tightship is served. What can't be sent waits in a spool. What runs as whom: docs/explanation/agent.md

    \b
    Example:
      tightship agent install web1 web2 --url https://tightship.example.com
    """


@dataclass(frozen=True, slots=True)
class Way:
    """Which servers, and how they are reached, as it was typed."""

    servers: Sequence[str]
    named: str
    ssh_config: str
    sudo: bool
    at_once: int

    def targets(self) -> Sequence[Target]:
        """Raises Cannot and UsageError."""
        from tightship.cli.reaching import declared, targets

        found = targets(self.servers, declared(self.named), self.ssh_config)
        if not found:
            raise click.UsageError("Name servers, or declare them: [servers.NAME] in fleet.toml.")
        return found


_way = (
    click.argument("servers", nargs=-1, metavar="[SERVER]..."),
    click.option("--file", "named", default="", metavar="FILE", help="The declared file, for its servers."),
    click.option("--ssh-config", default="", metavar="FILE", help="Instead of ~/.ssh/config."),
    click.option("--sudo", is_flag=True, help="Log in as an ordinary user, who may use sudo there."),
    click.option(
        "--at-once", type=click.IntRange(1, 200), default=10, show_default=True, help="So many at a time."
    ),
)


def _over_ssh(command: Callable[..., int]) -> Callable[..., int]:
    @wraps(command)
    def packed(**said: Any) -> int:
        way = Way(**{name: said.pop(name) for name in Way.__slots__})
        return command(way, **said)

    for option in reversed(_way):
        packed = option(packed)
    return packed


_where = (
    click.option("--url", required=True, metavar="URL", help="Where Tightship is served."),
    click.option(
        "--ca",
        type=click.Path(dir_okay=False, path_type=Path),
        help="A file of authorities: these, and no others, are trusted for that address.",
    ),
    click.option("--proxy", default="", metavar="URL", help="A proxy that opens tunnels: http://HOST:PORT."),
    click.option("--insecure-http", is_flag=True, help="Allow http://, where the network is trusted."),
)


def _told_where(command: Callable[..., int]) -> Callable[..., int]:
    for option in reversed(_where):
        command = option(command)
    return command


@agent.command()
@_over_ssh
@_told_where
@click.option("--new-token", is_flag=True, help="Replace the server's token also where it is valid.")
def install(way: Way, new_token: bool, **where: Any) -> int:
    """Set up the agent on servers, over ssh.

    Or make it as it is to be; then its report is sent. SERVER is as for `gather`: a name in fleet.toml, a
    pattern, or [user@]host[:port]; none named: all of fleet.toml. Each gets a token of its own, which is
    never shown. Doing it again changes what differs, and nothing else. Exits with 0 when every one has
    sent its report.

    \b
    Examples:
      tightship agent install web1 --url https://tightship.example.com
      tightship agent install web1 web2 --url https://tightship.internal --ca ca.pem --sudo
    """
    kept.only_here("Tokens are made")
    wanted = _wanted(**where)
    kept.make_ready()
    targets = way.targets()
    from tightship.remote import agent as remote

    found = list(_run(targets, lambda _target: remote.telling(), way))
    ready = [one for one in found if one.kind == "ok"]
    fine = [_print(installed(one)) for one in found if one.kind != "ok"]
    given = {one.target.name: _token(one, new_token) for one in ready}
    unsettled = dict(given)
    try:
        for one in _run(
            [one.target for one in ready],
            lambda target: remote.placing(wanted, given[target.name].secret),
            way,
        ):
            _settle(unsettled.pop(one.target.name), one.kind == "ok")
            fine.append(_print(installed(one)))
    finally:
        for one_of_them in unsettled.values():
            _settle(one_of_them, done=False)
    return FINE if all(fine) else CANNOT


@agent.command()
@_over_ssh
def remove(way: Way) -> int:
    """Take the agent away from servers.

    Its files, its user, its timer and what waits go, and its token ends. What Tightship knows of the server
    stays; `tightship retire` says that no more reports are to come.

    \b
    Example:
      tightship agent remove web1
    """
    kept.only_here("Tokens are ended")
    if not way.servers:
        raise click.UsageError("Name the servers that the agent is to be taken from.")
    kept.open_database()
    from tightship.remote import agent as remote

    done = _run(way.targets(), lambda _target: remote.removing(), way)
    fine = [_print(removed(one, _end_token(one))) for one in done]
    return FINE if all(fine) else CANNOT


@agent.command()
@_over_ssh
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status(way: Way, as_json: bool) -> int:
    """How the agent does on servers.

    Its version, its last run, what waits, what was lost, what is wrong. Exits with 0 when all is well.

    \b
    Example:
      tightship agent status web1 web2
    """
    from tightship.cli import tables
    from tightship.remote import agent as remote

    rows = [row(one) for one in _run(way.targets(), lambda _target: remote.telling(), way)]
    if as_json:
        click.echo(json.dumps({"rows": rows}, indent=1, default=_iso))
    else:
        tables.draw(COLUMNS, rows, keys=("server", "error"))
    return CANNOT if any(one["error"] for one in rows) else FINE


@agent.command()
@_told_where
@click.option(
    "--output", required=True, type=click.Path(path_type=Path), metavar="DIR", help="A directory that is new."
)
def bundle(output: Path, **where: Any) -> int:
    """Write the agent's files, for Puppet or Ansible.

    Or for whatever else brings files to servers. They lie below DIR as they are to lie on a server. No token
    is among them: `tightship token create` makes one for each. docs/how-to/agent.md has a manifest and a
    playbook.

    \b
    Example:
      tightship agent bundle --url https://tightship.example.com --output agent
    """
    from tightship.remote import agent as remote

    try:
        output.mkdir(parents=True)
        for path, file in remote.files(_wanted(**where)).items():
            there = output / path.lstrip("/")
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_bytes(file.content)
            there.chmod(file.mode)
            click.echo(there)
    except FileExistsError:
        raise Cannot(f"--output: {output} is there already; name a directory that is new.") from None
    except OSError as error:
        raise Cannot(f"--output: {error.filename}: {(error.strerror or '').lower()}.") from None
    return FINE


def _wanted(url: str, ca: Path | None, proxy: str, insecure_http: bool) -> Wanted:
    from tightship.remote import agent as remote

    try:
        return remote.wanted(url.rstrip("/"), ca.read_bytes() if ca else b"", proxy, insecure_http)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    except OSError as error:
        raise Cannot(f"--ca: {ca}: {(error.strerror or '').lower()}.") from None


def _run(targets: Sequence[Target], program: Callable[[Target], str], way: Way) -> Iterator[Outcome]:
    """What came of a program on each, in their order, as soon as that is known."""
    from tightship.remote.ssh import run_on

    unwanted = threading.Event()

    def run(target: Target) -> Outcome:
        return run_on(target, program(target), sudo=way.sudo, unwanted=unwanted)

    with ThreadPoolExecutor(way.at_once) as pool:
        try:
            yield from pool.map(run, targets)
        finally:
            unwanted.set()  # after Ctrl-C nobody waits for the rest


# Tokens


@dataclass(frozen=True, slots=True)
class Given:
    """The token for a server. `secret` empty: the one that it has stays."""

    secret: str = ""
    made: int = 0
    replaces: int = 0


def _token(outcome: Outcome, new: bool) -> Given:
    from tightship.store import tokens

    now, server = datetime.now(UTC), outcome.target.name
    known = tokens.of_digest(_token_of(_said(outcome)), server, now)
    if known and not new:
        return Given()
    made, secret = tokens.create("report", now, server)
    return Given(secret, made.id, known.id if known else 0)


def _settle(given: Given, done: bool) -> None:
    """The old token ends when the new one is in place; a new one that may not be there ends itself."""
    from tightship.store import tokens

    number = given.replaces if done else given.made
    if number:
        tokens.revoke(number, datetime.now(UTC))


def _end_token(outcome: Outcome) -> bool:
    from tightship.store import tokens

    now = datetime.now(UTC)
    known = tokens.of_digest(_token_of(_said(outcome)), outcome.target.name, now)
    return bool(known and tokens.revoke(known.id, now))


# In words. Pure.


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    fine: bool


def installed(outcome: Outcome) -> Line:
    name, said = outcome.target.name, _said(outcome)
    if outcome.kind != "ok":
        return Line(f"{name}: {_why(outcome)}", fine=False)
    what = f"installed ({len(said['changed'])} changes)" if said["changed"] else "as it was"
    wrong = _wrong(said)
    if wrong:
        return Line(f"{name}: {what}, but its report was not sent: {wrong}", fine=False)
    return Line(f"{name}: {what}, its report was sent", fine=True)


def removed(outcome: Outcome, token_ended: bool) -> Line:
    name, said = outcome.target.name, _said(outcome)
    if outcome.kind != "ok":
        return Line(f"{name}: {_why(outcome)}; its token is still valid: tightship token list", fine=False)
    what = "removed" if said["changed"] else "there was none"
    return Line(f"{name}: {what}{', its token is revoked' if token_ended else ''}", fine=True)


def row(outcome: Outcome) -> Row:
    """How the agent does on one server."""
    said = _said(outcome)
    told = said["status"]
    lost = [told.get(name) for name in ("dropped", "cut", "refused")]
    return {
        "server": outcome.target.name,
        "version": _text(told.get("version")),
        "last_try": _moment(told.get("last_try")),
        "last_sent": _moment(told.get("last_sent")),
        "spooled": _number(told.get("spooled")),
        "lost": sum(_number(number) or 0 for number in lost) if told else None,
        "error": _wrong(said) if outcome.kind == "ok" else _why(outcome),
    }


def _wrong(said: Mapping[str, Any]) -> str:
    """What is wrong on a server that answered; empty: nothing."""
    status = said["status"]
    if not said["installed"]:
        return "no agent is installed"
    if not status:
        return _text(said["why"]) or "the agent does not say how it goes"
    if said["timer"] != "active":
        return "its timer does not run: systemctl enable --now tightship-agent.timer"
    if said["probe"] != "success":
        return "the probe failed: journalctl -u tightship-agent-probe.service"
    if status.get("last_error"):
        return _text(status["last_error"])
    if said["sender"] != "success":
        return "the sender failed: journalctl -u tightship-agent.service"
    return ""


def _why(outcome: Outcome) -> str:
    return harmless(outcome.why or outcome.kind)


_SHAPE: Mapping[str, Any] = {
    "installed": False, "changed": [], "token": "", "timer": "", "probe": "", "sender": "",
    "status": {}, "why": "",
}  # fmt: skip


def _said(outcome: Outcome) -> dict[str, Any]:
    """What our program printed there, in its shape: whoever has that server may print anything."""
    try:
        said = json.loads(outcome.stdout)
    except (ValueError, RecursionError):
        said = None
    said = said if isinstance(said, dict) else {}
    kept = {name: said[name] for name, empty in _SHAPE.items() if type(said.get(name)) is type(empty)}
    return {**_SHAPE, **kept}


def _token_of(said: Mapping[str, Any]) -> str:
    """The digest of the token that a server has."""
    return said["token"] if re.fullmatch(r"[0-9a-f]{64}", said["token"]) else ""


def _text(value: object) -> str:
    return harmless(value)[:300] if isinstance(value, str) else ""


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _moment(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)).astimezone(UTC) if value else None
    except (ValueError, OverflowError):
        return None


def _iso(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _print(line: Line) -> bool:
    click.echo(line.text, err=not line.fine)
    return line.fine
