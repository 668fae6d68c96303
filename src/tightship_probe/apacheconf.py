"""Reads Apache's configuration: its directives and sections, with what is included in their place."""

import os
import re
import shlex
from typing import List, NamedTuple

from tightship_probe.including import Files
from tightship_probe.nginxconf import Server
from tightship_probe.patterns import Pattern
from tightship_probe.tree import Unreadable

_SECTION = Pattern(r"<(?P<close>/?)(?P<name>\w+)\s*(?P<rest>.*?)>?\s*\Z", re.S)
_VARIABLE = Pattern(r"\$\{(\w+)\}")
_EXPORT = Pattern(r"^\s*export\s+(\w+)=([\"']?)([^\"'\n$]*)\2\s*$", re.M)
_BUILT_IN = frozenset(["core.c", "mod_so.c", "http_core.c", "mod_unixd.c", "mod_http.c", "core_module"])
_DEEPEST = 30
_SINCE_2_4 = frozenset(["authz_core_module", "mpm_event_module", "mpm_prefork_module", "mpm_worker_module"])
"""Modules that can only be loaded since Apache 2.4."""
_COMPARISON = Pattern(r"(!?)(>=|<=|>|<|==|=|)\s*(\d{1,4}(?:\.\d{1,4}){0,2})\Z")
_DEEPEST_MACRO = 12
_LONGEST = 8192
"""Characters of a line, as Apache has it."""
_MOST_OF_MACROS = 4 * 1024 * 1024
"""Characters that all uses of macros expand to."""
UNREAD = "<unread>"
"""Name of a directive that stands where a part of the configuration is that could not be read."""
GLOBAL = "%{GLOBAL}"
"""The process group that is none: requests are answered inside Apache's own processes."""


class Directive(NamedTuple):
    """One directive or section, its name in small letters."""

    name: str
    words: List[str]
    block: List["Directive"]
    where: str


class Macro(NamedTuple):
    """A text with parameters, as mod_macro has it."""

    parameters: List[str]
    lines: List[str]

    def expanded(self, values):
        """Its lines with the values in place. Where one parameter begins another, the longer one is meant."""
        if not self.parameters:
            return list(self.lines)
        given = dict(zip(self.parameters, values))
        pattern = re.compile("|".join(map(re.escape, sorted(given, key=len, reverse=True))))
        return [pattern.sub(lambda match: given[match.group()], line) for line in self.lines]


class Configuration(object):
    """All directives, in the order in which Apache reads them."""

    def __init__(self, tree, path, root, defined=()):
        self.files = Files(tree, root)
        self.defined = dict.fromkeys(defined, "")
        self.modules = set()
        self._macros = {}
        self._macros_left = _MOST_OF_MACROS
        self._in_macros = 0
        self._envvars(tree, os.path.dirname(path))
        self.directives = []
        self._read(path, [self.directives], 0)
        if self.files.missed and not self.directives:
            self.directives.append(Directive(UNREAD, [], [], path))

    def _envvars(self, tree, folder):
        # Debian's apachectl reads them; none of them is a secret, and none is sent.
        try:
            text = os.fsdecode(tree.read(folder + "/envvars", 65536))
        except Unreadable:
            return
        for name, _quote, value in _EXPORT.findall(text):
            self.defined.setdefault(name, value)

    def _read(self, path, stack, depth):
        """Directives of a file go to the innermost open section of `stack`."""
        self._take(_lines(self.files.text(path, depth)), path, stack, depth)

    def _take(self, lines, where, stack, depth):
        own, lines = len(stack), iter(lines)
        for line in lines:
            section = _SECTION.match(line) if line.startswith("<") else None
            begun = section.group("name").lower() if section and not section.group("close") else ""
            if section and begun == "macro" and stack[-1] is not None:
                self._define(_words(section.group("rest")), _inner(lines))
            else:
                self._line(line, where, stack, own, depth)
        del stack[own:]

    def _define(self, words, lines):
        if all(len(line) <= _LONGEST for line in lines):  # longer ones are none for Apache, either
            self._macros[words[0].lower()] = Macro([word for word in words[1:] if word], lines)

    def _use(self, words, where, stack, depth):
        macro = self._macros.get(words[0].lower())
        why = ""
        if macro is None:
            why = "no such macro"
        elif len(macro.parameters) != len(words) - 1:
            why = "it takes %d values" % len(macro.parameters)
        else:
            self._macros_left -= 100 + sum(100 + len(line) for line in macro.lines)
            if self._in_macros >= _DEEPEST_MACRO or self._macros_left < 0:
                why = "macros that use each other without end"
        lines = macro.expanded(words[1:]) if macro and not why else []
        if any(len(line) > _LONGEST for line in lines):
            why = "a line of more than %d characters" % _LONGEST
        if why:
            self.files.miss(where, "Use %s: %s" % (words[0][:100], why))
            return
        self._in_macros += 1
        self._take(lines, where, stack, depth)
        self._in_macros -= 1

    def _line(self, line, where, stack, own, depth):
        section = _SECTION.match(line) if line.startswith("<") else None
        if section is None:
            words, missed = _words(self._expanded(line)), self.files.missed
            self._directive(words[0].lower(), words[1:], where, stack, depth)
            if self.files.missed > missed:
                stack[-1].append(Directive(UNREAD, [], [], where))
        elif section.group("close"):
            if len(stack) > own:
                stack.pop()
        else:
            self._open(section.group("name").lower(), self._expanded(section.group("rest")), where, stack)

    def _expanded(self, text):
        return _VARIABLE.sub(lambda match: self.defined.get(match.group(1), match.group()), text)

    def _open(self, name, rest, where, stack):
        if stack[-1] is None or self._is_left_out(name, rest.strip(), where):
            stack.append(None)  # what is in it does not count
        elif name in ("ifmodule", "ifdefine", "ifversion", "iffile", "ifdirective", "ifsection"):
            stack.append(stack[-1])
        else:
            directive = Directive(name, _words(rest), [], where)
            if len(stack) < _DEEPEST:
                stack[-1].append(directive)
            stack.append(directive.block)

    def _is_left_out(self, name, rest, where):
        wanted = rest.lstrip("!").strip().strip("\"'")
        if name == "ifmodule":
            met = wanted in self.modules or wanted in _BUILT_IN or not self.modules
        elif name == "ifdefine":
            met = wanted in self.defined
        elif name == "iffile":
            met = self.files.tree.exists(os.path.join(self.files.folder, wanted))
        elif name == "ifversion" and self._is_version(rest) is not None:
            return not self._is_version(rest)
        else:
            if name in ("ifversion", "ifdirective", "ifsection"):
                self.files.say(where, "<%s %s> is taken as met" % (name, rest[:100]))
            return False
        return met == rest.startswith("!")

    def _is_version(self, rest):
        """Whether <IfVersion> is met; None: not known. That it is a 2.4 is all that a configuration tells."""
        match = _COMPARISON.match(rest.strip().strip("\"'"))
        if not match or not self.modules & _SINCE_2_4:
            return None
        numbers = [int(number) for number in match.group(3).split(".")]
        wanted = tuple(numbers + [0] * (3 - len(numbers)))
        if match.group(2) in ("", "=", "=="):
            return None if wanted[:2] == (2, 4) else match.group(1) == "!"
        met = {_compared(version, match.group(2), wanted) for version in ((2, 4, 0), (2, 4, 9999))}
        return None if len(met) > 1 else met.pop() != (match.group(1) == "!")

    def _directive(self, name, words, where, stack, depth):
        block = stack[-1]
        if block is None:
            return
        if name in ("include", "includeoptional") and words:
            for path in self.files.matching(words[0], where):
                self._include(path, name, stack, depth)
        elif name == "use" and words:
            self._use(words, where, stack, depth)
        elif name == "undefmacro" and words:
            self._macros.pop(words[0].lower(), None)
        elif name == "define" and words:
            self.defined[words[0]] = words[1] if len(words) > 1 else ""
        elif name == "undefine" and words:
            self.defined.pop(words[0], None)
        elif name == "serverroot" and words:
            self.files.folder = words[0]
        elif name == "loadmodule" and len(words) > 1:
            self.modules.update((words[0], os.path.basename(words[1])[:-3] + ".c"))
        else:
            block.append(Directive(name, words, [], where))

    def _include(self, path, name, stack, depth):
        if name == "includeoptional" and not self.files.tree.exists(path):
            return
        try:
            with self.files.tree.directory(path) as directory:
                names = directory.names()
        except Unreadable:
            self._read(path, stack, depth + 1)
            return
        for inner in names:
            self._read(os.path.join(path, inner), stack, depth + 1)


def _lines(text):
    """Lines without comments and empty ones, those that go on joined."""
    for line in text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines():
        plain = line.strip()
        if plain and not plain.startswith("#"):
            yield plain


def _inner(lines):
    """The lines of a macro, up to where it is closed. `lines` is an iterator, and left behind that."""
    found, depth = [], 1
    for line in lines:
        start = line[:8].lower()
        depth += 1 if start.startswith("<macro ") else -1 if start.startswith("</macro>") else 0
        if depth == 0:
            break
        found.append(line)
    return found


def _compared(version, operator, wanted):
    if operator == ">=":
        return version >= wanted
    if operator == "<=":
        return version <= wanted
    return version > wanted if operator == ">" else version < wanted


def _words(text):
    """Words as Apache parts them: quotation marks hold several together, a backslash stays."""
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    lexer.escape = ""
    try:
        return list(lexer) or [""]
    except ValueError:  # a quotation mark that nothing closes
        return text.split() or [""]


# Sites


def servers(configuration):
    """[`Server`] of each virtual host, and of what stands outside of any."""
    directives = configuration.directives
    balancers = dict(_balancers(directives))
    listen = [port for one in directives if one.name == "listen" for port in [_port(one.words)] if port]
    hosts = [one for one in directives if one.name == "virtualhost"]
    outside = [one for one in directives if one.name != "virtualhost"]
    found = [_host(one.block, one.words, listen, balancers, one.where, outside) for one in hosts]
    main = _host(outside, [], listen, balancers, "", ())
    if main.targets:
        where = next(one.where for one in outside if one.where)
        found.append(main._replace(where=where))
    return found


def _balancers(directives):
    for one in _all(directives):
        if one.name == "proxy" and one.words and one.words[0].startswith("balancer://"):
            members = [
                inner.words[0] for inner in one.block if inner.name == "balancermember" and inner.words
            ]
            yield one.words[0].rstrip("/"), members


def _host(block, addresses, listen, balancers, where, outside):
    names, targets, unread = [], [], []
    group = _process_group(list(_all(block))) or _process_group(list(outside))
    for one in _all(block):
        if one.name in ("servername", "serveralias"):
            names += [_bare_name(word) for word in one.words]
        for url in _urls(one, group):
            _add_target(url, balancers, targets, unread)
    said = [_port([address]) for address in addresses]
    ports = sorted({port for port in said if port}) if any(said) else sorted(set(listen))
    return Server(list(dict.fromkeys(names)) or ["_"], ports, list(dict.fromkeys(targets)), where, unread)


def _all(block):
    for one in block:
        yield one
        if one.name != "virtualhost":
            for inner in _all(one.block):
                yield inner


def _process_group(directives):
    found = [one.words[0] for one in directives if one.name == "wsgiprocessgroup" and one.words]
    return found[-1] if found else ""


def _urls(one, group):
    """Where a directive hands requests."""
    words = one.words
    if one.name in ("proxypass", "proxypassmatch") and words:
        url = words[1] if len(words) > 1 and not _is_url(words[0]) else words[0]
        return [url] if _is_url(url) else []
    if one.name == "rewriterule" and len(words) > 2:
        flags = words[2].strip("[]").upper().split(",")
        return [words[1]] if {"P", "PROXY"}.intersection(flag.strip() for flag in flags) else []
    if one.name == "sethandler" and words and words[0].startswith("proxy:"):
        return [words[0][len("proxy:") :]]
    if one.name in ("wsgiscriptalias", "wsgiscriptaliasmatch") and len(words) > 1:
        return ["wsgi:" + (process_group(words, group) or words[1])]
    return []


def process_group(words, around):
    """Where a script runs, by its WSGIScriptAlias and what holds around that; "" inside Apache itself."""
    named = [word.partition("=")[2] for word in words[2:] if word.startswith("process-group=")]
    of = (named or [around])[0]
    return "" if of == GLOBAL else of


def _is_url(text):
    return "://" in text or text.startswith("unix:")


def _add_target(url, balancers, targets, unread):
    if url.startswith("wsgi:"):
        # %{ENV:...}, and what else mod_wsgi has of that sort.
        (unread if url.startswith("wsgi:%{") else targets).append(url)
        return
    if url.startswith("unix:"):
        targets.append(url[len("unix:") :].partition("|")[0])
        return
    scheme, _, rest = url.partition("://")
    if scheme == "balancer":
        for member in balancers.get("balancer://" + rest.partition("/")[0], []):
            _add_target(member, {}, targets, unread)
        return
    host = rest.partition("/")[0].rpartition("@")[2]
    if re.search(r"[$%]", host):
        unread.append(rest)
        return
    _, colon, port = host.rpartition(":")
    usual = {"https": 443, "wss": 443, "ajp": 8009, "uwsgi": 3031, "fcgi": 8000, "scgi": 4000}.get(scheme, 80)
    targets.append(host if colon and port.isdigit() else "%s:%d" % (host, usual))


def _port(words):
    """Of `Listen` and `<VirtualHost>`: 0 where none is said."""
    text = words[0] if words else ""
    port = text if text.isdigit() else text.rpartition(":")[2]
    return int(port) if port.isdigit() and int(port) < 65536 else 0


def _bare_name(text):
    name = text.partition("://")[2] or text
    head, colon, port = name.rpartition(":")
    return head if colon and port.isdigit() else name
