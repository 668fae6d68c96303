"""A CycloneDX bill of materials that some tool wrote: the Python packages in it. Pure: bytes to packages.

Source: the CycloneDX specification, JSON, 1.2 to 1.7, and what cyclonedx-py, uv, syft, trivy and `tightship
sbom` make of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from packageurl import PackageURL
from packaging.utils import canonicalize_name

from tightship.fleet.imported import MOST_PACKAGES, BadFile, Imported, distinct
from tightship.fleet.report import Package
from tightship.integrations.jsonfile import Part, document, without_userinfo

EXPECTED = "a CycloneDX bill of materials"
VERSIONS = tuple(f"1.{number}" for number in range(2, 8))
"""Those that there is a JSON form of."""

_OURS = "tightship:"
_OF_PYTHON = (_OURS, "cdx:python:", "uv:")
"""Begins the names of properties that only components have which are Python packages."""

NO_PYTHON = ("{} component is no Python package", "{} components are no Python packages")
NOT_RUNNING = (
    "{} component is not part of what runs (scope: excluded)",
    "{} components are not part of what runs (scope: excluded)",
)

_COMMIT = re.compile(r"(?P<url>.+)@(?P<commit>[0-9a-fA-F]{7,64})")


def read(data: bytes) -> Imported:
    """The Python packages in a bill. Raises `BadFile`."""
    bill = document(data, EXPECTED)
    _check(bill)
    packages: list[Package] = []
    other: Counter[tuple[str, str]] = Counter()
    pythons, systems = set(), []
    for component in _components(bill):
        if component.text("scope") == "excluded":
            other[NOT_RUNNING] += 1
        elif _is_python_itself(component):
            pythons.add(component.text("version"))
        elif component.text("type") == "operating-system":
            systems.append(_system(component))
        elif _is_package(component):
            packages.append(_package(component))
        elif component.text("type") not in ("file", "application", "container", "device"):
            other[NO_PYTHON] += 1
    left = [what[number > 1].format(number) for what, number in sorted(other.items())]
    _check_packages(packages, left)
    metadata = bill.part("metadata")
    subject = metadata.part("component")
    return Imported(
        f"CycloneDX {bill.text('specVersion')}{_tools(metadata)}",
        distinct(packages),
        # Of several nobody knows which runs it.
        pythons.pop() if len(pythons) == 1 else "",
        _made(metadata),
        (subject.text("name"), subject.text("version")),
        systems[0] if len(systems) == 1 else None,
        left,
    )


def _check(bill: Part) -> None:
    if bill.said.get("bomFormat") != "CycloneDX":
        if "spdxVersion" in bill.said or "@context" in bill.said:
            raise BadFile(f"expected {EXPECTED}, this is SPDX: have the tool write CycloneDX as JSON")
        if "installed" in bill.said:
            raise BadFile(f"expected {EXPECTED}, this is from `pip inspect`: tightship import pip")
        raise bill.bad("bomFormat", '"CycloneDX"')
    if bill.said.get("specVersion") not in VERSIONS:
        raise bill.bad("specVersion", f"one of {', '.join(VERSIONS)}")
    # One environment is imported: the packages of two, thrown together, are those of neither.
    instances = sum(_properties(one).get(f"{_OURS}server") is not None for one in bill.parts("components"))
    if instances > 1:
        raise BadFile(
            f"expected the bill of one instance, this is of {instances}: tightship sbom APPLICATION@SERVER"
        )


def _check_packages(packages: list[Package], left: list[str]) -> None:
    if not packages:
        but = f" ({'; '.join(left)})" if left else ""
        raise BadFile(f"components: expected Python packages (pkg:pypi/NAME@VERSION), none is there{but}")
    if len(packages) > MOST_PACKAGES:
        raise BadFile(f"components: expected at most {MOST_PACKAGES} packages, got {len(packages)}")


def _components(bill: Part) -> Iterator[Part]:
    """All of them, also those within others, in the order of the file."""
    waiting = list(bill.parts("components"))[::-1]
    while waiting:
        component = waiting.pop()
        yield component
        waiting += list(component.parts("components"))[::-1]


def _is_python_itself(component: Part) -> bool:
    purl = component.text("purl")
    by_purl = purl.startswith(("pkg:generic/python@", "pkg:conda/python@"))
    return by_purl or (component.text("type") == "platform" and component.text("name").lower() == "python")


def _is_package(component: Part) -> bool:
    purl = component.text("purl")
    if purl:
        return purl.lower().startswith("pkg:pypi/")
    return component.text("type") == "library" and (
        any(name.startswith(_OF_PYTHON) for name in _properties(component)) or bool(_local(component))
    )


def _package(component: Part) -> Package:
    properties = _properties(component)
    name, version, qualifiers = _named(component)
    origin, commit = qualifiers.get("vcs_url") or qualifiers.get("download_url") or _local(component), ""
    found = _COMMIT.fullmatch(origin)
    if found and qualifiers.get("vcs_url"):
        origin, commit = found["url"], found["commit"]
    return Package(
        canonicalize_name(name),
        version,
        without_userinfo(properties.get(f"{_OURS}origin") or origin),
        properties.get(f"{_OURS}commit") or commit,
        properties.get(f"{_OURS}editable") == "true",
    )


def _named(component: Part) -> tuple[str, str, Mapping[str, str]]:
    """Name, version, and what the package URL says besides. Most have such a URL, and it is exact."""
    purl = component.text("purl")
    if not purl:
        return component.needed("name"), component.text("version"), {}
    try:
        read = PackageURL.from_string(purl)
    except ValueError:
        raise component.bad("purl", "a package URL such as pkg:pypi/jinja2@3.1.6") from None
    qualifiers = read.qualifiers if isinstance(read.qualifiers, dict) else {}
    return read.name, read.version or component.text("version"), qualifiers


def _local(component: Part) -> str:
    """Where cyclonedx-py says that a package without a URL was installed from; empty: nothing is said."""
    for reference in component.parts("externalReferences"):
        if reference.text("comment").startswith("PackageSource: "):
            return reference.text("url")
    return ""


def _properties(component: Part) -> dict[str, str]:
    return {one.text("name"): one.text("value") for one in component.parts("properties")}


def _system(component: Part) -> dict[str, str]:
    name, version = component.text("name"), component.text("version")
    return {"id": name.lower(), "version": version, "name": f"{name} {version}".strip()}


def _tools(metadata: Part) -> str:
    """` by syft 1.20`: until 1.4 a list of tools, then an object that has a list."""
    is_list = isinstance(metadata.said.get("tools"), list)
    tools = metadata.parts("tools") if is_list else metadata.part("tools").parts("components")
    said = [f"{one.text('name')} {one.text('version')}".strip() for one in tools]
    # cyclonedx-py names its libraries besides, none first.
    chosen = next((one for one in said if not one.startswith("cyclonedx-python-lib")), "")
    return f" by {chosen}" if chosen else ""


def _made(metadata: Part) -> datetime | None:
    said = metadata.text("timestamp")
    if not said:
        return None
    try:
        made = datetime.fromisoformat(said)
        return made.replace(tzinfo=made.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise metadata.bad("timestamp", "a moment such as 2026-11-20T10:00:00Z") from None
