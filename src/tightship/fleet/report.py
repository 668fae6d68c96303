"""The report: what the probe says about one server at one moment. Design section 3, "The contract".

One JSON document::

    {"schema": "tightship.report/1", "digest": "<of state>", "live": {...}, "state": {...}, "sets": {...}}

`state` is what stays the same while nothing happens on the server; `digest` is BLAKE2b-160 over its
bytes exactly as they stand in the document. `live` is what differs from scan to scan. `sets` maps
the digest of a package set to its lines. A sender that has been here before leaves out `state` and
`sets` until it is asked for them; `load` gives what there is.

Only a document that is broken as a whole is refused (`Refused`). What an application's user can
cause on a server (an odd version, a control character in a name) is kept, made harmless.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from tightship.fleet.text import LONGEST, clean, is_harmless, needs_cleaning

SCHEMA = "tightship.report/1"
LARGEST = 16 * 1024 * 1024
"""Bytes of the largest report that is taken in. A server with 2,000 packages sends 100 kB."""

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
"""BLAKE2b-160, hexadecimal."""


class Refused(Exception):
    """A document that is no report: says the place and what was expected."""


_Model = TypeVar("_Model", bound=BaseModel)


class Part(BaseModel):
    # A newer probe may say more than this service understands: that is ignored, not refused.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Unread(Part):
    """Something that could not be read. Not knowing is a value."""

    what: str = Field(description="path, process or source that could not be read")
    why: str = Field(description="the reason, in words")


class Evidence(Part):
    """One thing that was concluded, and from what."""

    what: str = Field(description="what was concluded: environment, python, type, release, name")
    how: str = Field(description="the kind of evidence: argv, execfn, maps, unit, pyvenv.cfg, ...")
    value: str = Field(description="the evidence itself, or what it says")


class Name(Part):
    """A candidate for the application's name. The probe does not decide."""

    name: str
    how: str = Field(
        description="unit, supervisor, container, module, checkout, buildout, directory, script or package; "
        "import, import-stage: told by who imported a file"
    )


class Release(Part):
    """A candidate for the release that runs, from one source."""

    how: str = Field(description="release.json, tag, commit, REVISION, direct_url or package")
    release: str = Field("", description="tag or version; empty where only a commit is known")
    commit: str = ""
    dirty: bool | None = Field(None, description="uncommitted changes; null: not looked at, or unread")
    where: str = Field("", description="directory or package that says so")


class Started(Part):
    """When a process started, without a clock: ticks since the boot that has this id."""

    boot: str = Field(description="/proc/sys/kernel/random/boot_id")
    ticks: int = Field(description="field 22 of /proc/PID/stat, of the group's first process")


class Listener(Part):
    """What a process group listens on."""

    protocol: Literal["tcp", "unix"]
    address: str = Field("", description="IP address as bound: 0.0.0.0, ::, 127.0.0.1, ...")
    port: int = Field(0, ge=0, le=65535, description="0 for a unix socket")
    path: str = Field("", description="of a unix socket; @ begins an abstract one")
    how: str = Field(
        "",
        description="process; systemd: handed over; namespace: in a network namespace of its own, no port of "
        "the server; published: a port of the server that leads into a container",
    )


class OtherListener(Listener):
    """A listener of a program that is no Python process group, so that a free port is really free."""

    program: str = Field("", description="postgres, nginx, ...; empty where it could not be seen")


class Stale(Part):
    """A sign that a process group runs something older than what is on disk ("maybe")."""

    how: str = Field(description="deleted (a mapping of a deleted file) or newer (installed after the start)")
    what: str = Field(description="the file, or the package's name")


Kind = Literal["application", "system", "session", "passing"]


class ProcessGroup(Part):
    """Processes started as one: a master with its workers."""

    key: str = Field(description="stable over restarts, releases and reboots; never a pid")
    kind: Kind
    type: Literal["web", "worker", "beat", "other"]
    program: str = Field("", description="what runs it: gunicorn, uvicorn, celery, python, ...")
    user: str
    command: list[str] = Field(default_factory=list, description="of the first process; secrets masked")
    cwd: str = ""
    base: str = Field("", description="base directory, parts that look like a release taken out")
    unit: str = Field("", description="systemd unit, only .service")
    supervisor: str = Field("", description="GROUP:PROGRAM of supervisord")
    container: str = ""
    started: Started
    python: str = Field("", description="version, as exactly as it can be told")
    environment: str = Field("", description="key of one of state.environments; empty: not known")
    listeners: list[Listener] = Field(default_factory=list)
    names: list[Name] = Field(default_factory=list)
    releases: list[Release] = Field(default_factory=list)
    stale: list[Stale] = Field(default_factory=list)
    how: list[Evidence] = Field(default_factory=list)
    conflict: list[Evidence] = Field(default_factory=list, description="evidence set aside")
    unread: list[Unread] = Field(
        default_factory=list, description="not empty: this group is only partly known"
    )


class Environment(Part):
    """The ordered import path of a process, with the packages on it."""

    key: str
    kind: str = Field(description="venv, uv, system, script, ...")
    prefix: str = ""
    python: str = Field("", description="version of the interpreter")
    path: list[str] = Field(default_factory=list, description="import path, in order")
    packages: Digest | None = Field(None, description="digest of the package set; null: could not be read")
    at_rest: bool = Field(False, description="named by a unit, timer, crontab or supervisor, not running now")
    named_by: list[str] = Field(default_factory=list)
    how: list[Evidence] = Field(default_factory=list)
    unread: list[Unread] = Field(default_factory=list)


class Site(Part):
    """A name that a web server answers to, and where it hands requests."""

    names: list[str]
    ports: list[int] = Field(default_factory=list)
    to: str = Field("", description="ADDRESS:PORT or path of a unix socket")
    server: str = Field("", description="nginx or apache")
    where: str = Field("", description="the configuration file")
    group: str = Field("", description="key of the process group that answers, where known")


class OperatingSystem(Part):
    """From os-release."""

    id: str = ""
    version: str = ""
    name: str = ""


class Interpreter(Part):
    """A Python interpreter outside any environment, by its name."""

    path: str
    version: str


class System(Part):
    """The server itself."""

    name: str = Field(description="hostname")
    names: list[str] = Field(default_factory=list)
    addresses: list[str] = Field(default_factory=list)
    machine_id: str = ""
    os: OperatingSystem = Field(default_factory=OperatingSystem)
    kernel: str = ""
    boot: str = Field("", description="boot id")
    pythons: list[Interpreter] = Field(default_factory=list)
    puppet_disabled: str = Field("", description="the reason given to `puppet agent --disable`")
    paused: str = Field("", description="Tightship's own pause: who and why")


class State(Part):
    """What stays the same while nothing happens on the server."""

    system: System
    complete: bool = Field(description="false: what is missing here may still be running")
    groups: list[ProcessGroup] = Field(default_factory=list)
    environments: list[Environment] = Field(default_factory=list)
    listeners: list[OtherListener] = Field(default_factory=list)
    sites: list[Site] = Field(default_factory=list)
    unread: list[Unread] = Field(default_factory=list)


class LiveGroup(Part):
    """What differs from scan to scan of a process group."""

    pids: list[int] = Field(default_factory=list)
    workers: int = 0
    memory: int = Field(0, description="resident bytes of all its processes")


class PassingProcess(Part):
    """A Python process that is no application: a person's session, a cron job."""

    kind: Literal["session", "passing"]
    user: str
    command: list[str] = Field(default_factory=list)
    pids: list[int] = Field(default_factory=list)


class Puppet(Part):
    """The newest run of the Puppet agent."""

    last_run: AwareDatetime | None = None
    status: str = ""
    failed: int | None = None


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # in the years 1 and 9999
        raise ValueError("no moment that can be told in UTC") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class Live(Part):
    """What differs from scan to scan. No part of the digest."""

    at: Moment = Field(description="when the probe began, by the server's clock")
    sent: Moment | None = Field(None, description="when it was sent, by the server's clock")
    probe: str = Field("", description="version of the probe")
    privileged: bool = Field(False, description="read as root")
    cpu: float = Field(0, description="seconds of processor time that the probe took, with its children")
    boot_time: int = Field(0, description="seconds since the epoch")
    groups: dict[str, LiveGroup] = Field(default_factory=dict)
    passing: list[PassingProcess] = Field(default_factory=list)
    listeners: list[OtherListener] = Field(
        default_factory=list, description="on ephemeral ports, or of passing processes"
    )
    puppet: Puppet | None = None
    abandoned: list[Unread] = Field(default_factory=list, description="readers that hung and were left")


class Package(NamedTuple):
    """One line of a package set."""

    name: str
    """PEP 503 name; one that cannot be normalised is kept as it is."""
    version: str
    """as written, also where it is not PEP 440; empty: unknown"""
    origin: str = ""
    """empty: an index; `os`: the operating system's; else the PEP 610 URL, credentials taken out"""
    commit: str = ""
    editable: bool = False
    shadowed: bool = False
    """another version of it stands earlier on the import path"""


def package_line(package: Package) -> str:
    """The canonical line of one package: fields between tabs, empty ones at the end left out."""
    name, version, origin, commit, editable, shadowed = package
    fields = (name, version, origin, commit, "editable" * editable, "shadowed" * shadowed)
    return "\t".join(fields).rstrip("\t")


def parse_package_line(line: str) -> Package:
    name, version, origin, commit, editable, shadowed = (line.split("\t") + [""] * 6)[:6]
    return Package(name, version, origin, commit, bool(editable), bool(shadowed))


def digest_of(data: bytes) -> str:
    return blake2b(data, digest_size=20).hexdigest()


def digest_of_set(lines: Iterable[str]) -> str:
    """The digest that names a package set: over its sorted lines, a newline between."""
    return digest_of("\n".join(sorted(lines)).encode("utf-8", "backslashreplace"))


@dataclass(frozen=True, slots=True)
class Report:
    """A report as it came in. `state` is None where the sender left it out."""

    digest: str
    live: Live
    state: State | None
    sets: Mapping[str, tuple[Package, ...]] = field(default_factory=dict)

    def sets_named(self) -> frozenset[str]:
        """Digests of the package sets that `state` names."""
        if self.state is None:
            return frozenset()
        return frozenset(e.packages for e in self.state.environments if e.packages)


class _Head(Part):
    model_config = ConfigDict(frozen=True, extra="ignore")
    digest: Digest
    live: Live


def load(document: bytes) -> Report:
    """The report in `document`. Raises `Refused` for what is no report, naming the place."""
    members = _members(document)
    schema = members.get("schema", (None, b""))[0]
    if schema != SCHEMA:
        raise Refused(f'schema: expected "{SCHEMA}", got {_short(schema)}')
    given = {name: _harmless(*members[name]) for name in ("digest", "live") if name in members}
    head = _validated(_Head, given, "")
    state = None
    if "state" in members:
        value, raw = members["state"]
        _check_digest("state", head.digest, digest_of(raw))
        state = _validated(State, _harmless(value, raw), "state.")
    return Report(head.digest, head.live, state, _sets(members.get("sets", ({}, b""))[0]))


def _harmless(value: Any, raw: bytes) -> Any:
    return clean(value) if needs_cleaning(raw) else value


def _members(document: bytes) -> dict[str, tuple[Any, bytes]]:
    """Top-level members of a JSON object: value and bytes as they stand in the document.

    The digest is over the state's bytes as sent, and only the document itself still has them.
    """
    if len(document) > LARGEST:
        raise Refused(f"a report is at most {LARGEST} bytes, this one has {len(document)}")
    try:
        text = document.decode("ascii")
    except UnicodeDecodeError as error:
        raise Refused(f"byte {error.start}: a report is plain ASCII, other characters escaped") from None
    try:
        return dict(_walk(text))
    except json.JSONDecodeError as error:
        raise Refused(f"not JSON at byte {error.pos}: {error.msg}") from None
    except RecursionError:
        raise Refused("nested too deeply") from None
    except ValueError as error:  # an integer of thousands of digits
        raise Refused(f"not a report: {error}") from None


def _walk(text: str) -> Iterable[tuple[str, tuple[Any, bytes]]]:
    decode = json.JSONDecoder(parse_constant=_no_constant).raw_decode
    space = json.decoder.WHITESPACE.match  # type: ignore[attr-defined]
    end = _expect(text, space(text, 0).end(), "{")
    if text[end : end + 1] == "}":
        return
    while True:
        name, end = decode(text, end)
        if not isinstance(name, str):
            raise json.JSONDecodeError("expected a member's name", text, end)
        start = _expect(text, space(text, end).end(), ":")
        value, end = decode(text, start)
        yield name, (value, text[start:end].encode("ascii"))
        end = space(text, end).end()
        if text[end : end + 1] == "}":
            break
        end = _expect(text, end, ",")
    if space(text, end + 1).end() != len(text):
        raise json.JSONDecodeError("something follows the report", text, end + 1)


def _expect(text: str, at: int, mark: str) -> int:
    if text[at : at + 1] != mark:
        raise json.JSONDecodeError(f"expected {mark!r}", text, at)
    return json.decoder.WHITESPACE.match(text, at + 1).end()  # type: ignore[attr-defined,no-any-return]


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _validated(model: type[_Model], value: Any, place: str) -> _Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise Refused(f"{place}{where}: {first['msg']}") from None


def _sets(value: Any) -> Mapping[str, tuple[Package, ...]]:
    if not isinstance(value, dict) or not all(_is_lines(lines) for lines in value.values()):
        raise Refused("sets: expected an object of digest -> list of lines")
    for name, lines in value.items():
        _check_digest(f"sets.{name[:40]}", name, digest_of_set(lines))
    return _Sets(value)


class _Sets(Mapping[str, tuple[Package, ...]]):
    """Package sets, each parsed when it is asked for: most that come in are known by their digest."""

    def __init__(self, lines: Mapping[str, list[str]]) -> None:
        self._lines = lines
        self._parsed: dict[str, tuple[Package, ...]] = {}

    def __getitem__(self, digest: str) -> tuple[Package, ...]:
        if digest not in self._parsed:
            self._parsed[digest] = _parsed(self._lines[digest])
        return self._parsed[digest]

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)


def _parsed(lines: list[str]) -> tuple[Package, ...]:
    # The tab between a line's fields is ours, any other control character is not.
    safe = is_harmless("".join(lines).replace("\t", "")) and max(map(len, lines), default=0) <= LONGEST
    return tuple(map(parse_package_line if safe else _split_clean, lines))


def _split_clean(line: str) -> Package:
    return parse_package_line("\t".join(map(clean, line.split("\t"))))


def _is_lines(value: Any) -> bool:
    return isinstance(value, list) and set(map(type, value)) <= {str}


def _check_digest(place: str, said: str, counted: str) -> None:
    if said != counted:
        raise Refused(f"{place}: the digest {said[:40]} was sent, its bytes have {counted}")


def _short(value: Any) -> str:
    return json.dumps(value)[:60] if value is not None else "nothing"
