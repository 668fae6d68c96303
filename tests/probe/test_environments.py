"""The import path that the probe concludes is the one that the process itself has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import applications
from tests.applications import Site, add_package, make_venv, site_packages
from tests.parts import need
from tests.probe.living import TELL, Living, living, packages_of, started_of, versions
from tightship_probe.environments import environment_of
from tightship_probe.started import Started
from tightship_probe.tree import Tree

SYSTEM = Path("/usr/bin/python3")


@pytest.fixture(scope="module")
def shop() -> Iterator[Path]:
    """An application's directory: a venv with two packages, and programs that tell."""
    with applications.folder() as root:
        home = root / "srv/shop"
        (home / "lib").mkdir(parents=True)
        venv = make_venv(home / "venv")
        add_package(venv, "attire", "1.2.3")
        add_package(venv, "Sailing_Boats", "2.0rc1")
        (home / "tell.py").write_text(TELL)
        script = venv / "bin/tell"
        script.write_text(f"#!{venv}/bin/python\n{TELL}")
        script.chmod(0o755)
        (home / "lib/attire-0.9.dist-info").mkdir()
        (home / "lib/attire-0.9.dist-info/METADATA").write_text("Name: attire\nVersion: 0.9\n")
        (home / "program").mkdir()
        (home / "program/__main__.py").write_text(TELL)
        yield home


def agrees(process: Living) -> dict[str, Any]:
    """The probe and the process say the same of path, packages, prefix and Python."""
    environment = process.environment()
    assert environment["path"] == process.path
    if "-S" not in process.started.argv:  # it is site that says so to the process
        assert environment["prefix"] == process.prefix
    assert (process.python + ".").startswith(environment["python"] + ".")
    assert environment["unread"] == []
    found = packages_of(environment["path"])
    assert versions(found["lines"]) == process.packages
    assert found["unread"] == []
    return environment


def hows(environment: dict[str, Any], what: str) -> list[str]:
    return [entry["how"] for entry in environment["how"] if entry["what"] == what]


# What a process was started with

STARTS = {
    "a script": ["venv/bin/python", "tell.py"],
    "a script elsewhere": ["{home}/venv/bin/python3", "{home}/tell.py"],
    "a directory": ["venv/bin/python", "program"],
    "a module": ["venv/bin/python", "-m", "tell"],
    "code": ["venv/bin/python", "-c", TELL],
    "a console script": ["venv/bin/tell"],
    "options that are no flags": ["venv/bin/python", "-W", "ignore", "-X", "utf8", "-bu", "tell.py"],
    "isolated": ["venv/bin/python", "-I", "tell.py"],
    "isolated code": ["venv/bin/python", "-Ic", TELL],
    "without the variables": ["venv/bin/python", "-Es", "tell.py"],
    "without site": ["venv/bin/python", "-S", "tell.py"],
    "found on PATH": ["python", "tell.py"],
}


@pytest.mark.parametrize("start", STARTS)
def test_the_path_is_the_one_that_the_process_has(shop: Path, start: str) -> None:
    argv = [word if word == TELL else word.format(home=shop) for word in STARTS[start]]
    path = {"PATH": f"{shop}/nothing:{shop}/venv/bin:/usr/bin", "PYTHONPATH": "lib::/nowhere/else"}
    executable = {"executable": str(shop / "venv/bin/python")} if argv[0] == "python" else {}
    with living(*argv, cwd=shop, env=path, **executable) as process:
        environment = agrees(process)
        assert environment["kind"] == "venv"
        assert environment["key"].startswith(f"venv:{shop}/venv")
        assert hows(environment, "interpreter") == ["PATH" if argv[0] == "python" else "argv"]


def test_a_package_of_pythonpath_stands_before_the_environments_own(shop: Path) -> None:
    with living("venv/bin/python", "tell.py", cwd=shop, env={"PYTHONPATH": str(shop / "lib")}) as process:
        found = packages_of(agrees(process)["path"])
        assert "attire\t0.9" in found["lines"]
        assert "attire\t1.2.3\t\t\t\tshadowed" in found["lines"]


def test_what_a_process_has_beside_its_environment_is_in_the_key(shop: Path) -> None:
    def key(*argv: str, **env: str) -> str:
        with living("venv/bin/python", *argv, cwd=shop, env=env) as process:
            return str(process.environment()["key"])

    plain = f"venv:{shop}/venv"
    assert key("-I", "tell.py") == plain
    assert key("venv/bin/tell") == plain
    others = [key("tell.py"), key("tell.py", PYTHONPATH="lib"), key("-S", "tell.py")]
    assert len({plain, *others}) == 4
    assert all(other.startswith(plain + "+") for other in others)
    assert key("tell.py") == others[0]


def test_a_script_behind_a_link_is_told_by_the_directory_it_is_really_in(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(shop / "tell.py")
    with living(shop / "venv/bin/python", "link", cwd=tmp_path) as process:
        assert agrees(process)["path"][0] == str(shop)


def test_an_environment_reached_through_current_is_named_as_the_process_names_it(tmp_path: Path) -> None:
    release = tmp_path / "releases/20260101120000"
    release.mkdir(parents=True)
    make_venv(release / "venv")
    (release / "tell.py").write_text(TELL)
    (tmp_path / "current").symlink_to(release)
    with living(tmp_path / "current/venv/bin/python", "tell.py", cwd=tmp_path / "current") as process:
        environment = agrees(process)
        assert environment["prefix"] == f"{tmp_path}/current/venv"
        assert environment["key"].startswith(f"venv:{tmp_path}/current/venv")


def test_the_key_outlives_a_release(tmp_path: Path) -> None:
    keys = set()
    for release in ("2.4.1", "2.4.2"):
        home = tmp_path / "releases" / release
        home.mkdir(parents=True)
        make_venv(home / "venv")
        with living("venv/bin/python", "-c", TELL, cwd=home, env={"PYTHONPATH": str(home)}) as process:
            keys.add(agrees(process)["key"].partition("+")[::2])
    assert len(keys) == 1


def test_a_path_with_spaces_and_umlauts_is_kept(tmp_path: Path) -> None:
    home = tmp_path / "Größe und Käse"
    home.mkdir()
    venv = make_venv(home / "die Umgebung")
    add_package(venv, "kaese", "1.0")
    with living(venv / "bin/python", "-c", TELL, cwd=home, env={"PYTHONPATH": str(home / "süß")}) as process:
        assert str(home / "süß") in agrees(process)["path"]


def test_a_process_whose_directory_was_deleted_keeps_its_path(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    with living(
        shop / "venv/bin/python", "-m", "tell", cwd=tmp_path / "gone", env={"PYTHONPATH": str(shop)}
    ) as process:
        (tmp_path / "gone").rmdir()
        with Tree("/") as tree:
            environment = environment_of(tree, started_of(process.process.pid))
    assert environment["path"] == process.path
    assert environment["unread"] == []


def test_a_process_that_changed_its_directory_is_told_by_where_it_began(shop: Path) -> None:
    code = f"import os; os.chdir('/')\n{TELL}"
    with living("venv/bin/python", "-Ic", code, cwd=shop, env={"PWD": str(shop)}) as process:
        assert process.environment()["path"] == process.path


def test_pth_files_add_what_is_there_in_order_and_their_code_is_not_run(tmp_path: Path) -> None:
    venv = make_venv(tmp_path / "venv")
    place = site_packages(venv)
    for name in ("one", "two", "relative"):
        (tmp_path / name).mkdir()
    (place / "b.pth").write_text(f"# a comment\n\n{tmp_path}/two\n{tmp_path}/missing\n{tmp_path}/two \n")
    (place / "a.pth").write_text(
        f"{tmp_path}/one\r\n../../../../relative\nimport os; os.environ['RUN'] = '1'\n"
    )
    with living(venv / "bin/python", "-Ic", TELL, cwd=tmp_path) as process:
        path = agrees(process)["path"]
    assert path[-3:] == [f"{tmp_path}/one", f"{tmp_path}/relative", f"{tmp_path}/two"]
    assert "RUN" not in os.environ


def test_code_in_a_pth_that_may_change_the_path_is_unread(tmp_path: Path) -> None:
    venv = make_venv(tmp_path / "venv")
    (site_packages(venv) / "x.pth").write_text("import sys; sys.path.insert(0, '/srv/elsewhere')\n")
    with living(venv / "bin/python", "-Ic", TELL, cwd=tmp_path) as process:
        [entry] = process.environment()["unread"]
    assert entry["what"].endswith("/x.pth")


# Other kinds


def test_copies_of_the_interpreter(tmp_path: Path) -> None:
    subprocess.run(
        [applications.interpreter(), "-m", "venv", "--copies", "--without-pip", tmp_path / "venv"], check=True
    )
    with living("venv/bin/python", "-c", TELL, cwd=tmp_path) as process:
        assert agrees(process)["kind"] == "venv"


def test_an_environment_that_sees_the_system(tmp_path: Path) -> None:
    home = tmp_path / "home"
    command = [applications.interpreter(), "-m", "venv", "--without-pip", "--system-site-packages"]
    subprocess.run([*command, tmp_path / "venv"], check=True)
    own = home / ".local/lib" / next((tmp_path / "venv/lib").iterdir()).name / "site-packages"
    (own / "homely-3.0.dist-info").mkdir(parents=True)
    (own / "homely-3.0.dist-info/METADATA").write_text("Name: homely\nVersion: 3.0\n")
    for flags in ([], ["-s"], ["-I"]):
        with living("venv/bin/python", *flags, "-c", TELL, cwd=tmp_path, env={"HOME": str(home)}) as process:
            assert (str(own) in agrees(process)["path"]) == (flags == [])


def test_an_environment_of_uv(tmp_path: Path) -> None:
    uv = shutil.which("uv", path=f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}")
    uv = uv or need("uv", "uv was not found")
    command = [
        uv,
        "venv",
        "--quiet",
        "--offline",
        "--no-project",
        "--python",
        applications.interpreter(),
        "venv",
    ]
    subprocess.run(command, check=True, cwd=tmp_path)
    with living("venv/bin/python", "-c", TELL, cwd=tmp_path) as process:
        environment = agrees(process)
        assert environment["kind"] == "uv"
        assert environment["key"].startswith(f"uv:{tmp_path}/venv")


@pytest.mark.parametrize("flags", [[], ["-s"], ["-I"], ["-E"], ["-S"]])
def test_the_systems_python(tmp_path: Path, flags: list[str]) -> None:
    if not SYSTEM.exists():
        need("the system's Python", "/usr/bin/python3 was not found")
    home = {"HOME": str(tmp_path)}
    with living(SYSTEM, *flags, "-c", TELL, cwd=tmp_path, env=home) as process:
        environment = agrees(process)
    assert environment["kind"] == "system"
    assert environment["key"].startswith("system:/usr/bin/python3.")


@pytest.mark.parametrize("variables", [{}, {"PYTHONNOUSERSITE": "1"}, {"PYTHONUSERBASE": "elsewhere"}])
def test_packages_of_a_user(tmp_path: Path, variables: dict[str, str]) -> None:
    python = os.path.realpath(applications.interpreter())
    short = subprocess.check_output(
        [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], text=True
    )
    for base in (".local", "elsewhere"):
        info = tmp_path / base / f"lib/python{short.strip()}/site-packages/homely_{base[-4:]}-3.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Name: homely_{base[-4:]}\nVersion: 3.0\n")
    variables = {
        name: value.replace("elsewhere", f"{tmp_path}/elsewhere") for name, value in variables.items()
    }
    with living(python, "-c", TELL, cwd=tmp_path, env={"HOME": str(tmp_path), **variables}) as process:
        agrees(process)


def test_another_interpreter_is_told_by_its_own_place(tmp_path: Path) -> None:
    real = Path(os.path.realpath(sys.executable))
    if real.is_relative_to("/usr/bin"):
        need("a Python outside of /usr/bin", "the one that runs the tests is the system's")
    (tmp_path / "python").symlink_to(real.parent.parent)
    with living(tmp_path / "python/bin" / real.name, "-Ic", TELL, cwd=tmp_path) as process:
        environment = agrees(process)
    assert environment["kind"] == "python"
    assert (
        environment["key"]
        == f"python:{tmp_path}/python/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
    )


# Servers put something onto the path themselves


@pytest.mark.parametrize("site", ["django_site", "uvicorn_site", "waitress_site"])
def test_the_path_of_a_server(site: str, request: pytest.FixtureRequest) -> None:
    running: Site = request.getfixturevalue(site)
    truth = running.truth()
    with Tree("/") as tree:
        environment = environment_of(tree, started_of(running.pid))
    absolute = [os.path.normpath(os.path.join(running.home, entry)) for entry in truth["path"]]
    assert environment["path"] == list(dict.fromkeys(absolute))
    assert environment["prefix"] == truth["prefix"]
    assert (environment["unread"], environment["conflict"]) == ([], [])
    found = packages_of(environment["path"])
    assert versions(found["lines"]) == truth["packages"]


@pytest.mark.parametrize(
    "words",
    [
        ["gunicorn", "--pythonpath", "lib,/srv/more", "--bind", "127.0.0.1:{port}", "intranet:app"],
        ["gunicorn", "--chdir", "{home}", "--bind", "127.0.0.1:{port}", "intranet:app"],
        ["uvicorn", "--app-dir", "lib", "--port", "{port}", "stock.asgi:app"],
    ],
)
def test_the_path_of_a_server_that_was_told_where_to_look(words: list[str]) -> None:
    files = {**applications.WSGI, **{f"lib/{name}": text for name, text in applications.ASGI.items()}}
    with applications.application("intranet", files, ["gunicorn", "uvicorn"]) as home:
        (home.parent / "current").symlink_to(home)
        port = applications.free_port()
        program, *options = [word.format(port=port, home=home.parent / "current") for word in words]
        argv = [home / "venv/bin" / program, *options]
        with applications.running(argv, home, env={"PWD": f"{home.parent}/current"}, port=port) as process:
            site = Site(home, home / "venv", port, process.pid)
            absolute = [os.path.normpath(os.path.join(home, entry)) for entry in site.truth()["path"]]
            with Tree("/") as tree:
                environment = environment_of(tree, started_of(process.pid))
    assert environment["path"] == list(dict.fromkeys(absolute))


# Where the command line says nothing, or something else


def changed(started: Started, **more: Any) -> dict[str, Any]:
    with Tree("/") as tree:
        return environment_of(tree, started._replace(**more))


TITLE = ["gunicorn: master [shop.wsgi]"]


def test_behind_a_title_the_libraries_in_memory_tell(shop: Path) -> None:
    library = str(site_packages(shop / "venv") / "setproctitle/_setproctitle.so")
    with living("venv/bin/tell", cwd=shop) as process:
        environment = changed(process.started, argv=TITLE, variables=None, libraries=[library])
    assert environment["prefix"] == f"{shop}/venv"
    assert hows(environment, "interpreter") == ["maps"]
    assert "PYTHONPATH" in [entry["what"] for entry in environment["unread"]]


def test_behind_a_title_the_path_given_to_execve_tells(shop: Path) -> None:
    with living("venv/bin/tell", cwd=shop) as process:
        environment = changed(process.started, argv=TITLE, execfn="venv/bin/tell")
    assert environment["prefix"] == f"{shop}/venv"
    assert hows(environment, "interpreter") == ["execfn"]


def test_a_library_from_another_environment_is_a_conflict(shop: Path) -> None:
    library = "/srv/other/lib/python3.11/site-packages/odd/_odd.so"
    with living("venv/bin/tell", cwd=shop) as process:
        environment = changed(process.started, libraries=[library])
    assert environment["prefix"] == f"{shop}/venv"
    assert [entry["value"] for entry in environment["conflict"]] == [
        "/srv/other/lib/python3.11/site-packages"
    ]


def test_a_process_of_which_nothing_is_known_is_unread_and_not_without_a_path() -> None:
    with Tree("/") as tree:
        environment = environment_of(tree, Started(1, 0, [], "", "", "", None, [], [], 0.0))
    assert (environment["path"], environment["key"]) == ([], "unknown:")
    assert environment["unread"]
