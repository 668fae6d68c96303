"""The command beside a page: it is one that the command line takes, and a shell."""

from __future__ import annotations

import shlex

import click
import pytest

from tightship.cli import lists
from tightship.cli.findings import findings
from tightship.cli.outdated import outdated
from tightship.cli.vulnerable import vulnerable
from tightship.store.listing import Params
from tightship.store.listings import LISTINGS
from tightship.web import commands

VERBS = {
    **{name: lists.command(name) for name in lists.VERBS},
    "findings": findings,
    "outdated": outdated,
    "vulnerabilities": vulnerable,
}


def test_every_list_is_a_verb() -> None:
    assert VERBS.keys() == LISTINGS.keys()


@pytest.mark.parametrize("name", sorted(LISTINGS))
def test_the_command_line_takes_what_is_said(name: str) -> None:
    listing = LISTINGS[name]
    filters = {one.name: one.choices[0] if one.choices else "it's; -x" for one in listing.filters}
    said = commands.of_list(name, Params("a b", f"-{listing.columns[0].name}", filters=filters), "2d")
    tightship, verb, *typed = shlex.split(said)
    assert (tightship, verb) == ("tightship", commands.VERBS.get(name, name))
    command = VERBS[name]
    found = command.make_context(name, typed).params
    assert found["search"] == "a b"
    assert found["sort"] == f"-{listing.columns[0].name}"
    assert found["at"] == "2d"
    assert {one.name: found[one.name] for one in listing.filters} == filters
    assert isinstance(command, click.Command)


def test_what_people_typed_stays_one_word() -> None:
    assert commands.who_uses("jinja2") == "tightship who-uses jinja2"
    assert commands.who_uses("a; rm -r /", "2026-11-20T10:00") == (
        "tightship who-uses 'a; rm -r /' --at 2026-11-20T10:00"
    )
    assert commands.diff(("shop/acceptance", "shop/production")) == (
        "tightship diff shop/acceptance shop/production"
    )
