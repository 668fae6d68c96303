"""What is read of real processes: which there are, and what each was started with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import applications
from tests.parts import need_root
from tests.probe.overwriting import ARGUMENTS, CODE, VARIABLES
from tightship_probe import looking, processes
from tightship_probe.children import name_of_reader
from tightship_probe.proc import Proc
from tightship_probe.processes import Process
from tightship_probe.started import Started
from tightship_probe.system import uptime
from tightship_probe.tree import Missing

PROC = Proc()

WAIT = "\nimport sys\nprint('ready', flush=True)\nsys.stdin.read()\n"


@contextmanager
def waiting(
    *argv: str | Path, env: dict[str, str] | None = None, **more: object
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that said that it is ready, and waits."""
    pipe = subprocess.PIPE
    started = subprocess.Popen([*map(str, argv)], stdin=pipe, stdout=pipe, env=env, **more)  # type: ignore[call-overload]
    with started as process:
        try:
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


@contextmanager
def python(code: str, *arguments: str, env: dict[str, str] | None = None) -> Iterator[Process]:
    with waiting(applications.interpreter(), "-c", code + WAIT, *arguments, env=env) as process:
        yield processes.all_processes(PROC)[process.pid]


def seen(process: Process) -> tuple[Started, list[str]]:
    """As its reader sees it, and what is unread."""
    started, unread = looking.look(PROC, process, 0.0)
    return started, [f"{entry['what']}: {entry['why']}" for entry in unread]


def test_our_own_process_is_told_as_it_is() -> None:
    found = processes.all_processes(PROC)[os.getpid()]
    assert (found.parent, found.real_uid, found.uid) == (os.getppid(), os.getuid(), os.geteuid())
    assert found.exe == os.path.realpath(sys.executable)
    assert found.cwd == str(Path.cwd())
    assert found.net == os.readlink("/proc/self/ns/net")
    assert found.seen
    assert processes.may_be_python(found)


def test_a_name_with_parentheses_and_spaces_deceives_nobody() -> None:
    with python("open('/proc/self/comm', 'w').write(') R 1 (x')") as found:
        assert (found.comm, found.parent) == (") R 1 (x", os.getpid())


def test_a_process_that_ended_is_no_error_and_no_python() -> None:
    with subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.DEVNULL) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        found = processes.all_processes(PROC)[ended.pid]  # still there, as a zombie
        assert not processes.may_be_python(found)
    assert ended.pid not in processes.all_processes(PROC)
    with pytest.raises(Missing):
        looking.look(PROC, found, 0.0)


def test_a_pid_that_is_anothers_now_is_noticed() -> None:
    own = processes.all_processes(PROC)[os.getpid()]
    with pytest.raises(Missing):
        looking.look(PROC, own._replace(ticks=own.ticks + 1), 0.0)


def test_what_it_was_started_with_is_read_and_only_named_variables() -> None:
    with python("", "a b", "", env={"PYTHONPATH": "/srv/lib", "SECRET": "hunter2"}) as found:
        started, unread = seen(found)
    assert started.argv[1:] == ["-c", WAIT, "a b", ""]
    assert started.variables == {"PYTHONPATH": "/srv/lib"}
    assert (started.exe, started.cwd, unread) == (applications.interpreter(), str(Path.cwd()), [])


def test_bytes_that_are_no_utf8_survive_until_they_are_escaped() -> None:
    with waiting(applications.interpreter(), "-c", WAIT, os.fsdecode(b"\xff")) as process:
        started, _unread = seen(processes.all_processes(PROC)[process.pid])
    assert started.argv[-1] == "\udcff"


def test_no_variables_at_all_are_not_the_same_as_unknown_ones() -> None:
    with python("", env={}) as found:
        assert seen(found)[0].variables == {}


def test_a_title_leaves_the_words_of_the_title_and_wiped_variables_are_unknown() -> None:
    code = f"{CODE}overwrite({VARIABLES}, b'')\noverwrite({ARGUMENTS}, b'gunicorn: master [shop]')"
    with python(code, env={"PATH": "/usr/bin"}) as found:
        started, unread = seen(found)
    assert (started.argv, started.variables, unread) == (["gunicorn: master [shop]"], None, [])
    assert looking.hides(started)


def test_an_empty_command_line_is_unread_and_never_an_empty_command() -> None:
    with python(f"{CODE}overwrite({ARGUMENTS}, b'')") as found:
        started, unread = seen(found)
    assert started.argv == []
    assert unread == ["/proc/PID/cmdline: " + looking.EMPTY]


def test_the_path_that_was_started_survives_a_title(tmp_path: Path) -> None:
    script = tmp_path / "serve"
    script.write_text(f"#!{applications.interpreter()}\n{CODE}overwrite({ARGUMENTS}, b'title')\n{WAIT}")
    script.chmod(0o755)
    with waiting(script) as process:
        found = processes.all_processes(PROC)[process.pid]
        assert seen(found)[0].argv == ["title"]
        assert looking.execfn(PROC, found) == str(script)


def test_only_a_forked_process_has_the_image_of_its_parent() -> None:
    code = "import os, subprocess, sys\nread = 'import sys; sys.stdin.read()'\n"
    code += "subprocess.Popen([sys.executable, '-c', read])\n"
    code += "if not os.fork(): os._exit(len(sys.stdin.read()))"
    with waiting(applications.interpreter(), "-c", code + WAIT) as process:
        children = [one for one in processes.all_processes(PROC).values() if one.parent == process.pid]
        own = processes.all_processes(PROC)[process.pid]
        assert sorted(child.image == own.image for child in children) == [False, True]


def test_mapped_libraries_and_deleted_files_are_told() -> None:
    maps = (
        b"7f00-7f01 r-xp 00000000 08:01 11 /srv/shop/venv/lib/python3.11/site-packages/a b/x.so\n"
        b"7f01-7f02 r--p 00000000 08:01 12 /srv/shop/venv/lib/python3.11/site-packages/y.so\n"
        b"7f02-7f03 r-xp 00000000 08:01 13 /usr/lib/libc.so\n"
        b"7f03-7f04 r--p 00000000 08:01 14 /srv/shop/venv/lib/python3.11/site-packages/z.so (deleted)\n"
        b"7f04-7f05 rw-p 00000000 00:00 0 [heap]\n"
    )
    place = "/srv/shop/venv/lib/python3.11/site-packages"
    assert looking.mapped(maps) == ([f"{place}/a b/x.so"], [f"{place}/z.so"])


def test_paths_are_told_as_a_process_in_another_root_has_them() -> None:
    assert processes.below("/srv/jail", "/srv/jail/app") == "/app"
    assert processes.below("/srv/jail", "/srv/jail") == "/"
    assert processes.below("/srv/jail", "/srv/jailed/app") == "/srv/jailed/app"
    assert processes.below("/", "/srv/app") == "/srv/app"


def test_a_reader_that_an_earlier_scan_left_is_recognised_by_its_name_and_our_real_uid() -> None:
    with python(f"open('/proc/self/comm', 'w').write({name_of_reader(1234)!r})") as found:
        scan = found._replace(pid=found.parent, comm="python3", parent=1)
        beside_us = {found.pid: found, scan.pid: scan}
        now = uptime(PROC)
        assert processes.abandoned_readers(beside_us, now) == {}  # a scan beside us may be at work
        assert processes.abandoned_readers(beside_us, now + 10) == {1234: found.pid}
        everything = {found.pid: found}  # its parent ended without it
        assert processes.abandoned_readers(everything, now) == {1234: found.pid}
        somebody_elses = {found.pid: found._replace(real_uid=found.real_uid + 1)}
        assert processes.abandoned_readers(somebody_elses, now + 10) == {}


def test_an_ordinary_user_is_told_what_he_may_not_see() -> None:
    need_root()
    code = "import json, sys; sys.path.insert(0, sys.argv[1]); from tightship_probe import processes, proc\n"
    code += (
        "one = processes.all_processes(proc.Proc())[int(sys.argv[2])]; print(json.dumps([one.seen, one.exe]))"
    )
    with applications.folder() as root, python("") as roots:
        applications.copy_probe(root)
        argv = [applications.interpreter(), "-c", code, str(root), str(roots.pid)]
        said = subprocess.run(argv, capture_output=True, check=True, cwd="/", **applications.as_user()).stdout
    assert said == b'[false, ""]\n'
