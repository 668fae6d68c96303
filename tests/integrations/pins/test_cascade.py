"""[versions] through `extends`, beside the real zc.buildout 6."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.integrations.pins.cascades import Chance
from tests.integrations.pins.conftest import Asked
from tightship.integrations.pins import read
from tightship.integrations.pins.buildout import exact, of_configuration, user_config
from tightship.integrations.pins.conditions import running_python
from tightship.integrations.pins.files import LARGEST, Files
from tightship.integrations.pins.pin import Found, Pin


def ours(directory: Path) -> Found:
    """What buildout.cfg alone comes to; other configurations beside it are others."""
    files = Files(directory)
    found, _seen = of_configuration(files, directory / "buildout.cfg", running_python(), user_config())
    found.notes += files.notes
    return found


def pinned(found: Found) -> dict[str, str]:
    return {pin.name: pin.version for pin in found.pins}


def theirs(answer: dict[str, dict[str, str]]) -> dict[str, str]:
    """What zc.buildout would install in exactly one version."""
    return {name: version for name, value in answer["versions"].items() if (version := exact(value))}


def files_text(pin: Pin) -> str:
    """What stands in the file where the pin says that its version stands."""
    if pin.fixed:
        return pin.version
    return pin.file.read_bytes().decode()[pin.start : pin.end]


def compared(asked: Asked, top: Path, seeds: range) -> int:
    """How many generated buildouts zc.buildout takes; what we say of them is what it says."""
    directories = [top / str(seed) for seed in seeds]
    for seed, directory in zip(seeds, directories, strict=True):
        Chance(seed).write(directory)
    taken = 0
    for directory, answer in zip(directories, asked(directories), strict=True):
        found = ours(directory)
        if "error" in answer:
            assert found.notes, (directory, answer)
            continue
        taken += 1
        assert pinned(found) == theirs(answer), directory
        for pin in found.pins:
            # zc.buildout knows no source of what a macro (<=) brought in.
            source = answer["sources"].get(pin.written, str(pin.file))
            assert os.path.realpath(source) == str(pin.file), (directory, pin)
            assert files_text(pin) == pin.version, (directory, pin)
    return taken


def test_what_many_files_come_to_is_what_zc_buildout_makes_of_them(
    zc_buildout: Asked, tmp_path: Path
) -> None:
    assert compared(zc_buildout, tmp_path, range(80)) > 50


@pytest.mark.soak
def test_two_thousand_buildouts_come_to_what_zc_buildout_makes_of_them(
    zc_buildout: Asked, tmp_path: Path
) -> None:
    assert compared(zc_buildout, tmp_path, range(1000, 3000)) > 1500


def test_what_buildout_fetched_is_taken_from_its_cache_and_defaults_of_the_user_count(
    zc_buildout: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, cache, project = (tmp_path / name for name in ("home", "cache", "project"))
    for directory in (home, cache, project):
        directory.mkdir()
    monkeypatch.setenv("BUILDOUT_HOME", str(home))
    (home / "default.cfg").write_text(
        f"[buildout]\nextends-cache = {cache}\nnewest = false\n[versions]\nsix=1.15.0\nzipp=3.1\nidna=3.6\n"
    )
    for url, text in {
        "https://dist.example.com/6/versions.cfg": "[buildout]\nextends=zope/more.cfg\n[versions]\nsix=1.16",
        "https://dist.example.com/6/zope/more.cfg": "[versions]\nZope = 5.8\nzope.interface=6\nidna=3.7\n",
    }.items():
        (cache / hashlib.md5(url.encode()).hexdigest()).write_text(text)
    (project / "buildout.cfg").write_text(
        "[buildout]\nextends = https://dist.example.com/6/versions.cfg\n[versions]\nZope = 5.9\n"
    )
    (answer,) = zc_buildout([project])
    found = ours(project)
    assert (
        pinned(found)
        == theirs(answer)
        == {"six": "1.16", "zope": "5.9", "zope-interface": "6", "idna": "3.7", "zipp": "3.1"}
    )
    places = {pin.name: pin.place for pin in found.pins}
    assert places["zope-interface"] == "https://dist.example.com/6/zope/more.cfg:3"
    assert places["zipp"] == f"{home}/default.cfg:6"
    (zipp,) = [pin for pin in found.pins if pin.name == "zipp"]
    assert (zipp.fixed, zipp.typed("4")) == (
        "it lies outside of the project",
        "a line in [versions] of buildout.cfg: zipp = 4",
    )
    assert not found.notes


def test_an_address_that_does_not_answer_is_a_note_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "buildout.cfg").write_text(
        "[buildout]\nextends = https://me:secret@example.com/versions.cfg\n"
    )

    def fetched(address: str) -> bytes:
        raise TimeoutError(f"{address} did not answer")

    address = "https://example.com/versions.cfg"
    assert read(tmp_path, fetched).notes == [f"buildout.cfg:2: {address} did not answer"]
    assert "secret" not in str(read(tmp_path, lambda _address: b"[versions]\nsix = 1\n").pins)


def test_files_that_extend_each_other_are_told_and_read_once(zc_buildout: Asked, tmp_path: Path) -> None:
    (tmp_path / "buildout.cfg").write_text("[buildout]\nextends = a.cfg\n[versions]\nsix = 1.16.0\n")
    (tmp_path / "a.cfg").write_text("[buildout]\nextends = buildout.cfg\n[versions]\nzipp = 3.1\n")
    assert "Recursive file include" in zc_buildout([tmp_path])[0]["error"]
    found = ours(tmp_path)
    assert pinned(found) == {"six": "1.16.0", "zipp": "3.1"}
    assert found.notes[0] == "a.cfg:2: buildout.cfg extends itself; zc.buildout refuses that"


def test_a_directory_of_somebody_else_can_not_hold_us_up(tmp_path: Path) -> None:
    """Root reads it: a FIFO, a device and an endless file are told, not waited for."""
    os.mkfifo(tmp_path / "requirements.txt")
    (tmp_path / "constraints.txt").symlink_to("/dev/zero")
    (tmp_path / "pyproject.toml").mkdir()
    with (tmp_path / "buildout.cfg").open("wb") as huge:
        huge.truncate(LARGEST + 1)
    (tmp_path / "versions.cfg").write_bytes(b"[versions]\nsix = 1\0\n")
    notes = read(tmp_path).notes
    assert [note for note in notes if "can't be read" in note] == [
        "pyproject.toml can't be read: Is a directory",
        "buildout.cfg can't be read: it is larger than 32 MB",
        "versions.cfg can't be read: it is no text",
        "constraints.txt can't be read: it is no regular file",
        "requirements.txt can't be read: it is no regular file",
    ]


def test_a_condition_that_python_would_have_to_run_is_not_run(tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    for name in ("versions", "buildout"):
        (tmp_path / f"{name}.cfg").write_text(
            f"[{name}:__import__('pathlib').Path('{trap}').touch()]\nsix = 1.0\n"
            f"[{name}:[i for i in open('{trap}', 'w')]]\nsix = 1.0\n[versions]\nzipp = 3.1\n"
        )
    read(tmp_path)
    assert not trap.exists()


def test_what_is_built_to_take_for_ever_does_not(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"{number}.cfg").write_text(
            f"[buildout]\nextends = {number + 1}.cfg {number + 1}.cfg\n"
            f"[versions]\n<= v{number + 1}\n  v{number + 1}\nsix = 1.{number}\n"
            f"[v{number}]\n<= v{number + 1}\n v{number + 1}\nzipp = 1.{number}\n"
        )
    (tmp_path / "40.cfg").write_text("[versions]\nidna = 1\n[v40]\nidna = 1\n")
    (tmp_path / "buildout.cfg").write_text(
        f"[buildout]\nextends = 0.cfg\n[versions:{'(' * 5000}\n[a:{' ' * 100_000}x\n[versions:{'(' * 5000}]\n"
    )
    (tmp_path / "requirements.txt").write_text(
        f"six{' ' * 100_000}x\nzipp==3.1 ; {'(' * 5000}\n{'[' * 100_000}\nidna==3.6{' ' * 100_000}# x\n"
    )
    (tmp_path / "pyproject.toml").write_text(f"a = {'[' * 100_000}")
    project = read(tmp_path)
    assert any("more than 5000 times" in note for note in project.notes)
    assert ("idna", "3.6") in [(pin.name, pin.version) for pin in project.pins]
    for number in range(300):
        (tmp_path / f"requirements-{number}.txt").write_text(f"-r requirements-{number + 1}.txt\n")
    (tmp_path / "requirements-0.txt").write_text("idna==3.7\n-r requirements-1.txt\n")
    notes = read(tmp_path).notes
    assert any("include each other more than 50 deep" in note for note in notes)


def test_what_is_extended_lies_beside_the_link_that_a_configuration_is(
    zc_buildout: Asked, tmp_path: Path
) -> None:
    shared, project = tmp_path / "shared", tmp_path / "project"
    for directory in (shared, project):
        directory.mkdir()
        (directory / "versions.cfg").write_text(f"[versions]\nsix = 1.{len(directory.name)}\n")
    (shared / "buildout.cfg").write_text("[buildout]\nextends = versions.cfg\n")
    (project / "buildout.cfg").symlink_to("../shared/buildout.cfg")
    (answer,) = zc_buildout([project])
    assert pinned(ours(project)) == theirs(answer) == {"six": "1.7"}
    assert [(pin.name, pin.version, pin.fixed) for pin in read(project).pins] == [("six", "1.7", "")]
