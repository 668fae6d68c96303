"""This machine's own settings, for the servers that are made of it: mirror, apt, certificates, pip, names."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tightship.lab.failing import LabError, do

CERTIFICATES = Path("/usr/local/share/ca-certificates")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_POCKETS = ("", "-updates", "-security")
_NOT_FOR_OTHERS = (
    "Acquire::IndexTargets",
    "Acquire::Changelogs",
    "Acquire::cdrom",
    "Acquire::CompressionTypes",
)


@dataclass(frozen=True, slots=True)
class Source:
    """One line of apt's sources."""

    uri: str
    release: str
    components: tuple[str, ...]

    def line(self) -> str:
        return f"deb {self.uri} {self.release} {' '.join(self.components)}"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a root of `suite` takes over from this machine. `files`: path below the root -> content."""

    suite: str
    mirror: str
    files: Mapping[str, bytes]


def machines_suite() -> str:
    """The codename of what this machine runs: bookworm."""
    try:
        suite = platform.freedesktop_os_release().get("VERSION_CODENAME")
    except OSError:
        suite = None
    if not suite:
        raise LabError("this machine does not say which release of Debian it is: name a suite")
    return suite


def settings(suite: str) -> Settings:
    """Raises `LabError` where this machine has no mirror of its own."""
    sources = sources_for(suite, machines_suite(), _indexes())
    if not sources:
        raise LabError("apt has no source for this machine's own release in /etc/apt/sources.list.d")
    files = {
        "etc/apt/sources.list": "".join(source.line() + "\n" for source in sources).encode(),
        "etc/apt/apt.conf.d/50tightship-lab": apt_settings(do("apt-config", "dump")).encode(),
    }
    if CERTIFICATES.is_dir():
        local = {f"{CERTIFICATES}/{path.name}"[1:]: path.read_bytes() for path in CERTIFICATES.glob("*.crt")}
        files |= local
        # pip and others bring bundles of their own, which know no local authority.
        names = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")
        files["etc/environment"] = "".join(f"{name}={BUNDLE}\n" for name in names if local).encode()
    pip = Path("/etc/pip.conf")
    if pip.is_file():
        files["etc/pip.conf"] = pip.read_bytes()
    return Settings(suite, sources[0].uri, files)


def sources_for(suite: str, machines: str, indexes: str) -> list[Source]:
    """The machine's own sources with `suite` in place of its own. The distribution's only: what others
    offer for this release they may not have for that one. `indexes`: lines of URI|release|component."""
    found: dict[tuple[str, str], list[str]] = {}
    for line in indexes.splitlines():
        uri, release, component = line.split("|")
        pocket = release.removeprefix(machines)
        if release.startswith(machines) and pocket in _POCKETS:
            components = found.setdefault((uri, suite + pocket), [])
            if component not in components:
                components.append(component)
    made = [Source(uri, release, tuple(components)) for (uri, release), components in found.items()]
    return sorted(made, key=lambda source: source.release != suite)


def apt_settings(dump: str) -> str:
    """Of `apt-config dump` what says how to reach the mirror: Acquire, where it has a value."""
    lines = [
        line
        for line in dump.splitlines()
        if line.startswith("Acquire::") and not line.startswith(_NOT_FOR_OTHERS) and not line.endswith(' "";')
    ]
    return "".join(line + "\n" for line in dict.fromkeys(lines))


def resolvers() -> bytes:
    """What a server's resolv.conf is to say."""
    # systemd-resolved answers on loopback only: behind it stand those that a server reaches, too.
    for path in (Path("/run/systemd/resolve/resolv.conf"), Path("/etc/resolv.conf")):
        if path.is_file():
            return path.read_bytes()
    return b""


def _indexes() -> str:
    form = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    return do("apt-get", "indextargets", "--format", form, "Created-By: Packages")
