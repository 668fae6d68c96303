"""What a server has that has an agent: which files, with which rights, and how they get there.

Pure but for reading our own files. `program` is for `run_on`: it is piped into the server's Python,
so the token stands on no command line.
"""

from __future__ import annotations

import base64
import json
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files as resources
from typing import Any
from urllib.parse import urlsplit

from tightship.remote.program import modules, pyz

USER = "tightship-agent"
CODE = "/opt/tightship-agent"
SETTINGS = "/etc/tightship-agent"
SPOOL = "/var/spool/tightship-agent"
MEMORY = "/var/lib/tightship-agent"
UNITS = "/etc/systemd/system"
TOKEN = f"{SETTINGS}/token"
CA = f"{SETTINGS}/ca.pem"
TIMER, SERVICE, PROBE = "tightship-agent.timer", "tightship-agent.service", "tightship-agent-probe.service"

_PLAIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+[A-Za-z0-9._~/%-]*")
_PROXY = re.compile(r"http://[A-Za-z0-9.:\[\]-]+")
_HEAD = "# Written by `tightship agent`; the settings are told in docs/reference/agent.md.\n"


@dataclass(frozen=True, slots=True)
class File:
    """A file of root's; `group` empty: root's."""

    content: bytes
    mode: int = 0o644
    group: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How an agent is to be set up. `ca`: the content of a file of authorities."""

    url: str
    ca: bytes = b""
    proxy: str = ""
    insecure_http: bool = False


def wanted(url: str, ca: bytes = b"", proxy: str = "", insecure_http: bool = False) -> Wanted:
    """Raises ValueError for what the agent would refuse, in its words."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not _PLAIN.fullmatch(url) or "@" in parts.netloc:
        raise ValueError(f"--url: expected an address as https://tightship.example.com, got {url!r}")
    if parts.scheme == "http" and not insecure_http:
        raise ValueError(
            "--url: http:// is not encrypted, everybody on the way could read the tokens. Use https://, or, "
            "where the network is trusted, say --insecure-http"
        )
    if proxy and (parts.scheme != "https" or not _PROXY.fullmatch(proxy)):
        raise ValueError(f"--proxy: expected http://HOST:PORT, for an https:// address, got {proxy!r}")
    if ca and b"-----BEGIN CERTIFICATE-----" not in ca:
        raise ValueError("--ca: expected certificates, each beginning with -----BEGIN CERTIFICATE-----")
    return Wanted(url, ca, proxy, insecure_http)


FOLDERS: Mapping[str, File] = {
    CODE: File(b"", 0o755),
    SETTINGS: File(b"", 0o755),
    # The group goes over to what root writes there, so that the sender can read it, and nobody else.
    SPOOL: File(b"", stat.S_ISGID | 0o750, USER),
}


def files(wanted: Wanted, token: str = "") -> dict[str, File]:
    """Path -> file. An empty token: the one that is there stays."""
    made = {f"{CODE}/{name}.pyz": File(pyz(f"tightship_{name}")) for name in ("probe", "agent")}
    made |= {f"{UNITS}/{name}": File(_unit(name)) for name in (PROBE, SERVICE, TIMER)}
    if wanted.ca:
        made[CA] = File(wanted.ca)
    if token:
        made[TOKEN] = File(f"{token}\n".encode(), 0o640, USER)
    return {**made, f"{SETTINGS}/agent.conf": File(settings(wanted).encode())}


def settings(wanted: Wanted) -> str:
    """The text of agent.conf."""
    said = {
        "url": wanted.url,
        "ca": CA if wanted.ca else "",
        "proxy": wanted.proxy,
        "insecure_http": "yes" if wanted.insecure_http else "",
    }
    return f"{_HEAD}[agent]\n" + "".join(f"{name} = {value}\n" for name, value in said.items() if value)


def placing(wanted: Wanted, token: str = "") -> str:
    """The program that sets up an agent, or makes one as it is to be."""
    order = {"folders": _told(FOLDERS), "files": _told(files(wanted, token))}
    return program("place", **order)


def removing() -> str:
    """The program that leaves nothing of it."""
    units = [f"{UNITS}/{name}" for name in (TIMER, SERVICE, PROBE)]
    return program("remove", paths=[*units, CODE, SETTINGS, SPOOL, MEMORY])


def telling() -> str:
    """The program that says how it goes there."""
    return program("tell")


def program(what: str, **more: Any) -> str:
    """Source that runs alone, with what to do below it."""
    order = {
        "do": what, "user": USER, "units": UNITS, "timer": TIMER, "service": SERVICE, "probe": PROBE,
        "agent": f"{CODE}/agent.pyz", "token": TOKEN, **more,
    }  # fmt: skip
    source = modules("tightship_installer")["tightship_installer/agent.py"].decode()
    return f"{source}\n\nmain(json.loads({json.dumps(order)!a}))\n"


def _told(wanted: Mapping[str, File]) -> Sequence[Mapping[str, Any]]:
    return [
        {
            "path": path,
            "mode": file.mode,
            "group": file.group,
            "content": base64.b64encode(file.content).decode(),
        }
        for path, file in wanted.items()
    ]


def _unit(name: str) -> bytes:
    return (resources("tightship.remote") / "units" / name).read_bytes()
