"""`tightship diff`: two servers, instances, stages or moments beside one another."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import click

from tightship.cli import kept
from tightship.cli.answering import Asked, answer, show
from tightship.cli.moments import Local, shown
from tightship.cli.running import FINE, FOUND
from tightship.cli.sharing import of_lists
from tightship.fleet.moments import BadMoment, moment
from tightship.store.listing import Page

Side = tuple[str, datetime | None, str]
"""what, when (None: as everything else), how its column is called"""


def _told(things: tuple[str, ...], what: str, exit_code: bool, **typed: Any) -> int:
    totals = []

    def printed(page: Page, form: str, keys: Collection[str]) -> None:
        totals.append(page.total)
        show(page, form, keys)

    filters = {"what": what} if what else {}
    keys = ("what", "subject", "a", "b")
    code = answer(kept.compared(_sides(things)), Asked(**typed), filters, keys, kept.view, printed)
    return FOUND if exit_code and any(totals) and code == FINE else code


def _sides(things: tuple[str, ...]) -> list[Side]:
    """Both sides. `web1 2d`: web1 two days ago, and now."""
    first, *rest = things
    moments = [_moment(text) for text in rest]
    match moments:
        case [None]:
            return [(first, None, first), (rest[0], None, rest[0])]
        case [datetime() as then]:
            return [_then(first, then), (first, None, f"{first}, now")]
        case [datetime() as then, datetime() as later]:
            return [_then(first, then), _then(first, later)]
    raise click.UsageError(
        "Expected two things, as in `tightship diff web1 web2`, or one and when: "
        "`tightship diff web1 2d`, `tightship diff web1 2026-11-20 2026-11-21`."
    )


def _then(thing: str, when: datetime) -> Side:
    return thing, when, f"{thing}, {shown(when)}"


def _moment(text: str) -> datetime | None:
    try:
        return moment(text, datetime.now(UTC), Local())
    except BadMoment:
        return None


HELP = """What differs between two servers, instances or moments.

A thing is a server (web1), an application (shop), one in a stage (shop/acceptance), or on a server
(shop@web1). Where the second is a moment, the thing is held against itself, then and now.

\b
Examples:
  tightship diff web1 web2
  tightship diff shop/acceptance shop/production --what package
  tightship diff shop@web1 2d
  tightship diff web1 2026-11-20 2026-11-21
"""

diff = click.Command(
    "diff",
    callback=_told,
    params=[
        click.Argument(["things"], nargs=-1, required=True, metavar="A B"),
        click.Option(["--what"], default="", metavar="WHAT", help="Only this: package, port, release, ..."),
        click.Option(["--exit-code"], is_flag=True, help="Exit with 1 where something differs."),
        *of_lists(),
    ],
    help=HELP,
)
