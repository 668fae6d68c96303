"""The spool: whole or not at all, bounded, the newest always kept, and no link followed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.agent.agents import Agent
from tests.agent.test_sending import hourly
from tests.parts import need_root
from tightship_agent import memory
from tightship_agent.sending import missing, pending, reconciled
from tightship_agent.spool import Cut, Spool, SpoolError, too_many


def numbers(agent: Agent) -> list[int]:
    return [int(path.name.partition(".")[0]) for path in agent.spooled()]


def test_a_report_is_kept_as_the_probe_printed_it(lonely: Agent) -> None:
    lonely.keep(hourly(1))
    with Spool(lonely.settings["spool"]) as spool:
        about, text = spool.read(1)
    assert text.encode() == hourly(1)
    assert about["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_files_are_for_the_group_and_nobody_else(lonely: Agent) -> None:
    (path,) = lonely.keep(hourly(1)).spooled()
    assert path.stat().st_mode & 0o777 == 0o640


def test_the_oldest_are_dropped_beyond_a_number_and_the_next_sending_counts_them(lonely: Agent) -> None:
    lonely.send()
    lonely.set(reports="3").keep(*map(hourly, range(1, 6)))
    assert numbers(lonely) == [3, 4, 5]
    assert (lonely.status()["spooled"], lonely.status()["dropped"]) == (3, 2)
    lonely.send()
    assert (lonely.status()["spooled"], lonely.status()["dropped"]) == (3, 2)


def test_what_was_sent_goes_and_the_newest_stays_for_its_number(lonely: Agent) -> None:
    lonely.keep(hourly(1), hourly(2), hourly(3))
    memory.write(lonely.settings["memory"], memory.NOTHING._replace(done=3, tried_at=1))
    lonely.keep(hourly(4))
    assert numbers(lonely) == [4]
    memory.write(lonely.settings["memory"], memory.NOTHING._replace(done=4, tried_at=1))
    with Spool(lonely.settings["spool"]) as spool:
        spool.begin()
        assert spool.prune(4, 100, 10**9) == 0
    assert numbers(lonely.keep(hourly(5))) == [5]


@pytest.mark.parametrize(
    ("sizes", "most", "most_bytes", "dropped"),
    [
        ([], 3, 10, []),
        ([(1, 5), (2, 5), (3, 5)], 3, 15, []),
        ([(1, 5), (2, 5), (3, 5)], 2, 15, [1]),
        ([(1, 5), (2, 5), (3, 5)], 3, 14, [1]),
        ([(1, 5), (2, 5), (3, 5)], 3, 1, [1, 2]),
        ([(1, 500)], 3, 1, []),
    ],
)
def test_as_few_as_needed_are_too_many_and_never_the_newest(
    sizes: list[tuple[int, int]], most: int, most_bytes: int, dropped: list[int]
) -> None:
    assert too_many(sizes, most, most_bytes) == dropped


def test_gaps_are_what_was_dropped() -> None:
    known = memory.NOTHING._replace(done=4, tried_at=1)
    assert (pending(known, [3, 4, 7, 9]), missing(known, [3, 4, 7, 9])) == ([7, 9], 3)
    assert missing(known, [3, 4]) == 0


def test_a_spool_that_was_begun_anew_and_a_lost_memory_are_no_gaps() -> None:
    assert missing(reconciled(memory.NOTHING, [7, 8]), [7, 8]) == 0
    begun_anew = reconciled(memory.NOTHING._replace(done=500, tried_at=1), [1, 2])
    assert (pending(begun_anew, [1, 2]), missing(begun_anew, [1, 2])) == ([1, 2], 0)


@pytest.mark.parametrize("size", [0, 1, 30, -1])
def test_a_file_that_is_not_whole_is_known_by_it(lonely: Agent, size: int) -> None:
    (path,) = lonely.keep(hourly(1)).spooled()
    os.truncate(path, size if size >= 0 else path.stat().st_size - 1)
    with Spool(lonely.settings["spool"]) as spool, pytest.raises(Cut):
        spool.read(1)


def test_what_a_killed_one_left_half_is_nobodys_report(lonely: Agent) -> None:
    (Path(lonely.settings["spool"]) / "new").write_bytes(b"half")
    lonely.keep(hourly(1))
    assert sorted(os.listdir(lonely.settings["spool"])) == ["000000000001.report", "lock"]


# Whom root trusts


def test_a_spool_that_others_may_write_is_not_used(lonely: Agent) -> None:
    os.chmod(lonely.settings["spool"], 0o770)
    (lonely.folder / "document").write_bytes(hourly(1))
    done = lonely.run("probe")
    assert (done.returncode, "nobody else may write there" in done.stderr) == (2, True)


def test_a_spool_of_another_user_is_not_used(lonely: Agent) -> None:
    need_root()
    os.chown(lonely.settings["spool"], 54321, 54321)
    with Spool(lonely.settings["spool"]) as spool, pytest.raises(SpoolError):
        spool.begin()


def test_a_spool_that_is_a_link_is_not_followed(lonely: Agent, tmp_path: Path) -> None:
    os.symlink(lonely.settings["spool"], tmp_path / "link")
    with pytest.raises(SpoolError):
        Spool(str(tmp_path / "link"))


@pytest.mark.parametrize(
    "said",
    [
        b"", b"\0", b"[]", b"[" * 4000, b'{"done": 1e400}', b'{"done": -1}', b'{"done": true}',
        b'{"done": "7"}',
        b'{"done": ' + b"9" * 4000 + b"}", b'{"done": NaN}',
    ],
)  # fmt: skip
def test_whatever_the_sender_says_costs_nothing_that_was_not_sent(lonely: Agent, said: bytes) -> None:
    lonely.keep(hourly(1))
    (Path(lonely.settings["memory"]) / memory.NAME).write_bytes(said)
    lonely.keep(hourly(2))
    assert numbers(lonely) == [1, 2]


def test_root_reads_no_link_and_waits_for_no_fifo_of_the_senders(lonely: Agent, tmp_path: Path) -> None:
    file = Path(lonely.settings["memory"]) / memory.NAME
    (tmp_path / "said").write_text(json.dumps({"done": 1}))
    file.symlink_to(tmp_path / "said")
    lonely.keep(hourly(1), hourly(2))
    file.unlink()
    os.mkfifo(file)
    lonely.keep(hourly(3))
    assert numbers(lonely) == [1, 2, 3]


# The probe


@pytest.mark.parametrize(
    ("probe", "why"),
    [
        ("import sys; sys.exit(3)", "ended with 3"),
        ("print('hello')", "printed no report: it is not JSON"),
        ('print(\'{"schema":"tightship.report/1"}\')', "it is no whole tightship.report/1"),
        ("print('[' * 10000)", "printed no report"),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", "printed no report"),
    ],
)
def test_a_probe_that_gives_no_report_is_said(lonely: Agent, probe: str, why: str) -> None:
    (lonely.folder / "probe.py").write_text(probe)
    done = lonely.run("probe")
    assert (done.returncode, why in done.stderr) == (1, True), done.stderr
    assert lonely.spooled() == []


# A full disk


@pytest.fixture
def small_disk(lonely: Agent) -> Iterator[Path]:
    """The spool on a file system of 64 kB."""
    need_root()
    path = Path(lonely.settings["spool"])
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=750", "none", str(path)], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


def test_a_full_disk_keeps_the_newest_and_drops_the_oldest(lonely: Agent, small_disk: Path) -> None:
    """Each report takes a page of 4 kB: fifteen fit, beside the lock."""
    lonely.keep(*map(hourly, range(1, 31)))
    kept = numbers(lonely)
    assert kept == list(range(kept[0], 31))
    assert 10 < len(kept) < 17
    assert lonely.status()["spooled"] == len(kept)


def test_a_disk_that_others_filled_is_said_and_nothing_is_left_half(lonely: Agent, small_disk: Path) -> None:
    lonely.keep(hourly(1))
    with suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    (lonely.folder / "document").write_bytes(hourly(2))
    done = lonely.run("probe")
    assert (done.returncode, "no space left on device" in done.stderr) == (1, True), done.stderr
    assert numbers(lonely) == [1]
    assert "new" not in os.listdir(small_disk)
    (small_disk / "filler").unlink()
    assert numbers(lonely.keep(hourly(3))) == [1, 2]


def test_a_spool_that_can_only_be_read_is_said(lonely: Agent, small_disk: Path) -> None:
    lonely.keep(hourly(1))
    (small_disk / "lock").unlink()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = lonely.run("probe")
    assert (done.returncode, "read-only file system" in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr
    assert lonely.send()[1].startswith("https://127.0.0.1:1 can't be reached")


def test_two_that_write_at_once_do_not_come_into_each_others_way(lonely: Agent) -> None:
    (lonely.folder / "document").write_bytes(hourly(1))
    with Spool(lonely.settings["spool"]) as spool:
        spool.begin()
        done = lonely.run("probe")
        assert (done.returncode, "another one writes" in done.stderr) == (2, True)
    assert numbers(lonely.keep(hourly(1))) == [1]


def test_a_sender_that_can_not_remember_sends_all_the_same(agent: Agent) -> None:
    need_root()
    path = agent.settings["memory"]
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "none", path], check=True)
    try:
        (Path(path) / "lock").touch()
        (Path(path) / "filler").write_bytes(b"x" * 8192)
        code, said = agent.keep(hourly(1), hourly(2)).send()
        assert (code, "can't be remembered" in said) == (1, True), said
        (Path(path) / "filler").unlink()
        assert agent.send() == (0, "all is sent")
    finally:
        subprocess.run(["umount", path], check=True)
