"""What is known of one thing, as names with values. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tightship.fleet.found import listens
from tightship.store.builds import BuildDetail
from tightship.store.details import Described, EnvironmentDetail, GroupDetail, ServerDetail
from tightship.web import links
from tightship.web.asked import Asked


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    text: str = ""
    href: str = ""
    code: bool = False
    at: datetime | None = None
    sign: str = ""

    def __bool__(self) -> bool:
        return bool(self.text or self.at or self.sign)


def known(facts: Iterable[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact]


def of_server(found: ServerDetail) -> list[Fact]:
    system, live = found.found.system, found.live
    return known(
        [
            Fact("Retired", at=found.retired),
            Fact("Because", found.retired_because if found.retired else ""),
            Fact("Last seen", at=found.last_seen, sign="silent" if found.silent else ""),
            Fact("First seen", at=found.first_seen),
            Fact("Imported from", found.imported),
            Fact("Read", _read(found)),
            Fact("Last try", str(found.failing or "")),
            Fact("Tried in vain since", at=found.failing.since if found.failing else None),
            Fact("System", system.os.name),
            Fact("Kernel", system.kernel),
            Fact("Names", ", ".join([system.name, *(name for name in system.names if name != system.name)])),
            Fact("Addresses", ", ".join(system.addresses)),
            Fact("Machine id", system.machine_id, code=True),
            Fact("Same machine as", ", ".join(found.renamed)),
            Fact(
                "Booted", at=datetime.fromtimestamp(live.boot_time, UTC) if live and live.boot_time else None
            ),
            Fact("Pythons", ", ".join(f"{one.version} ({one.path})" for one in system.pythons)),
            Fact("Clock", _clock(found.skew)),
            Fact("Puppet", _puppet(found)),
            Fact("Puppet disabled", system.puppet_disabled),
            Fact("Paused", system.paused),
        ]
    )


def _read(found: ServerDetail) -> str:
    if found.imported:
        return ""
    if not found.live:
        return "" if found.found.complete else "in part"
    rights = "as root" if found.live.privileged else "as an ordinary user"
    return rights if found.found.complete else f"{rights}, in part: tightship gather --sudo reads all"


def _clock(skew: float | None) -> str:
    if skew is None or abs(skew) < 120:
        return ""
    return f"{abs(skew):.0f} seconds {'behind' if skew > 0 else 'ahead'}"


def _puppet(found: ServerDetail) -> str:
    puppet = found.live.puppet if found.live else None
    if not puppet:
        return ""
    when = f"{puppet.last_run:%Y-%m-%d %H:%M} " if puppet.last_run else ""
    return f"{when}{puppet.status}{f', {puppet.failed} failed' if puppet.failed else ''}"


def of_group(found: GroupDetail, given: Asked) -> list[Fact]:
    group, process = found.found, found.found.group
    return known(
        [
            Fact("Application", group.application, _to("application", group.application, given)),
            Fact("Named by", group.named_by),
            Fact("Set aside", group.set_aside),
            Fact("Stage", group.stage),
            *of_application(found.described),
            Fact(
                "Server",
                found.server,
                _to("server", found.server, given),
                sign="silent" if found.silent else "",
            ),
            Fact(
                "Type",
                process.type
                if process.program in ("", process.type)
                else f"{process.type} ({process.program})",
            ),
            Fact("Kind", process.kind if process.kind != "application" else ""),
            Fact("Release", f"{group.release} ({group.released_by})" if group.release else ""),
            Fact("Listens on", ", ".join(listens(listener) for listener in process.listeners)),
            Fact("User", process.user),
            Fact("Unit", process.unit, code=True),
            Fact("Supervisor", process.supervisor, code=True),
            Fact("Container", process.container, code=True),
            Fact("Command", " ".join(process.command), code=True),
            Fact("Working directory", process.cwd, code=True),
            Fact("Base directory", group.base, code=True),
            Fact("Environment", process.environment, _environment(found, given), code=True),
            Fact("Python", process.python),
            Fact("Processes", _processes(found)),
            Fact("So since", at=found.since),
            Fact("Until", at=found.until),
            Fact("Key", process.key, code=True),
        ]
    )


def of_application(said: Described) -> list[Fact]:
    """What was declared about an application."""
    return known(
        [
            Fact("Owner", said.owner),
            Fact("URL", said.url, links.outside(said.url)),
            Fact("Labels", ", ".join(said.labels)),
        ]
    )


def _to(thing: str, name: str, given: Asked) -> str:
    return links.to(thing, name, given.at) if name else ""


def _environment(found: GroupDetail, given: Asked) -> str:
    return links.to("environment", str(found.environment_id), given.at) if found.environment_id else ""


def _processes(found: GroupDetail) -> str:
    live = found.live
    if not live or not live.pids:
        return ""
    shown = _some([str(pid) for pid in live.pids])
    memory = f", {live.memory / 2**20:.0f} MB" if live.memory else ""
    return f"{len(live.pids)}{memory} ({shown})"


def _some(words: Sequence[str], most: int = 12) -> str:
    return " ".join(words[:most]) + (" …" if len(words) > most else "")


def of_environment(found: EnvironmentDetail, given: Asked) -> list[Fact]:
    environment = found.environment
    return known(
        [
            Fact("Server", found.server, _to("server", found.server, given)),
            Fact("Kind", environment.kind),
            Fact("Prefix", environment.prefix, code=True),
            Fact("Python", environment.python),
            Fact("At rest", "named by what does not run now" if environment.at_rest else ""),
            Fact("Named by", ", ".join(environment.named_by)),
            Fact("So since", at=found.since),
            Fact("Until", at=found.until),
        ]
    )


def of_buildout(found: BuildDetail) -> list[Fact]:
    return known(
        [
            Fact("Host", found.host),
            Fact("Directory", found.directory, code=True),
            Fact("Python", found.python),
            Fact("So since", at=found.since),
            Fact("Until", at=found.until),
            Fact("Last built", at=found.seen),
            Fact(
                "Built with", ", ".join(f"{tool} {version}" for tool, version in sorted(found.tools.items()))
            ),
        ]
    )
