"""Readers: whatever happens to one, the others answer, and nothing of it stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.parts import need_root
from tightship_probe import children
from tightship_probe.children import Job, Outcome, name_of_reader, run

ALICE, BOB = 61001, 61002


def answers() -> object:
    return {"answer": 42}


def hangs() -> object:
    time.sleep(600)
    return None


def outcome(work: Callable[[], object], **more: float) -> Outcome:
    """Of one job, beside another that answers in any case."""
    found = run([Job(ALICE, (), work), Job(BOB, (), answers)], **more)
    assert found[1] == Outcome(BOB, {"answer": 42}, None)
    assert_no_child_is_left()
    return found[0]


def our_children() -> set[str]:
    """pids of all children of this program, ended ones that nobody waited for included."""
    return {pid for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()}


OTHERS: set[str] = set()
"""Children that other tests keep: a database server, sites."""


@pytest.fixture(autouse=True)
def _others() -> None:
    OTHERS.clear()
    OTHERS.update(our_children())


def assert_no_child_is_left() -> None:
    assert our_children() <= OTHERS


def test_outcomes_stand_in_the_order_of_their_jobs() -> None:
    jobs = [Job(owner, (), lambda owner=owner: [owner]) for owner in (7, 3, 5, 9, 1, 3)]
    assert [found.value for found in run(jobs, at_once=2)] == [[7], [3], [5], [9], [1], [3]]
    assert run([]) == []
    assert_no_child_is_left()


def test_text_of_any_bytes_comes_back_as_it_was() -> None:
    text = "caf\udce9 \x00 \ud800 \N{SNAKE}"
    assert outcome(lambda: text).value == text


def test_a_reader_that_hangs_is_ended_and_the_others_answer() -> None:
    assert outcome(hangs, seconds=0.3) == Outcome(ALICE, None, "a read did not return in time")


def test_a_stopped_reader_is_ended() -> None:
    found = outcome(lambda: os.kill(os.getpid(), signal.SIGSTOP), seconds=0.3)
    assert found.why == "a read did not return in time"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGXCPU])
def test_a_reader_that_crashes_answers_nothing(number: int) -> None:
    assert outcome(lambda: os.kill(os.getpid(), number)).why == "its reader ended without an answer"


def test_an_error_in_a_reader_is_told() -> None:
    found = outcome(lambda: {}["nothing"])
    assert found == Outcome(ALICE, None, "KeyError: 'nothing'")
    assert outcome(sys.exit).why == "SystemExit: "


def test_a_reader_that_recurses_without_end_is_told() -> None:
    def again() -> object:
        return [again()]

    assert "RecursionError" in (outcome(again).why or "")


def test_what_is_no_json_is_told_as_missing() -> None:
    assert outcome(lambda: b"bytes").why == "its reader ended without an answer"


def test_memory_of_a_reader_is_bounded() -> None:
    assert (outcome(lambda: "x" * (4 << 30)).why or "").startswith("MemoryError")


def test_an_answer_that_is_too_large_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "MOST_ANSWER", 200_000)
    assert outcome(lambda: "x" * 199_900).value == "x" * 199_900
    assert outcome(lambda: "x" * 200_100) == Outcome(ALICE, None, "more than 200000 bytes were read")


def test_an_endless_answer_ends() -> None:
    def shout() -> object:
        pipe = max(int(name) for name in os.listdir("/proc/self/fd"))
        while True:
            os.write(pipe, b"x" * 65536)

    assert outcome(shout, seconds=20).why == f"more than {children.MOST_ANSWER} bytes were read"


def test_a_reader_writes_no_file(tmp_path: Path) -> None:
    def write() -> object:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        return (tmp_path / "file").write_text("x")

    assert (outcome(write).why or "").startswith("OSError")
    assert (tmp_path / "file").read_text() == ""


def test_a_reader_holds_only_what_it_may_keep(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    kept = os.open(tmp_path / "file", os.O_RDONLY)
    other = os.open(tmp_path / "file", os.O_RDONLY)
    os.set_inheritable(other, True)

    def look() -> object:
        held = [name for name in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + name)]
        return [len(held), os.read(kept, 10).decode()]

    try:
        (found,) = run([Job(ALICE, (kept,), look)])
    finally:
        os.close(kept)
        os.close(other)
    assert found.value == [2, "kept"], "the kept one and the pipe"


def test_descriptors_beyond_a_thousand_are_listened_to() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] != resource.RLIM_INFINITY and before[1] < 2000:
        pytest.skip("needs 2000 descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2000, before[1]))
    many = [os.open("/dev/null", os.O_RDONLY) for _ in range(1100)]
    try:
        assert outcome(answers).value == {"answer": 42}
    finally:
        for fd in many:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_reader_bears_its_name_and_roots_real_number() -> None:
    def look() -> object:
        return [Path("/proc/self/comm").read_text(), os.getresuid()]

    found = outcome(look).value
    assert found == [f"tsread:{ALICE:x}\n", list(os.getresuid())]
    assert len(name_of_reader(2**32 - 1)) == 15


def test_an_owner_cannot_signal_or_stop_his_reader() -> None:
    need_root()

    def become_alice_and_wait() -> object:
        os.seteuid(ALICE)
        return hangs()

    def alice_attacks() -> object:
        os.setresuid(ALICE, ALICE, ALICE)
        deadline = time.monotonic() + 0.9
        while time.monotonic() < deadline:
            for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
                if _comm(pid) == name_of_reader(BOB):
                    return _refused(pid)
        return "not found"

    found = run([Job(BOB, (), become_alice_and_wait), Job(ALICE, (), alice_attacks)], seconds=1)
    assert found[1].value == ["PermissionError", "PermissionError"], found


def _comm(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _refused(pid: int) -> list[str]:
    said = []
    for number in (signal.SIGSTOP, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except OSError as error:
            said.append(type(error).__name__)
    return said


def test_for_an_owner_whose_reader_hangs_no_other_is_started(tmp_path: Path) -> None:
    mark = tmp_path / "started"
    os.mkfifo(mark)  # readers write no files
    found = run([Job(ALICE, (), lambda: os.unlink(mark)), Job(BOB, (), answers)], hung={ALICE: 4711})
    assert found[0] == Outcome(ALICE, None, "a reader of an earlier scan still hangs")
    assert found[1].value == {"answer": 42}
    assert mark.exists()


def test_all_together_have_a_deadline_and_small_numbers_come_first() -> None:
    """A user with 65,536 numbers in /etc/subuid has a hanging reader for each: he blinds nobody else."""
    jobs = [Job(100_000 + number, (), hangs) for number in range(50)] + [Job(BOB, (), answers)]
    found = run(jobs, seconds=0.4, at_once=4, altogether=1.0)
    assert found[-1].value == {"answer": 42}
    assert found[0].why == "a read did not return in time"
    assert found[49].why == "out of time: other readers took it all"
    assert_no_child_is_left()


def test_children_that_cannot_be_started_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_fork() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    before = set(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(os, "fork", no_fork)
    (found,) = run([Job(ALICE, (), answers)])
    assert found.why == "no reader could be started: Resource temporarily unavailable"
    assert set(os.listdir("/proc/self/fd")) == before


def test_no_descriptor_is_left_open() -> None:
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(3):
        outcome(answers)
        outcome(hangs, seconds=0.1)
        outcome(lambda: os.kill(os.getpid(), signal.SIGKILL))
    assert set(os.listdir("/proc/self/fd")) == before


def test_readers_end_when_the_scan_is_interrupted() -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            run([Job(ALICE, (), hangs), Job(BOB, (), hangs)], seconds=30)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert_no_child_is_left()


# In a program of its own

_PROGRAM = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from tightship_probe.children import Job, run
def hangs():
    try:
        print("printed by a child", flush=True)
    except OSError:
        pass
    time.sleep(600)
sys.stdout.write("begun ")
print(run([Job(1, (), hangs), Job(2, (), os.getpid)], seconds=%s)[0].value, flush=True)
"""


def started(seconds: float, **more: object) -> subprocess.Popen[str]:
    source = str(Path(children.__file__).parents[1])
    command = [sys.executable, "-I", "-c", _PROGRAM % seconds, source]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **more)  # type: ignore[call-overload]


def test_a_child_prints_nothing_and_holds_no_standard_output() -> None:
    """`probe | cat` ends, also where a reader can't be ended: here its parent doesn't live to end it."""
    with started(seconds=600) as program:
        readers = _readers_below(program.pid, 1)
        os.kill(program.pid, signal.SIGKILL)
        assert program.stdout is not None
        assert program.stdout.read() == "", "and the pipe ends, while the reader lives"
        assert _comm(readers[0]) == "tsread:1"
        os.kill(readers[0], signal.SIGKILL)


def test_a_reader_without_a_parent_ends_by_itself() -> None:
    with started(seconds=0.5) as program:
        readers = _readers_below(program.pid, 1)
        os.kill(program.pid, signal.SIGKILL)
    _until(lambda: _comm(readers[0]) != "tsread:1")


def test_where_the_end_of_children_is_ignored_they_are_waited_for() -> None:
    """As nohup's and some supervisors' children inherit it."""
    with started(0.3, preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN)) as program:
        assert program.communicate(timeout=60)[0] == "begun None\n"
    assert program.returncode == 0


def test_where_standard_streams_are_closed_readers_answer_all_the_same() -> None:
    program = started(0.3, preexec_fn=lambda: [os.close(0), os.close(2)])
    assert program.communicate(timeout=60)[0] == "begun None\n"
    assert program.returncode == 0


def _readers_below(parent: int, number: int) -> list[int]:
    found: list[int] = []

    def look() -> bool:
        text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        found[:] = [int(pid) for pid in text.split() if _comm(int(pid)) == f"tsread:{number:x}"]
        return bool(found)

    _until(look)
    return found


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
