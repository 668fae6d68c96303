"""The command that answers in a terminal what a page answers, to be copied. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from tightship.store.listing import Params

VERBS = {"vulnerabilities": "vulnerable"}
"""Lists that the command line has under another word."""


def of_list(name: str, params: Params, at: str = "", argument: str = "") -> str:
    """`tightship ports --server web1`; `argument`: what stands before the options."""
    said = [(f"--{filtered.replace('_', '-')}", value) for filtered, value in params.filters.items()]
    asked = [("--search", params.query), ("--sort", params.sort), ("--at", at)]
    return written(
        VERBS.get(name, name),
        *filter(None, (argument,)),
        *(word for option, value in [*said, *asked] if value for word in (option, value)),
    )


def who_uses(package: str, at: str = "") -> str:
    return written("who-uses", package, *(("--at", at) if at else ()))


def diff(sides: Sequence[str], at: str = "") -> str:
    return written("diff", *sides, *(("--at", at) if at else ()))


def written(*words: str) -> str:
    """As a shell takes it. A value that begins with a dash would be taken for an option."""
    shown: list[str] = []
    for word, before in zip(words, ("", *words), strict=False):
        if before.startswith("--") and word.startswith("-"):
            shown[-1] = f"{before}={shlex.quote(word)}"
        else:
            shown.append(shlex.quote(word))
    return " ".join(["tightship", *shown])
