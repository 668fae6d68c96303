"""`tightship outdated DIRECTORY`: what is newer than what a project pins, without any fleet."""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from tightship.cli import tables
from tightship.cli.moments import shown
from tightship.cli.running import CANNOT, FINE, Cannot
from tightship.fleet.newest import Known, Level, lowest
from tightship.fleet.outdated import Ahead, Ignore, Outdated, ahead, in_force
from tightship.store.listing import Column, Row

if TYPE_CHECKING:
    from tightship.integrations.pins import Pin, Project

COLUMNS = (
    Column("package", "Package"),
    Column("version", "Pinned"),
    Column("bugfix", "Bugfix"),
    Column("minor", "Minor"),
    Column("major", "Major"),
    Column("needs", "Beyond"),
    Column("yanked", "Taken back"),
    Column("ignored", "Not offered"),
    Column("at", "Where"),
    Column("overrides", "Overrides"),
    Column("orphan", "Orphan"),
)
KEYS = ("package", "version", "bugfix", "minor", "major")

IGNORING = (("tightship.toml", ("outdated",)), ("pyproject.toml", ("tool", "tightship", "outdated")))
"""Where a project says what it does not want to hear of, and below which keys."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed."""

    directory: str
    level: str
    only: Sequence[str]
    write: bool
    offline: bool
    python: str
    as_json: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """A pin, and what is newer."""

    pin: Pin
    ahead: Ahead


def is_directory(where: str) -> bool:
    """Whether this names a directory rather than an application: it has a slash, or is made of dots."""
    return where in (".", "..") or "/" in where


def answer(asked: Asked) -> int:
    """Say what is newer, and raise it where that is asked. Returns the exit code."""
    if asked.write and not asked.level:
        raise click.UsageError("--write: say how far: --level bugfix, --level minor or --level major.")
    project = _read(asked)
    if not project.pins:
        raise Cannot(_nothing(project))
    known = _known(asked, sorted({pin.name for pin in project.pins}))
    ignore = in_force(_ignores(project.directory), datetime.now(UTC).date())
    judged = [_judged(project, pin, known[pin.name], ignore.get(pin.name, ())) for pin in project.pins]
    chosen = [one for one in judged if one.ahead and _is_chosen(one, asked)]
    if asked.write:
        return _write(project, chosen, cast(Level, asked.level), asked.as_json)
    if asked.as_json:
        click.echo(json.dumps(_document(project, chosen, known), indent=1))
    else:
        tables.draw(COLUMNS, [_row(project, one) for one in chosen], KEYS)
        for said in _ending(project, chosen, known):
            tables.note(said, err=not tables.to_terminal())
    return FINE if all(one.asked and not one.problem for one in known.values()) else CANNOT


def _read(asked: Asked) -> Project:
    from tightship.index.fetching import Fetching
    from tightship.integrations.pins import read

    try:
        return read(Path(asked.directory), Fetching(offline=asked.offline), asked.python)
    except OSError as error:
        raise Cannot(f"{asked.directory}: {error.strerror or error}") from None


def _nothing(project: Project) -> str:
    said = (
        f"{project.directory} pins nothing: no versions.cfg, requirements.txt, uv.lock, pylock.toml, "
        "pyproject.toml, poetry.lock or mx.ini there has an exact version"
    )
    return "\n".join([said, *(f"  {one}" for one in project.notes[:10])])


def _known(asked: Asked, names: Sequence[str]) -> Mapping[str, Known]:
    from tightship.index.configured import BadConfiguration
    from tightship.index.known import Indexes

    try:
        with tables.progress(len(names), "packages") as done:
            return Indexes(offline=asked.offline).known(names, lambda number, _all: done(number))
    except BadConfiguration as error:
        raise Cannot(str(error)) from None


def _ignores(directory: Path) -> list[Ignore]:
    return [one for name, keys in IGNORING for one in _ignored_by(directory / name, keys)]


def _ignored_by(path: Path, keys: Sequence[str]) -> Sequence[Ignore]:
    from pydantic import ValidationError

    try:
        said: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise Cannot(f"{path}: {error}") from None
    for key in keys:
        said = said.get(key, {}) if isinstance(said, dict) else {}
    try:
        return Outdated.model_validate(said).ignore
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, (*keys, *first["loc"])))
        raise Cannot(f"{path}: {place}: {first['msg'].removeprefix('Value error, ')}") from None


def _judged(project: Project, pin: Pin, known: Known, ignore: Sequence[Ignore]) -> Judged:
    python = pin.python or project.python
    return Judged(pin, ahead(pin.version, known.candidates, lowest(python) or python, ignore))


def _is_chosen(one: Judged, asked: Asked) -> bool:
    from tightship.integrations.pins.pin import canonical

    if asked.only and one.pin.name not in {canonical(name) for name in asked.only}:
        return False
    return not asked.level or bool(one.ahead.within(cast(Level, asked.level)))


def _row(project: Project, one: Judged) -> Row:
    older = one.pin.overrides
    return {
        "package": one.pin.written or one.pin.name,
        "version": one.pin.version,
        **asdict(one.ahead),
        "at": _place(project, one.pin),
        "overrides": f"{older.version} in {_place(project, older)}" if older else "",
        "orphan": one.pin.unused,
    }


def _place(project: Project, pin: Pin) -> str:
    return f"{project.shown(pin.url or pin.file)}:{pin.line}"


def _ending(project: Project, chosen: Sequence[Judged], known: Mapping[str, Known]) -> list[str]:
    said = [*project.notes]
    unknown = sorted(name for name, one in known.items() if one.asked and not one.candidates)
    if unknown:
        said.append(f"On no index: {', '.join(unknown)}.")
    problems = sorted({one.problem for one in known.values() if one.problem})
    never = sorted(name for name, one in known.items() if not one.asked and not one.problem)
    if never:
        said.append(f"Never asked for: {', '.join(never[:8])}{' …' if len(never) > 8 else ''}.")
    oldest = min((one.asked for one in known.values() if one.asked), default=None)
    since = f"as of {shown(oldest)}" if oldest else "no index was asked"
    python = f"for Python {project.python} ({project.python_from})" if project.python else "for any Python"
    counted = f"{len(chosen)} of {len(project.pins)} pins have something newer, {python}; {since}."
    return [*said, *(f"{one}." for one in problems), counted]


def _document(project: Project, chosen: Sequence[Judged], known: Mapping[str, Known]) -> dict[str, Any]:
    return {
        "directory": str(project.directory),
        "python": project.python,
        "pins": len(project.pins),
        "outdated": [_row(project, one) for one in chosen],
        "notes": list(project.notes),
        "on_no_index": sorted(name for name, one in known.items() if one.asked and not one.candidates),
        "problems": sorted({one.problem for one in known.values() if one.problem}),
    }


def _write(project: Project, chosen: Sequence[Judged], level: Level, as_json: bool) -> int:
    from tightship.integrations.pins import raised

    wanted = {one.pin: one.ahead.within(level) for one in chosen}
    result = raised(project, wanted)
    for path in result.files:
        # The indexes may have taken a while: what was typed into it since then is not to be lost.
        if _bytes(path) != project.texts[path].data:
            raise Cannot(f"{path} changed meanwhile. Nothing was written; type it again")
    for path, data in result.files.items():
        _replace(path, data)
    changes = [
        {
            "package": pin.name,
            "before": pin.version,
            "after": wanted[pin],
            "at": _place(project, pin),
        }
        for pin in result.pins
    ]
    if as_json:
        kept = [{"package": one.pin.name, "why": one.why, "instead": one.instead} for one in result.kept]
        click.echo(json.dumps({"raised": changes, "kept": kept, "then": list(result.then)}, indent=1))
        return FINE
    for one in changes:
        click.echo(f"{one['at']}: {one['package']} {one['before']} -> {one['after']}")
    for other in result.kept:
        step = f"{other.pin.name} {other.pin.version} -> {other.version}"
        click.echo(f"not raised: {step}: {other.why}. Type: {other.instead}")
    for command in result.then:
        click.echo(f"then: {command}")
    click.echo(
        f"{len(changes)} pins raised in {len(result.files)} files." if changes else "Nothing was written."
    )
    return FINE


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Cannot(f"{path}: {error.strerror or error}. Nothing was written") from None


def _replace(path: Path, data: bytes) -> None:
    """Write a file as a whole or not at all; it stays whose it was, and with the same rights."""
    try:
        was = path.stat()
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as new:
            new.write(data)
            os.fchmod(new.fileno(), was.st_mode & 0o7777)
            if (was.st_uid, was.st_gid) != (os.geteuid(), os.getegid()) and os.geteuid() == 0:
                os.fchown(new.fileno(), was.st_uid, was.st_gid)
            os.fsync(new.fileno())
        Path(new.name).replace(path)
    except OSError as error:
        raise Cannot(
            f"{path} can't be written: {error.strerror or error}. Files before it were written"
        ) from None
