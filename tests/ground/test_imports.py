"""The rooms' contracts hold, and break where someone goes through a wall."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PROGRAMS = ("tightship_probe", "tightship_agent", "tightship_installer")
SETTINGS = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["importlinter"]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the sources, to break."""
    shutil.copytree(TOP / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(TOP / "pyproject.toml", tmp_path)
    return tmp_path


def lint(top: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(top / "src"), "COLUMNS": "200"}
    return subprocess.run(command, cwd=top, env=environment, capture_output=True, text=True, check=False)


def broken(top: Path) -> list[str]:
    """The names of the contracts that the sources break."""
    run = lint(top)
    names = [contract["name"] for contract in SETTINGS["contracts"]]
    found = [name for name in names if f"{name} BROKEN" in run.stdout]
    assert (run.returncode != 0) == bool(found), run.stdout + run.stderr
    return found


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_sources_keep_every_contract(copy: Path) -> None:
    assert broken(copy) == []


def test_a_room_without_a_place_breaks_the_layers(copy: Path) -> None:
    write(copy / "src/tightship/attic/__init__.py", "")
    run = lint(copy)
    assert run.returncode != 0
    assert "Imports only point down, and every room has its place" in run.stdout
    assert "attic" in run.stdout


@pytest.mark.parametrize(
    ("module", "imports", "contract"),
    [
        ("tightship/web/hole.py", "tightship.remote.local", "The web process cannot reach a server"),
        ("tightship/web/hole.py", "tightship.deploy", "The web process cannot reach a server"),
        (
            "tightship/fleet/hole.py",
            "tightship.store",
            "Imports only point down, and every room has its place",
        ),
        (
            "tightship/store/hole.py",
            "tightship.remote",
            "Imports only point down, and every room has its place",
        ),
        ("tightship/remote/hole.py", "django", "Only store, web, work and cli know Django"),
        ("tightship/deploy/hole.py", "tightship.store", "Only web, work and cli know the store"),
        (
            "tightship/fleet/hole.py",
            "rich",
            "The fleet's rules know the standard library, packaging and pydantic",
        ),
        ("tightship_probe/hole.py", "tightship.fleet", "What runs on servers stands alone"),
        ("tightship_agent/hole.py", "tightship_probe", "What runs on servers stands alone"),
        ("tightship/remote/hole.py", "tightship_probe", "What runs on servers stands alone"),
    ],
)
def test_an_import_through_a_wall_breaks_its_contract(
    module: str, imports: str, contract: str, copy: Path
) -> None:
    write(copy / "src" / module, f"import {imports}\n")
    assert contract in broken(copy)


def packages(source: Path) -> list[str]:
    """The folders of `source` that can be imported: with or without an __init__."""
    return sorted(path.name for path in source.iterdir() if path.is_dir() and next(path.rglob("*.py"), None))


def test_every_folder_of_src_is_under_contract() -> None:
    assert packages(TOP / "src") == sorted(SETTINGS["root_packages"])


def test_a_stray_folder_in_src_would_be_seen(copy: Path) -> None:
    write(copy / "src/tightship_attic/__init__.py", "import django\n")
    assert packages(copy / "src") != sorted(SETTINGS["root_packages"])


def test_every_room_is_packed_into_the_wheel() -> None:
    build = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert sorted(build["packages"]) == [f"src/{name}" for name in packages(TOP / "src")]


def imported(folder: Path) -> Iterator[tuple[str, str]]:
    """(file, top-level name) of each import in a folder, wherever it stands in a file."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                yield from ((path.name, alias.name.split(".")[0]) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                yield path.name, node.module.split(".")[0]


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_runs_on_servers_imports_the_standard_library_only(program: str) -> None:
    known = {program, *sys.stdlib_module_names}
    assert [found for found in imported(TOP / "src" / program) if found[1] not in known] == []


def test_the_fleets_rules_import_nothing_that_is_not_theirs() -> None:
    known = {"tightship", "packaging", "pydantic", *sys.stdlib_module_names}
    assert [found for found in imported(TOP / "src/tightship/fleet") if found[1] not in known] == []
