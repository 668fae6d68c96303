"""Real Python processes that say what they know of themselves, to hold the probe's conclusions against."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import applications
from tightship_probe import environments, looking, packages, processes
from tightship_probe.proc import Proc
from tightship_probe.started import Started
from tightship_probe.system import boot_time
from tightship_probe.tree import Tree

TELL = """\
import sys, json, platform
try:
    from importlib import metadata
    found = [(d.metadata["Name"], d.version) for d in metadata.distributions()]
except ImportError:
    found = []
print(json.dumps([sys.path, found, sys.prefix, platform.python_version()]), flush=True)
sys.stdin.read()
"""
"""The whole program, for `-c`, a script or a module."""


@dataclass(frozen=True)
class Living:
    """A process that waits, what it said, and how the probe's first round sees it."""

    started: Started
    path: list[str]
    """its import path: absolute, each entry once, without marks of editable finders"""
    packages: dict[str, str]
    """normalised name -> version, of the first of each name"""
    prefix: str
    python: str
    process: subprocess.Popen[bytes]

    def environment(self) -> dict[str, Any]:
        with Tree("/") as tree:
            return environments.environment_of(tree, self.started)


@contextmanager
def living(
    *argv: str | Path, cwd: Path, env: Mapping[str, str] | None = None, **more: Any
) -> Iterator[Living]:
    """Start a process that runs TELL, in one way or another."""
    variables = {**applications.VARIABLES, **(env or {})}
    pipe = subprocess.PIPE
    words = [*map(str, argv)]
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, cwd=cwd, env=variables, **more) as process:
        try:
            assert process.stdout is not None
            path, found, prefix, python = json.loads(process.stdout.readline())
            yield Living(
                started_of(process.pid), _clean(path, cwd), first_of_each(found), prefix, python, process
            )
        finally:
            process.kill()


def started_of(pid: int) -> Started:
    """A process of ours, as the probe sees it."""
    proc = Proc()
    process = processes.all_processes(proc)[pid]
    started, unread = looking.look(proc, process, boot_time(proc))
    started = looking.with_maps(proc, process, started, unread)
    assert not unread
    return started


def _clean(path: list[str], cwd: Path) -> list[str]:
    absolute = [os.path.normpath(os.path.join(os.path.realpath(cwd), entry)) for entry in path]
    return [entry for entry in dict.fromkeys(absolute) if not entry.endswith(".__path_hook__")]


def first_of_each(found: list[tuple[str, str]]) -> dict[str, str]:
    said: dict[str, str] = {}
    for name, version in found:
        said.setdefault(re.sub(r"[-_.]+", "-", name).lower(), version)
    return said


def packages_of(path: list[str]) -> dict[str, Any]:
    """What the probe finds on an import path of this server."""
    with Tree("/") as tree:
        return packages.packages_on(tree, path)


def versions(lines: list[str]) -> dict[str, str]:
    """{name: version} of canonical lines, those left out that stand behind another of their name."""
    fields = [(line.split("\t") + [""] * 6)[:6] for line in lines]
    return {name: version for name, version, _o, _c, _e, shadowed in fields if not shadowed}
