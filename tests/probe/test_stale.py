"""Signs that a process runs something older than what is on disk: a real one, and a real upgrade."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.applications import add_package, make_venv, site_packages
from tests.parts import need
from tests.probe.living import Living, living, packages_of, started_of
from tightship_probe.stale import TOLERANCE, stale_signs
from tightship_probe.started import Started

USES = """\
import json, mmap, sys
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        sys.modules[path] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
print(json.dumps([sys.path, [], sys.prefix, ""]), flush=True)
sys.stdin.read()
"""
"""Maps the files that it is given, as a process maps its libraries."""


def signs(process: Living) -> list[tuple[str, str]]:
    started = started_of(process.process.pid)
    installed = packages_of(process.path)["installed"]
    return [(sign["how"], sign["what"]) for sign in stale_signs(started, installed, process.path)]


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    venv = make_venv(tmp_path / "venv")
    add_package(venv, "attire", "1.0")
    (site_packages(venv) / "attire.so").write_bytes(b"library" * 1000)
    return venv


def wait_beyond_the_tolerance(process: Living) -> None:
    """Until what is installed now is certainly newer than the start."""
    until = process.started.start_time + TOLERANCE + 0.2
    while time.time() < until:
        time.sleep(0.05)


def test_a_process_that_was_started_after_all_was_installed_shows_nothing(venv: Path, tmp_path: Path) -> None:
    library = site_packages(venv) / "attire.so"
    with living(venv / "bin/python", "-c", USES, library, cwd=tmp_path) as process:
        assert signs(process) == []


def test_a_package_installed_after_the_start_is_newer(venv: Path, tmp_path: Path) -> None:
    with living(venv / "bin/python", "-c", USES, cwd=tmp_path) as process:
        wait_beyond_the_tolerance(process)
        add_package(venv, "attire", "2.0")
        assert signs(process) == [("newer", "attire")]
    with living(venv / "bin/python", "-c", USES, cwd=tmp_path) as process:
        wait_beyond_the_tolerance(process)
        assert signs(process) == []


def test_an_upgrade_by_pip_deletes_the_library_in_memory(venv: Path, tmp_path: Path) -> None:
    if find_spec("pip") is None:
        need("pip", "the environment of the tests has none")
    for version in ("1.0", "2.0"):
        wheel(tmp_path, version)
    pip_install(venv, tmp_path / "boats-1.0-py3-none-any.whl")
    library = site_packages(venv) / "boats/sail.so"
    with living(venv / "bin/python", "-c", USES, library, cwd=tmp_path) as process:
        assert signs(process) == []
        wait_beyond_the_tolerance(process)
        pip_install(venv, tmp_path / "boats-2.0-py3-none-any.whl")
        found = signs(process)
    assert ("newer", "boats") in found
    [(_how, what)] = [sign for sign in found if sign[0] == "deleted"]
    assert what.startswith(str(site_packages(venv)))
    assert what.endswith("sail.so")


def pip_install(venv: Path, wheel: Path) -> None:
    python = str(venv / "bin/python")
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--python", python]
    subprocess.run([*command, "install", "--no-index", "--no-deps", str(wheel)], check=True)


def wheel(place: Path, version: str) -> None:
    """A wheel with a library in it."""
    source = place / f"source-{version}"
    info = source / f"boats-{version}.dist-info"
    info.mkdir(parents=True)
    (source / "boats").mkdir()
    (source / "boats/__init__.py").write_text("")
    (source / "boats/sail.so").write_bytes(version.encode() * 2000)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: boats\nVersion: {version}\n")
    (info / "WHEEL").write_text(
        "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    (info / "RECORD").write_text("")
    archive = shutil.make_archive(str(place / "archive"), "zip", source)
    os.rename(archive, place / f"boats-{version}-py3-none-any.whl")


def test_a_directory_that_was_deleted_under_the_process(venv: Path, tmp_path: Path) -> None:
    release = tmp_path / "releases/2.4.1"
    release.mkdir(parents=True)
    with living(venv / "bin/python", "-c", USES, cwd=release) as process:
        release.rmdir()
        assert signs(process) == [("deleted", str(release))]


def test_an_environment_made_anew_under_the_process(venv: Path, tmp_path: Path) -> None:
    library = site_packages(venv) / "attire.so"
    with living(venv / "bin/python", "-c", USES, library, cwd=tmp_path) as process:
        wait_beyond_the_tolerance(process)
        shutil.rmtree(venv)
        make_venv(venv)
        add_package(venv, "attire", "1.0")
        assert signs(process) == [("deleted", str(library)), ("newer", "attire")]


def test_a_file_of_the_applications_own_that_was_deleted_is_no_sign(venv: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache.db"
    cache.write_bytes(b"cache" * 1000)
    with living(venv / "bin/python", "-c", USES, cache, cwd=tmp_path) as process:
        cache.unlink()
        assert signs(process) == []


PATH = ["/srv/shop", "/srv/shop/venv/lib/python3.11/site-packages", "/usr/lib/python3.11/lib-dynload"]


def started(**more: object) -> Started:
    return Started(1, 0, [], "", "/usr/bin/python3.11", "/srv/shop", {}, [], [], 1000.0)._replace(**more)  # type: ignore[arg-type]


def test_an_interpreter_that_was_upgraded_is_a_sign() -> None:
    found = stale_signs(
        started(exe="/usr/bin/python3.11 (deleted)", deleted=["/usr/lib/python3.11/lib-dynload/_ssl.so"]),
        {},
        PATH,
    )
    assert [sign["what"] for sign in found] == [
        "/usr/bin/python3.11",
        "/usr/lib/python3.11/lib-dynload/_ssl.so",
    ]


def test_a_second_more_or_less_is_no_sign() -> None:
    assert stale_signs(started(), {"attire": 1000.0 + TOLERANCE}, PATH) == []
    assert stale_signs(started(), {"attire": 1000.1 + TOLERANCE}, PATH) == [
        {"how": "newer", "what": "attire"}
    ]


def test_signs_are_bounded_and_harmless() -> None:
    deleted = [f"/srv/eggs/a-1.egg/\x1b[2J{number}.so" for number in range(5000)]
    found = stale_signs(started(deleted=deleted), {}, PATH)
    assert len(found) == 50
    assert "\x1b" not in found[0]["what"]
