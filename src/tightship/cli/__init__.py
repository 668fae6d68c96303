"""The verbs that people type. Wires the rooms together and holds no rules."""

from __future__ import annotations


def main() -> None:
    """The program `tightship`. Exits with 0 fine, 1 findings, 2 cannot or not all, 130 interrupted."""
    import sys

    from tightship.cli.running import run

    sys.exit(run(sys.argv[1:]))
