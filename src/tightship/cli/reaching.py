"""Which servers are meant, and how ssh reaches each: by name, by a pattern, or all that fleet.toml has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from tightship.cli.running import Cannot
from tightship.remote.target import Target

if TYPE_CHECKING:
    from tightship.fleet.declared import Declared

SSH_CONFIG = Path("~/.ssh/config")
_DEEPEST = 8
"""Files that include another."""

_ADDRESS = re.compile(r"(?:(?P<user>[^@]+)@)?(?P<host>\[[^\]]+\]|[^:]+|[^\]]*:.*:.*?)(?::(?P<port>\d{1,5}))?")


def declared(named: str) -> Declared | None:
    """The declared file, where there is one. Who names a file is told when it is not there."""
    from tightship.cli import kept
    from tightship.cli.declaration import file_of, read

    try:
        file = file_of(named, kept.directory())
    except Cannot:
        return None
    return read(file).declared


def targets(names: Sequence[str], declared: Declared | None, ssh_config: str = "") -> list[Target]:
    """The servers that `names` say, in their order and each once; without names all that are declared.

    A name is one of fleet.toml's, a pattern (`web*`) over these and the Hosts of the ssh configuration, or
    what ssh is to be told: `[user@]host[:port]`. Raises Cannot.
    """
    options = ("-F", ssh_config) if ssh_config else ()
    known = {
        name: _reached(name, server.address or name, options)
        for name, server in (declared.servers.items() if declared else ())
    }
    if not names:
        return list(known.values())
    found: dict[str, Target] = {}
    for name in names:
        for target in _meant(name, known, ssh_config, options):
            found.setdefault(target.name, target)
    return list(found.values())


def _meant(
    name: str, known: Mapping[str, Target], ssh_config: str, options: tuple[str, ...]
) -> Iterator[Target]:
    if name in known:
        yield known[name]
        return
    if not set(name) & set("*?["):
        yield _reached("", name, options)
        return
    hosts = {host: _reached(host, host, options) for host in hosts_of(Path(ssh_config or SSH_CONFIG))}
    some = [target for host, target in {**hosts, **known}.items() if fnmatchcase(host, name)]
    if not some:
        raise Cannot(
            f"No server matches {name[:80]!r}: neither of fleet.toml ({len(known)} servers) nor a Host of "
            f"{ssh_config or SSH_CONFIG} ({len(hosts)})."
        )
    yield from some


def _reached(name: str, address: str, options: tuple[str, ...]) -> Target:
    """`name` empty: it is called as its address says, without user and port."""
    said = _ADDRESS.fullmatch(address)
    if said is None:
        raise Cannot(f"Expected a server as [user@]host[:port], got {address[:80]!r}.")
    host = said["host"].strip("[]")
    try:
        return Target(
            name or host, host, int(said["port"]) if said["port"] else None, said["user"] or "", options
        )
    except ValueError as error:
        raise Cannot(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None


def hosts_of(config: Path, depth: int = 0) -> list[str]:
    """The names after `Host` in an ssh configuration and what it includes, without patterns."""
    try:
        lines = config.expanduser().read_text(errors="replace").splitlines()
    except OSError:
        return []
    found: list[str] = []
    for line in lines:
        word, _space, rest = line.strip().replace("=", " ", 1).partition(" ")
        if word.lower() == "host":
            found += [host for host in rest.replace('"', "").split() if not set(host) & set("*?!")]
        elif word.lower() == "include" and depth < _DEEPEST:
            for part in rest.replace('"', "").split():
                for file in _included(part):
                    found += hosts_of(file, depth + 1)
    return list(dict.fromkeys(found))


def _included(pattern: str) -> list[Path]:
    """ssh looks from ~/.ssh, wherever the including file is."""
    whole = Path(pattern).expanduser()
    if not whole.is_absolute():
        whole = SSH_CONFIG.expanduser().parent / pattern
    return sorted(Path(whole.anchor).glob(str(whole.relative_to(whole.anchor))))
