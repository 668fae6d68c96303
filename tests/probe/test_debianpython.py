"""Debian's own Python without its headers: its change log tells the exact version."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tightship_probe import debianpython
from tightship_probe.tree import Tree


def version(server: Path, content: bytes, folder: str = "python3.11") -> str:
    place = server / f"usr/share/doc/{folder}-minimal"
    place.mkdir(parents=True)
    (place / "changelog.Debian.gz").write_bytes(content)
    with Tree(str(server)) as tree:
        return debianpython.version(tree, folder)


@pytest.mark.parametrize(
    ("folder", "first", "expected"),
    [
        ("python3.11", "python3.11 (3.11.2-6+deb12u8) bookworm; urgency=medium", "3.11.2"),
        ("python2.7", "python2.7 (2.7.18-8+deb11u1) bullseye; urgency=medium", "2.7.18"),
        ("python3.10", "python3.10 (3.10.12-1~22.04.3) jammy-security; urgency=medium", "3.10.12"),
        ("python3.13", "python3.13 (3.13.0~rc1-1) unstable; urgency=medium", ""),
        ("python3.11", "python3.12 (3.12.1-1) unstable; urgency=medium", ""),
        ("python3.11", "", ""),
    ],
)
def test_the_version_stands_in_the_first_line(tmp_path: Path, folder: str, first: str, expected: str) -> None:
    text = f"{first}\n\n  * Non-maintainer upload.\n" + "  * more\n" * 50_000
    assert version(tmp_path, gzip.compress(text.encode()), folder) == expected


@pytest.mark.parametrize(
    "content", [b"", b"no gzip", gzip.compress(b"python3.11")[:-9], gzip.compress(b"\0" * 10**7)]
)
def test_what_is_no_change_log_tells_nothing(tmp_path: Path, content: bytes) -> None:
    assert version(tmp_path, content) == ""


def test_a_server_without_one_tells_nothing(tmp_path: Path) -> None:
    with Tree(str(tmp_path)) as tree:
        assert debianpython.version(tree, "python3.11") == ""
