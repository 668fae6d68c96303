"""Reads nginx's configuration: its directives, with what is included in their place."""

import os
import re
from typing import List, NamedTuple

from tightship_probe.including import Files
from tightship_probe.patterns import Pattern

_TOKEN = Pattern(
    r"""\s+|\#[^\n]*|(?P<mark>[{};])|"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'"""
    r"""|(?P<word>(?:\$\{|\\.|[^\s{};"'\\]|(?<=\S)["'])+\}?)""",
    re.S,
)
_ESCAPED = Pattern(r"\\(.)", re.S)
_DEEPEST = 30


class Directive(NamedTuple):
    """One directive; `block` is empty for one without."""

    name: str
    words: List[str]
    block: List["Directive"]
    where: str


def read(tree, path):
    """([`Directive`], unread) of a configuration file and of all that it includes."""
    files = Files(tree, os.path.dirname(path))
    return _of_file(files, path, 0), files.unread


def _of_file(files, path, depth):
    text = files.text(path, depth)
    return parsed(text, path, lambda name: _included(files, name, path, depth)) if text else []


def _included(files, name, where, depth):
    found = []
    for path in files.matching(name, where):
        found += _of_file(files, path, depth + 1)
    return found


def parsed(text, where, include):
    """The directives of a text. `include(name)` gives those that stand in place of an include."""
    top = []
    stack = [top]
    words = []
    for kind, value in _tokens(text):
        if kind == "word":
            words.append(value)
        elif value == ";":
            if words:
                _add(stack[-1], words, [], where, include)
            words = []
        elif value == "{":
            directive = Directive(words[0] if words else "", words[1:], [], where)
            if len(stack) <= _DEEPEST:
                stack[-1].append(directive)
            stack.append(directive.block)
            words = []
        else:
            words = []
            if len(stack) > 1:
                stack.pop()
    return top


def _add(block, words, inner, where, include):
    if words[0] == "include" and len(words) > 1:
        block.extend(include(words[1]))
    else:
        block.append(Directive(words[0], words[1:], inner, where))


def _tokens(text):
    """(word or mark, value)."""
    place, last = 0, ""
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            place += 1  # a quotation mark that nothing closes
            continue
        place = match.end()
        for kind in ("double", "single", "word"):
            if match.group(kind) is not None:
                last = _ESCAPED.sub(r"\1", match.group(kind)) if kind != "word" else match.group(kind)
                yield "word", last
        if match.group("mark"):
            yield "mark", match.group("mark")
            if match.group("mark") == "{" and last.endswith("_by_lua_block"):
                place = _behind_lua(text, place)


def _behind_lua(text, place):
    """Where a block of Lua ends: at the brace that closes it."""
    depth = 1
    while place < len(text):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            break
        place += 1
    return place


# Sites


class Server(NamedTuple):
    """What a web server answers to, and where it hands requests."""

    names: List[str]
    ports: List[int]
    targets: List[str]
    where: str
    unread: List[str]
    """targets that are only decided when a request comes"""


_PASS = ("proxy_pass", "uwsgi_pass", "fastcgi_pass", "scgi_pass", "grpc_pass")
_PORTS = {"https": 443, "grpcs": 443}


def servers(directives):
    """[`Server`] of all http blocks."""
    found = []
    for http in _named(directives, "http"):
        upstreams = {one.words[0]: one for one in _named(http.block, "upstream") if one.words}
        found += [_server(one, upstreams) for one in _named(http.block, "server")]
    return found


def _named(block, name):
    return [directive for directive in block if directive.name == name]


def _server(server, upstreams):
    names, ports, targets, unread = [], [], [], []
    variables = {}
    for directive in _all(server.block):
        if directive.name == "server_name":
            names += [word for word in directive.words if word]
        elif directive.name == "listen" and directive.words:
            ports += [port for port in [_port_of_listen(directive.words[0])] if port]
        elif directive.name == "set" and len(directive.words) == 2:
            variables[directive.words[0].lstrip("$")] = directive.words[1]
        elif directive.name in _PASS and directive.words:
            _add_targets(directive.words[0], variables, upstreams, targets, unread)
    if not _named(server.block, "listen"):
        ports = [80]
    return Server(_unique(names) or ["_"], sorted(set(ports)), _unique(targets), server.where, unread)


def _all(block):
    """All directives of a block, those of inner ones too (location, if)."""
    for directive in block:
        yield directive
        for inner in _all(directive.block):
            yield inner


def _port_of_listen(word):
    """`[::]:8080` -> 8080; 0 for a unix socket."""
    if word.startswith("unix:"):
        return 0
    _, colon, port = word.rpartition(":")
    if word.isdigit():
        return int(word) if int(word) < 65536 else 0
    return int(port) if colon and port.isdigit() and int(port) < 65536 else 80


def _add_targets(value, variables, upstreams, targets, unread):
    for _ in range(10):
        value, before = re.sub(r"\$\{?(\w+)\}?", lambda m: variables.get(m.group(1), m.group()), value), value
        if value == before or len(value) > 1000:
            break
    before, separator, behind = value.partition("://")
    scheme, whole = (before, behind) if separator else ("", value)
    rest = whole.rpartition("@")[2]
    if value.startswith("unix:"):  # uwsgi_pass unix:///run/shop.sock
        rest = value
    if rest.startswith("unix:"):
        targets.append(_address("unix:" + rest[len("unix:") :].partition(":")[0], 0))
        return
    host = rest.partition("/")[0]
    if "$" in host:
        unread.append(rest)
    elif host in upstreams:
        members = [one.words[0] for one in _named(upstreams[host].block, "server") if one.words]
        targets += [_address(member, 80) for member in members]
    else:
        targets.append(_address(host, _PORTS.get(scheme, 80)))


def _address(text, port):
    """ADDRESS:PORT, or the path of a unix socket."""
    if text.startswith("unix:"):
        return "/" + text[len("unix:") :].lstrip("/")
    _, colon, said = text.rpartition(":")
    return text if colon and said.isdigit() else "%s:%d" % (text, port)


def _unique(values):
    return list(dict.fromkeys(values))
