"""`tightship vulnerable`: which versions in use have a known vulnerability. Ignorance is no all-clear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from tightship.cli import kept, tables
from tightship.cli.answering import Asked, answer, seen_from
from tightship.cli.lists import Verb, options_of
from tightship.cli.running import CANNOT, FOUND, Cannot
from tightship.cli.sharing import of_lists
from tightship.store.listing import Page, Params

NAME = "vulnerabilities"
KEYS = ("vulnerability", "severity", "package", "version", "fixed", "applications")

VERB = Verb(
    "Versions in use with a known vulnerability, worst first.\n\n"
    "Each vulnerability of each version is told once, whatever ids it has and however many servers have it: "
    "with the versions that mend it, and with who uses it. What is at rest counts; what the operating system "
    "brings is marked, since it may have been mended there without another version.\n\n"
    "Exits with 1 when there is one that nobody acknowledged; else with 2 when nobody can say that there is "
    "none: without advisories, with old ones, or while the answer does not cover all servers; else with 0. "
    "`tightship advisories update FILE` brings advisories. What may stay is acknowledged as every finding, "
    "by kind and subject: vulnerable 'shop/jinja2-2.10:*'.",
    "tightship vulnerable shop\n"
    "  tightship vulnerable --severity critical --owner 'web team'\n"
    "  tightship vulnerable --os no --json",
    KEYS,
)


def _listed(name: str | None, **typed: Any) -> int:
    listing = kept.listing(NAME)
    filters = {item.name: typed.pop(item.name) for item in listing.filters}
    filters = {name: value for name, value in filters.items() if value}
    if name:
        filters["application"] = name
    asked = Asked(**typed)
    covered = answer(listing, asked, filters, KEYS, kept.view)
    page = _open_ones(asked, filters)
    if page.total:
        number = "1 vulnerability" if page.total == 1 else f"{page.total} vulnerabilities"
        tables.note(f"{number} that nobody acknowledged.", err=True)
        return FOUND
    _known(asked, filters)
    # What is not known of advisories makes no answer, also where a partial one would do.
    return CANNOT if page.covers.lacking else covered


def _open_ones(asked: Asked, filters: Mapping[str, str]) -> Page:
    """The first of those that nobody acknowledged, of what was asked for."""
    view = seen_from(asked.at, kept.view)
    params = Params(asked.search, size=1, filters={**filters, "acknowledged": "no"})
    page = kept.listing(NAME).page(view, params)
    return replace(page, rows=(), total=0) if filters.get("acknowledged") == "yes" else page


_LISTED = {"application": "applications", "owner": "applications", "server": "servers", "package": "packages"}


def _known(asked: Asked, filters: Mapping[str, str]) -> None:
    """Raises Cannot for a name that nobody ever heard of: of that one, "none found" says nothing."""
    view = seen_from(asked.at, kept.view)
    for what, where in _LISTED.items():
        name = filters.get(what)
        if not name:
            continue
        page = kept.listing(where).page(view, Params(query=name, size=200))
        known = {str(row[what]) for row in page.rows}
        if name not in known and page.total <= len(page.rows):
            near = f" Near: {', '.join(sorted(known)[:5])}." if any(known) else ""
            raise Cannot(f"No {what} is known as {name[:80]!r}: nothing can be said about it.{near}")


def _command() -> click.Command:
    return click.Command(
        "vulnerable",
        callback=_listed,
        params=[
            click.Argument(["name"], metavar="[APPLICATION]", required=False),
            *options_of(kept.listing(NAME)),
            *of_lists(),
        ],
        help=f"{VERB.help}\n\n\b\nExamples:\n  {VERB.example}",
    )


vulnerable = _command()
