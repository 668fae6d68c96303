"""What a command costs: processor time and memory with all its children, and time on the clock."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Command = Sequence[str | os.PathLike[str]]


@dataclass(frozen=True)
class Cost:
    cpu: float
    """seconds of processor time, user and system, with all children"""
    wall: float
    """seconds on the clock"""
    memory: int
    """resident bytes of the largest process among them"""


def cost(commands: Sequence[Command], **more: Any) -> Cost:
    """Of commands one after the other. All must end well."""
    cpu, wall, memory = 0.0, 0.0, 0
    for command in commands:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, **more)
        _pid, status, used = os.wait4(process.pid, 0)
        wall += time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{command} ended with {process.returncode}")
        cpu += used.ru_utime + used.ru_stime
        memory = max(memory, used.ru_maxrss * 1024)
    return Cost(cpu, wall, memory)


def by_turns(measures: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, Cost]:
    """The median of each. By turns, so that whatever else the machine does falls upon all of them."""
    for measure in measures.values():
        measure()  # files are in memory from now on, for all
    seen: dict[str, list[Cost]] = {name: [] for name in measures}
    for _round in range(rounds):
        for name, measure in measures.items():
            seen[name].append(measure())
    return {name: _median(costs) for name, costs in seen.items()}


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        median(cost.cpu for cost in costs),
        median(cost.wall for cost in costs),
        int(median(cost.memory for cost in costs)),
    )
