"""Which package indexes are asked, and how: as pip is configured for whoever runs this.

pip's files and variables are read here rather than by pip: the environment that Tightship runs in need not
have one. Source: pip's user guide, "Configuration"; a test holds it against `pip config list`.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from pypi_simple import PYPI_SIMPLE_ENDPOINT as DEFAULT

_SECTIONS = ("global", "download", "install")
"""Those that count for an installation, the stronger ones last."""

_WORDS = ("index-url", "extra-index-url", "find-links", "no-index", "proxy", "cert", "client-cert", "timeout")
_LISTS = ("extra-index-url", "find-links")


class BadConfiguration(ValueError):
    """pip's configuration can't be read; the message names the file and what was expected."""


@dataclass(frozen=True, slots=True)
class Configured:
    """What pip would ask."""

    indexes: tuple[str, ...] = (DEFAULT.rstrip("/"),)
    """addresses of Simple APIs, as they were written: with a password, maybe"""
    find_links: tuple[str, ...] = ()
    """folders and pages that have files of packages"""
    proxy: str = ""
    cert: str = ""
    client_cert: str = ""
    timeout: float = 15.0
    """seconds"""


def configured(
    environ: Mapping[str, str] = os.environ, prefix: str = sys.prefix, root: Path = Path("/")
) -> Configured:
    """How pip is configured here. Raises BadConfiguration.

    `prefix`: of the environment that may have a pip.conf of its own, where none is active.
    """
    said: dict[str, str] = {}
    if environ.get("PIP_CONFIG_FILE") != os.devnull:
        for path in _files(environ, environ.get("VIRTUAL_ENV") or prefix, root):
            said.update(_of_file(path))
    for word in _WORDS:
        value = environ.get("PIP_" + word.upper().replace("-", "_"), "")
        if value:
            said[word] = value
    return _understood(said)


def _files(environ: Mapping[str, str], prefix: str, root: Path) -> Iterator[Path]:
    """The files that pip reads, the stronger ones last."""
    home = Path(environ.get("HOME") or Path.home())
    for folder in reversed((environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)):
        yield root / folder.lstrip("/") / "pip" / "pip.conf"
    yield root / "etc" / "pip.conf"
    yield home / ".pip" / "pip.conf"
    yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
    yield Path(prefix) / "pip.conf"
    if environ.get("PIP_CONFIG_FILE"):
        yield Path(environ["PIP_CONFIG_FILE"]).expanduser()


def _of_file(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        text = path.read_text(encoding="utf-8")
        parser.read_string(text, str(path))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        first = str(error).splitlines()[0]
        raise BadConfiguration(f"{path}: pip's configuration can't be read: {first}") from None
    found: dict[str, str] = {}
    for section in _SECTIONS:
        if parser.has_section(section):
            found.update({_word(name): value for name, value in parser.items(section)})
    return {word: value for word, value in found.items() if word in _WORDS}


def _word(name: str) -> str:
    return name.removeprefix("--").replace("_", "-").lower()


def _understood(said: Mapping[str, str]) -> Configured:
    lists = {word: tuple(said.get(word, "").split()) for word in _LISTS}
    indexes = (said.get("index-url", "").strip() or DEFAULT, *lists["extra-index-url"])
    if said.get("no-index", "").strip().lower() in ("1", "true", "yes", "on"):
        indexes = ()
    try:
        timeout = float(said.get("timeout", "15"))
    except ValueError:
        raise BadConfiguration(f"pip's timeout: expected seconds, got {said['timeout']!r}") from None
    return Configured(
        tuple(dict.fromkeys(one.rstrip("/") for one in indexes)),
        lists["find-links"],
        said.get("proxy", "").strip(),
        said.get("cert", "").strip(),
        said.get("client-cert", "").strip(),
        timeout,
    )


def without_password(address: str) -> str:
    """An address as it may be shown: whoever it names stays away."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
