"""A program for servers, as one file and as one source, runs like the package it was made from."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests import parts

FILES = {
    "__init__.py": '"""A small program."""\n__version__ = "7"\n',
    "__main__.py": "import sys\nfrom harbour.berths import LINES\nfrom harbour.deep.sea import depth\n\n\n"
    'def main():\n    print("\\n".join(map(ascii, LINES)))\n'
    "    print(depth(), sys.argv[1:], __name__)\n    return 3\n",
    "berths.py": "from harbour import __version__\n\n"
    "LINES = [__version__, 'b\u00e9rth', \"it's\", '''a\\nb''', '%d{}']\n",
    "deep/__init__.py": "",
    "deep/sea.py": "from . import __name__ as sea\n\n\ndef depth():\n    return sea\n",
}
PRINTED = "'7'\n'b\\xe9rth'\n\"it's\"\n'a\\nb'\n'%d{}'\nharbour.deep ['--fathoms'] harbour.__main__\n"


def write_harbour(folder: Path) -> Path:
    for name, text in FILES.items():
        path = folder / "harbour" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def build(folder: Path, output: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tightship.remote.program", "harbour", "--output", str(output), *more]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)


def source_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    from tightship.remote.program import source

    monkeypatch.syspath_prepend(str(folder))
    return source("harbour").encode()


def printed(command: list[str], given: bytes | None = None) -> str:
    run = subprocess.run(
        [*command, "--fathoms"], input=given, cwd="/", env={}, capture_output=True, check=False
    )
    assert run.returncode == 3, run.stderr.decode()
    return run.stdout.decode()


def test_one_file_runs_like_the_package(tmp_path: Path) -> None:
    output = tmp_path / "harbour.pyz"
    assert build(write_harbour(tmp_path), output).returncode == 0
    shutil.rmtree(tmp_path / "harbour")
    assert printed([sys.executable, "-I", str(output)]) == PRINTED
    assert output.read_bytes().startswith(b"#!/usr/bin/env python3\n")
    assert stat.S_IMODE(output.stat().st_mode) == 0o755


def test_one_source_runs_over_a_pipe_like_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = source_of(write_harbour(tmp_path), monkeypatch)
    assert printed([sys.executable, "-I", "-"], given) == PRINTED


def test_a_script_runs_by_its_path_and_heeds_nothing_of_whoever_calls_it(tmp_path: Path) -> None:
    script = tmp_path / "harbour.py"
    assert build(write_harbour(tmp_path), script, "--script").returncode == 0
    shutil.rmtree(tmp_path / "harbour")
    planted = tmp_path / "planted"
    planted.mkdir()
    (planted / "importlib.py").write_text("raise SystemExit('planted')\n")
    environment = {"PYTHONPATH": str(planted), "PYTHONINSPECT": "1"}
    run = subprocess.run(
        [script, "--fathoms"], cwd=planted, env=environment, capture_output=True, check=False
    )
    assert (run.returncode, run.stdout.decode()) == (3, PRINTED)


def test_both_run_on_a_real_python_3_6(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = parts.python36()
    if python is None:
        pytest.skip("no Python 3.6 was found here")
    given = source_of(write_harbour(tmp_path), monkeypatch)
    build(tmp_path, tmp_path / "harbour.pyz")
    assert printed([python, "-I", "-"], given) == PRINTED
    assert printed([python, "-I", str(tmp_path / "harbour.pyz")]) == PRINTED


def test_two_checkouts_give_the_same_bytes(tmp_path: Path) -> None:
    outputs = []
    for name, when in (("one", 1_000_000_000), ("two", 1_700_000_000)):
        folder = write_harbour(tmp_path / name)
        for path in folder.rglob("*.py"):
            path.chmod(0o600 if name == "one" else 0o755)
            os.utime(path, (when, when))
        build(folder, tmp_path / f"{name}.pyz")
        outputs.append((tmp_path / f"{name}.pyz").read_bytes())
    assert outputs[0] == outputs[1]


def test_another_source_gives_other_bytes(tmp_path: Path) -> None:
    folder = write_harbour(tmp_path)
    build(folder, tmp_path / "before.pyz")
    (folder / "harbour/berths.py").write_text("LINES = []\n")
    build(folder, tmp_path / "after.pyz")
    assert (tmp_path / "before.pyz").read_bytes() != (tmp_path / "after.pyz").read_bytes()


def test_one_file_holds_its_modules_and_nothing_else(tmp_path: Path) -> None:
    folder = write_harbour(tmp_path)
    (folder / "harbour/__pycache__").mkdir()
    (folder / "harbour/__pycache__/berths.cpython-311.pyc").write_bytes(b"\0")
    (folder / "harbour/notes.txt").write_text("for ourselves")
    build(folder, tmp_path / "harbour.pyz")
    with zipfile.ZipFile(tmp_path / "harbour.pyz") as archive:
        assert sorted(archive.namelist()) == sorted(["__main__.py", *(f"harbour/{name}" for name in FILES)])


def test_making_it_does_not_import_it(tmp_path: Path) -> None:
    folder = write_harbour(tmp_path)
    (folder / "harbour/__init__.py").write_text("raise SystemExit('imported')\n")
    run = build(folder, tmp_path / "harbour.pyz")
    assert (run.returncode, run.stderr) == (0, "")


def test_a_program_that_is_not_there_is_said_in_one_sentence(tmp_path: Path) -> None:
    run = build(tmp_path, tmp_path / "harbour.pyz")
    assert run.returncode == 1
    assert run.stderr == "tightship: harbour is not installed beside Tightship\n"
