"""The reference and the other pages say what the program does."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tightship.cli import reference
from tightship.cli.verbs import VERBS, tightship

TOP = Path(__file__).parents[2]


def test_the_reference_is_as_the_commands_are() -> None:
    written = (TOP / reference.PAGE).read_text()
    assert written == reference.page(), "make reference"


def _commands() -> Iterator[tuple[str, click.Command]]:
    for name in VERBS:
        command = tightship.get_command(click.Context(tightship), name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", under) for inner, under in command.commands.items())


def test_each_verb_says_in_the_list_what_its_own_help_says() -> None:
    for name, verb in VERBS.items():
        command = tightship.get_command(click.Context(tightship), name)
        assert command is not None
        assert (command.help or "").startswith(verb.help.removesuffix(".")), name


def test_every_command_has_an_example_that_can_be_parsed() -> None:
    for name, command in _commands():
        assert re.search(r"\bExamples?:", command.help or ""), name
        for line in re.findall(r"^\s+(tightship .*)$", command.help or "", re.MULTILINE):
            parse(line)


PAGES = [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md"))]


def typed_in(page: Path) -> list[str]:
    """The `tightship ...` commands in a page: lines of its blocks, and spans of code."""
    text = page.read_text()
    blocks = re.findall(r"^ *```[a-z]*\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    spans = re.findall(r"`(tightship [^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    # A user can be called so, too, in a line of sudoers.
    return [line for line in [*lines, *spans] if line.startswith("tightship ") and " ALL=" not in line]


def parse(line: str) -> None:
    """Have click read a command line without running it. Raises click.UsageError."""
    alone = re.split(r" (?:\||>>?) ", line)[0]
    arguments = shlex.split(alone, comments=True)[1:]
    if not arguments or arguments[0].isupper() or arguments[0].startswith("-") or "[OPTIONS]" in arguments:
        return
    with click.Context(tightship, info_name="tightship") as context:
        _name, command, rest = tightship.resolve_command(context, arguments)
        while isinstance(command, click.Group) and rest and not rest[0].isupper() and rest[0][0] != "-":
            _name, command, rest = command.resolve_command(context, rest)
        assert command is not None
        if rest and (rest[0][0] == "-" or not isinstance(command, click.Group)):
            command.make_context(command.name, list(rest), parent=context)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_what_a_page_says_to_type_is_a_command(page: Path) -> None:
    wrong = {}
    for line in typed_in(page):
        try:
            parse(line)
        except click.UsageError as error:
            wrong[line] = error.format_message()
    assert wrong == {}


def test_the_tutorial_types_what_people_need_daily() -> None:
    typed = " ".join(typed_in(TOP / "docs/tutorial/first-look.md"))
    for verb in ("scan", "gather", "applications", "ports", "who-uses", "changes", "doctor"):
        assert f"tightship {verb}" in typed
