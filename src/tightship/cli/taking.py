"""`tightship import sbom` and `import pip`: what a file says of what no probe can look at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tightship.cli import kept
from tightship.cli.running import CANNOT, FINE, Cannot
from tightship.fleet.text import harmless

if TYPE_CHECKING:
    from tightship.fleet.imported import Imported

LARGEST = 32 * 1024 * 1024

LONGEST_NAME = 100
"""Characters of a name that is told with a file: a key is made of two of them."""

WHOSE = (
    click.option("--application", required=True, metavar="NAME", help="Which application this is of."),
    click.option("--server", required=True, metavar="NAME", help="Where it runs: any name for that place."),
    click.option("--stage", default="", metavar="NAME", help="production, acceptance, ..."),
)


def whose(command: Callable[..., int]) -> Callable[..., int]:
    """The options that say of what a file is."""
    for option in reversed(WHOSE):
        command = option(command)
    return command


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE")
@whose
def sbom(file: str, application: str, server: str, stage: str) -> int:
    """A CycloneDX bill of materials (JSON, 1.2 to 1.7), for what no probe can look at.

    Its Python packages (pkg:pypi) are recorded as those of an application on a server of that name, so that
    `who-uses`, `packages` and findings know of them; the server is marked as imported, and is never silent.
    Import it again whenever it changed; `tightship retire` ends it. A server that a probe reads is refused.

    \b
    Examples:
      tightship import sbom shop.cdx.json --application shop --server lambda-1
      tightship import sbom image.cdx.json --application shop --server k8s --stage production
    """
    from tightship.integrations.bills import read

    return _take(read, file, application, server, stage)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE")
@whose
def pip(file: str, application: str, server: str, stage: str) -> int:
    """What `pip inspect` printed there, for what no probe can look at.

    On a Windows machine, in a container's image, in a function at a cloud provider: wherever Python can be
    started once. Recorded as by `import sbom`.

    \b
    Examples:
      tightship import pip inspect.json --application billing --server win-7 --stage production
      ssh appliance python3 -m pip inspect | tightship import pip - --application vpn --server appliance
    """
    from tightship.integrations.inspected import read

    return _take(read, file, application, server, stage)


def _take(read: Callable[[bytes], Imported], file: str, application: str, server: str, stage: str) -> int:
    """Read a file, and record what it says of an application on a server. Raises Cannot."""
    from tightship.fleet.imported import BadFile, origin, report_of

    for option, name in (("application", application), ("server", server), ("stage", stage)):
        if not (is_name(name) or (option == "stage" and not name)):
            raise click.BadParameter(
                f"expected a name of 1 to {LONGEST_NAME} characters that begins with no dash.",
                param_hint=f"--{option}",
            )
    kept.only_here("import")
    try:
        imported = read(content(file))
    except BadFile as error:
        raise Cannot(f"{called(file)}: {harmless(str(error))}.") from None
    name = "standard input" if file == "-" else harmless(Path(file).name)
    now = datetime.now(UTC)
    report = report_of(imported, name, server, application, stage, now)
    kept.make_ready()
    from tightship.store.recording import ReportsItself, record

    try:
        recorded = record(report, server, now, imported=origin(imported, name))
    except ReportsItself as error:
        raise Cannot(
            f"A probe reads {server}, last on {error.last_seen:%Y-%m-%d %H:%M} UTC: what really runs there "
            "is known. Give another name with --server. Nothing was recorded."
        ) from None
    where = f"{application}{f'/{stage}' if stage else ''}@{server}"
    click.echo(imported_as(recorded.kind, where, len(imported.packages), origin(imported, name)))
    for left in imported.left_out:
        click.echo(f"left out: {left}", err=True)
    return CANNOT if recorded.kind == "late" else FINE


def is_name(text: str) -> bool:
    """Whether something can be called so. Pure."""
    return text == harmless(text).strip() and 0 < len(text) <= LONGEST_NAME and not text.startswith("-")


def imported_as(kind: str, where: str, packages: int, source: str) -> str:
    """What came of it. Pure."""
    some = f"{packages} package{'s' * (packages != 1)}"
    if kind == "late":
        return f"Not recorded: something newer of {where} is there. See `tightship doctor` about the clock."
    if kind == "recorded":
        return f"Imported {where}: {some} from {source}."
    return f"Unchanged {where}: {some} from {source}, as before."


def content(file: str) -> bytes:
    """What is in a file, or comes by the standard input. Raises Cannot."""
    try:
        with click.open_file(file, "rb") as opened:
            data: bytes = opened.read(LARGEST + 1)
            return data
    except OSError as error:
        raise Cannot(f"{file}: {(error.strerror or str(error)).lower()}.") from None


def called(file: str) -> str:
    """How a file is called in what is said about it."""
    return "the standard input" if file == "-" else file
