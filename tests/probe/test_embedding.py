"""Programs under another name than python: those that have libpython mapped are told, and no others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import applications
from tightship_probe import embedding, looking, processes
from tightship_probe.proc import Proc
from tightship_probe.processes import Process
from tightship_probe.started import Started

PROC = Proc()
MAP = """
import mmap, os, sys, time
file = os.open(sys.argv[1], os.O_RDONLY)
kept = mmap.mmap(file, 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)
print("mapped", flush=True)
time.sleep(600)
"""


@contextmanager
def program(*argv: str | Path, says: bytes = b"", **env: str) -> Iterator[Process]:
    pipe = subprocess.PIPE
    with subprocess.Popen([*map(str, argv)], stdin=subprocess.DEVNULL, stdout=pipe, env=env) as process:
        try:
            assert process.stdout is not None
            if says:
                assert process.stdout.readline() == says
            while os.readlink(f"/proc/{process.pid}/exe") != str(argv[0]):
                time.sleep(0.01)
            yield processes.all_processes(PROC)[process.pid]
        finally:
            process.kill()


def copied(source: str, place: Path) -> Path:
    shutil.copy(os.path.realpath(source), place)
    return place


def test_a_program_without_python_is_passed_by(tmp_path: Path) -> None:
    with program(copied(shutil.which("sleep") or "/bin/sleep", tmp_path / "agent"), "600") as found:
        assert processes.is_strange(found.exe)
        assert embedding.libraries_of(PROC, [found]) == {}
        assert looking.look_at_all(PROC, [found], 0.0) == []


def test_the_operating_systems_programs_are_not_even_looked_at() -> None:
    with program(os.path.realpath(shutil.which("sleep") or "/bin/sleep"), "600") as found:
        assert not processes.may_be_python(found)


def test_a_program_that_has_libpython_mapped_runs_python(tmp_path: Path) -> None:
    library = tmp_path / "libpython3.11.so.1.0"
    library.write_bytes(bytes(4096))
    shop = copied(applications.interpreter(), tmp_path / "shop")
    home = {"PYTHONHOME": sys.base_prefix, "LD_LIBRARY_PATH": f"{sys.base_prefix}/lib"}
    with program(shop, "-c", MAP, library, says=b"mapped\n", **home) as found:
        ((fields, unread),) = looking.look_at_all(PROC, [found], 0.0)
        assert Started(*fields).libpython.endswith(
            ("/libpython3.11.so.1.0", f"/libpython3.{sys.version_info[1]}.so.1.0")
        )
        assert unread == []


def test_of_a_program_with_many_processes_only_some_are_looked_at(tmp_path: Path) -> None:
    with program(copied(shutil.which("sleep") or "/bin/sleep", tmp_path / "agent"), "600") as found:
        asked: list[str] = []

        class Asked(Proc):
            def read(self, name: str, *more: int) -> bytes:
                asked.append(name)
                return bytes(super().read(name, *more))

        assert embedding.libraries_of(Asked(), [found] * 50) == {}
        assert len(asked) == 4
