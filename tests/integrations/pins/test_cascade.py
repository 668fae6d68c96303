"""[versions] through `extends`, beside the real zc.buildout 6."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integrations.pins.cascades import Chance
from tests.integrations.pins.conftest import Asked
from tightship.integrations.pins.buildout import exact, of_configuration
from tightship.integrations.pins.conditions import running_python
from tightship.integrations.pins.files import Files
from tightship.integrations.pins.pin import Found, Pin


def ours(directory: Path) -> Found:
    """What buildout.cfg alone comes to; other configurations beside it are others."""
    files = Files(directory)
    found, _seen = of_configuration(files, directory / "buildout.cfg", running_python(), None)
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
    assert compared(zc_buildout, tmp_path, range(150)) > 100


@pytest.mark.soak
def test_two_thousand_buildouts_come_to_what_zc_buildout_makes_of_them(
    zc_buildout: Asked, tmp_path: Path
) -> None:
    assert compared(zc_buildout, tmp_path, range(1000, 3000)) > 1500
