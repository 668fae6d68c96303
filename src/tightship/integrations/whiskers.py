"""What a buildout says of itself: by our own extension, or in one of the forms that Whiskers knew. Pure.

Whiskers' clients (buildout.sendpickedversions 0.3 and 1.0, and its forks) sent three forms that exclude one
another: `data` of a form with a list of packages, the same with a table of them, and a JSON body with or
without `data` around it. What of it is a version is decided here: on newer buildouts they send constraints,
too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from packaging.utils import canonicalize_name

from tightship.fleet.text import clip, harmless
from tightship.fleet.versions import sort_key

LONGEST = 200
"""Characters of a name or a version."""
MOST = 5_000
"""Packages of one buildout."""
MOST_FILES = 500

_CONSTRAINT = re.compile(r"[<>=!~,*\s]")


class Refused(ValueError):
    """What came says nothing usable; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Included:
    """A configuration file, and what it extends."""

    file: str
    extends: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Pinned:
    """A version that a file pins, and the pins that it overrides: (version, file)."""

    version: str
    file: str = ""
    overrides: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Build:
    """What a buildout was built from."""

    name: str
    host: str = ""
    directory: str = ""
    python: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    """package -> version that was in use; never empty"""
    picked: frozenset[str] = frozenset()
    """packages whose version nobody pinned"""
    pinned: Mapping[str, Pinned] = field(default_factory=dict)
    required_by: Mapping[str, Sequence[str]] = field(default_factory=dict)
    constraints: Mapping[str, str] = field(default_factory=dict)
    """package -> what was sent where a version should have stood"""
    cascade: Sequence[Included] = ()
    tools: Mapping[str, str] = field(default_factory=dict)
    """zc.buildout, setuptools, pip: what built it"""


def parse(body: bytes, content_type: str) -> Build:
    """What a body of one of these forms says. Raises Refused."""
    said = _unwrapped(_decoded(body, content_type))
    if not isinstance(said, dict):
        raise Refused("expected an object with buildoutname and packages")
    sent = said.get("packages")
    if isinstance(sent, list):
        return _of_list(said, sent)
    if isinstance(sent, dict):
        return _of_table(said, sent)
    raise Refused("packages: expected a list of {name, version}, or an object of them by name")


def _decoded(body: bytes, content_type: str) -> Any:
    try:
        text = body.decode("utf-8")
        if content_type.partition(";")[0].strip().lower() == "application/json":
            return json.loads(text)
        fields = parse_qs(text, max_num_fields=20, strict_parsing=False)
        if "data" not in fields:
            raise Refused("expected a form with the field data, or JSON with Content-Type: application/json")
        return json.loads(fields["data"][0])
    except Refused:
        raise
    except (ValueError, RecursionError) as error:
        raise Refused(f"this is no JSON: {str(error)[:200]}") from None


def _unwrapped(said: Any) -> Any:
    """Without `data` around it. One client wraps it once more each time that it tries again."""
    for _once in range(5):
        inner = said.get("data") if isinstance(said, dict) and "packages" not in said else None
        if isinstance(inner, str):
            try:
                inner = json.loads(inner)
            except (ValueError, RecursionError):
                return said
        if not isinstance(inner, dict):
            return said
        said = inner
    return said


# The forms


def _of_list(said: Mapping[str, Any], sent: Sequence[Any]) -> Build:
    """The first form: what was picked, and all that was pinned, whether it is used or not."""
    rows = [one for one in sent[:MOST] if isinstance(one, dict)]
    versions, constraints = _parted((one.get("name"), one.get("version")) for one in rows)
    required = {_name(one.get("name")): sorted(_texts(one.get("required_by"))) for one in rows}
    return _build(
        said, versions, constraints, required_by={name: by for name, by in required.items() if name and by}
    )


def _of_table(said: Mapping[str, Any], sent: Mapping[str, Any]) -> Build:
    """The later form, and our own."""
    used = said.get("versionmap")
    told = used if isinstance(used, dict) and used else {name: _version_in(one) for name, one in sent.items()}
    versions, constraints = _parted(list(told.items())[:MOST])
    pinned = dict(_pins(said))
    named_picked = said.get("picked")
    picked = {_name(one) for one in named_picked[:MOST]} if isinstance(named_picked, list) else None
    return _build(
        said,
        versions,
        constraints,
        pinned=pinned,
        picked=frozenset(
            (picked if picked is not None else versions.keys() - pinned.keys()) & versions.keys()
        ),
        required_by=_required(said, sent),
        cascade=tuple(_cascade(said.get("cascade"))),
    )


def _build(
    said: Mapping[str, Any], versions: Mapping[str, str], constraints: Mapping[str, str], **more: Any
) -> Build:
    if not versions:
        # What builds that failed send: it must not take the place of what is known.
        raise Refused("no package has a version: a build that failed sends that. What was known stays")
    config = said.get("buildout_config")
    config = config if isinstance(config, dict) else {}
    directory = _text(said.get("directory") or config.get("directory"), 1000)
    name = _text(said.get("buildoutname")) or _text(directory.rstrip("/").rpartition("/")[2])
    if not name:
        raise Refused("buildoutname: expected the name of the buildout")
    tools = said.get("tools")
    return Build(
        name,
        _text(said.get("hostname")),
        directory,
        _text(said.get("python")),
        versions,
        constraints=constraints,
        tools={_text(tool): _text(version) for tool, version in tools.items()}
        if isinstance(tools, dict)
        else {},
        **more,
    )


def _version_in(one: Any) -> Any:
    return one.get("version") if isinstance(one, dict) else one


def _parted(told: Any) -> tuple[dict[str, str], dict[str, str]]:
    """(versions, constraints), each by the normalised name. Of two versions of a package the newer counts."""
    versions: dict[str, str] = {}
    constraints: dict[str, str] = {}
    for name, version in told:
        called, text = _name(name), _text(version)
        if not called or not text:
            continue
        if _CONSTRAINT.search(text):
            constraints[called] = text
        elif called not in versions or sort_key(text) > sort_key(versions[called]):
            versions[called] = text
    return versions, {name: text for name, text in constraints.items() if name not in versions}


def _pins(said: Mapping[str, Any]) -> Iterator[tuple[str, Pinned]]:
    pins = said.get("pins")
    if isinstance(pins, dict):
        for name, one in list(pins.items())[:MOST]:
            if isinstance(one, dict) and _is_version(one.get("version")):
                yield _name(name), Pinned(*_place(one), tuple(_overridden(one.get("overrides"))))
        return
    pinned = said.get("pinned_versions")
    for name, version in list(pinned.items())[:MOST] if isinstance(pinned, dict) else ():
        if _is_version(version):
            yield _name(name), Pinned(_text(version))


def _is_version(told: Any) -> bool:
    return bool(_text(told)) and not _CONSTRAINT.search(_text(told))


def _overridden(told: Any) -> Iterator[tuple[str, str]]:
    for one in told[:20] if isinstance(told, list) else ():
        if isinstance(one, dict):
            yield _place(one)


def _place(one: Mapping[str, Any]) -> tuple[str, str]:
    return _text(one.get("version")), _text(one.get("file"), 1000)


def _required(said: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """package -> what requires it: told, or turned round from what each package requires."""
    told = said.get("required_by")
    if isinstance(told, dict):
        return {_name(name): by for name, one in list(told.items())[:MOST] if (by := sorted(_texts(one)))}
    found: dict[str, set[str]] = {}
    for name, one in list(sent.items())[:MOST]:
        needs = one.get("requirements") if isinstance(one, dict) else None
        for need in needs[:MOST] if isinstance(needs, list) else ():
            if isinstance(need, dict) and _name(need.get("name")):
                found.setdefault(_name(need["name"]), set()).add(_name(name))
    return {name: sorted(by) for name, by in found.items()}


def _cascade(told: Any) -> Iterator[Included]:
    for one in told[:MOST_FILES] if isinstance(told, list) else ():
        if isinstance(one, dict) and _text(one.get("file"), 1000):
            yield Included(_text(one["file"], 1000), tuple(_texts(one.get("extends"), 1000)))


# Texts of strangers


def _name(told: Any) -> str:
    return clip(harmless(str(canonicalize_name(told.strip()))), LONGEST) if isinstance(told, str) else ""


def _text(told: Any, longest: int = LONGEST) -> str:
    return clip(harmless(told.strip()), longest) if isinstance(told, str) else ""


def _texts(told: Any, longest: int = LONGEST) -> list[str]:
    return [_text(one, longest) for one in told[:MOST_FILES] if _text(one)] if isinstance(told, list) else []
