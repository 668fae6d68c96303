"""Which service is asked instead of the local store, and with which token.

From TIGHTSHIP_URL and TIGHTSHIP_TOKEN, else from what `tightship login` kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tightship.cli.running import Cannot
from tightship.fleet.text import harmless

FILE = "service.json"


@dataclass(frozen=True, slots=True)
class Service:
    """Where to ask, and what to show there."""

    url: str
    token: str = field(default="", repr=False)
    insecure_http: bool = False


def place(variables: Mapping[str, str] = os.environ) -> Path:
    """The file that `login` keeps."""
    said = variables.get("XDG_CONFIG_HOME", "")
    directory = Path(said) if said.startswith("/") else Path.home() / ".config"
    return directory / "tightship" / FILE


def named(variables: Mapping[str, str] = os.environ) -> bool:
    """Whether a service is to be asked, be it as it may."""
    said = variables.get("TIGHTSHIP_URL")
    return bool(said) if said is not None else place(variables).exists()


def chosen(variables: Mapping[str, str] = os.environ) -> Service | None:
    """The service to ask; None: the local store. Raises Cannot.

    An empty TIGHTSHIP_URL means the local store, whatever `login` kept.
    """
    said = variables.get("TIGHTSHIP_URL")
    if said == "":
        return None
    known = kept(variables)
    if said is None:
        if known and variables.get("TIGHTSHIP_TOKEN"):
            return Service(known.url, variables["TIGHTSHIP_TOKEN"].strip(), known.insecure_http)
        return known
    url = address(said, "TIGHTSHIP_URL")
    same = known if known and known.url == url else Service(url)
    token = variables.get("TIGHTSHIP_TOKEN", "").strip() or same.token
    if not token:
        raise Cannot(
            f"There is no token for {url}. Keep one: tightship login {url}, or set TIGHTSHIP_TOKEN. "
            "An administrator makes one there: tightship token create --read"
        )
    return Service(url, token, same.insecure_http)


def kept(variables: Mapping[str, str] = os.environ) -> Service | None:
    path = place(variables)
    try:
        with path.open() as file:
            open_to_others = os.fstat(file.fileno()).st_mode & 0o077
            said = json.load(file)
        if open_to_others:
            raise Cannot(f"{path} holds a token, and others may read it: chmod 600 {path}")
        return Service(str(said["url"]), str(said["token"]), said.get("insecure_http") is True)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Cannot(f"{path} can't be read: {(error.strerror or '').lower()}.") from None
    except (ValueError, TypeError, KeyError):
        raise Cannot(f"{path} is damaged. Make it anew: tightship login URL") from None


def keep(service: Service) -> Path:
    """Write the file, readable by this user only, whole or not at all."""
    path = place()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".service")  # 0600 from its beginning
        try:
            with os.fdopen(descriptor, "w") as file:
                json.dump(asdict(service), file)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise Cannot(f"{path} can't be written: {(error.strerror or '').lower()}.") from None
    return path


def forget() -> Service | None:
    """Remove what is kept; returns what it was."""
    try:
        known = kept()
    except Cannot:
        known = Service("what could not be read")
    place().unlink(missing_ok=True)
    return known


def address(text: str, where: str = "URL") -> str:
    """An address of a service as it is kept. Raises Cannot."""
    wanted = f"{where}: expected https://HOST, got {harmless(text)[:80]!r}."
    try:
        parts = urlsplit(text.strip())
        _port = parts.port
    except ValueError:
        raise Cannot(wanted) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or harmless(text) != text:
        raise Cannot(wanted)
    if parts.username or parts.query or parts.fragment:
        raise Cannot(f"{where}: expected https://HOST alone, without user, ? or #.")
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")
