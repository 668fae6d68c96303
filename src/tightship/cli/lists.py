"""The verbs that list: each is made from a Listing of the store, with its filters as options."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import click

from tightship.cli import tables
from tightship.cli.answering import Asked, Printed, answer, ending
from tightship.cli.kept import listing, users_of, view
from tightship.cli.moments import shown
from tightship.cli.sharing import of_lists
from tightship.fleet.text import harmless
from tightship.store.listing import Filter, Listing, Page


class Verb(NamedTuple):
    """How one listing is asked for."""

    help: str
    example: str
    keys: tuple[str, ...]
    """columns that stay, however narrow the terminal"""


VERBS = {
    "applications": Verb(
        "What runs where, in which release.",
        "tightship applications --search shop",
        ("application", "releases", "servers", "ports", "signs"),
    ),
    "instances": Verb(
        "Each copy of an application on a server.",
        "tightship instances --application shop",
        ("application", "server", "stage", "releases", "signs"),
    ),
    "groups": Verb(
        "Each process group: web, worker, beat, and what it runs as.",
        "tightship groups --server web1 --kind system",
        ("application", "type", "server", "release", "signs"),
    ),
    "servers": Verb(
        "The servers, and when each was last seen.",
        "tightship servers --sort -seen",
        ("server", "applications", "signs", "seen"),
    ),
    "ports": Verb(
        "Who listens on which port, so that a free port is really free.",
        "tightship ports --server web1",
        ("port", "server", "application", "program", "listens"),
    ),
    "sites": Verb(
        "Which name is answered by what.",
        "tightship sites --search example.com",
        ("site", "server", "to", "application"),
    ),
    "packages": Verb(
        "Which versions of which packages are in use.",
        "tightship packages --search django",
        ("package", "spread"),
    ),
    "environments": Verb(
        "The environments: Python, packages, and what uses them.",
        "tightship environments --server web1",
        ("environment", "server", "kind", "python", "packages"),
    ),
    "buildouts": Verb(
        "What buildouts said that they were built from.",
        "tightship buildouts --package 'jinja2<3.1.6'",
        ("buildout", "host", "packages", "seen"),
    ),
    "changes": Verb(
        "What changed, newest first.",
        "tightship changes --server web1",
        ("at", "application", "server", "change"),
    ),
}

WHO_USES = Verb(
    "Who uses a package, in the versions that SPECIFIER matches.\n\n"
    "SPECIFIER is a name with or without versions, as in a requirements file: django, 'jinja2<3.1.6', "
    "'urllib3>=2,<2.5'. A version that is no proper one is matched by ===.",
    "tightship who-uses 'jinja2<3.1.6'",
    ("version", "application", "server", "stage"),
)

AT_REST = Verb("", "", ("version", "named_by", "server"))


def command(name: str) -> click.Command:
    """The verb `name`."""
    if name == "who-uses":
        return _who_uses()
    if name == "changes":
        return _changes()
    verb = VERBS[name]
    found = listing(name)

    def callback(**typed: Any) -> int:
        return _answer(found, typed, verb)

    return _command(name, verb, [*_filters(found.filters), *of_lists()], callback)


def _who_uses() -> click.Command:
    def callback(specifier: str, at_rest: bool, in_buildouts: bool, **typed: Any) -> int:
        try:
            found = users_of(specifier, at_rest)
        except ValueError as error:
            raise click.UsageError(f"{error}.") from None
        if in_buildouts:
            _known_at_rest(typed, set(), "in-buildouts")
            return _answer(listing("buildouts"), {**typed, "package": specifier}, VERBS["buildouts"])
        _known_at_rest(typed, {item.name for item in found.filters}, "at-rest")
        return _answer(found, typed, AT_REST if at_rest else WHO_USES)

    resting = click.Option(
        ["--at-rest"],
        is_flag=True,
        help="Instead: environments in which nothing runs now, named by a unit, timer, crontab, supervisor.",
    )
    filters = users_of("pip").filters

    def _known_at_rest(typed: dict[str, Any], known: set[str], option: str) -> None:
        """Filters that only what runs has are refused, where they were typed."""
        for name in {item.name for item in filters} - known:
            if typed.pop(name):
                raise click.UsageError(f"--{name} does not go with --{option}: it is told of what runs.")

    built = click.Option(
        ["--in-buildouts"], is_flag=True, help="Instead: buildouts that said they were built with it."
    )
    parameters = [click.Argument(["specifier"]), *_filters(filters), resting, built, *of_lists()]
    return _command("who-uses", WHO_USES, parameters, callback)


def _changes() -> click.Command:
    found, verb = listing("changes"), VERBS["changes"]

    def callback(told: bool, **typed: Any) -> int:
        return _answer(found, typed, verb, _tell if told and typed["form"] == "table" else None)

    told = click.Option(["--told"], is_flag=True, help="In sentences: one for each thing that happened.")
    return _command("changes", verb, [told, *_filters(found.filters), *of_lists()], callback)


def _tell(page: Page, _form: str, _keys: Collection[str]) -> None:
    """Changes as what happened, newest first."""
    from tightship.fleet.happenings import happenings
    from tightship.store.listings.changes import seen

    for one in happenings([seen(row) for row in page.rows]):
        when = shown(one.at) + (f" - {shown(one.until)[-5:]}" if one.at != one.until else "")
        click.echo(f"{when}  {harmless(one.sentence)}")
    tables.note(ending(page), err=not tables.to_terminal())


def _answer(found: Listing, typed: dict[str, Any], verb: Verb, printed: Printed | None = None) -> int:
    names = {item.name for item in found.filters}
    filters = {name: typed.pop(name) for name in names & typed.keys()}
    return answer(found, Asked(**typed), {k: v for k, v in filters.items() if v}, verb.keys, view, printed)


def options_of(found: Listing) -> list[click.Option]:
    """A listing's filters, as options."""
    return _filters(found.filters)


def _filters(filters: Sequence[Filter]) -> list[click.Option]:
    return [
        click.Option(
            [f"--{item.name.replace('_', '-')}", item.name],
            default=None,
            type=click.Choice(list(item.choices)) if item.choices else str,
            metavar=None if item.choices else item.name.upper(),
            help=item.help or f"Only this {item.title.lower()}.",
        )
        for item in filters
    ]


def _command(name: str, verb: Verb, parameters: Sequence[click.Parameter], callback: Any) -> click.Command:
    text = f"{verb.help}\n\n\b\nExample:\n  {verb.example}"
    return click.Command(name, callback=callback, params=list(parameters), help=text)
