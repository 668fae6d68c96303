"""What a project directory pins, and raising pins in place.

`read` looks at every file that pins packages, of whatever tool; `raised` gives the texts with newer versions.
Nothing is run, nothing is written, and nothing is fetched but by the callable that is given.
"""

from __future__ import annotations

import os
from pathlib import Path

from tightship.integrations.pins import buildout, conditions
from tightship.integrations.pins.files import Fetched, Files
from tightship.integrations.pins.pin import Aside, Found, Loose, Pin, Project
from tightship.integrations.pins.raising import Kept, Raised, raised
from tightship.integrations.pins.requirements import PATTERNS, Requirements

__all__ = ["Aside", "Fetched", "Kept", "Loose", "Pin", "Project", "Raised", "raised", "read"]


def read(directory: Path, fetched: Fetched | None = None, python: str = "") -> Project:
    """What a project directory pins. Raises OSError where there is no such directory.

    `fetched` answers for addresses that files include; without it those are a note. `python`: the Python that
    the project is for ("3.9"), where the caller knows it; else what the project says itself."""
    real = Path(os.path.realpath(directory))
    if not real.is_dir():
        raise NotADirectoryError(f"{directory}: there is no such directory")
    files = Files(real, fetched)
    found = Found()
    found.add(buildout.read(files, python or conditions.running_python(), buildout.user_config()))
    requirements = Requirements(files)
    for file in files.matching(*PATTERNS):
        requirements.take(file)
    found.add(requirements.found)
    order = {file: number for number, file in enumerate(files.texts)}
    pins = sorted(found.pins, key=lambda pin: (order[pin.file], pin.line, pin.start))
    notes = list(dict.fromkeys([*files.notes, *found.notes]))
    return Project(real, pins, notes, found.aside, found.loose, python, "", files.texts)
