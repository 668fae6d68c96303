"""An Ansible inventory, INI or YAML, as servers with their groups. Pure: text in, servers out.

Variables that need Ansible itself (templates, host_vars, plugins) are not looked at.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

_RANGE = re.compile(r"\[(?P<first>\d+|[a-zA-Z]):(?P<last>\d+|[a-zA-Z])(?::(?P<step>\d+))?\]")
MOST = 20_000
"""Servers of one inventory: `web[1:999999999]` is a typing error."""


class BadInventory(ValueError):
    """It can't be read; the message says where, and what was expected."""


@dataclass(slots=True)
class Host:
    """A server of an inventory."""

    name: str
    line: int
    groups: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """What ssh is told: [user@]host[:port]; empty where that is the name."""
        host = self.variables.get("ansible_host", self.variables.get("ansible_ssh_host", ""))
        user = self.variables.get("ansible_user", self.variables.get("ansible_ssh_user", ""))
        port = self.variables.get("ansible_port", self.variables.get("ansible_ssh_port", ""))
        if "{{" in host + user + port:  # only Ansible knows
            return ""
        said = f"[{host}]" if ":" in host and port else host or (self.name if user or port else "")
        return f"{user}@" * bool(user) + said + f":{port}" * bool(port)


def read(text: str, name: str = "inventory") -> list[Host]:
    """The servers of an inventory, in its order. Raises `BadInventory`."""
    if "\0" in text:
        raise BadInventory(f"{name}: expected an inventory, this is no text")
    hosts = _of_yaml(text, name) if _is_yaml(text, name) else _of_ini(text, name)
    return list(hosts.values())


def _is_yaml(text: str, name: str) -> bool:
    if name.endswith((".yml", ".yaml")):
        return True
    if name.endswith(".ini"):
        return False
    first = next(
        (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("#", ";"))), ""
    )
    return first.startswith("---") or bool(re.match(r"[\w-]+:\s*(#.*)?$", first))


def _of_ini(text: str, name: str) -> dict[str, Host]:
    hosts: dict[str, Host] = {}
    children: dict[str, list[str]] = {}
    of_group: dict[str, dict[str, str]] = {}
    group, kind = "ungrouped", ""
    for number, line in enumerate(text.splitlines(), 1):
        said = line.strip()
        if not said or said[0] in "#;":
            continue
        section = re.fullmatch(r"\[([^\]:]+)(?::(\w+))?\]\s*(?:[#;].*)?", said)
        if section:
            group, kind = section[1].strip(), section[2] or ""
            if kind not in ("", "children", "vars"):
                raise BadInventory(
                    f"{name}:{number}: expected [{group}], [{group}:children] or [{group}:vars]"
                )
        elif kind == "vars":
            key, _equals, value = said.partition("=")
            of_group.setdefault(group, {})[key.strip()] = _unquoted(value.strip())
        elif kind == "children":
            children.setdefault(group, []).append(said.split()[0])
        else:
            for host in _hosts_of_line(said, number, name):
                _join(hosts, host, group, name)
    _inherit(hosts, children, of_group)
    return hosts


def _hosts_of_line(said: str, number: int, name: str) -> Iterator[Host]:
    try:
        first, *rest = shlex.split(said, comments=True)
    except ValueError as error:
        raise BadInventory(f"{name}:{number}: {error}") from None
    variables = dict(part.split("=", 1) for part in rest if "=" in part)
    pattern, _colon, port = first.partition(":") if re.fullmatch(r"[^:\[]*:\d+", first) else (first, "", "")
    for host in expanded(pattern, f"{name}:{number}"):
        yield Host(host, number, [], {**({"ansible_port": port} if port else {}), **variables})


def expanded(pattern: str, place: str = "inventory") -> list[str]:
    """`web[01:03]` -> web01, web02, web03. Raises `BadInventory`."""
    found = _RANGE.search(pattern)
    if found is None:
        return [pattern]
    first, last, step = found["first"], found["last"], int(found["step"] or 1)
    if first.isdigit() != last.isdigit() or step < 1:
        raise BadInventory(f"{place}: expected a range as [01:20] or [a:f], got {found[0]}")
    if first.isdigit():
        width = len(first) if first.startswith("0") else 0
        numbers = range(int(first), int(last) + 1, step)
        if len(numbers) > MOST:
            raise BadInventory(f"{place}: {found[0]} are {len(numbers)} servers, at most {MOST} are read")
        words = [str(number).zfill(width) for number in numbers]
    else:
        words = [chr(code) for code in range(ord(first), ord(last) + 1, step)]
    before, rests = pattern[: found.start()], expanded(pattern[found.end() :], place)
    # Counted before they are made: a hundred million names would fill the memory.
    if len(words) * len(rests) > MOST:
        raise BadInventory(
            f"{place}: {pattern} are {len(words) * len(rests)} servers, at most {MOST} are read"
        )
    return [before + word + rest for word in words for rest in rests]


def _join(hosts: dict[str, Host], host: Host, group: str, name: str) -> None:
    known = hosts.setdefault(host.name, host)
    known.variables = {**known.variables, **host.variables}
    if group not in known.groups:
        known.groups.append(group)
    if len(hosts) > MOST:
        raise BadInventory(f"{name}: at most {MOST} servers are read")


def _of_yaml(text: str, name: str) -> dict[str, Host]:
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        raise BadInventory(
            f"{where}: {getattr(error, 'problem', None) or 'no YAML that can be read'}"
        ) from None
    if not isinstance(document, dict):
        raise BadInventory(f"{name}: expected groups, as `all:` with `hosts:` below it")
    lines = _lines_of(text)
    hosts: dict[str, Host] = {}
    children: dict[str, list[str]] = {}
    of_group: dict[str, dict[str, str]] = {}

    def walk(group: str, body: Any, depth: int) -> None:
        if depth > 20 or not isinstance(body, dict):
            return
        of_group[group] = {**of_group.get(group, {}), **_texts(body.get("vars"))}
        said = body.get("hosts")
        for pattern, variables in said.items() if isinstance(said, dict) else ():
            for one in expanded(str(pattern), name):
                _join(hosts, Host(one, lines.get(str(pattern), 0), [], _texts(variables)), group, name)
        below = body.get("children")
        for child, inside in below.items() if isinstance(below, dict) else ():
            children.setdefault(group, []).append(str(child))
            walk(str(child), inside, depth + 1)

    for group, body in document.items():
        walk(str(group), body, 0)
    _inherit(hosts, children, of_group)
    return hosts


def _lines_of(text: str) -> dict[str, int]:
    """key -> the line that it first stands in."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        key = re.match(r"""\s*["']?([^"'\s#][^"']*?)["']?:""", line)
        if key:
            found.setdefault(key[1], number)
    return found


def _texts(variables: Any) -> dict[str, str]:
    if not isinstance(variables, dict):
        return {}
    return {str(key): str(value) for key, value in variables.items() if isinstance(value, (str, int))}


def _inherit(
    hosts: Mapping[str, Host], children: Mapping[str, list[str]], of_group: Mapping[str, Mapping[str, str]]
) -> None:
    """Groups of groups, and their variables: nearer ones win."""
    parents: dict[str, list[str]] = {}
    for parent, some in children.items():
        for child in some:
            parents.setdefault(child, []).append(parent)
    for host in hosts.values():
        order, waiting = [], list(host.groups)
        while waiting:
            group = waiting.pop(0)
            if group not in order:
                order.append(group)
                waiting += parents.get(group, [])
        host.groups = [group for group in order if group not in ("all", "ungrouped")]
        for group in [*order, "all"]:
            host.variables = {**of_group.get(group, {}), **host.variables}


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
