"""A server as ssh is told of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server is reached. What is left empty, ~/.ssh/config decides.

    Raises `ValueError` for what ssh would take for something else than a name.
    """

    name: str
    """what the server is called here"""
    address: str = ""
    """a host name, an address, or a Host of ~/.ssh/config; empty: the name"""
    port: int | None = None
    user: str = ""
    options: tuple[str, ...] = ()
    """further words for ssh, before the address: `-F FILE`. Never from a file that others may write"""

    def __post_init__(self) -> None:
        for what, value in (("name", self.name), ("address", self.host), ("user", self.user or "x")):
            problem = _problem(value)
            if problem:
                raise ValueError(f"a server's {what} {problem}: {value[:60]!r}")
        if self.port is not None and not 0 < self.port < 65536:
            raise ValueError(f"a port is a number from 1 to 65535, got {self.port}")

    @property
    def host(self) -> str:
        return self.address or self.name

    @property
    def words(self) -> tuple[str, ...]:
        """The words of an ssh command that say where to."""
        port = () if self.port is None else ("-p", str(self.port))
        user = ("-l", self.user) if self.user else ()
        return (*self.options, *port, *user, "--", self.host)


def _problem(value: str) -> str:
    if not value:
        return "is empty"
    if value.startswith("-"):
        # `ssh -oProxyCommand=...` is a command that runs here.
        return "begins with a dash, which ssh would take for an option"
    if not value.isprintable() or any(character.isspace() for character in value):
        return "has a space or a control character"
    return ""
