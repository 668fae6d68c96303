"""The declared file, `fleet.toml`: its model, and what is wrong with one, in words. Pure.

Reading files, `include` and the lines of keys are `tightship.cli.declaration`'s. What is known here
is strict: a key that nobody knows is an error, not silence. Sections for what a later release does
(`source`, `processes`, `steps`, ...) are accepted and not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tightship.fleet.naming import KINDS_OF_PATTERN, DeclaredNames, Pattern
from tightship.fleet.outdated import Outdated
from tightship.fleet.text import is_harmless

LONGEST = 200
"""Characters of a name, an owner or an address; they are indexed."""

FIRST_OF_PATH = ("/", "*", "?", "[")

Key = tuple[str | int, ...]
"""the way to a value: ("applications", "shop", "found_as", 0)"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: a file and a line, from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what, and what was expected."""

    place: Place | None
    key: str
    says: str

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.key + ': ' if self.key else ''}{self.says}"


class BadDeclaration(ValueError):
    """The file can't be used; `problems` says why, each with its place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


def _short(text: str) -> str:
    if not text.strip():
        raise ValueError("expected some text, got none")
    if len(text) > LONGEST:
        raise ValueError(f"expected at most {LONGEST} characters, got {len(text)}")
    if not is_harmless(text):
        raise ValueError("expected text without control characters")
    return text


def _address(text: str) -> str:
    if not re.match(r"https?://[^\s/]", text) or re.search(r"\s", text):
        raise ValueError(f"expected an address that begins with https:// or http://, got {text[:60]!r}")
    return _short(text)


def _pattern(text: str) -> str:
    what, colon, glob = _short(text).partition(":")
    kinds = ", ".join(f"{kind}:" for kind in KINDS_OF_PATTERN)
    if not colon or what not in KINDS_OF_PATTERN:
        raise ValueError(f"expected a pattern that begins with one of {kinds}, got {text!r}{_near(what)}")
    if not glob.strip("*?"):
        raise ValueError(f"{text!r} would recognise everything; expected something to tell it by")
    if _is_open(glob):
        raise ValueError(f"{text!r} has a [ without its ]; [[] stands for a [ itself")
    if what == "path" and not glob.startswith(FIRST_OF_PATH):
        raise ValueError(f"expected a path that begins with /, got {text!r}")
    return text


def _near(what: str) -> str:
    near = get_close_matches(what, KINDS_OF_PATTERN, 1)
    return f". Did you mean {near[0]}:?" if near else ""


def _is_open(glob: str) -> bool:
    """Whether a [ is never closed: fnmatch would take it for itself, in silence."""
    left = glob
    while "[" in left:
        inside = left.partition("[")[2]
        # `[]a]` and `[!]a]` hold a ] themselves.
        end = inside.find("]", 2 if inside.startswith("!") else 1)
        if end < 0:
            return True
        left = inside[end + 1 :]
    return False


def _label(name: str) -> str:
    if "=" in name:
        raise ValueError("expected a label's name without =")
    return _short(name)


Text = Annotated[str, AfterValidator(_short)]
Address = Annotated[str, AfterValidator(_address), Field(json_schema_extra={"pattern": "^https?://"})]
FoundAs = Annotated[
    str,
    AfterValidator(_pattern),
    Field(json_schema_extra={"pattern": f"^({'|'.join(KINDS_OF_PATTERN)}):."}),
]
Label = Annotated[str, AfterValidator(_label)]

LATER = "for a later release: accepted, not looked at yet"


def _later() -> Any:
    return Field(None, description=LATER)


class Section(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class FleetSection(Section):
    name: Text | None = Field(None, description="what the fleet is called")


class Server(Section):
    """A server. The key is its name, the one under which it reports."""

    address: Text | None = Field(
        None,
        description="where ssh finds it: [user@]host[:port], or a Host of ~/.ssh/config; empty: its name",
    )
    roles: list[Text] = Field(default_factory=list, description=LATER)


class Role(Section):
    """What servers of one role have."""

    steps: Any = _later()


class Stage(Section):
    """A stage of an application: production, acceptance, test, ..."""

    found_as: list[FoundAs] = Field(
        default_factory=list, description="patterns that recognise the application in this stage"
    )
    servers: list[Text] = Field(
        default_factory=list,
        description="what is found as this application on one of these is in this stage; "
        "the stage's own patterns hold on these only",
    )
    release: Text | None = Field(None, description=f"a tag; {LATER}")
    waves: Any = _later()
    ports: Any = _later()


class Application(Section):
    """An application. The key is its name."""

    owner: Text | None = Field(None, description="who looks after it")
    url: Address | None = Field(None, description="where people find it")
    labels: dict[Label, Text] = Field(default_factory=dict, description="anything else to know it by")
    found_as: list[FoundAs] = Field(
        default_factory=list,
        description="patterns that recognise it: unit:, supervisor:, path:, user:, container:",
    )
    stages: dict[Text, Stage] = Field(default_factory=dict)
    servers: list[Text] = Field(default_factory=list, description=f"where it runs; {LATER}")
    release: Text | None = Field(None, description=f"a tag; {LATER}")
    waves: Any = _later()
    source: Any = _later()
    user: Any = _later()
    ports: Any = _later()
    variables: Any = _later()
    secrets: Any = _later()
    shared: Any = _later()
    processes: Any = _later()
    health: Any = _later()
    files: Any = _later()
    links: Any = _later()


class Declared(Section):
    """The whole file, with all that it includes."""

    include: list[Text] = Field(
        default_factory=list,
        description="other files with more of the same, from this one's directory; * and ? are wildcards",
    )
    fleet: FleetSection = Field(default_factory=FleetSection)
    servers: dict[Text, Server] = Field(default_factory=dict)
    roles: dict[Text, Role] = Field(default_factory=dict)
    applications: dict[Text, Application] = Field(default_factory=dict)
    outdated: Outdated = Field(default_factory=Outdated)

    def names(self) -> DeclaredNames:
        """The patterns in their order: as in the file; a stage's before its application's."""
        return DeclaredNames(tuple(pattern for pattern, _key in self.keyed_patterns()), self._stages())

    def keyed_patterns(self) -> Iterator[tuple[Pattern, Key]]:
        """Each pattern, and the key that it stands at."""
        for name, application in self.applications.items():
            key: Key = ("applications", name)
            for stage, said in application.stages.items():
                for number, text in enumerate(said.found_as):
                    pattern = _parsed(name, text, stage, tuple(said.servers))
                    yield pattern, (*key, "stages", stage, "found_as", number)
            for number, text in enumerate(application.found_as):
                yield _parsed(name, text), (*key, "found_as", number)

    def _stages(self) -> dict[str, dict[str, list[str]]]:
        found: dict[str, dict[str, list[str]]] = {}
        for name, stage, server, _key in self.keyed_servers():
            stages = found.setdefault(name, {}).setdefault(server, [])
            if stage not in stages:
                stages.append(stage)
        return found

    def keyed_servers(self) -> Iterator[tuple[str, str, str, Key]]:
        """(application, stage, server, key) of each server that a stage lists."""
        for name, application in self.applications.items():
            for stage, said in application.stages.items():
                for number, server in enumerate(said.servers):
                    yield name, stage, server, ("applications", name, "stages", stage, "servers", number)


def _parsed(application: str, text: str, stage: str = "", servers: tuple[str, ...] = ()) -> Pattern:
    what, _colon, glob = text.partition(":")
    return Pattern(application, what, glob, stage, servers)


# What is wrong, in words


def declared(data: Mapping[str, Any], places: Mapping[Key, Place]) -> Declared:
    """The model of a parsed file; `places`: where each key stands. Raises BadDeclaration, with all
    that is wrong."""
    try:
        found = Declared.model_validate(data)
    except ValidationError as error:
        raise BadDeclaration(sorted(_problems(error, places), key=_in_order)) from None
    again = list(_repeated(found, places))
    if again:
        raise BadDeclaration(again)
    return found


def _in_order(problem: Problem) -> tuple[str, int]:
    return (problem.place.file, problem.place.line) if problem.place else ("", 0)


def _problems(error: ValidationError, places: Mapping[Key, Place]) -> Iterator[Problem]:
    for said in error.errors(include_url=False):
        key = tuple(part for part in said["loc"] if part != "[key]")
        yield Problem(place_of(key, places), shown(key), _sentence(said, key))


def _repeated(found: Declared, places: Mapping[Key, Place]) -> Iterator[Problem]:
    """A pattern that stands twice in one application is a slip of the hand."""
    seen: dict[Pattern, Key] = {}
    for pattern, key in found.keyed_patterns():
        if pattern in seen:
            first = place_of(seen[pattern], places)
            yield Problem(
                place_of(key, places),
                shown(key[:-1]),
                f"{str(pattern)!r} stands here twice{f', first at {first}' if first else ''}",
            )
        seen.setdefault(pattern, key)


def place_of(key: Key, places: Mapping[Key, Place]) -> Place | None:
    """Where a key stands, or the nearest one around it."""
    for length in range(len(key), 0, -1):
        if key[:length] in places:
            return places[key[:length]]
    return None


def shown(key: Key) -> str:
    """A key as it is written in TOML: `applications."my shop".found_as, item 2`."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f", item {part + 1}"
            continue
        name = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"'
        text += f".{name}" if text else name
    return text


_TYPES = {
    "string_type": "expected text",
    "list_type": "expected a list",
    "dict_type": "expected a table",
    "model_type": "expected a table",
}
_CALLED = (
    (bool, "true or false"),
    (str, "text"),
    (int, "a whole number"),
    (float, "a number"),
    (list, "a list"),
    (dict, "a table"),
)


def _sentence(said: Any, key: Key) -> str:
    if said["type"] == "extra_forbidden":
        return _unknown(key)
    if said["type"] == "value_error":
        return str(said["ctx"]["error"])
    expected = _TYPES.get(said["type"], said["msg"][:1].lower() + said["msg"][1:])
    return f"{expected}, got {_called(said['input'])}"


def _called(value: object) -> str:
    kind = next((words for type_, words in _CALLED if isinstance(value, type_)), "a date or time")
    return f"{kind} ({value!r})" if isinstance(value, str | int | float) and len(repr(value)) < 60 else kind


def _unknown(key: Key) -> str:
    known = fields_at(key[:-1])
    near = get_close_matches(str(key[-1]).lower(), known, 1, 0.6)
    hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(known)}."
    return f"nothing is called {key[-1]} here. {hint}"


def fields_at(key: Key) -> list[str]:
    """The keys that are known in the table at `key`."""
    kind: Any = Declared
    for part in key:
        kind = _under(kind, part)
    return list(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def _under(kind: Any, part: str | int) -> Any:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(str(part))
        return _plain(field.annotation) if field else None
    if get_origin(kind) in (dict, list):
        return _plain(get_args(kind)[-1])
    return None


def _plain(kind: Any) -> Any:
    """Without `Annotated` and `| None`."""
    if get_origin(kind) is Annotated:
        return _plain(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return _plain(next(one for one in get_args(kind) if one is not type(None)))
    return kind


def schema() -> dict[str, Any]:
    """JSON Schema of the file, for editors."""
    made = Declared.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": "fleet.toml",
    }
