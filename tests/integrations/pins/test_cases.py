"""Whole project directories, each with what is to be read of it. A bug report becomes a folder.

TIGHTSHIP_WRITE_EXPECTED=1 writes the expected anew: read what changed before it is committed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tightship.integrations.pins import Pin, Project, raised, read

CASES = Path(__file__).parent / "cases"
FETCHED = {
    "https://dist.example.com/release/6.0/versions.cfg": b"[buildout]\nextends = zope.cfg\n"
    b"[versions]\nplone.app.x = 2.0\nzope.interface = 5.0\n",
    "https://dist.example.com/release/6.0/zope.cfg": b"[versions]\nzope.interface = 4.9\nZope = 5.6\n",
}


def fetched(address: str) -> bytes:
    """What our example's addresses answer."""
    if address not in FETCHED:
        raise ConnectionError(f"no route to {address.split('/')[2]}")
    return FETCHED[address]


def told(project: Project) -> str:
    """A project as text: what a reviewer of a case reads."""
    lines = [f"python: {project.python or '?'} ({project.python_from})", "", "pins:"]
    for pin in project.pins:
        lines.append(f"  {_said(project, pin)}")
        lines += [f"      overrides {_said(project, older)}" for older in pin.chain()[1:]]
        lines += [f"      fixed: {pin.fixed}. {pin.typed('NEW')}"] if pin.fixed else []
        lines += [f"      then: {pin.then}"] if pin.then and not pin.fixed else []
        lines += [f"      orphan: {pin.unused}"] if pin.unused else []
    lines += ["", "aside:", *(f"  {_said(project, one.pin)}: {one.why}" for one in project.aside)]
    lines += ["", "loose:"]
    lines += [f"  {project.shown(one.place)} {one.section} {one.name} {one.allows}" for one in project.loose]
    return "\n".join([*lines, "", "notes:", *(f"  {note}" for note in project.notes), ""])


def _said(project: Project, pin: Pin) -> str:
    section = f"[{pin.section}] " if pin.section else ""
    marker = f" ; {pin.marker}" if pin.marker else ""
    python = f" (Python {pin.python})" if pin.python else ""
    return f"{project.shown(pin.place)} {section}{pin.written} {pin.version}{marker}{python}"


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_a_project_pins(case: str) -> None:
    said = told(read(CASES / case / "project", fetched))
    expected = CASES / case / "expected.txt"
    if os.environ.get("TIGHTSHIP_WRITE_EXPECTED"):
        expected.write_text(said)
    assert said == expected.read_text()


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_raising_all_that_can_be_changes_versions_only(case: str) -> None:
    project = read(CASES / case / "project", fetched)
    result = raised(project, dict.fromkeys(project.pins, "99.1"))
    assert {pin.place for pin in result.pins} == {pin.place for pin in project.pins if not pin.fixed}
    for file, data in result.files.items():
        before, after = file.read_bytes().split(b"\n"), data.split(b"\n")
        pins = [pin for pin in result.pins if pin.file == file]
        for pin in pins:
            line = before[pin.line - 1].replace(pin.version.encode(), b"99.1")
            assert after[pin.line - 1] == line
            before[pin.line - 1] = line
        assert before == after
