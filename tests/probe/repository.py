"""A real git repository, and what git itself says of it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests import parts
from tightship_probe import releases
from tightship_probe.tree import Tree


class Repository:
    """A working tree that git made."""

    def __init__(self, path: Path, *options: str) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main", *options)

    def git(self, *words: str) -> str:
        program = parts.program("git", "git")
        user = [
            "-c",
            "user.name=Shop",
            "-c",
            "user.email=shop@example.com",
            "-c",
            "protocol.file.allow=always",
        ]
        env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
        done = subprocess.run(
            [program, *user, *words], cwd=self.path, env=env, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.path / name.replace("__", "/")).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name.replace("__", "/")).write_text(text)

    def commit(self, message: str = "Change") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    # What git says

    def is_dirty(self) -> bool:
        return self.git("status", "--porcelain", "--untracked-files=no") != ""

    def tags(self) -> list[str]:
        return self.git("tag", "--points-at", "HEAD").split()


Candidate = dict[str, object]


def told(
    path: Path, cwd: str = "", packages: tuple[str, ...] = (), names: tuple[str, ...] = ()
) -> list[Candidate]:
    """What the probe says of the release in a directory; nothing is unread."""
    found, unread = told_with_unread(path, cwd, packages, names)
    assert unread == []
    return found


def told_with_unread(
    path: Path, cwd: str = "", packages: tuple[str, ...] = (), names: tuple[str, ...] = ()
) -> tuple[list[Candidate], list[str]]:
    with Tree("/") as tree:
        found, unread = releases.releases_of(tree, str(path / cwd).rstrip("/"), "", packages, names)
    return found, [f"{os.path.relpath(entry['what'], path)}: {entry['why']}" for entry in unread]
