"""What is typed runs; what goes wrong is one sentence and an exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import pytest

from tightship.cli import running, verbs


def tightship(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tightship", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **variables},
    )


def test_help_lists_every_verb_and_imports_nothing_heavy() -> None:
    code = "import sys; from tightship.cli.running import run; run(['--help']); print(sorted(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for name, verb in verbs.VERBS.items():
        assert (verb.help in said) is not verb.hidden, name
    for heavy in ("django", "rich", "pydantic", "packaging", "tightship.store"):
        assert f"'{heavy}'" not in said


def test_nothing_typed_is_help_too() -> None:
    done = tightship()
    assert (done.returncode, done.stderr) == (0, "")
    assert "scan" in done.stdout


def test_the_version_is_told() -> None:
    assert tightship("--version").stdout.startswith("tightship 0.")


@pytest.mark.parametrize(
    ("typed", "says"),
    [(["scann"], "did you mean `scan`?"), (["doctor", "--jsn"], "--json"), (["frobnicate"], "lists them")],
)
def test_a_slip_is_told_with_the_nearest_right_word(typed: Sequence[str], says: str) -> None:
    done = tightship(*typed)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Gives the verb `doctor` another body for one test."""

    def replace(body) -> None:  # type: ignore[no-untyped-def]
        command = click.Command("doctor", callback=body)
        monkeypatch.setattr("tightship.cli.doctor.doctor", command)

    return replace


def _raises(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (running.Cannot("No.  Do this."), 2, "tightship: No.  Do this.\n"),
        (KeyError("x"), 2, "this should not have happened: KeyError"),
        (FileNotFoundError(2, "No such file or directory", "/x"), 2, "tightship: /x: no such file"),
        (KeyboardInterrupt(), 130, ""),
        (click.Abort(), 130, ""),
    ],
)
def test_what_goes_wrong_is_one_message_and_a_code(
    verb,  # type: ignore[no-untyped-def]
    error: BaseException,
    code: int,
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    verb(lambda: _raises(error))
    assert running.run(["doctor"]) == code
    err = capsys.readouterr().err
    assert says in err
    assert "Traceback" not in err


def test_who_wants_the_traceback_gets_it(
    verb,  # type: ignore[no-untyped-def]
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(running.TRACEBACK, "1")
    verb(lambda: _raises(KeyError("x")))
    assert running.run(["doctor"]) == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (2, 2)])
def test_a_verb_returns_its_exit_code(verb, result: int | None, code: int) -> None:  # type: ignore[no-untyped-def]
    verb(lambda: result)
    assert running.run(["doctor"]) == code


def test_a_reader_that_goes_away_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tightship", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as done:
        assert done.stdout is not None
        assert done.stderr is not None
        done.stdout.close()
        assert done.stderr.read() == b""
    assert done.returncode == running.PIPE_CLOSED


def test_ctrl_c_ends_quietly(tmp_path: Path) -> None:
    # A password is waited for: the verb is certainly running when the signal comes.
    code = (
        "import click, signal, sys; from tightship.cli import doctor, running\n"
        # Whoever was started in the background of a shell has it ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "body = lambda: (print('ready', flush=True), sys.stdin.read())\n"
        "doctor.doctor = click.Command('doctor', callback=body)\n"
        "sys.exit(running.run(['doctor']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert (process.returncode, err) == (130, "")
