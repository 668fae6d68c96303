"""`tools/environment` finds a Python that will do, or says in one sentence what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]

PROGRAMS = ("sh", "dirname", "cat", "stat", "mkdir", "cp", "uname", "rm", "basename")

PYTHON = """\
#!/bin/sh
# Stands for a Python: says what it was asked, makes a venv that holds a copy of itself.
echo "$(basename "$0") $*" >> "$ASKED"
case "$*" in
    --version) echo "Python {version}";;
    *version_info*3,*) exit {too_old};;
    *print*) echo python{version}-venv;;
    *ensurepip*) exit {no_ensurepip};;
    "-m venv"*) for last; do :; done; rm -rf "$last"; mkdir -p "$last/bin"; cp "$0" "$last/bin/python";;
    *--require-hashes*) exit {no_index};;
esac
"""


@dataclass
class Machine:
    """A checkout, and a PATH on which only the given programs stand."""

    top: Path
    path: Path

    def python(
        self, name: str, version: str = "3.11", *, too_old: int = 0, no_ensurepip: int = 0, no_index: int = 0
    ) -> None:
        text = PYTHON.format(version=version, too_old=too_old, no_ensurepip=no_ensurepip, no_index=no_index)
        self.program(name, text)

    def program(self, name: str, text: str) -> None:
        (self.path / name).unlink(missing_ok=True)
        (self.path / name).write_text(text)
        (self.path / name).chmod(0o755)

    def run(self, set_name: str = "run") -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.path), "ASKED": str(self.path / "asked")}
        command = [str(self.top / "tools/environment"), set_name]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def installed(self) -> list[str]:
        asked = (self.path / "asked").read_text().splitlines()
        return [line.split("--quiet ")[1] for line in asked if "pip" in line and "--quiet" in line]

    def refusal(self, set_name: str = "run") -> str:
        """The one sentence of a run that failed."""
        run = self.run(set_name)
        assert run.returncode == 1
        assert run.stdout == ""
        (line,) = run.stderr.splitlines()
        return line


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    top, path = tmp_path / "checkout", tmp_path / "bin"
    for folder in (top / "tools", path):
        folder.mkdir(parents=True)
    shutil.copy2(TOP / "tools/environment", top / "tools")
    shutil.copytree(TOP / "requirements", top / "requirements")
    shutil.copy2(TOP / "pyproject.toml", top)
    for name in PROGRAMS:
        (path / name).symlink_to(shutil.which(name) or name)
    return Machine(top, path)


def test_hashed_requirements_come_first_then_the_project_alone(machine: Machine) -> None:
    machine.python("python3")
    assert machine.run().returncode == 0
    pins, project = machine.installed()
    requirements = machine.top / "requirements"
    assert pins == f"install --require-hashes -r {requirements}/run.txt -r {requirements}/build.txt"
    assert project == f"install --no-deps --no-build-isolation --editable {machine.top}"


def test_a_newer_python_is_found_where_python3_is_too_old(machine: Machine) -> None:
    machine.python("python3", "3.9.2", too_old=1)
    machine.python("python3.12", "3.12.1")
    run = machine.run()
    assert (run.returncode, run.stdout) == (0, "")
    assert "making .venv with Python 3.12.1" in run.stderr


def test_too_old_a_python_is_named_with_what_to_install(machine: Machine) -> None:
    machine.python("python3", "3.9.2", too_old=1)
    assert machine.refusal() == (
        "tightship: Python 3.11 or later is needed, and Python 3.9.2 was found. "
        "Install one (Debian 12, Ubuntu 24.04: "
        "apt install python3 python3-venv) or name it: make run PYTHON=/path/to/python3.11"
    )


def test_no_python_at_all_is_said_too(machine: Machine) -> None:
    assert "Python 3.11 or later is needed, and no python3 was found." in machine.refusal("test")


def test_a_missing_venv_module_names_debians_package(machine: Machine) -> None:
    machine.python("python3", "3.11", no_ensurepip=1)
    assert machine.refusal() == (
        f"tightship: {machine.path}/python3 has no venv module. "
        "On Debian and Ubuntu: apt install python3.11-venv"
    )
    assert not (machine.top / ".venv").exists()


def test_on_macos_it_says_where_to_run_it(machine: Machine) -> None:
    machine.python("python3")
    machine.program("uname", "#!/bin/sh\necho Darwin\n")
    assert "this is macOS, and Tightship reads Linux servers" in machine.refusal()
    assert machine.run("lint").returncode == 0, "one may work on it there"


def test_nothing_is_installed_twice(machine: Machine) -> None:
    machine.python("python3")
    machine.run()
    again = machine.run()
    assert (again.returncode, again.stderr) == (0, "")
    assert len(machine.installed()) == 2


@pytest.mark.parametrize("changed", ["requirements/run.txt", "pyproject.toml"])
def test_it_is_installed_anew_when_something_changed(changed: str, machine: Machine) -> None:
    machine.python("python3")
    machine.run()
    later = (machine.top / ".venv/installed-run").stat().st_mtime + 5
    os.utime(machine.top / changed, (later, later))
    machine.run()
    assert len(machine.installed()) == 4


def test_a_checkout_that_moved_gets_a_new_venv(machine: Machine) -> None:
    machine.python("python3")
    machine.run()
    moved = Machine(machine.top.rename(machine.top.with_name("moved")), machine.path)
    assert "making .venv" in moved.run().stderr
    assert moved.installed()[-1].endswith("/moved")


def test_no_index_is_said_and_the_next_run_tries_again(machine: Machine) -> None:
    machine.python("python3", no_index=1)
    run = machine.run()
    assert run.returncode == 1
    assert "pip could not install what requirements/run.txt pins" in run.stderr.splitlines()[-1]
    assert not (machine.top / ".venv/installed-run").exists()


def test_every_set_of_pins_holds_versions_and_hashes_only() -> None:
    for path in sorted((TOP / "requirements").glob("*.txt")):
        for line in path.read_text().splitlines():
            assert "==" in line or line.startswith("    --hash=sha256:"), f"{path.name}: {line}"
            assert "://" not in line, f"{path.name}: {line}"
