"""Which Python a command would run, written in a unit, a crontab or supervisor's configuration."""

import os
import re
from typing import Dict, List, NamedTuple

from tightship_probe.rights import loaded
from tightship_probe.tree import Unreadable

_INTERPRETER = re.compile(r"(?:python|pypy)[\d.]*[a-z]{0,2}\Z")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)\Z", re.S)
_ENDS = frozenset(["&&", ";", "||", "|", "&", "(", ")", ";;", "|&"])
_REDIRECTS = re.compile(r"[<>&]+\Z")
_SHELLS = ("sh", "bash", "dash", "zsh", "ksh")
_MOST_BEFORE = 8
"""Words before the program: of `nice -n 5 flock -n FILE timeout 60 PROGRAM`."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Named(NamedTuple):
    """A command that something names."""

    by: List[str]
    """unit:shop.service, timer:..., crontab:..., supervisor:..."""
    argv: List[str]
    cwd: str
    user: str
    variables: Dict[str, str]


def python_of(tree, named):
    """The `Named` with the argv that the kernel would make of it; None where it runs no Python."""
    words = named.argv
    if words and os.path.basename(words[0]) in _SHELLS and "-c" in words[:3]:
        place = words.index("-c") + 1
        return _first(tree, of_shell(words[place], named)) if place < len(words) else None
    for place in range(min(len(words), _MOST_BEFORE)):
        assigned = _ASSIGNMENT.match(words[place])
        if assigned:
            named = named._replace(variables=dict(named.variables, **{assigned.group(1): assigned.group(2)}))
            continue
        argv = _argv(tree, named, words[place:])
        if argv is not None:
            return named._replace(argv=argv)
    return None


def _first(tree, some):
    for named in some:
        found = python_of(tree, named)
        if found is not None:
            return found
    return None


def _argv(tree, named, words):
    """What runs when these words are executed; None: no Python."""
    program = _found(tree, named, words[0])
    if not program:
        return None
    if _INTERPRETER.match(os.path.basename(program)):
        return words if "/" not in words[0] else [program, *words[1:]]
    try:
        first = tree.head(program, 512).split(b"\n")[0]
    except Unreadable:
        return None
    said = os.fsdecode(first[2:]).split() if first.startswith(b"#!") else []
    if said and os.path.basename(said[0]) == "env":
        said = [word for word in said[1:] if not word.startswith("-") and "=" not in word]
    if said and _INTERPRETER.match(os.path.basename(said[0])):
        return [*said, program, *words[1:]]
    return None


def _found(tree, named, name):
    """The file that a name leads to, as a path; "" where there is none."""
    if "/" in name:
        path = os.path.normpath(os.path.join(named.cwd or "/", name))
        return path if tree.exists(path) else ""
    if not re.match(r"[\w.+-]+\Z", name):
        return ""
    for folder in named.variables.get("PATH", PATH).split(":")[:50]:
        path = os.path.join(folder, name)
        if folder.startswith("/") and tree.exists(path):
            return path
    return ""


def of_shell(line, named):
    """Commands of a simple line of a shell, each with the directory that `cd` led to before it."""
    cwd, variables = named.cwd, dict(named.variables)
    home = variables.get("HOME", "/")
    for words in _commands(re.sub(r"(?<!\S)~(?=/)|\$HOME\b|\$\{HOME\}", lambda _match: home, line)):
        assigned = _ASSIGNMENT.match(words[0]) if words else None
        while assigned:
            variables[assigned.group(1)] = assigned.group(2)
            del words[0]
            assigned = _ASSIGNMENT.match(words[0]) if words else None
        if not words:
            continue
        if words[0] == "cd" and len(words) > 1:
            cwd = os.path.normpath(os.path.join(cwd or "/", words[1]))
        elif words[0] in (".", "source") and len(words) > 1 and words[1].endswith("/activate"):
            folder = os.path.dirname(os.path.normpath(os.path.join(cwd or "/", words[1])))
            variables["PATH"] = folder + ":" + variables.get("PATH", PATH)
        elif words[0] != "exec" or len(words) > 1:
            argv = words[1:] if words[0] == "exec" else words
            yield named._replace(argv=argv, cwd=cwd, variables=dict(variables))


def _commands(line):
    """Words of each simple command; what is redirected is left out."""
    shlex = loaded("shlex")  # 1 ms, and many servers name nothing
    lexer = shlex.shlex(line[:10000], posix=True, punctuation_chars=True)
    lexer.whitespace_split = True  # or a path ends at its first @, + or umlaut
    lexer.commenters = ""
    words, skips = [], False
    try:
        for token in lexer:
            if token in _ENDS:
                yield words
                words = []
            elif _REDIRECTS.match(token):
                skips = True
            elif not skips:
                words.append(token)
            else:
                skips = False
    except ValueError:  # a quotation mark that nothing closes
        return
    yield words


def words_of(text):
    """Words of a command line with quotation marks; None where they do not close."""
    lexer = loaded("shlex").shlex(text, posix=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)  # type: Optional[List[str]]
    except ValueError:
        return None
