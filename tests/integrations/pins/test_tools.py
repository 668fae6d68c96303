"""The commands that are said instead of raising in place, typed; and what mxdev makes of its files."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.integrations.pins.conftest import uv
from tightship.integrations.pins import Project, raised, read
from tightship.integrations.pins.files import Files
from tightship.integrations.pins.requirements import Requirements

CASES = Path(__file__).parent / "cases"


def typed(command: str, directory: Path, programs: Path) -> None:
    """What a person would type."""
    path = f"{programs}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": ""}
    subprocess.run(command, shell=True, cwd=directory, env=environment, check=True, capture_output=True)


def version(project: Project, name: str, file: str) -> str:
    (found,) = [pin.version for pin in project.pins if pin.name == name and pin.file.name == file]
    return found


def test_uv_raises_what_its_lock_pins_by_the_command_that_is_said(tmp_path: Path) -> None:
    programs = Path(uv()).parent
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\n'
        'dependencies = ["idna", "six==1.16.0"]\n[tool.uv]\npackage = false\n'
        'constraint-dependencies = ["idna<3.10"]\n'
    )
    typed("uv lock --upgrade-package idna==3.6", tmp_path, programs)
    project = read(tmp_path)
    idna = next(pin for pin in project.pins if pin.name == "idna")
    assert (idna.version, idna.python) == ("3.6", "3.11")
    assert not raised(project, {idna: "3.7"}).files
    typed(idna.typed("3.7"), tmp_path, programs)
    assert version(read(tmp_path), "idna", "uv.lock") == "3.7"

    six = next(pin for pin in project.pins if pin.name == "six" and not pin.fixed)
    result = raised(project, {six: "1.17.0"})
    six.file.write_bytes(result.files[six.file])
    typed(result.then[0], tmp_path, programs)
    assert version(read(tmp_path), "six", "uv.lock") == "1.17.0"


def test_uv_compiles_hashed_requirements_again_by_the_command_that_is_said(tmp_path: Path) -> None:
    programs = Path(uv()).parent
    (tmp_path / "requirements.in").write_text("idna\n")
    compiled = "uv pip compile --generate-hashes requirements.in -o requirements.txt"
    typed(f"{compiled} --upgrade-package idna==3.6", tmp_path, programs)
    pin = read(tmp_path).pins[0]
    assert (pin.version, pin.fixed) == ("3.6", "uv made the file")
    typed(pin.typed("3.7"), tmp_path, programs)
    assert version(read(tmp_path), "idna", "requirements.txt") == "3.7"

    by_hand = "\n".join(
        line for line in (tmp_path / "requirements.txt").read_text().splitlines() if line[:1] != "#"
    )
    (tmp_path / "requirements.txt").write_text(by_hand)
    pin = read(tmp_path).pins[0]
    assert pin.fixed == "its hashes are those of this version"
    typed(pin.typed("3.8"), tmp_path, programs)
    assert version(read(tmp_path), "idna", "requirements.txt") == "3.8"


def test_mxdev_leaves_the_constraints_that_we_say(venv_of_buildout: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(CASES / "mxdev" / "project", project)
    for name in ("constraints-mxdev.txt", "requirements-mxdev.txt"):
        (project / name).unlink()
    typed("mxdev --no-fetch --offline", project, venv_of_buildout / "bin")
    ours = {
        (pin.written, pin.version)
        for pin in read(project).pins
        if pin.file.name in ("mx.ini", "constraints.txt")
    }
    made = (project / "constraints-mxdev.txt").read_text().splitlines(keepends=True)
    (project / "theirs").mkdir()
    (project / "theirs" / "constraints.txt").write_text("".join(line for line in made if line[:1] != "#"))
    theirs = Requirements(Files(project / "theirs"))
    theirs.take(project / "theirs" / "constraints.txt")
    assert ours == {(pin.written, pin.version) for pin in theirs.found.pins}
