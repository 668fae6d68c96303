"""Which Python a project is for, and which one an offer has to run on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tightship.integrations.pins import read
from tightship.integrations.pins.conditions import Untold, holds
from tightship.integrations.pins.pythons import oldest

PROJECT = '[project]\nname = "shop"\nrequires-python = ">=3.9"\n'
POETRY = '[tool.poetry.dependencies]\npython = "{}"\n'


@pytest.mark.parametrize(
    ("python", "marker", "it_is"),
    [
        ("3.11.7", "", "3.11.7"),
        ("3.11", 'python_version < "3"', "3.11"),
        (">=3.9", "", "3.9"),
        (">=3.9.2,<4", "", "3.9.2"),
        (">3.9", "", "3.9"),
        ("~=3.10", "", "3.10"),
        ("==3.11.*", "", "3.11"),
        ("!=3.9.*,>=3.9", "", "3.10"),
        (">=3.9", 'python_version >= "3.11"', "3.11"),
        (">=3.9", 'sys_platform == "win32"', "3.9"),
        ("", 'python_version >= "3.11"', "3.11"),
        ("", 'python_version < "3.8"', "3.7"),
        ("<3.13", "", "3.12"),
        ("<3", "", "2.7"),
        ("", "", ""),
        ("whatever", "also", ""),
        ("", "(" * 10_000, ""),
    ],
)
def test_the_oldest_python_that_fits_is_what_an_offer_runs_on(python: str, marker: str, it_is: str) -> None:
    assert oldest(python, marker) == it_is


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"pyproject.toml": PROJECT}, (">=3.9", "pyproject.toml, requires-python")),
        ({"pyproject.toml": PROJECT, ".python-version": "# ours\n3.12.1\n"}, ("3.12.1", ".python-version")),
        ({".python-version": "cpython-3.11-linux\n"}, ("3.11", ".python-version")),
        (
            {".python-version": "system\n", "pyproject.toml": PROJECT},
            (">=3.9", "pyproject.toml, requires-python"),
        ),
        ({"pyproject.toml": POETRY.format("^3.9.1")}, (">=3.9.1,<4", "pyproject.toml, python")),
        ({"pyproject.toml": POETRY.format("~3.9")}, (">=3.9,<3.10", "pyproject.toml, python")),
        ({"pyproject.toml": POETRY.format("^2.7 || ^3.9")}, (">=2.7,<3", "pyproject.toml, python")),
        ({"pyproject.toml": POETRY.format("*")}, ("", "")),
        ({"uv.lock": 'version = 1\nrequires-python = ">=3.10"\n'}, (">=3.10", "uv.lock, requires-python")),
        (
            {"poetry.lock": '[metadata]\npython-versions = "^3.8"\n'},
            (">=3.8,<4", "poetry.lock, python-versions"),
        ),
        ({".venv/pyvenv.cfg": "home = /usr/bin\nversion = 3.11.2\n"}, ("3.11.2", ".venv/pyvenv.cfg")),
        ({"bin/buildout": "#!/opt/python3.8/bin/python3.8\n"}, ("3.8", "bin/buildout's interpreter")),
        ({"bin/buildout": "#!/usr/bin/env python3.8\n"}, ("", "")),
        ({"pyproject.toml": '[project]\nrequires-python = "3"\n'}, ("3", "pyproject.toml, requires-python")),
        ({"pyproject.toml": '[project]\nrequires-python = 3\n[tool]\npoetry = "x"\n'}, ("", "")),
        ({"requirements.txt": "six==1.16.0\n"}, ("", "")),
    ],
)
def test_a_project_says_in_many_places_which_python_it_is_for(
    tmp_path: Path, files: dict[str, str], said: tuple[str, str]
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    project = read(tmp_path)
    assert (project.python, project.python_from) == said


def test_the_interpreter_of_a_buildout_is_what_its_environment_says(tmp_path: Path) -> None:
    venv, project = tmp_path / "venv", tmp_path / "project"
    for directory in (venv / "bin", project / "bin"):
        directory.mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text("home = /usr/bin\nversion_info = 3.7.9.final.0\n")
    (project / "bin" / "buildout").write_text(f"#!{venv}/bin/python\n")
    (project / "buildout.cfg").write_text(
        '[versions:python_version < "3.8"]\nsix = 1.0\n[versions]\nzipp = 3\n'
    )
    (project / "buildout.cfg").write_text(
        '[versions]\nzipp = 3\n[versions:python_version < "3.8"]\nsix = 1.0\n'
    )
    found = read(project)
    assert found.python == "3.7.9"
    assert [(pin.name, pin.python) for pin in found.pins] == [("zipp", "3.7.9"), ("six", "3.7.9")]
    assert [pin.name for pin in read(project, python="3.12").pins] == ["zipp"]


@pytest.mark.parametrize(
    ("condition", "python", "it_holds"),
    [
        ('python_version < "3.8"', "3.7", True),
        ('python_full_version >= "3.8.1"', "3.8.0", False),
        ("python27", "2.7", True),
        ("python3 and not python27", "3.11", True),
        ("python2 or python311", "3.11", True),
        ("sys.version_info[:2] >= (3, 8)", "3.9", True),
        ("sys.version_info.major == 2", "2.7", True),
        ("sys.version_info[0] == 3 and sys.platform == 'linux'", "3.9", True),
        ("(3,) < sys.version_info < (3, 9)", "3.8.1", True),
        ("'linux' in sys.platform", "3.9", True),
        ("platform.python_version() == '3.9.0'", "3.9", True),
        ("platform.python_version_tuple()[0] == '3'", "3.9", True),
        (r"sys.platform != '\x23'", "3.9", True),
        ("True", "3.9", True),
    ],
)
def test_usual_conditions_are_worked_out(condition: str, python: str, it_holds: bool) -> None:
    assert holds(condition, python) is it_holds


@pytest.mark.parametrize(
    "condition",
    ["open('/etc/passwd')", "os.environ['X']", "re.match('a', 'a')", "nobody", "", "(", "1 + 1",
     "python_version < 3", "sys.version_info[9]", "'a' < 1", "(" * 5000, "lambda: 1", "[x for x in (1,)]"],
)  # fmt: skip
def test_what_would_have_to_be_run_is_untold(condition: str) -> None:
    with pytest.raises(Untold):
        holds(condition, "3.9")
