"""What a project directory pins, and raising pins in place.

`read` looks at every file that pins packages, of whatever tool; `raised` gives the texts with newer versions.
Nothing is run, nothing is written, and nothing is fetched but by the callable that is given.
"""

from __future__ import annotations

from pathlib import Path

from tightship.integrations.pins.files import Fetched
from tightship.integrations.pins.pin import Aside, Loose, Pin, Project
from tightship.integrations.pins.raising import Kept, Raised, raised
from tightship.integrations.pins.reading import Reading

__all__ = ["Aside", "Fetched", "Kept", "Loose", "Pin", "Project", "Raised", "raised", "read"]


def read(directory: Path, fetched: Fetched | None = None, python: str = "") -> Project:
    """What a project directory pins. Raises NotADirectoryError.

    `fetched` answers for addresses that files include; without it those are a note. `python`: the Python that
    the project is for ("3.9"), where the caller knows it; else what the project says itself."""
    return Reading.of(directory, fetched, python).project()
