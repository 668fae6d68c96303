"""systemd's unit files: what a service would start. systemd is not asked.

All of those that an administrator made are read. Of those that came with packages, below /usr/lib and /lib,
only the ones that he enabled or changed: there are hundreds, and nearly all run what is the system's own.
"""

import os
import re
import stat

from tightship_probe.commands import Named, is_of_system, unwrapped
from tightship_probe.patterns import Pattern
from tightship_probe.started import VARIABLES
from tightship_probe.tree import Missing, Unreadable

FOLDERS = ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system")
OF_PACKAGES = ("/usr/lib/systemd/system", "/lib/systemd/system")
LINGER = "/var/lib/systemd/linger"
_OF_A_USER = "%s/.config/systemd/user"
MOST_UNITS = 2000
MOST_DROP_INS = 100
MOST_COMMANDS = 20
"""Of one unit."""
MOST_INSTANCES = 200
"""Of one template."""
_SEARCH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where systemd looks for a program without a path, whatever PATH the unit sets."""
_MOST = 65536
_MOST_LINES = 5000
_PREFIXES = "@-:+!|"
_UNIT = Pattern(r".+\.(?:service|timer)\Z", re.S)
_SPECIFIER = Pattern(r"%([a-zA-Z%])")
_EXECUTES = Pattern(r"^\s*ExecStart\s*=\s*[@:+!|-]*\"?([^\s\"]+)", re.M)
_CHAINS = Pattern(r"\b(?:ba|da|z|k)?sh\Z|/(?:env|nice|flock|timeout|sudo|runuser|su|python[\d.]*)\Z")
_WORD = Pattern(
    r"(?P<space>\s+)|'(?P<single>(?:[^'\\]|\\.)*)'|\"(?P<double>(?:[^\"\\]|\\.)*)\"|(?P<plain>(?:[^\s'\"\\]|\\.)+)"
    r"|(?P<odd>.)",
    re.S,
)
_ESCAPE = Pattern(r"\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|(.))", re.S)
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}
_PLACES = {
    "S": "/var/lib",
    "C": "/var/cache",
    "L": "/var/log",
    "t": "/run",
    "E": "/etc",
    "T": "/tmp",  # noqa: S108 what it stands for
    "V": "/var/tmp",  # noqa: S108
}


def named(tree, homes):
    """[`Named`] of all services, and what could not be read. `homes`: user -> home directory."""
    return Units(tree, homes, FOLDERS, OF_PACKAGES).named()


def lingering(tree, homes):
    """Users whose own systemd runs without a login."""
    try:
        with tree.directory(LINGER) as directory:
            return [name for name in directory.names(MOST_UNITS) if name in homes]
    except Unreadable:
        return []


def named_of_user(tree, homes, user):
    """The same of the units that a user made for himself."""
    return Units(tree, homes, (_OF_A_USER % homes[user].rstrip("/"),), (), user).named()


class Units(object):
    """The units of one manager, the system's or a user's. `folders`: the first one wins."""

    def __init__(self, tree, homes, folders, of_packages, user=""):
        self.tree = tree
        self.homes = homes
        self.user = user
        self.unread = []
        self.texts = {}
        """name of a service or timer -> its text; empty: masked"""
        self.drop_ins = {}
        """UNIT.d -> folders that have it, the first one wins"""
        self.enabled = {}
        """names that a .wants or .requires holds, or an alias leads to"""
        self.of_packages = of_packages
        for folder in folders:
            self._list(folder)

    def named(self):
        """([`Named`], unread)."""
        timers = self._timers()
        for name in sorted({*self.enabled, *timers, *self._changed()}):
            if name.endswith(".service") and self._file(name) not in self.texts:
                self._add_of_package(self._file(name))
        found = []
        for name in sorted(self.texts):
            if name.endswith(".service") and self.texts[name]:
                for unit in self._instances(name, timers):
                    found += self._of_unit(name, unit, timers.get(unit, []))
        return found, self.unread

    # Which there are

    def _list(self, folder):
        try:
            with self.tree.directory(folder) as directory:
                for name in directory.names()[:MOST_UNITS]:
                    self._list_entry(directory, folder, name)
        except Missing:
            return
        except Unreadable as why:
            self.unread.append({"what": folder, "why": str(why)})

    def _list_entry(self, directory, folder, name):
        if name.endswith((".wants", ".requires")):
            self.enabled.update(dict.fromkeys(self._names("%s/%s" % (folder, name))))
        elif name.endswith(".d"):
            self.drop_ins.setdefault(name, []).append("%s/%s" % (folder, name))
        elif _UNIT.match(name) and name not in self.texts:
            if stat.S_ISLNK(directory.status(name).st_mode):
                self._add_link(folder, name)
            else:
                self._add(name, lambda: directory.read(name, _MOST))

    def _names(self, path):
        try:
            with self.tree.directory(path) as directory:
                return directory.names()[:MOST_UNITS]
        except Unreadable:
            return []

    def _add(self, name, read):
        try:
            self.texts[name] = os.fsdecode(read())
        except Missing:
            pass  # a link to nowhere
        except Unreadable as why:
            self.texts[name] = ""
            self.unread.append({"what": name, "why": str(why)})

    def _add_link(self, folder, name):
        path = "%s/%s" % (folder, name)
        try:
            is_masked = self.tree.link(path) == "/dev/null"
            real = "" if is_masked else self.tree.real(path)
        except Unreadable:
            return  # it leads nowhere
        if is_masked:
            self.texts[name] = ""
        elif os.path.dirname(real) in self.of_packages:
            self.enabled[os.path.basename(real)] = None
        elif os.path.basename(real) == name or os.path.dirname(real) not in FOLDERS:
            self._add(name, lambda: self.tree.read(real, _MOST))

    def _add_of_package(self, name):
        """A unit of a package's, where it does not plainly run what is the operating system's own."""
        for folder in self.of_packages:
            path = "%s/%s" % (folder, name)
            try:
                text = os.fsdecode(self.tree.read(path, _MOST))
            except Unreadable:
                continue
            programs = _EXECUTES.findall(text)
            plain = [one for one in programs if is_of_system(one) and not _CHAINS.search(one)]
            if programs != plain or self._drop_ins_of(name):
                self.texts[name] = text
            return

    def _changed(self):
        """Services that have drop-ins of the administrator's."""
        return [
            name[: -len(".d")] for name in self.drop_ins if name.endswith(".service.d") and "-." not in name
        ]

    def _timers(self):
        """service -> names of the timers that start it."""
        found = {}
        for name in sorted({*self.texts, *self.enabled}):
            if not name.endswith(".timer") or self.texts.get(self._file(name)) == "":
                continue
            if self._file(name) not in self.texts:
                self._add_timer_of_package(self._file(name))
            for unit in self._instances(name, ()):
                said = self._settings(self._file(name), unit, "Timer")
                service = [_specified(one, unit, self._known()) for one in said.get("Unit", ())[-1:]]
                for one in service or [unit[: -len(".timer")] + ".service"]:
                    found.setdefault(one, []).append(self._called("timer", unit))
        return found

    def _add_timer_of_package(self, name):
        for folder in self.of_packages:
            path = "%s/%s" % (folder, name)
            if name not in self.texts and self.tree.exists(path):
                self._add(name, lambda path=path: self.tree.read(path, _MOST))

    @staticmethod
    def _file(unit):
        """shop@one.service is made from shop@.service."""
        prefix, at, _ = unit.partition("@")
        return "%s@.%s" % (prefix, unit.rpartition(".")[2]) if at else unit

    def _instances(self, name, more):
        """Units that a file makes: a template as many as something wants."""
        if "@." not in name:
            return [name] if "@" not in name else []
        wanted = {unit for unit in (*self.enabled, *more) if unit != name and self._file(unit) == name}
        return sorted(wanted)[:MOST_INSTANCES]

    def _called(self, kind, unit):
        return "user:%s %s:%s" % (self.user, kind, unit) if self.user else "%s:%s" % (kind, unit)

    # What they say

    def _drop_ins_of(self, unit):
        """Paths of a unit's drop-ins in the order in which they count; of one name the most special one."""
        stem, _, suffix = unit.rpartition(".")
        names = [unit, self._file(unit)]
        parts = stem.partition("@")[0].split("-")
        names += ["%s-.%s" % ("-".join(parts[:count]), suffix) for count in range(len(parts) - 1, 0, -1)]
        found = {}
        for name in [*names, suffix]:
            for folder in self.drop_ins.get(name + ".d", ()):
                for file in self._names(folder)[:MOST_DROP_INS]:
                    if file.endswith(".conf"):
                        found.setdefault(file, "%s/%s" % (folder, file))
        return [found[file] for file in sorted(found)]

    def _settings(self, name, unit, section):
        """setting -> its values in order, of one section; an empty one takes back those before it."""
        texts = [self.texts.get(name, "")]
        for path in self._drop_ins_of(unit):
            try:
                texts.append(os.fsdecode(self.tree.read(path, _MOST)))
            except Missing:
                continue
            except Unreadable as why:
                self.unread.append({"what": path, "why": str(why)})
        found = {}
        for text in texts:
            for setting, value in _lines(text, section):
                values = found.setdefault(setting, [])
                if value:
                    values.append(value)
                else:
                    del values[:]
        return found

    def _known(self):
        home = self.homes.get(self.user or "root", "/root")
        known = {"h": home, "u": self.user or "root", "%": "%"}
        if not self.user:
            known.update(_PLACES, U="0", s="/bin/sh")
        return known

    def _of_unit(self, name, unit, timers):
        said = self._settings(name, unit, "Service")

        def last(setting, otherwise):
            return _specified((said.get(setting) or [otherwise])[-1], unit, self._known())

        user = self.user or last("User", "root")
        home = self.homes.get(user, "/")
        cwd = last("WorkingDirectory", self.homes[self.user] if self.user else "/").lstrip("-")
        variables = self._variables(said, unit, home)
        runs_as = self._called("unit", unit)
        command = Named([runs_as, *timers], [], home if cwd == "~" else cwd, user, variables, [runs_as])
        command = command._replace(
            files=[_specified(one, unit, self._known()) for one in said.get("EnvironmentFile", ())]
        )
        if said.get("RootDirectory", said.get("RootImage")):
            return [command._replace(why="it runs in a root directory of its own")]
        search = last("ExecSearchPath", _SEARCH)
        found = []
        for line in said.get("ExecStart", ())[:MOST_COMMANDS]:
            for words in self._words(line, unit):
                some = unwrapped(command._replace(argv=words))
                # What env or a shell starts is looked for in PATH, which a unit may set.
                found += (one._replace(search=search) if one.argv == words else one for one in some)
        return found

    def _words(self, line, unit):
        """Words of each command of an ExecStart; those of one line are parted by a `;`."""
        plain = line.lstrip(_PREFIXES)
        words = [_specified(word, unit, self._known()) for word in words_of(plain)]
        if "@" in line[: len(line) - len(plain)]:
            del words[1:2]  # the name that it is to go by
        while ";" in words:
            yield words[: words.index(";")]
            words = words[words.index(";") + 1 :]
        yield words

    def _variables(self, said, unit, home):
        """Those of VARIABLES that the unit sets; others are not looked at."""
        found = {"HOME": home}
        for line in said.get("Environment", ()):
            for word in words_of(line):
                name, equals, value = word.partition("=")
                if equals and name in VARIABLES:
                    found[name] = _specified(value, unit, self._known())
        return found


def _lines(text, section):
    """(setting, value) of the lines in a section; a line ends in a backslash where the next one goes on."""
    inside, before = False, ""
    for piece in map(str.strip, text.split("\n")[:_MOST_LINES]):
        if piece.startswith(("#", ";")):
            continue
        if piece.endswith("\\"):
            before += piece[:-1] + " "
            continue
        line, before = before + piece, ""
        if line.startswith("["):
            inside = line == "[%s]" % section
        elif inside:
            name, equals, value = line.partition("=")
            if equals:
                yield name.strip(), value.strip()


def words_of(text):
    """Words as systemd parts them: both quotation marks, and escapes as C has them."""
    found, current = [], None
    for match in _WORD.finditer(text):
        kind = str(match.lastgroup)
        if kind == "space":
            found += [current] if current is not None else []
            current = None
        else:
            current = (current or "") + _ESCAPE.sub(_unescaped, match.group(kind))
    return found + ([current] if current is not None else [])


def _unescaped(match):
    hexadecimal, octal, letter = match.groups()
    if letter is not None:
        return _ESCAPED.get(letter, letter)
    return os.fsdecode(bytes([int(hexadecimal, 16) if hexadecimal else int(octal, 8) & 0xFF]))


def _specified(value, unit, more):
    if "%" not in value:
        return value
    stem = unit.rpartition(".")[0]
    prefix, _, instance = stem.partition("@")
    known = dict(more, i=instance, n=unit, N=stem, p=prefix, j=prefix.rpartition("-")[2])
    known["I"], known["P"] = _without_escapes(instance), _without_escapes(prefix)
    known["f"] = "/" + known["I"].lstrip("/") if instance else "/" + known["P"]
    return _SPECIFIER.sub(lambda match: known.get(match.group(1), match.group()), value)


def _without_escapes(name):
    """`srv-shop` -> srv/shop; `\\x2d` is a `-`."""
    return _ESCAPE.sub(_unescaped, name.replace("-", "/"))
