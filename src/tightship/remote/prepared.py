"""The probe as a program of root's on a server: where it lies, how it gets there, and who may run it.

Least privilege for `gather --sudo`: one command without arguments, named in one line of sudoers, or in
front of one key. `sudo` for anything else is not needed. The file is the very source that is piped
otherwise, so it is the same on all servers.
"""

from __future__ import annotations

import json
from typing import TypedDict

from tightship.remote.program import modules, source

PATH = "/opt/tightship-probe/probe.py"
"""Not below /usr/local, which a group may write on servers of some age."""


class Placed(TypedDict):
    """What the program of `placing` prints."""

    changed: bool
    user: str
    """who became root by sudo there; empty: root himself logged in"""


def placing() -> str:
    """The program that puts the probe in place; for `run_on`, as root. It prints a `Placed`."""
    order = json.dumps({"path": PATH, "source": source("tightship_probe")})
    installer = modules("tightship_installer")["tightship_installer/probe.py"].decode()
    return f"{installer}\n\nmain(json.loads({order!a}))\n"


def placed(printed: bytes) -> Placed:
    """Raises `ValueError` for what no installer of ours prints: whoever has that server wrote it."""
    said = json.loads(printed)
    user = said.get("user") if isinstance(said, dict) else None
    if not isinstance(user, str) or not isinstance(said.get("changed"), bool):
        raise ValueError("it printed something else than what came of it")
    if user and not (user.isascii() and user.replace("-", "").replace("_", "").replace(".", "").isalnum()):
        raise ValueError(f"its user has an odd name: {user!a}")
    return Placed(changed=said["changed"], user=user)


def sudoers(user: str) -> str:
    """The one line that `gather --sudo` needs. `""` is sudoers' word for: no arguments."""
    return f'{user} ALL=(root) NOPASSWD: {PATH} ""'


def authorized_key() -> str:
    """What stands in front of a key, in root's authorized_keys, that can do this and nothing else."""
    return f'restrict,command="{PATH}"'
