"""Writes docs/reference/cli.md from the commands themselves: `python -m tightship.cli.reference`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from tightship.cli.sharing import of_lists
from tightship.cli.verbs import VERBS, Verbs, tightship

PAGE = Path("docs/reference/cli.md")

HEAD = """\
# Commands

Written by `python -m tightship.cli.reference` from the commands themselves;
`tightship VERB --help` says the same.

## Exit codes

| code | meaning |
|---|---|
| 0 | fine: done, or an answer that covers all |
| 1 | findings, where a verb judges: `findings --fail-on`; of `search`: nothing is called so |
| 2 | usage; or it could not be done; or the answer does not cover all |
| 130 | interrupted by Ctrl-C |
| 141 | whoever read the output went away, as `head` does |

An answer *does not cover all* when a server is silent (it has not reported for three hours), or when
something on it could not be read. The answer is printed just the same, and its last line names those
servers; in JSON they are under `covers`. With `--partial` such an answer exits with 0.
`scan` likewise exits with 2 when it could not read everything, as an ordinary user seldom can.
`gather` exits with 0 when it recorded what it could, and says so when that was not all.

## Output

On a terminal, tables fold to its width; columns that no longer fit are named below. Into a pipe or a
file goes plain text, whole: the rows on the standard output; the last line, with what the answer
covers, on the standard error. `--json` prints what the pages' JSON prints, `--csv` what their CSV does.

Errors are one sentence that says what to do. `TIGHTSHIP_TRACEBACK=1` shows the whole traceback.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD, "\n".join(["## Options of every list", "", *_table(of_lists())])]
    parts += [_command(name, command) for name, command in _commands()]
    return "\n".join(parts)


def _commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(tightship, info_name="tightship")
    for name, verb in VERBS.items():
        command = tightship.get_command(context, name)
        if command is None or verb.hidden:
            continue
        yield f"tightship {name}", command
        if isinstance(command, click.Group):
            yield from ((f"tightship {name} {inner}", under) for inner, under in command.commands.items())


def _command(name: str, command: click.Command) -> str:
    usage = " ".join([name, *command.collect_usage_pieces(click.Context(command))])
    text = inspect.cleandoc(command.help or "")
    lines = [f"## {name}", "", "```", usage, "```", "", *_prose(text), ""]
    own = [item for item in command.params if isinstance(item, click.Option) and not _shared(item, command)]
    lines += _table(own)
    if len(own) < len([item for item in command.params if isinstance(item, click.Option)]):
        lines += ["And [the options of every list](#options-of-every-list).", ""]
    return "\n".join(lines)


def _shared(option: click.Option, command: click.Command) -> bool:
    names = {item.name for item in of_lists()}
    return option.name in names and names <= {item.name for item in command.params}


def _table(options: Sequence[click.Option]) -> list[str]:
    return ["| option | |", "|---|---|", *map(_option, options), ""] if options else []


def _prose(text: str) -> Iterator[str]:
    r"""A help text as Markdown: what stands after \b (an example) as a block."""
    for part in text.split("\n\n"):
        if part.startswith("\b"):
            first, *rest = part.removeprefix("\b\n").splitlines()
            yield from (first, "", "```", *(line.removeprefix("  ") for line in rest), "```")
        else:
            yield from (*part.splitlines(), "")


def _option(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    value = "" if option.is_flag or option.count else f" {_metavar(option)}"
    default = ""
    if option.show_default and option.default not in (None, False):
        default = f" Default: {option.default}."
    return f"| {names}{value.replace('|', chr(92) + '|')} | {option.help or ''}{default} |"


def _metavar(option: click.Option) -> str:
    if isinstance(option.type, click.IntRange) and not option.metavar:
        return "NUMBER"
    return option.make_metavar(click.Context(tightship))


def main() -> None:
    if not isinstance(tightship, Verbs) or not PAGE.parent.is_dir():
        sys.exit(f"Run this where {PAGE.parent} is.")
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
