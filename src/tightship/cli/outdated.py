"""`tightship outdated`: what is newer than what is in use in the fleet, or than what a project pins."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import click

from tightship.cli.project import Asked as Of
from tightship.cli.project import answer as of_project
from tightship.cli.project import is_directory
from tightship.cli.running import CANNOT
from tightship.cli.sharing import of_lists
from tightship.fleet.newest import LEVELS

if TYPE_CHECKING:
    from tightship.store.listing import Page

KEYS = ("package", "version", "bugfix", "minor", "major")
"""Columns that stay, however narrow the terminal."""


def _command() -> click.Command:
    where = click.Argument(["where"], required=False, default="", metavar="[APPLICATION|DIRECTORY]")
    params = [where, *_filters(), *_of_projects(), *of_lists()]
    return click.Command("outdated", callback=_outdated, params=params, help=_HELP)


def _filters() -> list[click.Option]:
    # Those of the listing; written here, because whoever asks of a directory need not wait for Django.
    return [
        click.Option(["--application"], help="Only this application.", metavar="APPLICATION"),
        click.Option(["--owner"], help="Only this owner.", metavar="OWNER"),
        click.Option(["--server"], help="Only this server.", metavar="SERVER"),
        click.Option(
            ["--level"],
            type=click.Choice(LEVELS),
            help="Only where there is something newer by this step; in a directory: by no larger one.",
        ),
    ]


def _of_projects() -> list[click.Option]:
    """What goes with a directory only."""
    return [
        click.Option(
            ["--write"],
            is_flag=True,
            help="In a directory: raise its pins, in place, by steps up to --level.",
        ),
        click.Option(
            ["--only"],
            multiple=True,
            metavar="PACKAGE",
            help="In a directory: only this one; again for more.",
        ),
        click.Option(
            ["--offline"], is_flag=True, help="In a directory: ask no index; what was kept, however old."
        ),
        click.Option(
            ["--python"],
            default="",
            metavar="VERSION",
            help="In a directory: the Python that it is for, where it does not say so itself.",
        ),
    ]


_HELP = """What is newer than what is in use, or than what is pinned.

Of the whole fleet, or of one application: each version in use that something newer may take the place of, by
how far a step it is. What the Python that runs it can't run is not offered, but told. Tightship knows what
`tightship index update` asked for.

Of a DIRECTORY (with a slash in it, or a dot): each version that is pinned there, in versions.cfg through all
that it extends, requirements*.txt, uv.lock, pylock.toml, pyproject.toml, poetry.lock, mx.ini. No fleet is
needed. The indexes that pip is configured for are asked, and what they say is kept for an hour.

\b
Examples:
  tightship outdated
  tightship outdated shop --level bugfix
  tightship outdated .
  tightship outdated . --write --level bugfix
"""


def _outdated(
    where: str, write: bool, only: tuple[str, ...], offline: bool, python: str, **typed: Any
) -> int:
    if is_directory(where):
        level, form = typed.pop("level") or "", typed.pop("form")
        other = [name for name, value in typed.items() if value]
        if other or form == "csv":
            raise click.UsageError(f"--{(other or [form])[0]} does not go with a directory.")
        return of_project(Of(where, level, only, write, offline, python, form == "json"))
    for name, value in (("write", write), ("only", only), ("offline", offline), ("python", python)):
        if value:
            raise click.UsageError(f"--{name} goes with a directory: tightship outdated . --{name}")
    from tightship.cli.answering import Asked, answer, show
    from tightship.cli.kept import listing, view

    found = listing("outdated")
    filters = {one.name: value for one in found.filters if (value := typed.pop(one.name))}
    if where and filters.setdefault("application", where) != where:
        raise click.UsageError(f"{where} and --application {filters['application']}: which of them?")
    asked: list[bool] = []

    def printed(page: Page, form: str, keys: Collection[str]) -> None:
        from tightship.store.listings.outdated import NEVER_ASKED

        asked.append(not any(said.startswith(NEVER_ASKED) for said in page.notes))
        show(page, form, keys)

    code = answer(found, Asked(**typed), filters, KEYS, view, printed)
    # Without an answer of any index an empty list says nothing.
    return code if all(asked) else CANNOT


outdated = _command()
