"""Which ports of a server are taken, and which are free beside them. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Literal

FIRST = 8000
"""Where to begin on a server that has no application yet."""

LOWEST, LAST = 1024, 32_767
"""Below, only root may listen; above, Linux takes ports for connections that go out."""

_LOCAL = re.compile(r"^(?:[a-z]+://)?(?:127(?:\.\d+){3}|localhost|\[::1?\]|0\.0\.0\.0|\*):(\d{1,5})\b")


def free(taken: Collection[int], of_applications: Iterable[int], most: int = 5) -> list[int]:
    """The next free ports, counted from the first that an application has: people number them in a row.

    >>> free({22, 8000, 8001, 8003}, {8000, 8001, 8003}, 3)
    [8002, 8004, 8005]
    """
    begin = min((port for port in of_applications if LOWEST <= port <= LAST), default=FIRST)
    return list(islice((port for port in range(begin, LAST + 1) if port not in taken), most))


def promised(target: str) -> int | None:
    """The port of this server that a site hands its requests to, though nobody may listen there now.

    >>> promised("127.0.0.1:8005"), promised("http://10.0.0.7:8005"), promised("/run/shop.sock")
    (8005, None, None)
    """
    found = _LOCAL.match(target)
    return int(found[1]) if found else None


def runs(ports: Iterable[int]) -> str:
    """Numbers as people write them.

    >>> runs([8001, 22, 8000, 8002])
    '22, 8000–8002'
    """
    found: list[list[int]] = []
    for port in sorted(set(ports)):
        if found and found[-1][-1] == port - 1:
            found[-1][1:] = [port]
        else:
            found.append([port])
    return ", ".join("–".join(map(str, run)) for run in found)


BLOCK = 100
"""Ports that are drawn beside each other: people give a hundred to a purpose."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A port of a server, and by whom it is taken."""

    by: str
    how: Literal["application", "program", "promised"]
    """promised: a site hands its requests there, and nobody listens"""


def blocks(taken: Mapping[int, Taken], most: int = 4) -> list[range]:
    """The hundreds in which applications have ports, in order; the fullest, where there are too many.

    >>> blocks({22: Taken("sshd", "program"), 8001: Taken("shop", "application")})
    [range(8000, 8100)]
    """
    full: dict[int, int] = {}
    for port, who in taken.items():
        if who.how != "program":
            full[port // BLOCK] = full.get(port // BLOCK, 0) + 1
    fullest = sorted(full, key=lambda block: (-full[block], block))[:most]
    return [range(block * BLOCK, (block + 1) * BLOCK) for block in sorted(fullest)]
