"""A shell's line, as far as it is simple: words, quotation marks, variables that are known, `&&`, `cd`. Pure.

What decides at run time (conditions, loops, substitutions) is not followed: `TooClever`, never a guess.
"""

import os
import re
from typing import Dict, List, NamedTuple

from tightship_probe.patterns import Pattern

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LONGEST = 10000
SHELLS = ("sh", "bash", "dash", "zsh", "ksh")
_DEEPEST = 3

_PIECE = Pattern(
    r"(?P<space>[ \t\r]+)|(?P<end>\|\||&&|;;|\|&|[;|()\n]|&(?!>))"
    r"|(?P<redirect>&>>?|[<>]+[&|]?)|(?P<comment>\#)"
    r"|'(?P<single>[^']*)'|\"(?P<double>(?:[^\"\\]|\\.)*)\"|\\(?P<escaped>.)"
    r"|\$\{(?P<braced>\w+)\}|\$(?P<variable>[A-Za-z_]\w*)|(?P<plain>[^\s'\"\\;&|<>()$`\#]+)|(?P<clever>.)",
    re.S,
)
_IN_DOUBLE = Pattern(r"\\(?P<escaped>[\\\"$`\n])|\$(?:\{(?P<braced>\w+)\}|(?P<variable>[A-Za-z_]\w*))|[$`]")
ASSIGNMENT = Pattern(r"([A-Za-z_]\w*)=(.*)\Z", re.S)
_KEYWORDS = frozenset("if for while until case select function then do else { ! [[ eval trap".split())
_WITHOUT_A_PROGRAM = frozenset(
    "[ test true false : set umask ulimit exit echo printf sleep wait unset kill".split()
)

_WRAPPERS = {
    # program -> (options that take a word of their own, words before the program that it starts)
    "exec": (("-a",), 0),
    "nohup": ((), 0),
    "time": (("-f", "-o"), 0),
    "command": ((), 0),
    "nice": (("-n", "--adjustment"), 0),
    "ionice": (("-c", "-n", "--class", "--classdata"), 0),
    "chrt": ((), 1),
    "setsid": ((), 0),
    "stdbuf": (("-i", "-o", "-e"), 0),
    "timeout": (("-s", "-k", "--signal", "--kill-after"), 1),
    "flock": (("-w", "-E", "--timeout", "--wait", "--conflict-exit-code"), 1),
    "lockrun": ((), 0),
    "setlock": ((), 1),
    "chronic": ((), 0),
    "cronic": ((), 0),
    "env": (("-u", "--unset", "-C", "--chdir"), 0),
    "systemd-cat": (("-t", "-p", "--identifier", "--priority"), 0),
    "sudo": (("-u", "-g", "-h", "-p", "-C", "-r", "-t", "--user", "--group"), 0),
    "runuser": (("-u", "-g", "-G", "--user", "--group"), 0),
    "setpriv": (("--reuid", "--regid"), 0),
    "chpst": (("-u", "-U", "-b", "-e", "-/", "-n", "-l", "-L", "-m", "-o", "-p", "-f", "-c"), 0),
    "xvfb-run": (("-e", "-f", "-n", "-p", "-s", "-w"), 0),
}
_OF_A_USER = ("-u", "--user", "--reuid")


class TooClever(Exception):
    """What the line does is decided when it runs."""


class Run(NamedTuple):
    """A program that a line starts."""

    argv: List[str]
    cwd: str
    user: str
    variables: Dict[str, str]


def runs_of(line, start, depth=0):
    """Each `Run` of a line, with what `cd`, `export` and `activate` before it did. `start`: a `Run`."""
    if depth > _DEEPEST:
        raise TooClever("a shell in a shell in a shell")
    cwd, variables = start.cwd, dict(start.variables)
    for written in _commands(line[:LONGEST], variables):
        words = _assigned(written, variables)
        first = words[0] if words else ""
        if not words or first in _WITHOUT_A_PROGRAM:
            continue
        if first in _KEYWORDS:
            raise TooClever("`%s`" % first)
        if first in ("cd", "pushd"):
            cwd = _joined(cwd, words[1] if len(words) > 1 else variables.get("HOME", "/"))
            variables["PWD"] = cwd
        elif first in (".", "source"):
            _activate(words, cwd, variables)
        elif first == "export":
            _assigned(words[1:], variables)
        else:
            for run in unwrapped(Run(words, cwd, start.user, dict(variables)), depth):
                yield run


def unwrapped(run, depth=0):
    """What a command runs: behind `nice`, `flock`, `sudo -u`, `sh -c` and their like."""
    for _ in range(10):
        words = run.argv
        name = os.path.basename(words[0]) if words else ""
        if name in SHELLS:
            return _of_shell(run, depth)
        if name == "su":
            return _of_su(run, depth)
        if name not in _WRAPPERS:
            break
        run = _without_wrapper(run, name)
        if run.argv[:1] == ["-c"] and name in ("flock", "runuser"):
            return list(runs_of(" ".join(run.argv[1:2]), run._replace(argv=[]), depth + 1))
    return [run] if run.argv else []


def _of_shell(run, depth):
    """`sh -c LINE`; a script of the shell's stands for itself."""
    for place, word in enumerate(run.argv[1:], 1):
        if not word.startswith("-"):
            return [run._replace(argv=run.argv[place:])]
        if word.endswith("c") and not word.startswith("--"):
            line = "".join(run.argv[place + 1 : place + 2])
            return list(runs_of(line, run._replace(argv=[]), depth + 1))
    return []


def _of_su(run, depth):
    words = run.argv[1:]
    user = next((word for word in words if not word.startswith("-")), "root")
    lines = [words[place + 1] for place, word in enumerate(words[:-1]) if word in ("-c", "--command")]
    return [
        found for line in lines[:1] for found in runs_of(line, run._replace(argv=[], user=user), depth + 1)
    ]


def _without_wrapper(run, name):
    with_value, before = _WRAPPERS[name]
    words, place, user = run.argv, 1, "root" if name == "sudo" else run.user
    while place < len(words) and words[place].startswith("-") and len(words[place]) > 1:
        option, equals, value = words[place].partition("=")
        place += 1
        if option == "--":
            break
        if name == "flock" and option == "-c":
            place -= 1
            break
        if option in with_value and not equals:
            value = words[place] if place < len(words) else ""
            place += 1
        if option in _OF_A_USER and name != "env" and value:
            user = value.partition(":")[0]
    words = words[place:]
    if name == "flock" and words[1:2] == ["-c"]:
        return run._replace(argv=words[1:], user=user)
    variables = dict(run.variables)
    words = _assigned(words[before:], variables) if name in ("env", "sudo") else words[before:]
    return run._replace(argv=words, user=user, variables=variables)


def _assigned(words, variables):
    """The words behind `NAME=value` in front, which are kept."""
    place = 0
    for word in words:
        match = ASSIGNMENT.match(word)
        if not match:
            break
        variables[match.group(1)] = match.group(2)
        place += 1
    return words[place:]


def _activate(words, cwd, variables):
    """`. venv/bin/activate`. What other files set is not known."""
    if len(words) > 1 and os.path.basename(words[1]) == "activate":
        folder = os.path.dirname(_joined(cwd, words[1]))
        variables["PATH"] = folder + ":" + variables.get("PATH", PATH)
        variables["VIRTUAL_ENV"] = os.path.dirname(folder)


def _joined(cwd, path):
    return os.path.normpath(os.path.join(cwd or "/", path))


# Words


def _commands(line, variables):
    """Words of each simple command. `variables` are looked up when the words are reached."""
    words, current, skips = [], None, False
    for kind, text in _pieces(line):
        if kind not in ("space", "end", "redirect"):
            current = (current or "") + _value(kind, text, current is None, variables)
            if len(current) > LONGEST:  # A=$A$A; A=$A$A; ...
                raise TooClever("a word that grows")
            continue
        if current is not None:
            is_number = kind == "redirect" and current.isdigit()  # of a descriptor: 2>&1
            if not skips and not is_number:
                words.append(current)
            current, skips = None, False
        skips = skips or kind == "redirect"
        if kind == "end":
            yield words
            words, skips = [], False


def _pieces(line):
    """(kind, text) of what a line is made of, with an end; no comments."""
    begins, is_comment = True, False
    for match in _PIECE.finditer(line):
        kind = str(match.lastgroup)
        text = match.group(kind)
        is_comment = text != "\n" and (is_comment or (kind == "comment" and begins))
        if not is_comment and (kind, text) != ("escaped", "\n"):
            yield kind, text
            begins = kind in ("space", "end", "redirect")
    yield "end", ""


def _value(kind, text, begins, variables):
    if kind == "clever":
        raise TooClever("`%s`" % text)
    if kind in ("braced", "variable"):
        return _variable(text, variables)
    if kind == "double":
        return _IN_DOUBLE.sub(lambda match: _in_double(match, variables), text)
    if kind == "plain" and begins and (text == "~" or text.startswith("~/")):
        return _variable("HOME", variables) + text[1:]
    return text


def _in_double(match, variables):
    if match.group("escaped"):
        return match.group("escaped").strip("\n")
    name = match.group("braced") or match.group("variable")
    if not name:
        raise TooClever("`%s`" % match.group())
    return _variable(name, variables)


def _variable(name, variables):
    if name not in variables:
        raise TooClever("`$%s`" % name)
    return variables[name]


def words_of(text):
    """Words of a command line with quotation marks, as Python's shlex has them; None: they do not close."""
    found, current, at = [], None, 0
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None:
            return None
        at, kind = match.end(), str(match.lastgroup)
        if kind == "space":
            found += [current] if current is not None else []
            current = None
            continue
        piece = match.group(kind)
        current = (current or "") + (re.sub(r'\\([\\"])', r"\1", piece) if kind == "double" else piece)
    return found + ([current] if current is not None else [])


_WORD = Pattern(
    r"(?P<space>\s+)|'(?P<single>[^']*)'|\"(?P<double>(?:[^\"\\]|\\.)*)\"|\\(?P<escaped>.)|(?P<plain>[^\s'\"\\]+)",
    re.S,
)
