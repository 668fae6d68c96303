"""The lab by hand: `python -m tightship.lab base | up NUMBER | down [LAB] | show`; `make lab` types it."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import time
from types import FrameType

from tightship.lab.failing import LabError
from tightship.lab.labs import Lab, running, sweep, up, why_not
from tightship.lab.roots import built, root

INTERRUPTED = 130


def main() -> None:
    asked = _arguments()
    # Whoever ends us by a signal has what was begun taken away, as with Ctrl-C.
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, _interrupt)
    try:
        _do(asked)
    except LabError as error:
        sys.exit(f"tightship: {error}")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _do(asked: argparse.Namespace) -> None:
    match asked.what:
        case "base":
            _announce(asked.suite)
            for suite in asked.suite or (None,):
                print(root(suite))
        case "up":
            _up(asked.number, asked.suite)
        case "down":
            _down(asked.lab)
        case "show":
            for lab in running():
                _show(lab)


def _up(number: int, suites: list[str]) -> None:
    _announce(suites)
    began = time.monotonic()
    lab = up([f"web{at}" for at in range(1, number + 1)], suites=suites)
    lab.leave()
    print(f"Lab {lab.number}: {number} servers in {time.monotonic() - began:.1f} seconds.\n")
    _show(lab)
    config = shlex.quote(str(lab.ssh_config))
    print(
        f"\nlog in       ssh -F {config} web1"
        f"\nread them    tightship gather --ssh-config {config} 'web*'"
        "\nend them     make lab-down"
    )


def _announce(suites: list[str]) -> None:
    """Says beforehand why it will take a while, or can't be."""
    reason = why_not()
    if reason:
        raise LabError(reason)
    for suite in suites or (None,):
        if not built(suite):
            what = suite or "of this machine's own release"
            print(
                f"tightship: a Debian {what} for the lab is made first, once: some minutes",
                file=sys.stderr,
                flush=True,
            )


def _down(number: int | None) -> None:
    """What `up` booted, and what killed owners left. What a living test has stays."""
    gone = sweep()
    for lab in running():
        if lab.owner.pid is None and number in (None, lab.number):
            lab.down()
            gone.append(lab.number)
    print(
        f"Taken away: {', '.join(f'lab {one}' for one in gone)}." if gone else "There was none to take away."
    )


def _show(lab: Lab) -> None:
    for server in lab:
        print(f"{server.name}  {server.address}  {server.root}  {shlex.join(server.ssh)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tightship.lab", description="Throw-away real servers.")
    verbs = parser.add_subparsers(dest="what", required=True)
    base = verbs.add_parser("base", help="build the Debian that servers lie on, if it is not there")
    start = verbs.add_parser("up", help="boot servers, which stay until `down`")
    start.add_argument("number", type=int)
    for verb in (base, start):
        verb.add_argument(
            "--suite",
            action="append",
            default=[],
            help="a release of Debian: bullseye (this machine's own if none is given); of several, by turns",
        )
    end = verbs.add_parser("down", help="take away the servers that `up` booted, and what killed owners left")
    end.add_argument("lab", type=int, nargs="?", help="only the lab with this number")
    verbs.add_parser("show", help="what is up, tests' servers too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
