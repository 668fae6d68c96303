"""Writes docs/reference/{report.md,*.schema.json} from the models: `python -m tightship.fleet.schema`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tightship.fleet import declared, report
from tightship.fleet.report import SCHEMA, Live, State

DOCS = Path("docs") / "reference"
BEGIN = "<!-- made from src/tightship/fleet/report.py by `make reference`: do not edit below -->"


def schema() -> dict[str, Any]:
    """JSON Schema of a whole report."""
    live, state = Live.model_json_schema(), State.model_json_schema()
    digest = {"type": "string", "pattern": "^[0-9a-f]{40}$", "description": "BLAKE2b-160, hexadecimal"}
    lines = {"type": "array", "items": {"type": "string"}, "description": "sorted lines of a package set"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SCHEMA,
        "type": "object",
        "required": ["schema", "digest", "live"],
        "properties": {
            "schema": {"const": SCHEMA},
            "digest": {**digest, "description": "of the bytes of `state` as they stand in the document"},
            "live": {"$ref": "#/$defs/Live"},
            "state": {"$ref": "#/$defs/State"},
            "sets": {"type": "object", "additionalProperties": lines, "propertyNames": digest},
        },
        "$defs": {**live.pop("$defs"), **state.pop("$defs"), "Live": live, "State": state},
    }


def tables() -> str:
    """The models as tables, in the order in which a reader meets them."""
    return "\n".join(_sections())


def _sections() -> Iterator[str]:
    for name in (
        "State",
        "System",
        "ProcessGroup",
        "Started",
        "Listener",
        "OtherListener",
        "Name",
        "Release",
        "Stale",
        "Evidence",
        "Environment",
        "Site",
        "Unread",
        "Live",
        "LiveGroup",
        "PassingProcess",
        "Puppet",
        "OperatingSystem",
        "Interpreter",
    ):
        model = getattr(report, name)
        yield f"### {name}\n"
        if model.__doc__ and model.__doc__ != report.Part.__doc__:
            yield f"{model.__doc__.strip().splitlines()[0]}\n"
        yield "| member | type | meaning |\n|---|---|---|"
        for member, said in model.model_json_schema()["properties"].items():
            yield f"| `{member}` | {_type(said)} | {said.get('description', '')} |"
        yield ""


def _type(said: dict[str, Any]) -> str:
    if "$ref" in said:
        return str(said["$ref"].rpartition("/")[2])
    if "anyOf" in said:
        return " or ".join(_type(one) for one in said["anyOf"])
    if "const" in said or "enum" in said:
        return ", ".join(f"`{value}`" for value in said.get("enum", [said.get("const")]))
    if said.get("type") == "array":
        return f"list of {_type(said['items'])}"
    if said.get("type") == "object":
        values = said.get("additionalProperties")
        return f"object of {_type(values)}" if isinstance(values, dict) else "object"
    return "time (ISO 8601)" if said.get("format") == "date-time" else str(said.get("type", "any"))


def page(text: str) -> str:
    """`text`, a page whose generated half is made anew."""
    head = text.partition(BEGIN)[0].rstrip()
    return f"{head}\n\n{BEGIN}\n\n{tables()}"


def main() -> None:
    (DOCS / "report.schema.json").write_text(json.dumps(schema(), indent=1) + "\n")
    (DOCS / "fleet.schema.json").write_text(json.dumps(declared.schema(), indent=1) + "\n")
    path = DOCS / "report.md"
    path.write_text(page(path.read_text()))


if __name__ == "__main__":
    main()
