"""Containers that podman starts from a root of ours: the server's own /usr, and an application below home."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.zoo.keeper import Keep

_LINKS = ("bin", "sbin", "lib", "lib64")
# crun, and more than the limits that podman itself has, fail on some machines.
_LIMITS = ("--runtime", "runc", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")


def run(keep: Keep, name: str, options: Sequence[str], command: Sequence[str | Path]) -> None:
    """Start a container that ends with the case. `options` go to `podman run`."""
    root = keep.root / f"root-of-{name}"
    for folder in ("usr", "tmp", "proc", "sys", "dev", "run", "srv", "etc", "var"):
        (root / folder).mkdir(parents=True)
    for link in _LINKS:
        (root / link).symlink_to(f"usr/{link}")
    keep.closing(_removed(name))
    above = keep.run(
        [
            *("podman", "run", "--rm", "--name", name, "--workdir", keep.home, *_LIMITS, *options),
            *("-v", "/usr:/usr:ro", "-v", f"{keep.home}:{keep.home}", "--rootfs", f"{root}:O", *command),
        ],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        popen={"user": 0, "group": 0},
        kind=None,
    )
    keep.living.remove(above)


@contextlib.contextmanager
def _removed(name: str) -> Iterator[None]:
    yield
    subprocess.run(["podman", "rm", "--force", "--time", "0", name], capture_output=True, check=False)
