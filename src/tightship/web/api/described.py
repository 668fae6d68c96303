"""The API as an OpenAPI 3.1 document, made from what answers: the listings' own columns and filters, and
the models of single things.

`python -m tightship.web.api` writes it, and a page for people, to docs/reference.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from tightship.store.comparing import Compared, Side
from tightship.store.listing import Column, Filter, Listing
from tightship.store.listings import LISTINGS
from tightship.store.using import at_rest, who_uses
from tightship.web import asking
from tightship.web.api import things
from tightship.web.api.searched import Search

VERSION = 1
PREFIX = f"/api/{VERSION}"
DOCS = Path("docs/reference")

_ID = Column("id", "Number", "number", help="of the process group, for /groups/NUMBER")
_ENVIRONMENT = Column("id", "Number", "number", help="of the environment, for /environments/NUMBER")

MORE: dict[str, tuple[Column, ...]] = {
    "instances": (_ID,),
    "groups": (_ID, Column("key", "Key", help="stays the same over restarts and releases")),
    "environments": (_ENVIRONMENT,),
    "who-uses": (_ID,),
    "at-rest": (_ENVIRONMENT,),
    "changes": (
        Column("what", "What", help="the kind, as it is kept"),
        Column("subject", "Subject", help="what changed: a package, a port, ..."),
        Column("before", "Before"),
        Column("after", "After"),
        Column("still_runs", "Still runs", help="the version that a process runs although it was replaced"),
    ),
}
"""What programs get beside a listing's columns: numbers that lead on, and parts of a sentence."""

PROBLEMS = {
    400: "A parameter is not understood; `detail` says what is expected",
    401: "No token, or none that is valid",
    403: "The token is for something else",
    404: "No such thing is known",
    405: "The API only reads",
    406: "Accept leaves no JSON",
    500: "A mistake of the service; its log says what happened",
    503: "The database can't answer now; try again after Retry-After seconds",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    help: str
    schema: dict[str, Any]
    place: str = "query"
    required: bool = False

    def document(self) -> dict[str, Any]:
        said = {"name": self.name, "in": self.place, "description": self.help, "schema": self.schema}
        return {**said, "required": True} if self.required else said


@dataclass(frozen=True, slots=True)
class Chapter:
    """One address: what it answers and takes."""

    path: str
    id: str
    summary: str
    answer: str
    """name of the schema of its answer"""
    parameters: Sequence[Parameter] = ()
    columns: Sequence[Column] = ()
    """of a listing"""
    is_list: bool = False

    @property
    def address(self) -> str:
        return PREFIX + self.path


TEXT = {"type": "string", "maxLength": 2_000}
AT = Parameter(
    "at",
    "As it was then: 2026-11-20, 2026-11-20T14:30, 3h, 2d. Empty: now. Without a zone: the service's.",
    {**TEXT, "examples": ["2026-11-20", "2d"]},
)


def chapters() -> list[Chapter]:
    """Every address, in reading order."""
    found = [
        Chapter("", "service", "What answers here", "Service"),
        Chapter("/overview", "overview", "The figures of the first page", "Overview", (AT,)),
    ]
    found += [_of_listing(f"/{name}", name, one) for name, one in LISTINGS.items()]
    specifier = Parameter(
        "specifier",
        "A package, with or without versions: django, jinja2<3.1.6.",
        {**TEXT, "examples": ["jinja2<3.1.6"]},
        required=True,
    )
    resting = Parameter(
        "at_rest",
        "Instead: environments in which nothing runs now. Its columns are those of AtRestRow.",
        {"type": "string", "enum": ["yes", "no", ""]},
    )
    found.append(_of_listing("/who-uses", "who-uses", who_uses("pip"), (specifier, resting)))
    found.append(_of_listing("/diff", "diff", _diff(), tuple(_sides())))
    words = "Names, or parts of them: shop, django 4.2, web3:8001."
    found.append(
        Chapter("/search", "search", str(Search.__doc__).strip(), "Search", (Parameter("q", words, TEXT), AT))
    )
    name = Parameter("name", "Its name.", {"type": "string", "minLength": 1}, "path", True)
    number = Parameter("number", "Its number, as listings give it.", {"type": "integer"}, "path", True)
    for path, what, by in (
        ("applications", "Application", name),
        ("servers", "Server", name),
        ("packages", "PackageUse", name),
        ("groups", "Group", number),
        ("environments", "Environment", number),
    ):
        model = getattr(things, what)
        summary = str(model.__doc__).strip().rstrip(".")
        found.append(Chapter(f"/{path}/{{{by.name}}}", what[:1].lower() + what[1:], summary, what, (by, AT)))
    return found


def _diff() -> Listing:
    return Compared((Side("a"), Side("b")))


def _sides() -> Iterator[Parameter]:
    for name in ("a", "b"):
        yield Parameter(name, "web1, shop, shop/acceptance or shop@web1.", TEXT, required=True)
        yield Parameter(f"{name}_at", f"As {name} was then, if not as at all of the answer.", TEXT)


def _of_listing(path: str, name: str, listing: Listing, own: tuple[Parameter, ...] = ()) -> Chapter:
    title = "Who uses a package" if name == "who-uses" else listing.title
    parameters = (*own, *(_filter(one) for one in listing.filters), *_of_all(listing))
    columns = (*listing.columns, *MORE.get(name, ()))
    return Chapter(path, name, title, f"{_camel(name)}Page", parameters, columns, is_list=True)


def _filter(found: Filter) -> Parameter:
    schema = {"type": "string", "enum": [*found.choices, ""]} if found.choices else TEXT
    return Parameter(found.name, found.help or f"Only this {found.title.lower()}.", schema)


def _of_all(listing: Listing) -> Iterator[Parameter]:
    orders = [sign + column.name for column in listing.columns if column.sortable for sign in ("", "-")]
    yield Parameter("q", "Only rows that contain each of these words.", TEXT)
    yield Parameter(
        "sort", "A column; with a - before it: descending.", {"type": "string", "enum": [*orders, ""]}
    )
    most = asking.LARGEST_SIZE
    yield Parameter(
        "size", "Rows of a page.", {"type": "integer", "minimum": 1, "maximum": most, "default": asking.SIZE}
    )
    yield Parameter(
        "page",
        "A page by its number. To read all pages follow `next` instead.",
        {"type": "integer", "minimum": 1, "maximum": 1_000_000},
    )
    yield Parameter("cursor", "The `next` of the answer before; all else as it was asked then.", TEXT)
    yield AT


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))


def openapi() -> dict[str, Any]:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tightship",
            "version": str(VERSION),
            "description": "What runs where, on which ports, in which release, with which packages. "
            "Within a version names stay and are only added to: ignore what you do not know.",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"session": []}],
        "paths": {chapter.address: {"get": _operation(chapter)} for chapter in chapters()},
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Made by: tightship token create --read",
                },
                "session": {"type": "apiKey", "in": "cookie", "name": "tightship_session"},
            },
            "schemas": _schemas(),
        },
    }


def _operation(chapter: Chapter) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{chapter.answer}"}
    fine: dict[str, Any] = {"description": "The answer", "content": {"application/json": {"schema": schema}}}
    if chapter.is_list:
        fine["headers"] = {"Link": {"description": "the next page, rel=next", "schema": {"type": "string"}}}
    if chapter.id == "who-uses":
        fine["content"]["application/json"]["schema"] = {
            "anyOf": [schema, {"$ref": "#/components/schemas/AtRestPage"}]
        }
    wrong = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "operationId": chapter.id,
        "summary": chapter.summary,
        "parameters": [one.document() for one in chapter.parameters],
        "responses": {
            "200": fine,
            **{str(status): {"description": why, "content": wrong} for status, why in PROBLEMS.items()},
        },
    }


def _schemas() -> dict[str, Any]:
    models: Sequence[type[BaseModel]] = (*things.ALL, Search)
    _keys, made = models_json_schema(
        [(model, "serialization") for model in models], ref_template="#/components/schemas/{model}"
    )
    found: dict[str, Any] = dict(made["$defs"])
    listings: dict[str, Listing] = {
        **LISTINGS, "who-uses": who_uses("pip"), "at-rest": at_rest("pip"), "diff": _diff(),
    }  # fmt: skip
    for name, listing in listings.items():
        found[f"{_camel(name)}Row"] = _row((*listing.columns, *MORE.get(name, ())))
        found[f"{_camel(name)}Page"] = _page(name)
    return dict(sorted(found.items()))


_KINDS: dict[str, dict[str, Any]] = {
    "text": {"type": ["string", "null"]},
    "number": {"type": ["number", "null"]},
    "time": {"type": ["string", "null"], "format": "date-time"},
    "list": {"type": ["array", "null"], "items": {"type": "string"}},
}


def _row(columns: Sequence[Column]) -> dict[str, Any]:
    properties = {
        one.name: {"title": one.title, **_KINDS[one.kind], **({"description": one.help} if one.help else {})}
        for one in columns
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def _page(name: str) -> dict[str, Any]:
    number = {"type": "integer", "minimum": 0}
    properties: dict[str, Any] = {
        "listing": {"const": name},
        "at": {"type": "string", "format": "date-time", "description": "the moment that all this is of"},
        "covers": {"$ref": "#/components/schemas/Covers"},
        "total": {**number, "description": "of rows, on all pages; what one row stands for may be several"},
        "page": number,
        "pages": number,
        "next": {
            "type": ["string", "null"],
            "description": "`cursor` of the next page; null: this is the last",
        },
        "beside": {
            "type": "object",
            "description": "what is not in the rows and still belongs to the answer",
            "additionalProperties": number,
        },
        "notes": {
            "type": "array",
            "description": "sentences for people, about all rows; their words may change",
            "items": {"type": "string"},
        },
        "rows": {"type": "array", "items": {"$ref": f"#/components/schemas/{_camel(name)}Row"}},
    }
    required = [member for member in properties if member not in ("beside", "notes")]
    return {"type": "object", "properties": properties, "required": required}


HEAD = """\
# The API

Written by `python -m tightship.web.api` from what answers; as an OpenAPI 3.1 document it is
[openapi.json](openapi.json), which every service has at `/api/1/openapi.json`, and as a page at `/api`.
How to use it: [Ask a service](../how-to/ask-a-service.md).

All addresses are read by `GET` with a token (`Authorization: Bearer ...`), or from a browser that is
logged in. Times are ISO 8601 in UTC. What goes wrong is told as `application/problem+json` (RFC 9457).
Within version 1 names stay, and new ones may be added: ignore what you do not know.

A list has the members `listing`, `at` (the moment that it is of), `covers` (`servers`, and the names of
those `silent` and `unread`), `total`, `page`, `pages`, `next`, sometimes `beside` and `notes`, and `rows`. To
read all rows ask again with `cursor` set to `next`, until it is null; all those pages are of one moment.

| status | meaning |
|---|---|
"""


def markdown() -> str:
    """docs/reference/api.md"""
    parts = [HEAD + "".join(f"| {status} | {why} |\n" for status, why in PROBLEMS.items())]
    schemas = _schemas()
    for chapter in chapters():
        parts.append(f"## GET {chapter.address}\n\n{chapter.summary}.\n")
        if chapter.parameters:
            parts.append(_table("parameter", [(one.name, one.help) for one in chapter.parameters]))
        if chapter.columns:
            parts.append(_table("member of a row", [(one.name, _said(one)) for one in chapter.columns]))
        else:
            members = schemas[chapter.answer]["properties"].items()
            parts.append(_table("member", [(name, said.get("description", "")) for name, said in members]))
    return "\n".join(parts)


def _said(column: Column) -> str:
    kind = {"text": "", "number": "number", "time": "time", "list": "list"}[column.kind]
    return ": ".join(filter(None, [kind, column.help]))


def _table(what: str, rows: Sequence[tuple[str, str]]) -> str:
    escaped = "".join(f"| `{name}` | {text.replace('|', chr(92) + '|')} |\n" for name, text in rows)
    return f"| {what} | |\n|---|---|\n{escaped}"


def main() -> None:
    (DOCS / "openapi.json").write_text(json.dumps(openapi(), indent=1) + "\n")
    (DOCS / "api.md").write_text(markdown())
