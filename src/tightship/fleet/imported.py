"""What a file says about an application that no probe can look at: a cloud provider's function, an appliance.

It becomes a report as the probe would have sent it, so that everything that asks about packages sees it too.
Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from packaging.utils import canonicalize_name

from tightship.fleet.found import Found
from tightship.fleet.naming import TOLD, TOLD_STAGE
from tightship.fleet.report import SCHEMA, Package, digest_of, digest_of_set, package_line

KIND = "imported"
"""Kind of an environment that was read from a file."""

MOST_PACKAGES = 20_000
"""A container's image has hundreds."""


class BadFile(ValueError):
    """It can't be read as what it is said to be; the message says where, and what was expected."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file says of one environment."""

    source: str
    """what wrote it: `pip inspect of pip 26.3`, `CycloneDX 1.6 by syft 1.20`"""
    packages: Sequence[Package]
    python: str = ""
    made: datetime | None = None
    """when, where the file says so"""
    subject: tuple[str, str] = ("", "")
    """name and version of what it is about, where the file says so"""
    system: Mapping[str, str] | None = None
    """id, version and name of the operating system"""
    left_out: Sequence[str] = ()
    """what of it was not taken, in words"""


def distinct(packages: Iterable[Package]) -> list[Package]:
    """Each once, in order. Several versions of one package all stay: nobody knows which gets imported."""
    return sorted(set(packages))


def origin(imported: Imported, file: str) -> str:
    """`shop.cdx.json (CycloneDX 1.6 by syft 1.20, made 2026-11-20 10:00 UTC)`"""
    made = f", made {imported.made:%Y-%m-%d %H:%M} UTC" if imported.made else ""
    return f"{file} ({imported.source}{made})"


def report_of(
    imported: Imported, file: str, server: str, application: str, stage: str, now: datetime
) -> bytes:
    """The report of a server on which `application` runs with these packages, and nothing else."""
    lines = [package_line(_flat(package)) for package in imported.packages]
    state = json.dumps(_state(imported, origin(imported, file), server, application, stage, lines))
    head = json.dumps(
        {
            "schema": SCHEMA,
            "digest": digest_of(state.encode()),
            "live": {"at": now.isoformat(), "sent": now.isoformat()},
        }
    )
    sets = json.dumps({digest_of_set(lines): sorted(lines)})
    return f'{head[:-1]}, "state": {state}, "sets": {sets}}}'.encode()


def beside(known: Found | None, new: Found) -> Found:
    """`new`, and what was imported before of other applications on the same server."""
    if known is None:
        return new
    groups = {key: group for key, group in known.groups.items() if key not in new.groups}
    used = {group.group.environment for group in groups.values()}
    environments = {key: one for key, one in known.environments.items() if key in used}
    system = new.system if new.system.os.name else new.system.model_copy(update={"os": known.system.os})
    return replace(
        new,
        system=system,
        groups={**groups, **new.groups},
        environments={**environments, **new.environments},
    )


def _state(
    imported: Imported, said: str, server: str, application: str, stage: str, lines: Sequence[str]
) -> dict[str, Any]:
    key = f"{KIND}:{application}" + (f"/{stage}" if stage else "")
    evidence = [{"what": "environment", "how": "import", "value": said}]
    environment = {
        "key": key,
        "kind": KIND,
        "python": imported.python,
        "packages": digest_of_set(lines),
        "how": evidence,
    }
    names = [{"name": application, "how": TOLD}, *([{"name": stage, "how": TOLD_STAGE}] if stage else [])]
    group = {
        "key": key,
        "kind": "application",
        "type": "other",
        "program": KIND,
        "user": "",
        # Nobody saw it start.
        "started": {"boot": "", "ticks": 0},
        "python": imported.python,
        "environment": key,
        "names": names,
        "releases": _releases(imported, application),
        "how": evidence,
    }
    system = {"name": server, **({"os": dict(imported.system)} if imported.system else {})}
    return {"system": system, "complete": True, "groups": [group], "environments": [environment]}


def _releases(imported: Imported, application: str) -> list[dict[str, str]]:
    """The version of what the file is about, or of the package, that is called as the application."""
    called = canonicalize_name(application)
    known = [imported.subject, *((package.name, package.version) for package in imported.packages)]
    return [
        {"how": "package", "release": version, "where": name}
        for name, version in known
        if version and canonicalize_name(name) == called
    ][:1]


def _flat(package: Package) -> Package:
    """Without what would end a field, or the line."""
    name, version, where, commit = (" ".join(text.split()) for text in package[:4])
    return package._replace(name=name, version=version, origin=where, commit=commit)
