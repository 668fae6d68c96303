"""The reference page and the JSON Schema are those of the models."""

from __future__ import annotations

import json
from pathlib import Path

from tightship.fleet import declared
from tightship.fleet.schema import page, schema

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
RENEW = "run: make reference"


def test_the_schema_is_current() -> None:
    assert json.loads((REFERENCE / "report.schema.json").read_text()) == schema(), RENEW


def test_the_schema_of_the_declared_file_is_current() -> None:
    assert json.loads((REFERENCE / "fleet.schema.json").read_text()) == declared.schema(), RENEW


def test_every_key_of_the_declared_file_stands_in_its_page() -> None:
    text = (REFERENCE / "fleet-toml.md").read_text()
    schema = declared.schema()
    for part in (schema, *schema["$defs"].values()):
        for key in part["properties"]:
            assert f"`{key}`" in text


def test_the_page_is_current() -> None:
    text = (REFERENCE / "report.md").read_text()
    assert text == page(text), RENEW


def test_every_member_of_a_process_group_stands_in_the_page() -> None:
    text = (REFERENCE / "report.md").read_text()
    for member in schema()["$defs"]["ProcessGroup"]["properties"]:
        assert f"`{member}`" in text
