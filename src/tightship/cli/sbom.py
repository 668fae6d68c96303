"""`tightship sbom`: what runs, as a CycloneDX bill of materials."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tightship.cli import kept, tables
from tightship.cli.answering import covered, seen_from
from tightship.cli.running import CANNOT, FINE, Cannot
from tightship.cli.sharing import partial as partial_option

if TYPE_CHECKING:
    from tightship.store.billing import Billed
    from tightship.store.listing import Covers, View
    from tightship.store.things import Running

NAMED = 8
"""Instances that a sentence names."""


@click.command()
@click.argument("what", metavar="WHAT")
@click.option(
    "--at", default="", metavar="WHEN", help="As it was then: 2026-11-20, '2026-11-20 14:30', 3h, 2d."
)
@click.option("--output", default="", metavar="FILE", help="Instead of the standard output.")
@partial_option
def sbom(what: str, at: str, output: str, partial: bool) -> int:
    """A bill of materials of what runs, as CycloneDX.

    WHAT is an application (shop), one in a stage (shop/acceptance), on a server (shop@web1), or a server
    (web1). Each instance stands there with the packages that it has loaded and its Python; what it listens on
    are services. The same state gives the same bytes: it is safe to keep in git, or to send each night.

    \b
    Examples:
      tightship sbom shop > shop.cdx.json
      tightship sbom shop@web1 --at 2d
    """
    kept.only_here("sbom")
    kept.open_database()

    found = asked_for(what, seen_from(at, kept.view))
    from tightship.integrations.cyclonedx import Ran, Subject, bill

    name = found.thing.application or what
    said = [("owner", found.owner), ("covers", covered(found.covers))]
    said += [("asked-for", what)] if name != what else []
    ran = [Ran(one.server, one.group, packages, one.since) for one, packages in found.ran]
    text = bill(Subject(name, found.is_server, said), ran)
    write(text, output)
    return ended(
        found.covers,
        partial,
        unread(found) if found.ran else f"Nothing of {what} runs, or ran at that moment.",
    )


def asked_for(what: str, view: View) -> Billed:
    """What runs of it. Raises click's UsageError where nothing is known by that name."""
    from tightship.store.billing import billed
    from tightship.store.listing import BadParams

    try:
        return billed(what, view)
    except BadParams as error:
        raise click.UsageError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None


def unread(found: Billed) -> str:
    """That packages of some of it are not known, in words; empty: all are. Pure."""
    names = sorted({called(one) for one, lines in found.ran if lines is None})
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"Its packages could not be read: {', '.join(names[:NAMED])}{more}." if names else ""


def called(one: Running) -> str:
    """As it can be typed to name it: `shop/acceptance@web1`. Pure."""
    stage = f"/{one.group.stage}" if one.group.stage else ""
    return f"{one.group.application}{stage}@{one.server}"


def write(text: str, output: str) -> None:
    """To a file, or to the standard output. Raises Cannot."""
    if not output:
        click.echo(text, nl=False)
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Cannot(f"{output} can't be written: {error.strerror}") from None


def ended(covers: Covers, partial: bool, problem: str = "") -> int:
    """Say what the answer covers, and with which code to exit."""
    if problem:
        tables.note(problem, err=True)
    if not covers.all or not covers.servers:
        tables.note(f"Covers {covered(covers)}.", err=True)
    return FINE if partial or (covers.all and covers.servers and not problem) else CANNOT
