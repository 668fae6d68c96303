"""What runs, as a CycloneDX bill of materials: instances, what packages they loaded, what they listen on.

The same state gives the same bytes: sorted, its time is when that state began, its serial number follows from
what it says. Source: the CycloneDX 1.6 specification, and the package-URL type `pypi`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote
from uuid import NAMESPACE_URL, UUID, uuid5

from cyclonedx.model import Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.service import Service
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from tightship import __version__
from tightship.fleet.found import FoundGroup, listens
from tightship.fleet.report import Package

OURS = "tightship:"
"""What our own properties' names begin with."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A process group, and the packages that it loaded; None: they could not be read."""

    server: str
    group: FoundGroup
    packages: Sequence[Package] | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Subject:
    """What the bill is of."""

    name: str
    is_server: bool
    said: Sequence[tuple[str, str]] = ()
    """property -> value: owner, what the answer covers, ..."""


def bill(subject: Subject, ran: Sequence[Ran]) -> str:
    """The bill as JSON."""
    instances = _by_instance(ran)
    bom = Bom(metadata=_metadata(subject, ran, instances))
    root = bom.metadata.component
    assert root is not None
    known: dict[str, Component] = {}
    parts: list[Component] = []
    needs: list[Dependency] = []
    for name, groups in sorted(instances.items()):
        used = sorted({package for one in groups for package in one.packages or () if not package.shadowed})
        libraries = [_library(package, known) for package in used]
        pythons = [
            _python(version, known) for version in sorted({one.group.group.python for one in groups} - {""})
        ]
        owner = root if len(instances) == 1 and not subject.is_server else _instance(name, groups)
        parts += [owner] if owner is not root else []
        needs.append(_needs(owner, [*pythons, *libraries]))
        bom.services.update(_services(name, groups))
    if parts:
        needs.append(_needs(root, parts))
    # All at once: the library's own register_dependency looks through all that it has for each of them.
    bom.dependencies = needs
    bom.components.update([*parts, *known.values()])
    return _serialized(bom)


def _needs(owner: Component, parts: Iterable[Component]) -> Dependency:
    return Dependency(owner.bom_ref, [Dependency(part.bom_ref) for part in parts])


def _serialized(bom: Bom) -> str:
    nobody = UUID(int=0)
    bom.serial_number = nobody
    text = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)
    said = f'"serialNumber": "{nobody.urn}"'
    return text.replace(said, said.replace(nobody.urn, uuid5(NAMESPACE_URL, text).urn), 1) + "\n"


def _by_instance(ran: Iterable[Ran]) -> Mapping[str, list[Ran]]:
    found: dict[str, list[Ran]] = {}
    for one in sorted(ran, key=lambda one: (one.server, one.group.key)):
        found.setdefault(_called(one), []).append(one)
    return found


def _called(one: Ran) -> str:
    """`shop/production@web1:/srv/shop`"""
    group = one.group
    stage = f"/{group.stage}" if group.stage else ""
    return f"{group.application or group.group.program}{stage}@{one.server}" + (
        f":{group.base}" if group.base else ""
    )


def _metadata(subject: Subject, ran: Sequence[Ran], instances: Mapping[str, Sequence[Ran]]) -> BomMetaData:
    only = next(iter(instances.values())) if len(instances) == 1 and not subject.is_server else ()
    releases = sorted({one.group.release for one in ran if one.group.release})
    root = Component(
        type=ComponentType.DEVICE if subject.is_server else ComponentType.APPLICATION,
        name=subject.name,
        version=releases[0] if len(releases) == 1 and not subject.is_server else None,
        bom_ref=f"subject:{subject.name}",
        properties=_properties([*subject.said, *(_said(only) if only else ())]),
    )
    since = max((one.since for one in ran), default=datetime(1970, 1, 1, tzinfo=UTC))
    ours = Component(
        type=ComponentType.APPLICATION, name="tightship", version=__version__, bom_ref="tightship"
    )
    return BomMetaData(component=root, timestamp=since, tools=ToolRepository(components=[ours]))


def _instance(name: str, groups: Sequence[Ran]) -> Component:
    first = groups[0].group
    return Component(
        type=ComponentType.APPLICATION,
        name=first.application or first.group.program or "unnamed",
        version=first.release or None,
        bom_ref=f"instance:{name}",
        properties=_properties(_said(groups)),
    )


def _said(groups: Sequence[Ran]) -> list[tuple[str, str]]:
    first = groups[0]
    said = [
        ("server", first.server),
        ("stage", first.group.stage),
        ("directory", first.group.base),
        ("release-known-by", first.group.released_by),
    ]
    said += [("environment", key) for key in sorted({one.group.group.environment for one in groups})]
    said += [("runs-older-than-on-disk", one.group.key) for one in groups if one.group.surely_stale]
    # A list that lacks what could not be read must not look like the whole.
    said += [("packages-unread", one.group.key) for one in groups if one.packages is None]
    said += [("partly-unread", one.group.key) for one in groups if one.group.group.unread or one.group.kept]
    return said


def _properties(said: Iterable[tuple[str, str]]) -> list[Property]:
    return [Property(name=OURS + name, value=value) for name, value in said if value]


def _library(package: Package, known: dict[str, Component]) -> Component:
    reference = _reference(package)
    if reference not in known:
        known[reference] = Component(
            type=ComponentType.LIBRARY,
            name=package.name,
            version=package.version or None,
            purl=_purl(package),
            bom_ref=f"package:{reference}",
            properties=_properties(
                [
                    ("origin", package.origin),
                    ("commit", package.commit),
                    ("editable", "true" if package.editable else ""),
                ]
            ),
        )
    return known[reference]


def _reference(package: Package) -> str:
    where = package.origin + (f"@{package.commit}" if package.commit else "")
    return (
        f"{package.name}=={package.version}"
        + (f" from {where}" if where else "")
        + " editable" * package.editable
    )


def _purl(package: Package) -> PackageURL | None:
    """None where a package URL would lie: what lies in a folder is on no index, and the operating system
    mends its own versions without making them newer."""
    if (
        package.editable
        or not package.version
        or package.origin == "os"
        or package.origin.startswith("file:")
    ):
        return None
    qualifiers = {}
    if package.commit:
        qualifiers["vcs_url"] = f"{package.origin}@{package.commit}"
    elif package.origin:
        qualifiers["download_url"] = package.origin
    try:
        return PackageURL("pypi", None, package.name, package.version, qualifiers)
    except ValueError:
        return None


def _python(version: str, known: dict[str, Component]) -> Component:
    reference = f"python=={version} itself"
    if reference not in known:
        known[reference] = Component(
            type=ComponentType.PLATFORM, name="python", version=version, bom_ref=f"interpreter:{version}"
        )
    return known[reference]


def _services(name: str, groups: Sequence[Ran]) -> list[Service]:
    """One for each process group that listens."""
    found = []
    for one in groups:
        endpoints = sorted(
            _endpoint(listener.protocol, listens(listener)) for listener in one.group.group.listeners
        )
        if endpoints:
            found.append(
                Service(
                    name=f"{one.group.application or one.group.group.program} {one.group.group.type}",
                    bom_ref=f"service:{name}:{one.group.key}",
                    endpoints=[XsUri(address) for address in endpoints],
                    properties=_properties([("server", one.server), ("process-group", one.group.key)]),
                )
            )
    return found


def _endpoint(protocol: str, where: str) -> str:

    if protocol == "unix":
        return "unix:" + quote(where)
    return f"tcp://{where}" if ":" in where else f"tcp://*:{where}"
