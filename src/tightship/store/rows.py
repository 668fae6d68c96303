"""Rows <-> found. One way each: `known` reads what the rows say, `wanted` gives what they are to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import TypeAdapter

from tightship.fleet.found import Found, FoundGroup, listens
from tightship.fleet.report import (
    Environment,
    Listener,
    OtherListener,
    Part,
    ProcessGroup,
    Site,
    State,
    System,
    Unread,
)
from tightship.fleet.text import clip
from tightship.store.intervals import Rows
from tightship.store.models import (
    NAME,
    FoundEnvironment,
    FoundListener,
    FoundSite,
    FoundSystem,
    Interval,
    Server,
)
from tightship.store.models import FoundGroup as GroupRow

KEY = 300
PATH = 1000

Row = dict[str, Any]

Parsed = Mapping[str, Part]
_Part = TypeVar("_Part", bound=Part)
_unread = TypeAdapter(list[Unread])

Instances = dict[tuple[str, str, str], int]
"""(application, stage, base directory) -> id, of one server"""


@dataclass(slots=True)
class Ids:
    """The ids of what rows refer to, by what they are called."""

    sets: dict[str, int] = field(default_factory=dict)
    applications: dict[str, int] = field(default_factory=dict)
    instances: Instances = field(default_factory=dict)
    wordings: dict[str, int] = field(default_factory=dict)


def ids_in(stored: Rows) -> Ids:
    """The ids that a server's rows know already."""
    ids = Ids()
    for row in stored.get(FoundEnvironment, ()):
        if row["packages_id"]:
            ids.sets[row["packages__digest"]] = row["packages_id"]
    for row in stored.get(GroupRow, ()):
        for name in ("packages", "loaded"):
            if row[f"{name}_id"]:
                ids.sets[row[f"{name}__digest"]] = row[f"{name}_id"]
        if row["application_id"]:
            ids.applications[row["application__name"]] = row["application_id"]
        if row["instance_id"]:
            ids.instances[row["application__name"], row["stage"], row["base"]] = row["instance_id"]
    return ids


def known(
    server: Server, rows: Rows, moment: datetime | None = None, parsed: Parsed = MappingProxyType({})
) -> Found:
    """What the rows of a server say. `parsed`: parts that were parsed already, by their JSON."""

    def part(model: type[_Part], row: Row) -> _Part:
        ready = parsed.get(row["data"])
        return ready if isinstance(ready, model) else model.model_validate_json(row["data"])

    environments = [part(Environment, row) for row in rows[FoundEnvironment]]
    groups = [group_of(row, part(ProcessGroup, row)) for row in rows[GroupRow]]
    system = next((row["data"] for row in rows[FoundSystem] if row["key"] == "system"), '{"name": ""}')
    unread = next((row["data"] for row in rows[FoundSystem] if row["key"] == "unread"), "[]")
    sites = {row["data"] for row in rows[FoundSite]}
    return Found(
        server.name,
        moment or server.reported_at,
        System.model_validate_json(system),
        server.complete,
        {group.key: group for group in groups},
        {environment.key: environment for environment in environments},
        tuple(part(OtherListener, row) for row in rows[FoundListener] if not row["group"]),
        tuple(Site.model_validate_json(data) for data in sorted(sites)),
        tuple(_unread.validate_json(unread)),
    )


def parsed_of(state: State) -> Parsed:
    """The parts of a state that rows are likely to hold already, by their JSON: parsing takes longer."""
    parts = (*state.groups, *state.environments, *state.listeners)
    return {part.model_dump_json(): part for part in parts}


def group_of(row: Row, group: ProcessGroup) -> FoundGroup:
    """`row`: with the names of what it refers to."""
    return FoundGroup(
        group,
        row["application__name"] or "",
        row["stage"],
        row["base"],
        row["named_by"],
        row["release"],
        row["released_by"],
        row["packages__digest"],
        row["loaded__digest"],
        bool(row["kept"]),
        row["set_aside"],
    )


def wanted(found: Found, ids: Ids) -> dict[type[Interval], dict[str, Row]]:
    """What the rows are to say: model -> key -> all columns that say what was found."""
    groups = found.groups.items()
    environments = found.environments.items()
    return {
        FoundSystem: _system_rows(found),
        FoundEnvironment: {clip(key, KEY): _environment_row(one, ids.sets) for key, one in environments},
        GroupRow: {clip(key, KEY): _group_row(group, ids) for key, group in groups},
        FoundListener: dict(_listener_rows(found, ids.applications)),
        FoundSite: dict(_site_rows(found, ids.applications)),
    }


def _system_rows(found: Found) -> dict[str, Row]:
    system = found.system
    said = {"os": clip(system.os.name, NAME), "kernel": clip(system.kernel, NAME)}
    rows = {"system": {"data": system.model_dump_json(), **said, "unread": 0}}
    if found.unread:
        data = _unread.dump_json(list(found.unread)).decode()
        rows["unread"] = {"data": data, "os": "", "kernel": "", "unread": len(found.unread)}
    return rows


def _environment_row(environment: Environment, sets: Mapping[str, int]) -> Row:
    return {
        "data": environment.model_dump_json(),
        "kind": clip(environment.kind, 40),
        "python": clip(environment.python, NAME),
        "packages_id": sets.get(environment.packages or ""),
        "at_rest": environment.at_rest,
        "unread": bool(environment.unread),
    }


def _group_row(found: FoundGroup, ids: Ids) -> Row:
    group = found.group
    return {
        "data": group.model_dump_json(),
        "application_id": ids.applications.get(found.application),
        "instance_id": ids.instances.get((found.application, clip(found.stage, NAME), clip(found.base, KEY))),
        "stage": clip(found.stage, NAME),
        "base": clip(found.base, KEY),
        "named_by": clip(found.named_by, NAME),
        "set_aside": clip(found.set_aside, NAME),
        "kind": group.kind,
        "type": group.type,
        "program": clip(group.program, NAME),
        "user": clip(group.user, NAME),
        "release": clip(found.release, NAME),
        "released_by": clip(found.released_by, 40),
        "python": clip(group.python, NAME),
        "environment": clip(group.environment, KEY),
        "packages_id": ids.sets.get(found.packages or ""),
        "loaded_id": ids.sets.get(found.loaded or ""),
        "maybe_stale": found.maybe_stale,
        "surely_stale": found.surely_stale,
        "conflict": found.conflict,
        "unread": bool(group.unread),
        "kept": found.kept,
    }


def _listener_rows(found: Found, applications: Mapping[str, int]) -> Iterable[tuple[str, Row]]:
    for group in found.groups.values():
        held = {
            "program": clip(group.group.program, NAME),
            "group": clip(group.key, KEY),
            "application_id": applications.get(group.application),
            "stage": clip(group.stage, NAME),
        }
        for listener in group.group.listeners:
            yield _listener_row(listener, group.key, held)
    for other in found.listeners:
        held = {"program": clip(other.program, NAME), "group": "", "application_id": None, "stage": ""}
        yield _listener_row(other, other.program, held)


def _listener_row(listener: Listener, who: str, held: Row) -> tuple[str, Row]:
    said = {
        "data": listener.model_dump_json(),
        "protocol": listener.protocol,
        "address": clip(listener.address, 64),
        "port": listener.port,
        "path": clip(listener.path, PATH),
    }
    return clip(f"{listener.protocol} {listens(listener)} {who}", KEY), {**said, **held}


def _site_rows(found: Found, applications: Mapping[str, int]) -> Iterable[tuple[str, Row]]:
    for site in found.sites:
        group = found.groups.get(site.group)
        for name in site.names:
            yield (
                clip(f"{name} {site.to} {site.where}", KEY),
                {
                    "data": site.model_dump_json(),
                    "name": clip(name, KEY),
                    "to": clip(site.to, PATH),
                    "web_server": clip(site.server, 40),
                    "group": clip(site.group, KEY),
                    "application_id": applications.get(group.application) if group else None,
                },
            )
