"""What `pip inspect` says of an environment. Pure: bytes in, packages out.

Source: pip's own documentation, "pip inspect JSON output specification", version 1; PEP 610.
"""

from __future__ import annotations

import re

from packaging.utils import canonicalize_name

from tightship.fleet.imported import MOST_PACKAGES, BadFile, Imported, distinct
from tightship.fleet.report import Package
from tightship.integrations.jsonfile import Part, document, without_userinfo

EXPECTED = "what `pip inspect` prints"

_OF_OS = re.compile(r"/usr/lib(64)?/(python3/dist-packages|python3\.\d+(/(dist|site)-packages)?)/[^/]+/?")
"""Where the operating system's own packages keep their metadata."""


def read(data: bytes) -> Imported:
    """The environment that `pip inspect` was run in. Raises `BadFile`."""
    said = document(data, EXPECTED)
    if "installed" not in said.said:
        raise BadFile(_instead(said))
    if said.needed("version") != "1":
        raise said.bad("version", 'version "1" of what `pip inspect` prints')
    packages = [_package(one) for one in said.parts("installed")]
    if not packages:
        raise said.bad("installed", "at least one package")
    if len(packages) > MOST_PACKAGES:
        raise BadFile(f"installed: expected at most {MOST_PACKAGES} packages, got {len(packages)}")
    environment = said.part("environment")
    version = said.text("pip_version")
    return Imported(
        f"pip inspect of pip {version}" if version else "pip inspect",
        distinct(packages),
        environment.text("python_full_version") or environment.text("python_version"),
        system=_system(environment),
    )


def _instead(said: Part) -> str:
    if "install" in said.said:
        return f"expected {EXPECTED}, this is a report of `pip install`: it says what would be installed"
    if said.text("bomFormat"):
        return f"expected {EXPECTED}, this is an SBOM: tightship import sbom"
    return f"installed: expected {EXPECTED}, and no such member is there"


def _package(entry: Part) -> Package:
    metadata = entry.part("metadata")
    name, version = metadata.needed("name"), metadata.needed("version")
    direct = entry.part("direct_url")
    url, vcs = direct.text("url"), direct.part("vcs_info")
    kind = vcs.text("vcs")
    from_os = not url and _OF_OS.fullmatch(entry.text("metadata_location"))
    return Package(
        canonicalize_name(name),
        version,
        "os" if from_os else without_userinfo(f"{kind}+{url}" if kind else url),
        vcs.text("commit_id"),
        direct.part("dir_info").said.get("editable") is True,
    )


def _system(environment: Part) -> dict[str, str] | None:
    system, release = environment.text("platform_system"), environment.text("platform_release")
    if not system:
        return None
    return {"id": system.lower(), "version": release, "name": f"{system} {release}".strip()}
