"""Whole project directories, each with what is to be read of it. A bug report becomes a folder.

TIGHTSHIP_WRITE_EXPECTED=1 writes the expected anew: read what changed before it is committed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


KEYS = """
project project.name project.dependencies project.optional-dependencies
project.optional-dependencies.x dependency-groups.dev project.requires-python tool tool.uv
tool.uv.sources tool.uv.sources.six tool.poetry tool.poetry.dependencies
tool.poetry.dependencies.six tool.poetry.dependencies.python tool.pdm.resolution.overrides
build-system.requires package packages metadata metadata.python-versions requires-python created-by
""".split()
VALUES = """
1 4.2 true "" "six" "six==1.16.0" "1.16.0" ["six==1.16.0",1,["x"],{}] [{name="six",version="1.0"}]
[{name=1}] {} {version="1.0"} {version=1} {six={version="1.0"}} {six=[{version="1.0"},"2.0"]}
{git="x"} {source=1} [{name="six",version="1.0",source={registry="x"},marker=1}]
[{name="six",version=1,source="x"}] [1] "(((" 1979-05-27
""".split()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(
    st.sampled_from(["pyproject.toml", "uv.lock", "poetry.lock", "pdm.lock", "pylock.toml"]),
    st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)), max_size=4),
)
def test_whatever_stands_in_a_file_is_no_traceback(
    tmp_path: Path, name: str, said: list[tuple[str, str]]
) -> None:
    for old in tmp_path.iterdir():
        old.unlink()
    (tmp_path / name).write_text("".join(f"{key} = {value}\n" for key, value in said))
    project = read(tmp_path)
    raised(project, dict.fromkeys(project.pins, "9.9"))


PIECES = st.sampled_from(
    (
        b"[settings] [versions] [buildout] version-overrides include extends requirements-in url mx.ini "
        b"buildout.cfg requirements.txt six -c < : # ; = + - [ ] \\ ${a:b} \xff \0 \xef\xbb\xbf \xff\xfe \x85"
    ).split(b" ")
) | st.sampled_from([b"\n", b"\r", b" ", b"-r ", b"== 1.0"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(
    st.sampled_from(
        ["buildout.cfg", "mx.ini", "requirements.txt", "requirements.in", ".python-version", "uv.lock"]
    ),
    st.lists(PIECES, max_size=25).map(b"".join),
)
def test_whatever_bytes_a_file_has_are_no_traceback(tmp_path: Path, name: str, data: bytes) -> None:
    for old in tmp_path.iterdir():
        old.unlink()
    (tmp_path / "requirements.txt").write_text("six==1.0\n")
    (tmp_path / name).write_bytes(data)
    project = read(tmp_path)
    for file, new in raised(project, dict.fromkeys(project.pins, "9.9")).files.items():
        assert new != file.read_bytes()
    assert all(text.data == file.read_bytes() for file, text in project.texts.items())
