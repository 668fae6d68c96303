"""Where the data is, and which database. Knows no Django, so that it can be asked before it is set up."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

FILE = "tightship.sqlite3"
SECRET_KEY_FILE = "secret-key"  # noqa: S105 - a file's name


class BadSetting(ValueError):
    """A variable that says nothing usable; the message names it and what is expected."""


def data_directory(variables: Mapping[str, str] = os.environ) -> Path:
    """TIGHTSHIP_DATA; else the `var` that `make run` made in the checkout we run from; else where such
    data belongs, for root and for an ordinary user.
    """
    said = variables.get("TIGHTSHIP_DATA", "")
    if said:
        return Path(said).expanduser().absolute()
    kept = _of_checkout()
    if kept:
        return kept
    if os.geteuid() == 0:
        return Path("/var/lib/tightship")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "tightship"
    return Path(variables.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "tightship"


def _of_checkout() -> Path | None:
    top = Path(__file__).resolve().parents[3]
    return top / "var" if (top / "Makefile").exists() and (top / "var").is_dir() else None


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where the database is."""

    vendor: str
    """sqlite or postgresql"""
    name: str
    """path of the file, or the database's name"""
    host: str = ""
    port: str = ""
    user: str = ""
    password: str = ""
    options: Mapping[str, str] | None = None

    def __str__(self) -> str:
        if self.vendor == "sqlite":
            return self.name
        host = f"[{self.host}]" if ":" in self.host else self.host
        where = f"{host or 'local'}{':' + self.port if self.port else ''}"
        return f"postgresql://{self.user + '@' if self.user else ''}{where}/{self.name}"


def database(variables: Mapping[str, str] = os.environ) -> DatabaseAddress:
    """DATABASE_URL; else the SQLite file in the data directory. Raises BadSetting."""
    url = variables.get("DATABASE_URL", "")
    if not url:
        return DatabaseAddress("sqlite", str(data_directory(variables) / FILE))
    try:
        parts = urlsplit(url)
        port = str(parts.port or "")
    except ValueError as error:
        raise BadSetting(f"DATABASE_URL: {error}") from None
    if parts.scheme == "sqlite":
        return DatabaseAddress("sqlite", unquote(parts.path))
    if parts.scheme not in ("postgres", "postgresql") or not parts.path.strip("/"):
        raise BadSetting("DATABASE_URL: expected postgresql://USER:PASSWORD@HOST:PORT/NAME or sqlite:///PATH")
    options = dict(parse_qsl(parts.query))
    # A socket's directory can only stand in the query: ?host=/run/postgresql
    host = options.pop("host", "") or parts.hostname or ""
    return DatabaseAddress(
        "postgresql",
        unquote(parts.path.strip("/")),
        unquote(host),
        options.pop("port", "") or port,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        options,
    )


def keep_secret_key(variables: Mapping[str, str] = os.environ) -> None:
    """Make the data directory, and in it the key that signs sessions, where they are not there yet."""
    directory = data_directory(variables)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / SECRET_KEY_FILE
    if variables.get("TIGHTSHIP_SECRET_KEY") or path.exists():
        return
    with contextlib.suppress(FileExistsError):  # another process was quicker
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50) + "\n")
