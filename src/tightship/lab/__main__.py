"""The lab by hand: `python -m tightship.lab base | up NUMBER | down | show`."""

from __future__ import annotations

import argparse
import sys

from tightship.lab.failing import LabError
from tightship.lab.labs import Lab, running, up, why_not
from tightship.lab.owners import nobody
from tightship.lab.roots import root


def main() -> None:
    asked = _arguments()
    try:
        _do(asked)
    except LabError as error:
        sys.exit(f"tightship: {error}")


def _do(asked: argparse.Namespace) -> None:
    match asked.what:
        case "base":
            reason = why_not()
            if reason:
                raise LabError(reason)
            print(root(asked.suite))
        case "up":
            names = [f"web{number}" for number in range(1, asked.number + 1)]
            _show(up(names, suite=asked.suite, owner=nobody()))
        case "down":
            for lab in running():
                if lab.owner.pid is None or not lab.owner.lives():
                    lab.down()
        case "show":
            for lab in running():
                _show(lab)


def _show(lab: Lab) -> None:
    for server in lab:
        print(f"{server.name}  {server.address}  {server.root}  {' '.join(server.ssh)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tightship.lab", description="Throw-away real servers.")
    verbs = parser.add_subparsers(dest="what", required=True)
    base = verbs.add_parser("base", help="build the Debian that servers lie on, if it is not there")
    start = verbs.add_parser("up", help="boot servers, which stay until `down`")
    start.add_argument("number", type=int)
    for verb in (base, start):
        verb.add_argument("--suite", help="a release of Debian: bullseye (this machine's own if not given)")
    verbs.add_parser("down", help="take away the servers that `up` booted, and what killed owners left")
    verbs.add_parser("show", help="what is up, tests' servers too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
