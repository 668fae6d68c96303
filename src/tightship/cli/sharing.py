"""Options that several verbs have."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import click

Function = Callable[..., Any]

sudo = click.option(
    "--sudo", is_flag=True, help="Run the probe, and nothing else, as root: it then reads everything."
)
partial = click.option("--partial", is_flag=True, help="Exit with 0 also when the answer does not cover all.")


def the_rest(verb: str) -> str:
    """The one command with which an ordinary user sees, or records, the rest."""
    return f"tightship {verb} --sudo" if shutil.which("sudo") else f"tightship {verb}, as root"


def of_lists() -> list[click.Option]:
    """The options of every verb that lists, in the order of its help."""
    return [
        click.Option(["--search"], default="", metavar="TEXT", help="Only rows that contain this text."),
        click.Option(
            ["--sort"], default="", metavar="COLUMN", help="Order by a column; -COLUMN: descending."
        ),
        click.Option(
            ["--at"],
            default="",
            metavar="WHEN",
            help="As it was then: 2026-11-20, '2026-11-20 14:30', 3h, 2d.",
        ),
        click.Option(
            ["--page"], type=click.IntRange(1), default=None, metavar="NUMBER", help="This page of 50 rows."
        ),
        click.Option(["--all", "everything"], is_flag=True, help="All rows, not one page. A pipe gets all."),
        click.Option(["--json", "form"], flag_value="json", default="table", help="As JSON, like the API."),
        click.Option(["--csv", "form"], flag_value="csv", help="As CSV."),
        click.Option(
            ["--partial"], is_flag=True, help="Exit with 0 also when the answer does not cover all."
        ),
    ]
