"""`tightship gather --prepare`: the probe as root's own program on servers, and the one line for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import click

from tightship.cli.running import CANNOT, FINE
from tightship.fleet.text import harmless
from tightship.remote import prepared
from tightship.remote.ssh import Outcome, run_all
from tightship.remote.target import Target

SOMEBODY = "tightship"
"""Stands for whoever is to log in, where that is not known."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What came of one server. `user`: whoever is to log in there, if that is known."""

    server: str
    said: str
    well: bool
    user: str = ""


def prepare(targets: Sequence[Target], *, sudo: bool, at_once: int, timeout: float) -> int:
    """Put the probe in place on servers, and say what is to be allowed there. CANNOT where one failed."""
    done = []
    with closing(
        run_all(targets, prepared.placing(), sudo=sudo, at_once=at_once, timeout=timeout)
    ) as outcomes:
        for outcome in outcomes:
            one = concluded(outcome)
            click.echo(one.said, err=not one.well)
            done.append(one)
    for line in to_allow(done):
        click.echo(line)
    return FINE if all(one.well for one in done) else CANNOT


def concluded(outcome: Outcome) -> Prepared:
    """What came of a run of the installer. Pure."""
    server = outcome.target.name
    if outcome.kind == "ok":
        try:
            said = prepared.placed(outcome.stdout)
        except ValueError as error:
            return Prepared(server, f"failed       {server}: {harmless(str(error))}", well=False)
        what = f"prepared     {server}: {prepared.PATH}" if said["changed"] else f"as it was    {server}"
        return Prepared(server, what, well=True, user=said["user"])
    why = harmless(outcome.why)
    if outcome.kind == "refused" and why.startswith("sudo:"):
        why += ". It needs root once: name it as root@SERVER, or see docs/how-to/permissions.md"
    return Prepared(server, f"{outcome.kind.replace('-', ' '):12} {server}: {why}", well=False)


def to_allow(done: Sequence[Prepared]) -> Iterator[str]:
    """What is to be written on the servers that are prepared, by somebody who may. Pure."""
    for user, servers in _by_user(one for one in done if one.well).items():
        where = ", ".join(servers[:6]) + (f" and {len(servers) - 6} more" if len(servers) > 6 else "")
        yield f"\nOn {where}, for `tightship gather --sudo`, one line (visudo -f /etc/sudoers.d/tightship):\n"
        yield f"    {prepared.sudoers(user or SOMEBODY)}\n"
        if not user:
            yield f"with whoever logs in, in place of {SOMEBODY}. Or a key of root's that can do this alone,"
            yield "in /root/.ssh/authorized_keys:\n"
            yield f"    {prepared.authorized_key()} ssh-ed25519 AAAA..."


def _by_user(done: Iterator[Prepared]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for one in done:
        found[one.user].append(one.server)
    return found
