"""What can go wrong in the lab, and how it starts the system's programs: each failure one sentence."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

SECONDS = 60.0


class LabError(Exception):
    """The lab could not do it; the message says what, why, and what to do."""


def do(
    *command: str | Path, timeout: float = SECONDS, env: Mapping[str, str] | None = None, stdin: str = ""
) -> str:
    """Run one of the system's programs; what it printed. Raises `LabError` with what it complained of."""
    done = attempt(command, timeout, env, stdin)
    if done.returncode != 0:
        raise LabError(f"{' '.join(map(str, command))}: {_reason(done)}")
    return done.stdout


def does(*command: str | Path) -> bool:
    """Whether it went well. For what is taken away, and may be gone already."""
    return attempt(command).returncode == 0


def attempt(
    command: Sequence[str | Path],
    timeout: float = SECONDS,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
) -> subprocess.CompletedProcess[str]:
    """Raises `LabError` where it can't be started or does not end."""
    try:
        return subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=timeout,
            env=env,
            check=False,
        )
    except OSError as error:
        raise LabError(f"{command[0]} could not be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"{' '.join(map(str, command))} did not end within {timeout:g} seconds") from None


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return " / ".join(said[-3:]) if said else f"ended with {done.returncode}, and said nothing"
