"""Runs what was typed, and turns what goes wrong into one clear sentence."""

from __future__ import annotations

import os
import shutil
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

FINE, FOUND, CANNOT = 0, 1, 2
"""Exit codes: fine; findings, where a verb judges; cannot, or an answer that does not cover all."""

INTERRUPTED, PIPE_CLOSED = 130, 141

TRACEBACK = "TIGHTSHIP_TRACEBACK"


def typed() -> str:
    """How our program is typed here: `tightship`, or its path where no such name is found."""
    return "tightship" if shutil.which("tightship") else sys.argv[0]


class Cannot(click.ClickException):
    """What was asked cannot be done; the message says why, and what to do."""

    exit_code = CANNOT


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns its exit code. Nothing is raised."""
    try:
        code = _run(list(arguments))
        sys.stdout.flush()
        return code
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        _forget_output()
        return PIPE_CLOSED
    except click.ClickException as error:
        return _show(error)
    except Exception as error:  # noqa: BLE001 - nobody is to see a traceback
        return _fail(error)


def _run(arguments: list[str]) -> int:
    from tightship.cli.verbs import tightship

    try:
        with tightship.make_context("tightship", arguments) as context:
            result = tightship.invoke(context)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    return result if isinstance(result, int) else FINE


def _show(error: click.ClickException) -> int:
    if os.environ.get(TRACEBACK):
        traceback.print_exc()
    if isinstance(error, click.UsageError):
        error.show()
    else:
        _say(error.format_message())
    return CANNOT


def _fail(error: Exception) -> int:
    from tightship.cli.explaining import explained

    if os.environ.get(TRACEBACK):
        traceback.print_exc()
        return CANNOT
    sentence = explained(error)
    if sentence:
        _say(sentence)
    else:
        place = traceback.extract_tb(error.__traceback__)[-1]
        _say(f"this should not have happened: {type(error).__name__}: {error}")
        _say(f"  at {place.name} in {Path(place.filename).name}, line {place.lineno}")
        _say(f"Please report it with `tightship --version` and what {TRACEBACK}=1 shows.", "")
    return CANNOT


def _say(text: str, who: str = "tightship: ") -> None:
    click.echo(who + text, err=True)


def _forget_output() -> None:
    """Who read our output is gone. The interpreter must not find that out again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
