"""What differs between servers, instances, stages or moments: facts, held against one another. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tightship.fleet.found import Found, FoundGroup, listens, versions_of
from tightship.fleet.report import Package
from tightship.fleet.versions import sort_key

Packages = Callable[[str], Sequence[Package]]
"""digest of a package set -> its packages"""

Fact = tuple[str, str]
"""what it is about, and of which: ("package", "django")"""

Facts = Mapping[Fact, str]

UNKNOWN = "unknown"

ORDER = (
    "operating system",
    "kernel",
    "interpreter",
    "application",
    "release",
    "process group",
    "Python",
    "port",
    "socket",
    "site",
    "package",
)
"""What people want to read first."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that is not the same everywhere. `values`: as many as were compared, in their order."""

    what: str
    subject: str
    values: tuple[str, ...]
    """empty: it is not there"""


def differences(sides: Sequence[Facts]) -> list[Difference]:
    """The facts that are not the same on all sides, in an order that people can follow."""
    known = sorted({fact for facts in sides for fact in facts}, key=_rank)
    found = []
    for fact in known:
        values = tuple(facts.get(fact, "") for facts in sides)
        if len(set(values)) > 1:
            found.append(Difference(*fact, values))
    return found


def _rank(fact: Fact) -> tuple[int, int, str]:
    what, subject = fact
    number = int(subject) if what == "port" and subject.isdigit() else 0
    return (ORDER.index(what) if what in ORDER else len(ORDER), number, subject)


def of_server(found: Found, packages: Packages) -> Facts:
    """What is true of a server: its system, what runs in which release, ports, sites and packages."""
    facts: dict[Fact, str] = {
        ("operating system", ""): found.system.os.name,
        ("kernel", ""): found.system.kernel,
    }
    for interpreter in found.system.pythons:
        facts["interpreter", interpreter.path] = interpreter.version
    applications = _by_application(found.groups.values())
    for name, groups in applications.items():
        facts["application", name] = _all(group.release or UNKNOWN for group in groups)
        for (_what, package), version in _packages(groups, packages).items():
            facts["package", f"{package} in {name}"] = version
    for who, listener in (
        *(
            (group.application or group.group.program, one)
            for group in found.groups.values()
            for one in group.group.listeners
        ),
        *((other.program, other) for other in found.listeners),
    ):
        what = "socket" if listener.protocol == "unix" else "port"
        facts[what, listens(listener)] = who or UNKNOWN
    for site in found.sites:
        for name in site.names:
            facts["site", name] = site.to
    return facts


def of_groups(groups: Sequence[FoundGroup], packages: Packages) -> Facts:
    """What is true of an application's process groups: on one server, in one stage, or of all of them."""
    facts: dict[Fact, str] = {}
    if groups:
        facts["release", ""] = _all(group.release or UNKNOWN for group in groups)
        facts["Python", ""] = _all(group.group.python or UNKNOWN for group in groups)
    for group in groups:
        facts["process group", f"{group.group.type}: {group.group.program or UNKNOWN}"] = "runs"
        for listener in group.group.listeners:
            facts["socket" if listener.protocol == "unix" else "port", listens(listener)] = "listens"
    facts.update(_packages(groups, packages))
    return facts


Alike = frozenset[tuple[object, ...]]


def alike_as(groups: Iterable[FoundGroup]) -> Alike:
    """What `of_groups` goes by: where this is equal, so are the facts."""
    return frozenset(
        (
            one.release,
            one.loaded or one.packages,
            one.group.python,
            one.group.type,
            one.group.program,
            *sorted((listener.protocol, listens(listener)) for listener in one.group.listeners),
        )
        for one in groups
    )


def _by_application(groups: Iterable[FoundGroup]) -> dict[str, list[FoundGroup]]:
    found: dict[str, list[FoundGroup]] = {}
    for group in groups:
        if group.group.kind == "application" and group.application:
            name = f"{group.application}/{group.stage}" if group.stage else group.application
            found.setdefault(name, []).append(group)
    return found


def _packages(groups: Sequence[FoundGroup], packages: Packages) -> dict[Fact, str]:
    """What runs, whatever was installed since: where several do, all versions of it."""
    running = {group.loaded or group.packages or "" for group in groups}
    held: dict[str, set[str]] = {}
    for digest in running - {""}:
        for name, version in versions_of(packages(digest)).items():
            held.setdefault(name, set()).add(version or UNKNOWN)
    facts = {("package", name): _all(versions) for name, versions in held.items()}
    if "" in running and groups:
        facts["package", "(of some, unread)"] = UNKNOWN
    return facts


def _all(values: Iterable[str]) -> str:
    some = set(values)
    return some.pop() if len(some) == 1 else ", ".join(sorted(some, key=sort_key))
