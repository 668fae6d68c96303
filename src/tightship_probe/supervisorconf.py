"""supervisor's configuration: which programs it would start."""

import os

from tightship_probe.commands import Named, unwrapped
from tightship_probe.including import Files
from tightship_probe.patterns import Pattern
from tightship_probe.rights import loaded
from tightship_probe.shellwords import words_of
from tightship_probe.tree import Unreadable

_PAIR = Pattern(r"\s*([A-Za-z_]\w*)\s*=\s*(\"[^\"]*\"|'[^']*'|[^,]*)\s*,?")
_EXPANSION = Pattern(r"%\((\w+)\)(0?\d{0,2})([sd])")
_IN_SCRIPT = Pattern(rb"['\"](?:-c|--configuration)['\"]\s*,\s*['\"](/[^'\"\n]+)['\"]")
_SECTIONS = ("program", "eventlistener", "fcgi-program")
_MOST_SECTIONS = 1000
_MOST_PROCESSES = 100
"""Of one program."""


def named(tree, homes, paths, variables, user):
    """[`Named`] of all programs, and what could not be read. `variables`, `user`: supervisord's own."""
    found, unread = [], []
    for path in paths:
        files = Files(tree, os.path.dirname(path))
        found += Configuration(files, path, homes, variables, user).named()
        unread += files.unread
    return found, unread


def given(tree, arguments, script, cwd):
    """The configuration that a running supervisord was given: in its words, or by a buildout's script."""
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in ("-c", "--configuration"):
            value = value if equals else "".join(arguments[place + 1 : place + 2])
            return os.path.normpath(os.path.join(cwd or "/", value))
        if argument.startswith("-c") and len(argument) > 2:
            return os.path.normpath(os.path.join(cwd or "/", argument[2:]))
    try:
        written = _IN_SCRIPT.search(tree.head(os.path.join(cwd or "/", script), 65536)) if script else None
    except Unreadable:
        return ""
    return os.fsdecode(written.group(1)) if written else ""


class Configuration(object):
    """A supervisord.conf with what it includes."""

    def __init__(self, files, path, homes, variables, user):
        self.files = files
        self.homes = homes
        self.variables = variables
        self.user = user
        self.sections = {}
        """section -> {option: value}; `here`: the folder of its file"""
        patterns = self._read(path).get("include", {}).get("files") or ""
        for pattern in patterns.split()[:50]:
            for place in files.matching(_expanded(pattern, {"here": files.folder}), path):
                self._read(place)
        self.group_of = {}
        for section, said in self.sections.items():
            kind, _, group = section.partition(":")
            for program in (said.get("programs") or "").split(",") if kind == "group" else ():
                self.group_of[program.strip()] = group

    def _read(self, path):
        configparser = loaded("configparser")  # 3 ms, and not every server has a supervisor
        parser = configparser.RawConfigParser(
            strict=False, inline_comment_prefixes=(";", " #"), allow_no_value=True
        )
        parser.optionxform = str
        try:
            parser.read_string(self.files.text(path))
        except configparser.Error as why:
            self.files.miss(path, str(why).partition("\n")[0])
        found = {name: dict(parser.items(name)) for name in parser.sections()[:_MOST_SECTIONS]}
        for name, said in found.items():
            said["here"] = os.path.dirname(path)
            self.sections[name] = said
        return found

    def named(self):
        """[`Named`] of all programs."""
        found = []
        for section, said in list(self.sections.items())[:_MOST_SECTIONS]:
            kind, _, program = section.partition(":")
            if kind in _SECTIONS and said.get("command"):
                found += self._of_program(program, said)
        return found

    def _of_program(self, program, said):
        """One command for all processes of a program: they differ in a number."""
        group = self.group_of.get(program, program)
        known = {"here": said["here"], "program_name": program, "group_name": group, "host_node_name": ""}
        first = _number(said.get("numprocs_start"), 0)
        count = min(_number(said.get("numprocs"), 1), _MOST_PROCESSES)
        called = []
        for number in range(first, first + count):
            known["process_num"], known["numprocs"] = str(number), str(count)
            called.append(_expanded(said.get("process_name") or "%(program_name)s", known))
        known["process_num"] = str(first)
        name = called[0] if len(called) == 1 else program
        by = "supervisor:" + (name if name == group else "%s:%s" % (group, name))
        return self._command(said, known, by, ["supervisor:%s:%s" % (group, one) for one in called])

    def _command(self, said, known, by, runs_as):
        server = self.sections.get("supervisord", {})
        variables = dict(self.variables)
        for text in (server.get("environment"), said.get("environment")):
            for name, value in _PAIR.findall(_expanded(text or "", known, variables)):
                variables[name] = value.strip().strip("\"'")
        user = said.get("user") or server.get("user") or self.user
        variables.setdefault("HOME", self.homes.get(user, "/"))
        words = words_of(_expanded(said["command"], known, variables)) or []
        cwd = said.get("directory") or server.get("directory") or "/"
        return unwrapped(Named([by], words, _expanded(cwd, known, variables), user, variables, runs_as))


def _number(text, otherwise):
    return int(text) if text and text.strip().isdigit() else otherwise


def _expanded(text, known, variables=None):
    def value(match):
        name, width, _kind = match.groups()
        if name.startswith("ENV_"):
            return (variables or {}).get(name[len("ENV_") :], match.group())
        found = known.get(name)
        if found is None:
            return match.group()
        return found.zfill(int(width)) if width.startswith("0") and width != "0" else found

    return _EXPANSION.sub(value, text)
