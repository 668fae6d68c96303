"""Which Python a command would run, written in a unit, a crontab or supervisor's configuration."""

import os
from typing import Dict, List, NamedTuple, Sequence

from tightship_probe import shellwords
from tightship_probe.command import RUNNERS
from tightship_probe.patterns import Pattern
from tightship_probe.shellwords import PATH, SHELLS, Run, TooClever
from tightship_probe.started import VARIABLES
from tightship_probe.tree import Missing, Unreadable

_INTERPRETER = Pattern(r"(?:python|pypy)[\d.]*[a-z]{0,2}\Z")
_OF_SYSTEM = Pattern(r"/(?:usr/)?(?:bin|sbin|lib(?:32|64|x32|exec)?)/|/usr/share/|/etc/cron\.")
_BEHIND_SHELL = Pattern(rb"'''exec' \"?(?P<path>/[^\"'\n]+?)\"? \"\$0\" \"\$@\"")
_PYTHON_IN_SCRIPT = Pattern(
    rb"(?:/bin/(?:python|activate)|\.venv/|\bpython[23]?\b|\bpoetry run\b|\buv run\b|\.py\b)"
)
_LOCAL = frozenset(["/usr/local/bin", "/usr/local/sbin"])
_HEAD = 4096
_MOST_VARIABLES = 65536


class Named(NamedTuple):
    """A command that something names."""

    by: List[str]
    """unit:shop.service, timer:..., crontab:..., supervisor:..."""
    argv: List[str]
    cwd: str
    user: str
    variables: Dict[str, str]
    runs_as: Sequence[str] = ()
    """what its process group is known by while it runs: unit:shop.service, supervisor:shop:web"""
    files: Sequence[str] = ()
    """of variables; those that may be missing begin with -"""
    search: str = ""
    """where a name without a path is looked for; empty: in PATH"""
    program: str = ""
    """the file that is executed in the end, once it was followed: an interpreter"""
    why: str = ""
    """why it is set aside, in words; empty: it is followed"""


class SetAside(Exception):
    """What a command runs can't be told, and it may well be Python."""


def of_shell(line, named):
    """Commands of a simple line of a shell, each with the directory that `cd` led to before it."""
    return _each(named, shellwords.runs_of, line)


def unwrapped(named):
    """The same of a command that no shell reads: `nice`, `flock`, `sh -c` taken off."""
    return _each(named, lambda _line, start: shellwords.unwrapped(start), "")


def _each(named, runs_of, line):
    start = Run(named.argv, named.cwd, named.user, named.variables)
    found = []
    try:
        found += (named._replace(**run._asdict()) for run in runs_of(line, start))
    except TooClever as why:
        text = line or " ".join(named.argv)
        if _PYTHON_IN_SCRIPT.search(os.fsencode(text)):
            found.append(named._replace(argv=[], why="a shell script: %s" % why))
    return found


def may_be_python(named, local):
    """Whether a command is worth following: it is not plainly a program of the operating system's.

    `local`: names of programs that the administrator has in _LOCAL.
    """
    if named.why:
        return True
    if not named.argv:
        return False
    program = named.argv[0]
    if _INTERPRETER.match(os.path.basename(program)):
        script = next((word for word in named.argv[1:] if not word.startswith("-")), "")
        return not (is_of_system(program) and is_of_system(script))
    if os.path.basename(program) in RUNNERS:
        return True
    if "/" in program:
        return not is_of_system(program)
    # Not of the root's own folders alone: somebody's may be in front.
    folders = _folders(named)
    mine = [folder for folder in folders if not is_of_system(folder + "/")]
    return program in local or bool(set(mine) - _LOCAL) or bool(named.files)


def local_programs(tree):
    """Names of the programs in _LOCAL."""
    found = set()
    for folder in sorted(_LOCAL):
        try:
            with tree.directory(folder) as directory:
                found.update(directory.names())
        except Unreadable:
            continue
    return found


def is_of_system(path):
    """Whether a path lies where the operating system has its programs."""
    return _OF_SYSTEM.match(path) is not None


def python_of(tree, named):
    """The `Named` with the argv and the program that the kernel would make of it; None: it runs no Python.

    Raises `SetAside` where it may run one that can't be told.
    """
    if named.why:
        raise SetAside(named.why)
    named = _with_files(tree, named)
    return _executed(tree, named) if named.argv else None


def _with_files(tree, named):
    """With those of VARIABLES that its files set. No others are looked at."""
    found = dict(named.variables)
    for path in named.files[:20]:
        place = path.lstrip("-")
        try:
            lines = os.fsdecode(tree.read(place, _MOST_VARIABLES)).split("\n")
        except Missing:
            continue
        except Unreadable as why:
            if path[:1] == "-":
                continue
            raise SetAside("variables of %s: %s" % (place, why))
        for line in lines:
            name, equals, value = line.strip().partition("=")
            if equals and name.strip() in VARIABLES:
                found[name.strip()] = value.strip().strip("\"'")
    return named._replace(variables=found)


def _executed(tree, named):
    """What runs when these words are executed; None: no Python."""
    words = named.argv
    program = _found(tree, named, words[0])
    is_interpreter = _INTERPRETER.match(os.path.basename(words[0]))
    if not program:
        if is_interpreter or os.path.basename(words[0]) in RUNNERS:
            raise SetAside("%s was not found" % words[0])
        return None
    if is_interpreter or os.path.basename(program).startswith("uwsgi"):
        # As called: CPython looks for its own name in PATH, and beside what it finds for a pyvenv.cfg.
        return named._replace(program=program)
    try:
        head = tree.head(program, _HEAD)
    except Unreadable as why:
        if os.path.basename(program) in RUNNERS:
            raise SetAside("%s: %s" % (program, why))
        return None
    return _of_script(tree, named, program, head)


def _of_script(tree, named, program, head):
    first, _, rest = head.partition(b"\n")
    said = os.fsdecode(first[2:]).split() if first.startswith(b"#!") else []
    if not said:
        return None
    interpreter, options = said[0], said[1:]
    if os.path.basename(interpreter) == "env":
        words = [word for word in options if not word.startswith("-") and "=" not in word]
        found = _found(tree, named._replace(search=""), words[0]) if words else ""
        if words and not found and _INTERPRETER.match(words[0]):
            raise SetAside("%s of %s was not found" % (words[0], program))
        interpreter, options = found, words[1:]
    name = os.path.basename(interpreter)
    if name in SHELLS:
        behind = _BEHIND_SHELL.search(rest)
        if not behind:
            if _PYTHON_IN_SCRIPT.search(rest) and not is_of_system(program):
                raise SetAside("a shell script: %s" % program)
            return None
        interpreter, options = os.fsdecode(behind.group("path")), []
        name = os.path.basename(interpreter)
    if not _INTERPRETER.match(name):
        return None
    return named._replace(argv=[interpreter, *options, program, *named.argv[1:]], program=interpreter)


def _found(tree, named, name):
    """The file that a name leads to, as a path; "" where there is none."""
    if "/" in name:
        path = os.path.normpath(os.path.join(named.cwd or "/", name))
        return path if tree.exists(path) else ""
    if not name or "\0" in name:
        return ""
    for folder in _folders(named):
        path = os.path.join(folder, name)
        if folder.startswith("/") and tree.exists(path):
            return path
    return ""


def _folders(named):
    return (named.search or named.variables.get("PATH", PATH)).split(":")[:50]
