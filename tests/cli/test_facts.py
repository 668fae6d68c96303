"""The facts that the doctor asks of this server."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tightship.cli import facts

MOUNTS = """\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 22 0:30 / /srv rw - nfs4 nas:/srv rw
31 22 254:2 / /srv/data rw - xfs /dev/vdb rw
32 22 254:3 / /with\\040space rw - btrfs /dev/vdc rw
33 31 0:44 / /srv/data rw - tmpfs tmpfs rw
cut in
""".splitlines()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/alice", "ext4"),
        ("/srv/shop", "nfs4"),
        ("/srv", "nfs4"),
        ("/srvdata", "ext4"),
        ("/with space/x", "btrfs"),
        ("/srv/data/x", "tmpfs"),
    ],
)
def test_the_file_system_of_a_path_is_that_of_its_deepest_and_latest_mount(path: str, kind: str) -> None:
    assert facts.file_system(path, MOUNTS) == kind


def test_capabilities_are_bits() -> None:
    assert facts.capabilities("Name:\tx\nCapEff:\t000001ffffffffff\n") & (1 << 19)
    assert facts.capabilities("CapEff:\t0000000000000000\n") == 0
    assert facts.capabilities("") == 0


def test_our_own_rights_are_told() -> None:
    found = facts.rights()
    assert found.uid == os.geteuid()
    assert found.user


def test_a_directory_that_is_not_there_is_judged_by_the_one_above(tmp_path: Path) -> None:
    found = facts.place(tmp_path / "not" / "there")
    assert not found.exists
    assert found.writable
    assert found.free > 0
    assert found.file_system


def test_the_python_on_path_tells_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    path, version = facts.python_on_path()
    assert path.endswith("python3")
    assert version[:2] == sys.version_info[:2]


def test_no_python_on_path_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert facts.python_on_path() == ("", ())
