"""Archives on an import path: what is in them is told, and whoever wrote them can't overfill the probe."""

from __future__ import annotations

import os
import struct
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tightship_probe import archives
from tightship_probe.packages import packages_on
from tightship_probe.tree import Limits, Tree, Unreadable

ATTIRE = b"Metadata-Version: 2.1\nName: attire\nVersion: 1.2\n"


def archive(place: Path, files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(place, "w", method) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return place


def found(place: Path, limits: Limits | None = None) -> dict[str, Any]:
    with Tree("/", limits) as tree:
        return packages_on(tree, [str(place)])


def why(place: Path) -> str:
    """Why nothing of it was read."""
    told = found(place)
    assert told["lines"] == []
    return "; ".join(entry["why"] for entry in told["unread"])


def patched(place: Path, mark: bytes, offset: int, data: bytes) -> Path:
    """The archive with other bytes behind the last `mark`."""
    content = bytearray(place.read_bytes())
    start = content.rindex(mark) + offset
    content[start : start + len(data)] = data
    place.write_bytes(content)
    return place


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zipped_egg_is_a_package(tmp_path: Path, method: int) -> None:
    egg = archive(tmp_path / "attire-1.2-py3.11.egg", {"attire.py": b"", "EGG-INFO/PKG-INFO": ATTIRE}, method)
    assert found(egg)["lines"] == ["attire\t1.2"]
    assert found(egg)["unread"] == []


def test_without_metadata_that_can_be_read_an_eggs_name_tells(tmp_path: Path) -> None:
    egg = archive(tmp_path / "attire-1.2-py3.11.egg", {"EGG-INFO/top_level.txt": b""})
    assert found(egg)["lines"] == ["attire\t1.2"]
    assert [entry["why"] for entry in found(egg)["unread"]] == ["not there"]


def test_a_wheel_on_the_path_is_a_package(tmp_path: Path) -> None:
    wheel = archive(tmp_path / "attire-1.2-py3-none-any.whl", {"attire-1.2.dist-info/METADATA": ATTIRE})
    assert found(wheel)["lines"] == ["attire\t1.2"]


def test_an_archive_with_several_packages_tells_all_and_where_they_came_from(tmp_path: Path) -> None:
    url = b'{"url": "https://git.example.org/hat.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}'
    hat = b"Metadata-Version: 2.1\nName: Hat\nVersion: 2\n" + b"x" * 100000
    place = archive(
        tmp_path / "app.pyz",
        {
            "__main__.py": b"",
            "attire.egg-info/PKG-INFO": ATTIRE,
            "coat-3.egg-info": b"Name: coat\nVersion: 3\n",
            "hat-2.dist-info/METADATA": hat,
            "hat-2.dist-info/direct_url.json": url,
            "site-packages/hidden-1.dist-info/METADATA": ATTIRE,
            "~gone-1.dist-info/METADATA": ATTIRE,
        },
    )
    assert found(place) == {
        "lines": ["attire\t1.2", "coat\t3", "hat\t2\tgit+https://git.example.org/hat.git\tabc"],
        "unread": [],
        "installed": dict.fromkeys(["attire", "coat", "hat"], place.stat().st_ctime),
    }


def test_what_stands_in_front_of_an_archive_does_not_matter(tmp_path: Path) -> None:
    place = archive(tmp_path / "app.pyz", {"attire-1.2.dist-info/METADATA": ATTIRE})
    place.write_bytes(b"#!/usr/bin/env python3\n" + place.read_bytes())
    assert found(place)["lines"] == ["attire\t1.2"]


def test_a_large_archive_of_zip64_is_read(tmp_path: Path) -> None:
    place = tmp_path / "app.zip"
    with zipfile.ZipFile(place, "w") as file:
        for number in range(66000):
            file.writestr(f"shop/{number}.py", b"")
        file.writestr("attire-1.2.dist-info/METADATA", ATTIRE)
    assert found(place)["lines"] == ["attire\t1.2"]


# Hostile ones


def test_of_a_bomb_only_the_beginning_is_unpacked(tmp_path: Path) -> None:
    bomb = ATTIRE + bytes(300_000_000)
    place = archive(tmp_path / "app.pyz", {"attire-1.2.dist-info/METADATA": bomb})
    before = time.process_time()
    assert found(place, Limits(size=200_000))["lines"] == ["attire\t1.2"]
    assert time.process_time() - before < 0.5


def test_a_bomb_where_a_whole_file_is_read_is_unread(tmp_path: Path) -> None:
    files = {
        "attire-1.2.dist-info/METADATA": ATTIRE,
        "attire-1.2.dist-info/direct_url.json": bytes(50_000_000),
    }
    told = found(archive(tmp_path / "app.pyz", files))
    assert told["lines"] == ["attire\t1.2"]
    assert [entry["why"] for entry in told["unread"]] == ["larger than 65536 bytes"]


def test_a_million_entries_are_not_looked_through(tmp_path: Path) -> None:
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", *[0] * 9, 1, *[0] * 6) + b"x"
    directory = entry * 1_000_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(directory), 0, 0)
    large = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 10**6, 10**6, len(directory), 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(directory), 1)
    place = tmp_path / "app.zip"
    place.write_bytes(directory + large + locator + end)
    assert why(place) == "an archive of more than 200000 entries"


def test_a_directory_of_absurd_size_is_unread(tmp_path: Path) -> None:
    place = archive(tmp_path / "app.zip", {"attire-1.2.dist-info/METADATA": ATTIRE})
    patched(place, b"PK\5\6", 12, struct.pack("<L", 0x7FFFFFFF))
    assert why(place) == "an archive whose directory has more than 16777216 bytes"


def test_a_directory_that_would_begin_before_the_archive_is_unread(tmp_path: Path) -> None:
    place = archive(tmp_path / "app.zip", {"attire-1.2.dist-info/METADATA": ATTIRE})
    patched(place, b"PK\5\6", 16, struct.pack("<L", 0x7FFFFFFF))
    assert why(place) == "a damaged archive: its directory lies beyond it"


def test_more_entries_than_there_are_is_unread(tmp_path: Path) -> None:
    place = archive(tmp_path / "app.zip", {"attire-1.2.dist-info/METADATA": ATTIRE})
    patched(place, b"PK\5\6", 8, struct.pack("<2H", 5, 5))
    assert why(place) == "a damaged archive: its directory ends too early"


def test_an_entry_of_absurd_size_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    place = archive(tmp_path / "app.zip", {"attire-1.2.dist-info/METADATA": ATTIRE}, zipfile.ZIP_STORED)
    patched(place, b"PK\1\2", 20, struct.pack("<2L", 0x7FFFFFFF, 0x7FFFFFFF))
    told = found(place)
    assert told["lines"] == ["attire\t1.2"]  # as its folder is named
    assert told["unread"][0]["why"] == "a damaged archive: it ends too early"


def test_an_entry_that_lies_elsewhere_is_unread(tmp_path: Path) -> None:
    place = archive(tmp_path / "app.zip", {"attire-1.2.dist-info/METADATA": ATTIRE})
    patched(place, b"PK\1\2", 42, struct.pack("<L", 9))
    assert found(place)["unread"][0]["why"] == "a damaged archive: an entry is not where its directory says"


def test_entries_that_overlap_cost_no_more_than_others(tmp_path: Path) -> None:
    """Thousands of entries of the directory that all lead to one piece of data."""
    body = struct.pack("<4s5H3L2H", b"PK\3\4", *[0] * 5, 0, len(ATTIRE), len(ATTIRE), 0, 0) + ATTIRE
    directory = b"".join(
        struct.pack("<4s6H3L5H2L", b"PK\1\2", *[0] * 7, len(ATTIRE), len(ATTIRE), len(name), *[0] * 6) + name
        for name in (b"p%05d-1.dist-info/METADATA" % number for number in range(9000))
    )
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 9000, 9000, len(directory), len(body), 0)
    place = tmp_path / "app.zip"
    place.write_bytes(body + directory + end)
    told = found(place, Limits(size=2_000_000))
    assert told["lines"] == ["attire\t1.2"]
    assert told["unread"] == []


def test_an_encrypted_entry_is_unread(tmp_path: Path) -> None:
    place = archive(tmp_path / "app.zip", {"attire-1.2.dist-info/METADATA": ATTIRE})
    patched(place, b"PK\1\2", 8, b"\1\0")
    assert found(place)["unread"][0]["why"] == "encrypted"


def test_another_compression_is_unread(tmp_path: Path) -> None:
    place = archive(tmp_path / "app.zip", {"attire-1.2.dist-info/METADATA": ATTIRE}, zipfile.ZIP_LZMA)
    assert found(place)["unread"][0]["why"] == "compressed by a method that is not read (14)"


def test_what_can_not_be_unpacked_is_unread(tmp_path: Path) -> None:
    place = archive(tmp_path / "app.zip", {"attire-1.2.dist-info/METADATA": ATTIRE})
    patched(place, b"METADATA", 0, b"METADATA")
    content = place.read_bytes()
    start = content.index(b"METADATA") + len(b"METADATA")
    place.write_bytes(content[:start] + b"\xff" * 20 + content[start + 20 :])
    assert found(place)["unread"][0]["why"] == "a damaged archive: an entry can't be unpacked"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_a_name_that_stands_twice_the_last_counts_and_it_is_told(tmp_path: Path) -> None:
    place = tmp_path / "app.zip"
    with zipfile.ZipFile(place, "w") as file:
        file.writestr("attire-1.2.dist-info/METADATA", ATTIRE)
        file.writestr("attire-1.2.dist-info/METADATA", ATTIRE.replace(b"1.2", b"6.6"))
    told = found(place)
    assert told["lines"] == ["attire\t6.6"]
    assert [entry["why"] for entry in told["unread"]] == ["it stands twice in the archive"]


def test_names_in_odd_bytes_are_made_harmless_and_kept(tmp_path: Path) -> None:
    place = archive(tmp_path / "app.zip", {"attireXX-1.2.dist-info/top_level.txt": b""})
    content = place.read_bytes().replace(b"attireXX", b"attire\xff\x07")
    place.write_bytes(content)
    (line,) = found(place)["lines"]
    assert line.endswith("\t1.2")
    assert line.isprintable() or "\t" in line
    assert "\x07" not in line


def test_a_truncated_archive_is_unread(tmp_path: Path) -> None:
    place = archive(tmp_path / "app.zip", {"attire-1.2.dist-info/METADATA": ATTIRE})
    place.write_bytes(place.read_bytes()[:-30])
    assert why(place) == "no zip archive: it has no directory at its end"


def test_an_archive_that_lost_its_beginning_is_unread(tmp_path: Path) -> None:
    place = archive(tmp_path / "app.zip", {"attire-1.2.dist-info/METADATA": ATTIRE})
    place.write_bytes(place.read_bytes()[10:])
    assert "a damaged archive" in found(place)["unread"][0]["why"]


@pytest.mark.parametrize("content", [b"", b"PK\5\6", b"PK\5\6" * 20000, b"x" * 100])
def test_what_is_no_archive_is_unread(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "app.zip"
    place.write_bytes(content)
    assert why(place)


def test_what_it_takes_counts_for_its_owner(tmp_path: Path) -> None:
    place = archive(tmp_path / "app.zip", {"attire-1.2.dist-info/METADATA": ATTIRE})
    limits = Limits(size=100)
    assert found(place, limits)["unread"]
    assert limits.exceeded == "too much to read"


def test_no_descriptor_is_left(tmp_path: Path) -> None:
    place = tmp_path / "app.zip"
    place.write_bytes(b"PK")
    with Tree("/") as tree:
        counts = []
        for _ in range(3):
            for refused in (place, "/proc/self/status", tmp_path):
                with pytest.raises(Unreadable):
                    archives.Archive(tree, str(refused))
            counts.append(len(os.listdir("/proc/self/fd")))
        assert len(set(counts)) == 1
