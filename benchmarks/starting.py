"""Commands that people type and wait for. Not equal: uv is a compiled program, ours is Python; the bare
interpreter is what no Python program can be quicker than. `who-uses` ran on a store with one report of
20 applications and 2,000 packages, on SQLite. Memory is at least that of the program that measures.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measuring import Command, Cost, by_turns, cost

ROUNDS = 15
BUDGETS = {"`tightship --help`": "0.15 s", "`tightship who-uses`": "0.5 s"}


def measure() -> list[dict[str, Any]]:
    """Rows of the table."""
    beside = Path(sys.executable).parent
    tightship = str(beside / "tightship")
    with tempfile.TemporaryDirectory(prefix="tightship-bench-") as folder:
        variables = {**os.environ, "TIGHTSHIP_DATA": folder, "DATABASE_URL": ""}
        _fill(variables)
        commands: dict[str, Command] = {
            "`tightship --help`": [tightship, "--help"],
            "`tightship who-uses`": [tightship, "who-uses", "package-0-7>=1"],
            "`python -c pass`": [sys.executable, "-c", "pass"],
        }
        if uv := shutil.which("uv", path=str(beside)):
            commands["`uv --help`"] = [uv, "--help"]
        run = {
            name: partial(cost, [command], env=variables, stderr=subprocess.DEVNULL)
            for name, command in commands.items()
        }
        costs = by_turns(run, ROUNDS)
    return [_row(name, found, costs) for name, found in costs.items()]


_FILL = """
from tightship.store.ready import migrate
migrate()
from benchmarks.recording import whole
from tightship.store.recording import record
record(whole("web1", 0), server="web1")
"""


def _fill(variables: dict[str, str]) -> None:
    top = Path(__file__).parents[1]
    subprocess.run(
        [sys.executable, "-c", _FILL], env=variables, cwd=top, check=True, stdout=subprocess.DEVNULL
    )


def _row(name: str, found: Cost, costs: dict[str, Cost]) -> dict[str, Any]:
    return {
        "what": name,
        "on the clock": f"{found.wall * 1000:.0f} ms",
        "processor": f"{found.cpu * 1000:.0f} ms",
        "memory": f"{found.memory / 1e6:.0f} MB",
        "beside Python alone": f"{found.wall / costs['`python -c pass`'].wall:.1f}",
        "budget": BUDGETS.get(name),
    }
