"""Draws rows of a listing: folded into the terminal's width, or plain and whole where it is no terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import click

from tightship.cli.fitting import GAP, widths
from tightship.cli.moments import shown
from tightship.fleet.text import harmless
from tightship.store.listing import Column, Row, Value


def to_terminal() -> bool:
    return sys.stdout.isatty()


def draw(columns: Sequence[Column], rows: Iterable[Row], keys: Collection[str] = ()) -> None:
    """Print a table. On a terminal it never is wider than that; the columns named in `keys` stay."""
    used = list(columns)
    cells = [[cell(row.get(column.name)) for column in used] for row in rows]
    if not cells:
        return
    used, cells = _without_empty(used, cells, keys)
    if to_terminal():
        _draw_folded(used, cells, keys)
    else:
        click.echo(plain([column.title for column in used], cells), nl=False)


def cell(value: Value) -> str:
    """A value as people read it; harmless on a terminal."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, datetime):
        return shown(value)
    if isinstance(value, list):
        return harmless(", ".join(value))
    return harmless(str(value))


def plain(titles: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Aligned text, a line a row, nothing left out."""
    lines = [list(titles), *map(list, cells)]
    wide = [max(len(line[place]) for line in lines) for place in range(len(titles))]
    return "".join(
        (" " * GAP).join(text.ljust(width) for text, width in zip(line, wide, strict=True)).rstrip() + "\n"
        for line in lines
    )


def _without_empty(
    columns: list[Column], cells: list[list[str]], keys: Collection[str]
) -> tuple[list[Column], list[list[str]]]:
    """Columns in which no row says anything only take the room of others."""
    kept = [i for i in range(len(columns)) if columns[i].name in keys or any(line[i] for line in cells)]
    return [columns[i] for i in kept], [[line[i] for i in kept] for line in cells]


def _draw_folded(columns: Sequence[Column], cells: Sequence[Sequence[str]], keys: Collection[str]) -> None:
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    natural = [
        max(cell_len(columns[i].title), *(cell_len(line[i]) for line in cells)) for i in range(len(columns))
    ]
    stay = {i for i, column in enumerate(columns) if column.name in keys}
    wide = widths(natural, console.width, stay or {0})
    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold")
    shown_columns = [i for i, width in enumerate(wide) if width]
    for i in shown_columns:
        side = "right" if columns[i].kind == "number" else "left"
        table.add_column(columns[i].title, width=wide[i], overflow="fold", justify=side)  # type: ignore[arg-type]
    for line in cells:
        table.add_row(*(Text(line[i]) for i in shown_columns))
    console.print(table)
    left_out = [column.title for column, width in zip(columns, wide, strict=True) if not width]
    if left_out:
        note(f"Not shown for want of width: {', '.join(left_out)} (--json, --csv or a pipe has all).")


@contextmanager
def progress(number: int, what: str) -> Iterator[Callable[[int], None]]:
    """Shows how many are done, where somebody looks on; gives what is to be told that."""
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=number)
        yield lambda done: bar.update(task, completed=done)


def note(text: str, err: bool = False) -> None:
    """A line beside the answer, quieter than it."""
    if to_terminal() and not err:
        text = textwrap.fill(text, shutil.get_terminal_size().columns, break_on_hyphens=False)
    click.secho(text, dim=True, err=err)
