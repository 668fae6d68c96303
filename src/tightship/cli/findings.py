"""`tightship findings`: what is not as it should be, and what of it somebody acknowledged."""

from __future__ import annotations

import getpass
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import click

from tightship.cli import kept, tables
from tightship.cli.answering import Asked, answer, seen_from
from tightship.cli.lists import Verb, options_of
from tightship.cli.moments import Local, shown
from tightship.cli.running import FINE, FOUND, Cannot
from tightship.cli.sharing import of_lists
from tightship.fleet.findings import KINDS, SEVERITIES, Severity
from tightship.fleet.text import harmless
from tightship.store.listing import Column, Row

if TYPE_CHECKING:
    from tightship.store.acknowledging import Acknowledged

KEYS = ("kind", "severity", "subject", "told")

BASELINE = "90d"
"""How long what is there on day one may stay, by itself."""

VERB = Verb(
    "What is not as it should be, the worst first.\n\n"
    "What is acknowledged is shown last, and not counted. With --fail-on it exits with 1 when there is a "
    "finding of that severity, or a worse one, that nobody acknowledged; else with 2 when the answer does "
    "not cover all servers; else with 0. docs/reference/findings.md says what each kind means.",
    "tightship findings --severity critical\n"
    "  tightship findings --owner 'web team' --fail-on warning\n"
    "  tightship findings --baseline --because 'day one'",
    KEYS,
)

_SPAN = re.compile(r"(\d{1,4})\s*([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}

COLUMNS = (
    Column("number", "Number", "number"),
    Column("kind", "Kind"),
    Column("subject", "Subject"),
    Column("findings", "Findings", "number"),
    Column("until", "Until", "time"),
    Column("state", "State"),
    Column("by", "By"),
    Column("because", "Because"),
    Column("at", "Since", "time"),
)


def _listed(ctx: click.Context, **typed: Any) -> int:
    if ctx.invoked_subcommand:
        return FINE
    listing = kept.listing("findings")
    filters = {item.name: typed.pop(item.name) for item in listing.filters}
    filters = {name: value for name, value in filters.items() if value}
    fail_on, baseline = typed.pop("fail_on"), typed.pop("baseline")
    because, until = typed.pop("because"), typed.pop("until")
    asked = Asked(**typed)
    if baseline:
        return _baseline(asked, filters, because, until)
    if because or until:
        raise click.UsageError("--because and --until belong to --baseline, or to `findings acknowledge`.")
    covered = answer(listing, asked, filters, KEYS, kept.view)
    return _failed(fail_on, asked, filters) or covered


def _failed(fail_on: Severity | None, asked: Asked, filters: dict[str, str]) -> int:
    """FOUND where there is something to fail on. What is known to be wrong goes before what is not known."""
    if not fail_on:
        return FINE
    from tightship.store.findings import at_or_above

    listing = kept.listing("findings")
    number = at_or_above(seen_from(asked.at, kept.view), fail_on, filters, asked.search, listing)
    if not number:
        return FINE
    worse = "" if fail_on == SEVERITIES[0] else " or worse"
    tables.note(f"{number} {fail_on}{worse} that nobody acknowledged.", err=True)
    return FOUND


def _baseline(asked: Asked, filters: dict[str, str], because: str, until: str) -> int:
    if not because:
        raise click.UsageError("--baseline needs a reason: --because 'there on day one'.")
    if asked.at:
        raise click.UsageError("--baseline accepts what is there now: leave --at out.")
    ends = until_when(until or BASELINE, datetime.now(UTC))
    kept.only_here("--baseline")
    kept.open_database()
    from tightship.store.acknowledging import accept_all

    listing = kept.listing("findings")
    from tightship.store.findings import every

    found = every(listing, seen_from("", kept.view), {**filters, "acknowledged": "no"}, asked.search)
    number = accept_all(found, because, who(), datetime.now(UTC), ends)
    noun = "finding" if number == 1 else "findings"
    click.echo(f"Acknowledged {number} {noun} until {shown(ends)}. What comes later counts.")
    return FINE


def who() -> str:
    """Who types this, as far as it can be told."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def until_when(text: str, now: datetime) -> datetime:
    """The end that `2026-12-31` or `30d` names: a date's end, or so long from now. Raises UsageError."""
    text = text.strip()
    span = _SPAN.fullmatch(text)
    try:
        if span:
            ends = now + timedelta(**{_UNITS[span[2]]: int(span[1])})
        else:
            ends = datetime.combine(date.fromisoformat(text), time.max, Local()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.UsageError(
            f"--until: {text[:40]!r} is no end; expected a date, as 2026-12-31, or how long: 12h, 30d, 8w."
        ) from None
    if ends <= now:
        raise click.UsageError(f"--until: {text[:40]} is over already; expected a moment to come.")
    return ends


def _text(because: str) -> str:
    because = harmless(because.strip())
    if not because:
        raise click.UsageError("--because: say why it may stay, for whoever reads this in a month.")
    return because[:1000]


@click.command()
@click.argument("kind")
@click.argument("subject")
@click.option("--because", required=True, metavar="TEXT", help="Why it may stay.")
@click.option(
    "--until", required=True, metavar="DATE|30d", help="It counts again after this: 2026-12-31, 12h, 30d, 8w."
)
@click.option("--by", default="", metavar="NAME", help="Who says so; else the user that types this.")
def acknowledge(kind: str, subject: str, because: str, until: str, by: str) -> int:
    """Say that a finding may stay, why, and until when.

    KIND and SUBJECT are as `tightship findings` shows them, or patterns of them: * stands for anything,
    ? for one letter. It holds for what is there, for what comes back, and for what a pattern finds later.
    It is then shown, and not counted.

    \b
    Examples:
      tightship findings acknowledge end-of-life 'shop/*:python-3.7' --because 'goes in May' --until 26w
      tightship findings acknowledge silent web3 --because 'moves to the other room' --until 2d
      tightship findings acknowledge '*' 'scratch/*' --because 'a playground' --until 52w
    """
    check_kind(kind)
    now = datetime.now(UTC)
    ends, reason = until_when(until, now), _text(because)
    _writable()
    from tightship.store.acknowledging import acknowledge as keep

    made = keep(kind, subject, reason, by or who(), now, ends)
    found = "nothing that is there now" if not made.findings else _many(made.findings)
    click.echo(f"Acknowledgement {made.id} holds until {shown(made.until)}, and covers {found}.")
    return FINE


def check_kind(kind: str) -> None:
    """Raises UsageError for what is no kind of finding, nor a pattern of one."""
    from difflib import get_close_matches
    from fnmatch import fnmatchcase

    if not any(fnmatchcase(known, kind) for known in KINDS):
        near = get_close_matches(kind, KINDS, 1)
        hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(KINDS)}."
        raise click.UsageError(f"There is no kind of finding {kind[:40]!r}: {hint}")


def _many(number: int) -> str:
    return f"{number} finding" if number == 1 else f"{number} findings"


def _writable() -> None:
    """An existing store. Nothing can be acknowledged where nothing was recorded."""
    kept.only_here("Acknowledging")
    kept.open_database()


@click.command()
@click.option("--all", "past", is_flag=True, help="Those that ended or were withdrawn, too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def acknowledged(past: bool, as_json: bool) -> None:
    """What was acknowledged, those first that end first.

    \b
    Example:
      tightship findings acknowledged
    """
    kept.only_here("What was acknowledged")
    kept.open_database()
    from tightship.store.acknowledging import every

    now = datetime.now(UTC)
    known = every(now, past)
    found = rows(known, now)
    if as_json:
        import json

        plain = [
            {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
            for row in found
        ]
        click.echo(json.dumps({"acknowledgements": plain}, indent=1))
        return
    tables.draw(COLUMNS, found, keys=("number", "kind", "subject", "until", "because"))
    if not known:
        tables.note("Nothing is acknowledged.", err=not tables.to_terminal())


def rows(known: Sequence[Acknowledged], now: datetime) -> list[Row]:
    """The table of acknowledgements. Pure."""
    return [
        {
            "number": one.id,
            "kind": one.kind,
            "subject": one.subject,
            "findings": one.findings,
            "until": one.until,
            "state": _state(one, now),
            "by": one.by,
            "because": one.because,
            "at": one.at,
        }
        for one in known
    ]


def _state(one: Acknowledged, now: datetime) -> str:
    if one.withdrawn:
        return f"withdrawn by {one.withdrawn_by}"
    return "holds" if one.until > now else "ended"


@click.command()
@click.argument("number", type=int)
def withdraw(number: int) -> int:
    """Take an acknowledgement back: what it covered counts again.

    \b
    Example:
      tightship findings withdraw 3
    """
    _writable()
    from tightship.store.acknowledging import withdraw as take_back

    found = take_back(number, who(), datetime.now(UTC))
    if found is None:
        raise Cannot(f"There is no acknowledgement {number} that holds. See: tightship findings acknowledged")
    click.echo(f"Acknowledgement {number} is withdrawn; it covered {_many(found.findings)}.")
    return FINE


def _group() -> click.Group:
    own = [
        click.Option(
            ["--fail-on"],
            type=click.Choice(SEVERITIES),
            default=None,
            help="Exit with 1 when there is one of this severity, or a worse one.",
        ),
        click.Option(
            ["--baseline"],
            is_flag=True,
            help="Acknowledge all that is there now, or what the filters leave of it.",
        ),
        click.Option(["--because"], default="", metavar="TEXT", help="With --baseline: why it may stay."),
        click.Option(
            ["--until"], default="", metavar="DATE|90d", help=f"With --baseline: until when; else {BASELINE}."
        ),
    ]
    return click.Group(
        "findings",
        commands=[acknowledge, acknowledged, withdraw],
        callback=click.pass_context(_listed),
        params=[*options_of(kept.listing("findings")), *own, *of_lists()],
        help=f"{VERB.help}\n\n\b\nExamples:\n  {VERB.example}",
        invoke_without_command=True,
    )


findings = _group()
