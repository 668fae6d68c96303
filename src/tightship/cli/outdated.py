"""`tightship outdated`: what is newer than what is in use in the fleet, or than what a project pins."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import click

from tightship.cli.answering import Asked, answer, show
from tightship.cli.kept import listing, view
from tightship.cli.lists import options_of
from tightship.cli.running import CANNOT
from tightship.cli.sharing import of_lists
from tightship.store.listing import Page

KEYS = ("package", "version", "bugfix", "minor", "major")
"""Columns that stay, however narrow the terminal."""


def _command() -> click.Command:
    filters = options_of(listing("outdated"))
    where = click.Argument(["where"], required=False, default="", metavar="[APPLICATION|DIRECTORY]")
    return click.Command("outdated", callback=_outdated, params=[where, *filters, *of_lists()], help=_HELP)


_HELP = """What is newer than what is in use, or than what is pinned.

Of the whole fleet, or of one application: each version in use that something newer may take the place of, by
how far a step it is. What the Python that runs it can't run is not offered, but told. Tightship knows what
`tightship index update` asked for.

\b
Examples:
  tightship outdated
  tightship outdated shop --level bugfix
"""


def _outdated(where: str, **typed: Any) -> int:
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
