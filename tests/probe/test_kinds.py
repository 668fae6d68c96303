"""A person's shell, and what passes: real processes in real terminals, one scan for all."""

from __future__ import annotations

import os
import pty
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import applications, parts
from tightship.fleet.report import Report

SHELL = (
    "import code, sys\nopen(sys.argv[2], 'w').close()\n"
    "code.interact()\n"  # as `manage.py shell` does
)
WAITS = "import sys, time\nopen(sys.argv[1], 'w').close()\ntime.sleep(600)\n"
SERVES = (
    "import socket, sys, time\none = socket.socket()\none.bind(('127.0.0.1', 0))\none.listen()\n"
    "open(sys.argv[1], 'w').close()\ntime.sleep(600)\n"
)


def in_terminal(argv: list[str], cwd: Path, stack: ExitStack) -> None:
    """A process of the ordinary user's at a terminal of its own, ended with the stack."""
    master, slave = pty.openpty()
    stack.callback(os.close, master)
    process = stack.enter_context(
        applications.running(
            argv,
            cwd,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: _controlled_by(0),
        )
    )
    os.close(slave)
    assert process.pid


def _controlled_by(fd: int) -> None:
    import fcntl
    import termios

    fcntl.ioctl(fd, termios.TIOCSCTTY, 0)


def in_tmux(home: Path, command: str, stack: ExitStack) -> None:
    """A command in a window of tmux, which nobody looks at any more."""
    tmux = [parts.program("tmux", "tmux"), "-S", str(home / "socket"), "-f", "/dev/null"]
    words = [*tmux, "new-session", "-d", f"exec {command}"]
    subprocess.run(words, check=True, cwd=home, env=applications.VARIABLES, **applications.as_user())
    stack.callback(subprocess.run, [*tmux, "kill-server"], check=False, **applications.as_user())


@pytest.fixture(scope="module")
def found() -> Iterator[dict[str, str]]:
    """Name on the command line -> kind."""
    with applications.folder() as home, ExitStack() as stack:
        applications.own(home)
        files = {"manage.py": SHELL, "waits.py": WAITS, "serves.py": SERVES, "loop.py": WAITS}
        applications.write(home, files)
        python = applications.interpreter()
        in_terminal([python, "-i", "-c", "open('repl', 'w').close()"], home, stack)
        in_terminal([python, "manage.py", "shell", "shell"], home, stack)
        in_terminal([python, "waits.py", "waits"], home, stack)
        in_tmux(home, f"{python} loop.py loop", stack)
        stack.enter_context(applications.running([python, "serves.py", "serves"], home))
        end = time.monotonic() + 30
        wanted = ["repl", "shell", "waits", "loop", "serves"]
        while not all((home / name).exists() for name in wanted) and time.monotonic() < end:
            time.sleep(0.05)
        report = applications.scanned()
        yield dict(_kinds(report, home, wanted))


def _kinds(report: Report, home: Path, wanted: list[str]) -> Iterator[tuple[str, str]]:
    assert report.state is not None
    for group in report.state.groups:
        if group.cwd == str(home):
            yield group.command[-1], group.kind
    pids = {int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and _is_in(path, home)}
    for one in report.live.passing:
        if pids.intersection(one.pids):
            yield one.command[-1], one.kind
    assert wanted


def _is_in(process: Path, home: Path) -> bool:
    try:
        return (process / "cwd").readlink() == home
    except OSError:
        return False


def test_a_prompt_a_shell_of_django_and_a_script_at_a_terminal_are_sessions(found: dict[str, str]) -> None:
    assert found["open('repl', 'w').close()"] == "session"
    assert found["shell"] == "session"
    assert found["waits"] == "session"


def test_what_runs_in_tmux_is_a_session(found: dict[str, str]) -> None:
    assert found["loop"] == "session"


def test_what_listens_is_an_application(found: dict[str, str]) -> None:
    assert found["serves"] == "application"
