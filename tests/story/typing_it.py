"""`tightship` as people type it: a process of its own, as root or as an ordinary user."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests import parts
from tests.applications import as_user, interpreter

TOP = Path(__file__).parents[2]

Row = dict[str, Any]


@dataclass(frozen=True)
class Tightship:
    """Runs verbs over the data in one directory, as the given user."""

    data: Path
    user: Mapping[str, Any]
    """arguments of subprocess: who runs it"""

    def run(
        self, *words: str, given: bytes = b"", fine: Sequence[int] = (0,)
    ) -> subprocess.CompletedProcess[str]:
        """Type a verb. `fine`: exit codes that are expected."""
        command, variables = program(bool(self.user))
        done = subprocess.run(
            [*command, *words],
            input=given,
            capture_output=True,
            check=False,
            cwd="/",
            env={**variables, "TIGHTSHIP_DATA": str(self.data)},
            **self.user,
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        assert "Traceback" not in err, err
        assert done.returncode in fine, f"{words}: {done.returncode}\n{out}\n{err}"
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    def gather(self) -> str:
        return self.run("gather").stdout

    def rows(self, *words: str) -> list[Row]:
        """The rows of a verb that lists, as JSON. The whole machine is read: not all of it is ours."""
        document = json.loads(self.run(*words, "--json", "--partial").stdout)
        return list(document["rows"])

    def table(self, *words: str) -> list[Row]:
        """The same by way of CSV."""
        return list(csv.DictReader(io.StringIO(self.run(*words, "--csv", "--partial").stdout)))

    def scan(self) -> Row:
        """The report of now."""
        found: Row = json.loads(self.run("scan", "--json", "--partial").stdout)
        return found


def as_root(data: Path) -> Tightship:
    """As who runs the tests: root, or an ordinary user who owns the applications."""
    return Tightship(data, {})


def as_owner(data: Path) -> Tightship:
    """As the ordinary user who owns the applications."""
    return Tightship(data, as_user())


def as_somebody(data: Path) -> Tightship:
    """As a user who owns nothing here."""
    parts.need_root()
    return Tightship(data, {"user": 23456, "group": 23456, "extra_groups": []})


@cache
def program(other_user: bool) -> tuple[list[str], dict[str, str]]:
    """Command and variables that run this checkout's `tightship`; another user may not reach our Python."""
    kept = {
        name: os.environ[name]
        for name in ("PATH", "LANG", "PYTHONPATH", "PYTHONPYCACHEPREFIX")
        if name in os.environ
    }
    ours = [sys.executable, "-m", "tightship"]
    if not other_user:
        return ours, kept
    places = f"{TOP / 'src'}:{sysconfig.get_path('purelib')}"
    variables = {**kept, "PYTHONPATH": places, "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}
    variables.pop("PYTHONPYCACHEPREFIX", None)
    theirs = [interpreter(), "-m", "tightship"]
    tried = subprocess.run(
        [*theirs, "scan", "--help"],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=variables,
        **as_user(),
    )
    if tried.returncode != 0:
        parts.need("a checkout that all can read", tried.stderr.strip().splitlines()[-1])
    return theirs, variables
