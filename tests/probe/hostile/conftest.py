"""The real probe as one file, the user who is hostile to it, and a place that both may enter."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.probe.hostile.scene import Scene, Server
from tightship.remote.program import pyz


@pytest.fixture(scope="session")
def probe() -> Iterator[Path]:
    """probe.pyz, built from these sources, where every user can read it."""
    with tempfile.TemporaryDirectory(prefix="tightship-probe-") as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "probe.pyz"
        path.write_bytes(pyz("tightship_probe"))
        path.chmod(0o755)
        yield path


@pytest.fixture
def scene(probe: Path) -> Iterator[Scene]:
    """A folder with processes in it, which end with the test."""
    with tempfile.TemporaryDirectory(prefix="tightship-") as folder:
        Path(folder).chmod(0o755)
        with Scene(Path(folder), probe) as scene:
            yield scene


@pytest.fixture
def fuse(scene: Scene) -> Iterator[Server]:
    """Makes file systems whose files never answer a read."""
    with Server(scene) as server:
        yield server
