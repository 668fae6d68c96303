"""`tightship import`: what is kept elsewhere, held against what runs, or taken for what can't be read."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from tightship.cli import kept
from tightship.cli.running import CANNOT, FINE, FOUND, Cannot
from tightship.cli.taking import called, content, pip, sbom
from tightship.fleet.reckoning import KINDS, Difference, Known, Listed, Reckoning, Runs, reckon
from tightship.fleet.text import harmless
from tightship.store.listing import Column, Covers, Page, Params, Row, Value

if TYPE_CHECKING:
    from tightship.integrations.ansible import Host

COLUMNS = (
    Column("line", "Line", "number"),
    Column("what", "What is wrong"),
    Column("application", "Application"),
    Column("server", "Server"),
    Column("listed", "In the list"),
    Column("found", "Found"),
    Column("hint", "Hint"),
)

AS_JSON = click.option("--json", "as_json", is_flag=True, help="All of it as JSON.")
AS_TOML = click.option(
    "--toml", "as_toml", is_flag=True, help="Instead: what of it belongs into fleet.toml, to be kept there."
)
PARTIAL = click.option("--partial", is_flag=True, help="Exit as if the answer covered all, when it does not.")


@click.group(name="import")
def import_() -> None:
    """Hold a list against what runs, or take an SBOM.

    `list` and `inventory` say where something that is kept elsewhere is wrong, and record nothing. `sbom` and
    `pip` record what a file says of an application that no probe can look at.

    \b
    Examples:
      tightship import list servers.csv
      tightship import inventory hosts.yml
      tightship import sbom shop.cdx.json --application shop --server lambda-1
    """


import_.add_command(sbom)
import_.add_command(pip)


@import_.command(name="list")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE")
@AS_JSON
@AS_TOML
@PARTIAL
def list_(file: str, as_json: bool, as_toml: bool, partial: bool) -> int:
    """A list kept by hand: CSV with headings for application, server, port, release, owner, stage, url.

    In any order, with other columns between; other usual headings (host, app, version, team ...) are
    understood. Records nothing. Exits with 0 when the list is right, 1 when it is not, 2 when what was
    found does not cover all.

    \b
    Examples:
      tightship import list servers.csv
      tightship import list servers.csv --toml >> fleet.toml
    """
    from tightship.integrations.handlist import BadList, read

    try:
        listed = read(content(file), called(file))
    except BadList as error:
        raise Cannot(f"{error}.") from None
    if as_toml:
        click.echo("\n".join(toml_of_list(listed)))
        return FINE
    return _answer(listed, "line", as_json, partial)


@import_.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE")
@AS_JSON
@AS_TOML
@PARTIAL
def inventory(file: str, as_json: bool, as_toml: bool, partial: bool) -> int:
    """An Ansible inventory, INI or YAML: which of its servers are known, and which are known besides.

    Groups, ranges (web[01:20]), ansible_host, ansible_port and ansible_user are understood; host_vars and
    templates are not looked at. Records nothing. Exits like `import list`.

    \b
    Examples:
      tightship import inventory hosts.yml
      tightship import inventory hosts.yml --toml >> fleet.toml
    """
    from tightship.integrations.ansible import BadInventory, read

    try:
        hosts = read(content(file).decode("utf-8-sig", "replace"), called(file))
    except BadInventory as error:
        raise Cannot(f"{error}.") from None
    if as_toml:
        click.echo("\n".join(toml_of_inventory(hosts)))
        return FINE
    return _answer([Listed(host.line, server=host.name) for host in hosts], "server", as_json, partial)


def _answer(listed: Sequence[Listed], thing: str, as_json: bool, partial: bool) -> int:
    known, covers = _known()
    came = reckon(listed, known)
    if as_json:
        click.echo(json.dumps(document(came, covers), indent=1))
    else:
        _show(came, covers, thing)
    if not covers.servers or not (covers.all or partial):
        return CANNOT
    return FOUND if came.differences else FINE


def _known() -> tuple[Known, Covers]:
    """What was found, from the store or the service that was chosen."""
    from tightship.cli.answering import seen_from, whole

    view = seen_from("", kept.view)

    def page(name: str) -> Page:
        return whole(kept.listing(name), view, Params())

    instances, servers = page("instances"), page("servers")
    owners = {str(row["application"]): str(row["owner"] or "") for row in page("applications").rows}
    together: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in instances.rows:
        together[str(row["application"]), str(row["server"])].append(row)
    runs = [
        Runs(
            application,
            server,
            frozenset(one for row in some for one in _values(row["ports"])),
            frozenset(one for row in some for one in _values(row["releases"])),
            frozenset(one for row in some for one in _values(row["stage"])),
            owners.get(application, ""),
        )
        for (application, server), some in together.items()
    ]
    covers = instances.covers
    return Known(runs, [str(row["server"]) for row in servers.rows], covers.silent), covers


def _values(value: Value) -> list[str]:
    some = value if isinstance(value, list) else [value]
    return [str(one) for one in some if one]


def document(came: Reckoning, covers: Covers) -> dict[str, object]:
    """For programs. Pure."""
    return {
        "lines": came.lines,
        "right": came.right,
        "counts": dict(came.counts),
        "covers": {
            "servers": covers.servers,
            "silent": list(covers.silent),
            "unread": list(covers.unread),
        },
        "differences": [
            {
                "kind": one.kind,
                "line": one.line or None,
                "application": one.application,
                "server": one.server,
                "listed": one.listed,
                "found": one.found,
                "hint": one.hint,
            }
            for one in came.differences
        ],
    }


def _show(came: Reckoning, covers: Covers, thing: str) -> None:
    from tightship.cli import tables
    from tightship.cli.answering import covered

    for line in summary(came, thing):
        click.echo(line)
    if came.differences:
        click.echo("")
    tables.draw(COLUMNS, [_row(one) for one in came.differences], ("line", "what", "application", "server"))
    tables.note(covered(covers), err=not tables.to_terminal())


def summary(came: Reckoning, thing: str) -> Iterator[str]:
    """The answer, in a few lines. Pure."""
    lines = f"{came.lines} {thing}" if came.lines == 1 else f"{came.lines} {thing}s"
    if not came.differences:
        yield f"All {lines} are right, and nothing runs that is not listed."
        return
    yield f"Of {lines} {came.right} {'is' if came.right == 1 else 'are'} right."
    for kind, count in came.counts.items():
        yield f"{count:5} {KINDS[kind]}"


def _row(one: Difference) -> Row:
    return {
        "line": one.line or None,
        "what": one.kind,
        "application": one.application,
        "server": one.server,
        "listed": one.listed,
        "found": one.found,
        "hint": one.hint,
    }


def toml_of_list(listed: Sequence[Listed]) -> Iterator[str]:
    """Servers, and applications with owner and URL, as fleet.toml has them. Pure."""
    for server in dict.fromkeys(one.server for one in listed if one.server):
        yield f"[servers.{_key(server)}]\n"
    for name in dict.fromkeys(one.application for one in listed if one.application):
        some = [one for one in listed if one.application == name]
        yield f"[applications.{_key(name)}]"
        for what, values in (("owner", [one.owner for one in some]), ("url", [one.url for one in some])):
            said = list(dict.fromkeys(filter(None, values)))
            if len(said) == 1 and (what != "url" or said[0].startswith(("http://", "https://"))):
                yield f"{what} = {_text(said[0])}"
            elif len(said) > 1:
                yield f"# {what}: the list has {', '.join(map(_text, said))}"
        yield ""


def toml_of_inventory(hosts: Sequence[Host]) -> Iterator[str]:
    """Servers with their addresses, as fleet.toml has them. Pure."""
    for host in hosts:
        yield f"[servers.{_key(host.name)}]"
        if host.address and host.address != host.name:
            yield f"address = {_text(host.address)}"
        yield ""


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _text(value: str) -> str:
    return json.dumps(harmless(value), ensure_ascii=False)
