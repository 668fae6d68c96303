"""docs/reference/findings.md says what the rules say."""

from __future__ import annotations

from pathlib import Path

from tightship.cli.findings_reference import PAGE, page
from tightship.fleet.findings import KINDS

TOP = Path(__file__).parents[2]


def test_the_reference_is_as_the_rules_are() -> None:
    assert (TOP / PAGE).read_text() == page(), "python -m tightship.cli.findings_reference"


def test_it_has_every_kind() -> None:
    said = (TOP / PAGE).read_text()
    assert [name for name in KINDS if f"\n### {name}\n" not in said] == []
