"""Raising pins in place: only the versions that were asked for change, whatever the file looks like."""

from __future__ import annotations

import difflib
import random
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.integrations.pins import plone_sized
from tests.integrations.pins.cascades import Chance
from tests.integrations.pins.conftest import Asked
from tests.parts import need
from tightship.integrations.pins import Pin, Project, raised, read
from tightship.integrations.pins.conditions import running_python


def write(project: Project, versions: dict[Pin, str]) -> list[str]:
    """Raise, write, and say the lines that differ."""
    changed = []
    for file, data in raised(project, versions).files.items():
        before, after = (text.decode("latin-1").splitlines() for text in (file.read_bytes(), data))
        file.write_bytes(data)
        changed += [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
    return changed


def versions(project: Project) -> dict[tuple[Path, str, str], list[str]]:
    found: dict[tuple[Path, str, str], list[str]] = {}
    for pin in project.pins:
        found.setdefault((pin.file, pin.name, pin.marker), []).append(pin.version)
    return found


@pytest.mark.parametrize("name", ["versions.cfg", "requirements.txt", "pyproject.toml"])
@pytest.mark.parametrize(
    "data",
    [
        b"Jinja2 = 3.1.5",
        b"# Jinja2 = 3.1.5\r\nJinja2 = 3.1.5\r\n# J\xf6rg: 3.1.5\r\n",
        b"\xef\xbb\xbfJinja2 = 3.1.5\n\n\n",
        b"MarkupSafe = 3.1.5\nJinja2 = 3.1.5\n",
        "# Jörg\nJinja2 = 3.1.5\n".encode(),
    ],
    ids=["no end of line", "Windows and latin-1", "byte order mark", "two alike", "umlauts"],
)
def test_all_but_the_version_stays_byte_by_byte(tmp_path: Path, name: str, data: bytes) -> None:
    if name == "requirements.txt":
        data = data.replace(b" = ", b"==")
    elif name == "pyproject.toml":
        data = data.replace(b"\xf6", b"oe").removeprefix(b"\xef\xbb\xbf")  # TOML is UTF-8 without a mark
        data = b"[tool.poetry.dependencies]\n" + data.replace(b" = 3.1.5", b' = "3.1.5"')
    else:
        data = (
            (b"\xef\xbb\xbf" if data.startswith(b"\xef") else b"")
            + b"[versions]\n"
            + data.removeprefix(b"\xef\xbb\xbf")
        )
    file = tmp_path / name
    file.write_bytes(data)
    project = read(tmp_path)
    (pin,) = [pin for pin in project.pins if pin.name == "jinja2"]
    (found,) = raised(project, {pin: "3.1.60"}).files.items()
    at = max(data.find(b"\nJinja2"), data.find(b"\xbfJinja2"), 0)
    at = data.index(b"3.1.5", at)
    assert found == (file, data[:at] + b"3.1.60" + data[at + 5 :])


def test_a_file_of_windows_powershell_stays_one(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_bytes("django==4.2.1\r\nsix==1.16.0\r\n".encode("utf-16"))
    project = read(tmp_path)
    write(project, {project.pins[0]: "4.2.16"})
    assert file.read_bytes() == "django==4.2.16\r\nsix==1.16.0\r\n".encode("utf-16")


def test_an_overridden_pin_is_raised_where_it_counts(tmp_path: Path) -> None:
    (tmp_path / "buildout.cfg").write_text("[buildout]\nextends=base.cfg\n[versions]\nsix = 1.16.0\n")
    (tmp_path / "base.cfg").write_text("[versions]\nsix = 1.15.0\n")
    project = read(tmp_path)
    assert project.pins[0].overrides is not None
    assert write(project, {project.pins[0].overrides: "1.17.0"}) == ["- six = 1.16.0", "+ six = 1.17.0"]
    assert (tmp_path / "base.cfg").read_text() == "[versions]\nsix = 1.15.0\n"


def test_a_file_outside_of_the_project_is_not_written_whatever_leads_there(tmp_path: Path) -> None:
    outside, project = tmp_path / "shared.cfg", tmp_path / "project"
    outside.write_text("[versions]\nsix = 1.16.0\n")
    project.mkdir()
    (project / "versions.cfg").symlink_to(outside)
    (project / "buildout.cfg").write_text("[buildout]\nextends = versions.cfg\n")
    found = read(project)
    result = raised(found, {found.pins[0]: "1.17.0"})
    assert (result.files, result.pins) == ({}, [])
    assert [(kept.why, kept.instead) for kept in result.kept] == [
        ("it lies outside of the project", "a line in [versions] of buildout.cfg: six = 1.17.0")
    ]


def test_a_pin_of_another_project_is_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "requirements.txt").write_text("six==1.16.0\n")
    with pytest.raises(ValueError, match=r"requirements.txt:1: this project has no such pin"):
        raised(read(tmp_path / "one"), {read(tmp_path / "two").pins[0]: "1.17.0"})


def _everywhere(top: Path, seeds: range) -> int:
    """Generated buildouts: how many pins were raised, one after the other, each alone."""
    counted = 0
    for seed in seeds:
        directory = top / str(seed)
        Chance(seed).write(directory)
        before = {file: file.read_bytes() for file in directory.rglob("*.cfg")}
        assert raised(read(directory), {}).files == {}
        for number in range(len(read(directory).pins)):
            project = read(directory)
            pin, was = project.pins[number], versions(project)
            write(project, {pin: "99.9"})
            if not pin.fixed:
                counted += 1
                was[pin.file, pin.name, pin.marker] = [
                    "99.9" if one is pin else one.version
                    for one in project.pins
                    if (one.file, one.name, one.marker) == (pin.file, pin.name, pin.marker)
                ]
            assert versions(read(directory)) == was, (directory, pin)
            for file, data in before.items():
                file.write_bytes(data)
    return counted


def test_raising_one_leaves_all_others_of_a_cascade_as_they_are(tmp_path: Path) -> None:
    assert _everywhere(tmp_path, range(20)) > 30


@pytest.mark.soak
def test_raising_one_leaves_all_others_of_many_cascades_as_they_are(tmp_path: Path) -> None:
    assert _everywhere(tmp_path, range(5000, 5600)) > 1000


RAISED = "99.7"


def _raise_some(zc_buildout: Asked, directory: Path, share: float) -> int:
    """Raise some pins of a large buildout: the diff is theirs alone, and zc.buildout has them then."""
    lines = {file: file.read_text().splitlines() for file in directory.rglob("*.cfg")}
    project = read(directory, python=running_python())
    mine = [pin for pin in project.pins if not pin.fixed and pin.file in lines]
    chosen = random.Random(7).sample(mine, int(len(mine) * share))
    (before,) = zc_buildout([directory])
    assert {pin.name: pin.version for pin in mine} == before["versions"]
    changed = write(project, dict.fromkeys(chosen, RAISED))
    expected = []
    for pin in chosen:
        line = lines[pin.file][pin.line - 1]
        expected += [f"- {line}", f"+ {line.replace(pin.version, RAISED)}"]
    assert sorted(changed) == sorted(expected)
    (after,) = zc_buildout([directory])
    assert after["versions"] == before["versions"] | {pin.name: RAISED for pin in chosen}
    return len(mine)


def test_a_plone_sized_buildout_is_raised_pin_by_pin(zc_buildout: Asked, tmp_path: Path) -> None:
    plone_sized.write(tmp_path)
    assert _raise_some(zc_buildout, tmp_path, 0.3) == 220
    assert any("overrides 2" in note for note in read(tmp_path).notes)


@pytest.mark.soak
@pytest.mark.parametrize("release", ["5.11", "6.0"])
def test_a_real_zope_release_is_read_and_raised(zc_buildout: Asked, tmp_path: Path, release: str) -> None:
    """Its own buildout, from the source distribution."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    command += ["--dest", str(tmp_path), f"Zope=={release}"]
    came = subprocess.run(command, capture_output=True, check=False)
    if came.returncode:
        need("an index with Zope's source", came.stderr.decode()[-300:])
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path, filter="data")
    (directory,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert _raise_some(zc_buildout, directory, 0.5) > 100
