"""Candidates for an application's name, from its files."""

import os
import re

from tightship_probe import escape, gitfiles
from tightship_probe.patterns import Pattern
from tightship_probe.releasepath import without_release
from tightship_probe.tree import Unreadable

_TABLE = Pattern(r"\[\s*([\w.-]+(?:\s+[\w.-]+)*)\s*\]\s*(?:[#;].*)?\Z")
_TOML = Pattern(r"""(?:name|"name"|'name')\s*=\s*(?:"([^"\\]+)"|'([^']+)')\s*(?:#.*)?\Z""")
_TOML_DOTTED = Pattern(r"""project\s*\.\s*name\s*=\s*(?:"([^"\\]+)"|'([^']+)')\s*(?:#.*)?\Z""")
_INI = Pattern(r"name\s*[=:]\s*([\w.-]+)\s*\Z")
_LONG_TEXT = Pattern(r"\"{3}.*?\"{3}|'{3}.*?'{3}", re.S)


def names_from_files(tree, cwd, base):
    """[{name, how}]: the checkout's project, the buildout's directory."""
    found = []
    for place in dict.fromkeys(place for place in (cwd, base) if place not in ("", "/")):
        for folder in dict.fromkeys((place, _top(tree, place))):
            name = project_name(tree, folder) if folder else ""
            if name:
                found.append({"name": escape.name(name), "how": "checkout"})
        if tree.exists(place + "/buildout.cfg"):
            found.append({"name": escape.name(_directory_name(place)), "how": "buildout"})
    return [entry for place, entry in enumerate(found) if entry["name"] and entry not in found[:place]]


def _directory_name(place):
    """`/srv/shop/releases/2.4.1` is called shop."""
    parts = [
        part for part in without_release(place).split("/") if part not in ("", "*", "releases", "current")
    ]
    return parts[-1] if parts else ""


def _top(tree, place):
    try:
        checkout = gitfiles.checkout_of(tree, place)
    except Unreadable:  # `releases` says so
        return ""
    return checkout.top if checkout else ""


def project_name(tree, folder):
    """The name in pyproject.toml or setup.cfg; "" where there is none."""
    toml = _LONG_TEXT.sub('""', _text(tree, folder + "/pyproject.toml"))
    return (
        _name_in(toml, "project", _TOML)
        or _name_in(toml, "", _TOML_DOTTED)
        or _name_in(_text(tree, folder + "/setup.cfg"), "metadata", _INI)
        or _name_in(toml, "tool.poetry", _TOML)
    )


def _text(tree, path):
    try:
        return os.fsdecode(tree.read(path, 262144))
    except Unreadable:
        return ""


def _name_in(text, wanted, pattern):
    """`name` in a table of a TOML or INI file. Python 3.6 reads no TOML, and one key needs no parser."""
    table = ""
    for line in map(str.strip, text.split("\n")):
        heading = _TABLE.match(line)
        if heading or line.startswith("[["):
            table = heading.group(1) if heading else "[["
        elif table == wanted:
            match = pattern.match(line)
            if match:
                return next(group for group in match.groups() if group)
    return ""
