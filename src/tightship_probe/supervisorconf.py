"""supervisor's configuration: which programs it would start."""

import os
import re

from tightship_probe.commands import Named, words_of
from tightship_probe.including import Files
from tightship_probe.rights import loaded

PLACES = ("/etc/supervisor/supervisord.conf", "/etc/supervisord.conf")
_PAIR = re.compile(r"\s*([A-Za-z_]\w*)=(\"[^\"]*\"|'[^']*'|[^,]*)\s*,?")
_EXPANSION = re.compile(r"%\((\w+)\)0?\d*([sd])")


def named(tree, homes, more):
    """[`Named`] of all programs, and what could not be read. `more`: files that a running one was told."""
    found, unread = [], []
    for path in dict.fromkeys([*more, *PLACES]):
        if not tree.exists(path):
            continue
        files = Files(tree, os.path.dirname(path))
        for place in _with_includes(files, path):
            found += _of_file(files, place, homes)
        unread += files.unread
    return found, unread


def _parsed(files, path):
    configparser = loaded("configparser")  # 3 ms, and not every server has a supervisor
    parser = configparser.RawConfigParser(
        strict=False, inline_comment_prefixes=(";", " #"), allow_no_value=True
    )
    try:
        parser.read_string(files.text(path))
    except configparser.Error as why:
        files.miss(path, str(why).partition("\n")[0])
    return parser


def _with_includes(files, path):
    yield path
    patterns = _parsed(files, path).get("include", "files", fallback="") or ""
    for pattern in patterns.split()[:50]:
        yield from files.matching(pattern.replace("%(here)s", files.folder), path)


def _of_file(files, path, homes):
    parser = _parsed(files, path)
    for section in parser.sections()[:1000]:
        kind, _, name = section.partition(":")
        said = dict(parser.items(section))
        words = words_of(_expanded(said.get("command") or "", name, files.folder))
        if kind != "program" or not words:
            continue
        user = said.get("user") or "root"
        cwd = _expanded(said.get("directory") or "/", name, files.folder)
        pairs = _PAIR.findall(_expanded(said.get("environment") or "", name, files.folder))
        variables = {key: value.strip("\"'") for key, value in pairs}
        variables.setdefault("HOME", homes.get(user, "/"))
        yield Named(["supervisor:" + name], words, cwd, user, variables)


def _expanded(text, name, here):
    known = {"here": here, "program_name": name, "process_num": "0", "numprocs": "1"}
    return _EXPANSION.sub(lambda match: known.get(match.group(1), match.group()), text)
