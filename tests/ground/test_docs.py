"""Every link between the pages leads somewhere, and every page can be found from its index."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import tightship
import tightship_agent
import tightship_probe

TOP = Path(__file__).parents[2]
PAGES = [*sorted(TOP.glob("*.md")), *sorted((TOP / "docs").rglob("*.md"))]
FOLDERS = ("tutorial", "how-to", "reference", "explanation")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def links(page: Path) -> Iterator[str]:
    """The relative links of a page; what stands in code blocks isn't one."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in LINK.findall(text):
        if "://" not in target and not target.startswith("mailto:"):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [target for target in links(page) if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_page_is_in_its_index(folder: str) -> None:
    pages = {path.name for path in (TOP / "docs" / folder).glob("*.md")} - {"index.md"}
    assert pages - set(links(TOP / "docs" / folder / "index.md")) == set()


def test_pages_that_the_program_names_are_there() -> None:
    named = set()
    for path in (TOP / "src").rglob("*.py"):
        named |= set(re.findall(r"\bdocs/[a-z/-]+\.md", path.read_text()))
    assert {page for page in named if not (TOP / page).exists()} == set()


def test_the_change_log_begins_with_the_version_that_is_being_made() -> None:
    title, heading = re.findall(r"^#+ .*", (TOP / "CHANGES.md").read_text(), flags=re.MULTILINE)[:2]
    assert title == "# Changelog"
    assert heading == f"## {tightship.__version__.split('.dev')[0]} (unreleased)"


def test_all_parts_have_one_version() -> None:
    assert tightship_probe.__version__ == tightship_agent.__version__ == tightship.__version__
    hatch = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["hatch"]
    assert hatch["version"]["path"] == "src/tightship/__init__.py"
