"""What runs on servers is valid on Python 3.6: a real one reads it, where one is found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import parts

SOURCES = Path(__file__).parents[2] / "src"
PROGRAMS = ("tightship_probe", "tightship_agent", "tightship_installer")

IMPORT_ALL = """
import importlib, pathlib, sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
for path in sorted(pathlib.Path(sys.argv[1], sys.argv[2]).rglob("*.py")):
    if path.name != "__main__.py":
        name = ".".join(path.relative_to(sys.argv[1]).with_suffix("").parts)
        importlib.import_module(name)
    else:
        compile(path.read_text(encoding="utf-8"), str(path), "exec")
"""


def vermin(*paths: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("vermin")), "--no-tips", "-q", "-t=3.6-", "--violations"]
    return subprocess.run([*command, *map(str, paths)], capture_output=True, text=True, check=False)


def test_vermin_sees_what_is_newer(tmp_path: Path) -> None:
    (tmp_path / "new.py").write_text("if (n := 3) > 2:\n    print(n)\n")
    (tmp_path / "old.py").write_text("n = 3\nprint(f'{n}')\n")
    assert vermin(tmp_path / "new.py").returncode != 0
    assert vermin(tmp_path / "old.py").returncode == 0


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_real_3_6_imports_every_module(program: str) -> None:
    python = parts.python36()
    if python is None:
        pytest.skip("no Python 3.6 was found here; vermin (make lint) looks after it")
    run = subprocess.run(
        [python, "-I", "-c", IMPORT_ALL, str(SOURCES), program], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
