"""What a process' own user mounted is read with that user's rights, also where it looks like root's."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts import need, need_root
from tightship_probe import namespaces
from tightship_probe.tree import Tree, Unreadable

ALICE = 61001


@pytest.fixture(autouse=True)
def as_root() -> None:
    need_root()


@pytest.fixture
def root() -> Iterator[Path]:
    """Everybody may enter it. A file of root's for everybody, and one for root alone."""
    with tempfile.TemporaryDirectory(prefix="tightship-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        (root / "METADATA").write_text("public")
        (root / "secret").write_text("secret")
        (root / "secret").chmod(0o600)
        yield root


@pytest.fixture
def of_alice(root: Path) -> Iterator[int]:
    """Pid of alice's process in a user namespace, where root's secret is mounted over the public file."""
    script = f"mount --bind {root}/secret {root}/METADATA && echo ready && exec sleep 60"
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, user=ALICE, group=ALICE, extra_groups=[], cwd="/"
    )
    assert process.stdout is not None
    assert process.stderr is not None
    if process.stdout.readline() != "ready\n":
        need("user namespaces for ordinary users", process.stderr.read().strip())
    yield process.pid
    process.kill()
    process.communicate()


def test_what_a_user_mounts_over_a_file_of_roots_is_read_as_that_user(of_alice: int, root: Path) -> None:
    path = f"{root}/METADATA"
    assert namespaces.reader_of("/proc", of_alice, ALICE) == ALICE
    fd = os.open(f"/proc/{of_alice}/root", os.O_RDONLY)
    with Tree(fd) as as_root:
        assert as_root.read(path) == b"secret", "the trap is set"
    with Tree(fd, owned=True, reader=ALICE) as tree:
        with pytest.raises(Unreadable, match="permission denied"):
            tree.read(path)
        with tree.directory(str(root)) as folder, pytest.raises(Unreadable, match="permission denied"):
            folder.read("METADATA")
        assert tree.exists("/usr/bin")


def test_what_root_mounted_is_read_as_root() -> None:
    """Our own mounts, and those of a service or container that root started."""
    assert namespaces.reader_of("/proc", os.getpid(), ALICE) == 0
    with subprocess.Popen(["unshare", "--mount", "sleep", "60"]) as process:
        try:
            wait_for_other_namespace(process.pid)
            assert namespaces.reader_of("/proc", process.pid, ALICE) == 0
        finally:
            process.kill()


def wait_for_other_namespace(pid: int) -> None:
    own = os.readlink("/proc/self/ns/mnt")
    until = time.monotonic() + 10
    while os.readlink(f"/proc/{pid}/ns/mnt") == own:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_of_a_process_that_ended_nothing_is_read_as_root() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert namespaces.reader_of("/proc", process.pid, ALICE) == ALICE
