"""`tightship freeze`: what runs, written so that it can be built again."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from tightship.cli import kept, tables
from tightship.cli.answering import seen_from
from tightship.cli.moments import shown
from tightship.cli.running import CANNOT, FOUND, Cannot
from tightship.cli.sbom import asked_for, called, ended, unread, write
from tightship.cli.sharing import partial as partial_option

if TYPE_CHECKING:
    from tightship.fleet.files import File
    from tightship.fleet.report import Package
    from tightship.integrations.freezing import Frozen
    from tightship.store.listing import View
    from tightship.store.things import Running

FORMS = ("versions.cfg", "requirements.txt", "pylock.toml")


@click.command()
@click.argument("what", metavar="APPLICATION")
@click.option("--format", "form", type=click.Choice(FORMS), default=None, help="Else as it was built.")
@click.option("--environment", default="", metavar="KEY", help="Where one instance has several: which.")
@click.option(
    "--group", default="", metavar="KEY", help="Where one environment has several: which process group."
)
@click.option("--no-hashes", is_flag=True, help="requirements.txt without hashes: no index is asked.")
@click.option(
    "--at", default="", metavar="WHEN", help="As it ran then: 2026-11-20, '2026-11-20 14:30', 3h, 2d."
)
@click.option("--output", default="", metavar="FILE", help="Instead of the standard output.")
@partial_option
def freeze(what: str, at: str, output: str, partial: bool, **how: Any) -> int:
    """Write what an application runs, to build it again.

    The way back to a repeatable build, for what was never tagged: a buildout's versions.cfg, hashed
    requirements, or a pylock.toml, of what really runs. Hashes come from the indexes that pip is configured
    for here. APPLICATION is a name, shop/acceptance (in a stage) or shop@web1 (on a server): where its
    instances run different packages, it has to be said which.

    What can't be had again (editable installs, folders, the operating system's own, what vanished from the
    index) is listed at the end of the file and told. Exits with 0 when all is in the file, with 1 when
    something is not, with 2 when nothing was written or the answer does not cover all.

    \b
    Examples:
      tightship freeze shop@web1 > requirements.txt
      tightship freeze museum --format versions.cfg --at 2026-11-01
    """
    kept.only_here("freeze")
    kept.open_database()

    view = seen_from(at, kept.view)
    found = asked_for(what, view)
    if found.is_server:
        raise click.UsageError(f"{what} is a server: name an application on it, as in shop@{what}.")
    read = [(one, lines) for one, lines in found.ran if lines is not None]
    users, packages = _chosen(what, read, how["environment"], how["group"])
    form = how["form"] or _built_as(users[0])
    frozen = _frozen(form, packages, _heading(what, users, view), users, how["no_hashes"])
    write(frozen.text, output)
    for left in frozen.left:
        click.echo(f"not in the file: {left}", err=True)
    code = ended(found.covers, partial, unread(found))
    return code if code == CANNOT or not frozen.left else FOUND


def _chosen(
    what: str, ran: Sequence[tuple[Running, Sequence[Package]]], environment: str, group: str
) -> tuple[Sequence[Running], Sequence[Package]]:
    """The packages, and the process groups that run them. Raises Cannot where they differ."""
    if environment:
        ran = [(one, lines) for one, lines in ran if one.group.group.environment == environment]
    if group:
        ran = [(one, lines) for one, lines in ran if one.group.key == group]
    if not ran:
        where = (f" in {environment}" if environment else "") + (f" as {group}" if group else "")
        raise Cannot(f"Nothing of {what} runs{where} whose packages could be read")
    different: dict[tuple[Package, ...], list[Running]] = {}
    for one, lines in ran:
        different.setdefault(tuple(sorted(line for line in lines if not line.shadowed)), []).append(one)
    if len(different) > 1:
        raise Cannot(_which(what, different))
    ((packages, users),) = different.items()
    return users, packages


def _which(what: str, different: Mapping[tuple[Package, ...], Sequence[Running]]) -> str:
    said = [f"{what} runs {len(different)} different sets of packages. Say which:"]
    names = [sorted({called(one) for one in users}) for users in different.values()]
    times = Counter(name for some in names for name in some)
    # A process that was not restarted runs what was there before, in the same environment as another.
    places = Counter(place for users in different.values() for place in {_place(one) for one in users})
    for (packages, users), some in zip(different.items(), names, strict=True):
        command, others = f"tightship freeze {shlex.quote(some[0])}", ""
        if any(times[name] > 1 for name in some):
            one = next((one for one in users if places[_place(one)] == 1), None)
            by = ("--environment", one.group.group.environment) if one else ("--group", users[0].group.key)
            command = f"tightship freeze {shlex.quote(called(one or users[0]))} {by[0]} {shlex.quote(by[1])}"
        elif some[1:]:
            others = f", as {', '.join(some[1:4])}"
        said.append(f"  {command}   ({len(packages)} package{'s' * (len(packages) != 1)}{others})")
    return "\n".join(said)


def _place(one: Running) -> tuple[str, str]:
    return called(one), one.group.group.environment


def _built_as(one: Running) -> str:
    kind = one.group.group.environment.partition(":")[0]
    return "versions.cfg" if kind in ("script", "buildout") else "requirements.txt"


def _heading(what: str, users: Sequence[Running], view: View) -> list[str]:
    one, pythons = users[0], sorted({one.group.group.python for one in users} - {""})
    python = f"Python {' and '.join(pythons)}" if pythons else "an unknown Python"
    where = f"{one.group.group.environment} with {python}"
    return [
        f"What {called(one)} runs, so since {shown(one.since)}, in {where}.",
        f"Written by: tightship freeze {what}" + (f" --at {view.at.isoformat()}" if view.at else ""),
    ]


def _frozen(
    form: str, packages: Sequence[Package], heading: Sequence[str], users: Sequence[Running], no_hashes: bool
) -> Frozen:
    from tightship.fleet.findings.endoflife import series_of
    from tightship.integrations.freezing import pylock_toml, requirements_txt, versions_cfg

    if form == "versions.cfg":
        return versions_cfg(packages, heading)
    if form == "requirements.txt":
        return requirements_txt(packages, heading, None if no_hashes else _files(packages))
    series = {series_of(one.group.group.python) for one in users}
    return pylock_toml(packages, heading, _files(packages), series.pop() if len(series) == 1 else "")


def _files(packages: Sequence[Package]) -> Mapping[str, Sequence[File]]:
    from tightship.index.configured import BadConfiguration
    from tightship.index.files import NoAnswer
    from tightship.index.known import Indexes

    names = sorted({one.name for one in packages if not one.origin and not one.editable})
    try:
        with tables.progress(len(names), "packages") as done:
            return Indexes().files(names, lambda number, _all: done(number))
    except (BadConfiguration, NoAnswer) as error:
        raise Cannot(f"{error}. Nothing was written; without hashes: --no-hashes") from None
