"""Reads Apache's configuration: its directives and sections, with what is included in their place."""

import os
import re
import shlex
from typing import List, NamedTuple

from tightship_probe.including import Files
from tightship_probe.nginxconf import Server
from tightship_probe.tree import Unreadable

_SECTION = re.compile(r"<(?P<close>/?)(?P<name>\w+)\s*(?P<rest>.*?)>?\s*\Z", re.S)
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_EXPORT = re.compile(r"^\s*export\s+(\w+)=([\"']?)([^\"'\n$]*)\2\s*$", re.M)
_BUILT_IN = frozenset(["core.c", "mod_so.c", "http_core.c", "mod_unixd.c", "mod_http.c", "core_module"])
_DEEPEST = 30


class Directive(NamedTuple):
    """One directive or section, its name in small letters."""

    name: str
    words: List[str]
    block: List["Directive"]
    where: str


class Configuration(object):
    """All directives, in the order in which Apache reads them."""

    def __init__(self, tree, path, root, defined=()):
        self.files = Files(tree, root)
        self.defined = dict.fromkeys(defined, "")
        self.modules = set()
        self._envvars(tree, os.path.dirname(path))
        self.directives = []
        self._read(path, [self.directives], 0)

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
        own = len(stack)
        for line in _lines(self.files.text(path, depth)):
            self._line(line, path, stack, own, depth)
        del stack[own:]

    def _line(self, line, where, stack, own, depth):
        section = _SECTION.match(line) if line.startswith("<") else None
        if section is None:
            words = _words(self._expanded(line))
            self._directive(words[0].lower(), words[1:], where, stack, depth)
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
        else:
            if name in ("ifversion", "ifdirective", "ifsection"):
                self.files.miss(where, "<%s %s> is taken as met" % (name, rest[:100]))
            return False
        return met == rest.startswith("!")

    def _directive(self, name, words, where, stack, depth):
        block = stack[-1]
        if block is None:
            return
        if name in ("include", "includeoptional") and words:
            for path in self.files.matching(words[0], where):
                self._include(path, name, stack, depth)
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
        named = [word.partition("=")[2] for word in words[2:] if word.startswith("process-group=")]
        return ["wsgi:" + ((named or [group])[0] or words[1])]
    return []


def _is_url(text):
    return "://" in text or text.startswith("unix:")


def _add_target(url, balancers, targets, unread):
    if url.startswith("wsgi:"):
        targets.append(url)
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
