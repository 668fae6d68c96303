"""`python3 -I probe.pyz`: prints one report of this server on standard output."""

import contextlib
import gc
import json
import os
import sys

import tightship_probe

USAGE = """usage: probe [--pretty] [--root DIR] [--version] [--help]

Reads this server and prints one report as JSON. Starts no program, writes nothing, opens no connection.
As root it sees every process; as another user it says what it may not see.

  --pretty    indented, for people; its digest is that of the compact form
  --root DIR  a folder that stands for a server, with proc, etc and so on
  --version   print the version and exit
"""


def main(arguments=None):
    """0: a report was printed; 2: it could not be, one sentence says why."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    root, pretty = "/", False
    while arguments:
        argument = arguments.pop(0)
        if argument in ("-h", "--help"):
            sys.stdout.write(USAGE)
            return 0
        if argument == "--version":
            sys.stdout.write("tightship-probe %s\n" % tightship_probe.__version__)
            return 0
        if argument == "--pretty":
            pretty = True
        elif argument == "--root":
            if not arguments:
                return _refuse("--root wants a directory; see --help")
            root = arguments.pop(0)
        else:
            return _refuse("unknown argument %r; see --help" % argument)
    return _print(root, pretty)


def _print(root, pretty):
    if not sys.platform.startswith("linux"):
        return _refuse(
            "it reads Linux servers, and this is %s; `tightship gather` reads them from here" % sys.platform
        )
    if sys.version_info < (3, 6):
        return _refuse("it needs Python 3.6 or later, and this is %s" % sys.version.split()[0])
    proc = os.path.join(root, "proc")
    if not os.path.isfile(os.path.join(proc, "stat")):
        return _refuse("there is no %s to read" % proc)
    # It lives for a moment: collecting garbage would cost more than it frees.
    gc.disable()
    with contextlib.suppress(OSError):
        os.nice(10)
    # Not before it is known that this Python understands it.
    from tightship_probe.report import document

    text = document(root)
    if pretty:
        text = json.dumps(json.loads(text), indent=2) + "\n"
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _refuse(why):
    sys.stderr.write("tightship-probe: %s\n" % why)
    return 2


if __name__ == "__main__":
    sys.exit(main())
