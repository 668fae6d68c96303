"""What `tightship doctor` concludes from facts, each with its fix. Pure; the facts come from `facts`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Level = Literal["ok", "warn", "fail"]

OLDEST_PYTHON = (3, 11)
OLDEST_PROBE_PYTHON = (3, 6)
OLDEST_SQLITE = (3, 31)
"""Django 5.2's own floor."""

MOST_SKEW = timedelta(minutes=2)
LITTLE_SPACE, TOO_LITTLE_SPACE = 1024**3, 100 * 1024**2
NETWORK_FILE_SYSTEMS = frozenset(
    (
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "ceph",
        "glusterfs",
        "lustre",
        "afs",
        "9p",
        "fuse.sshfs",
        "virtiofs",
    )
)


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's answer."""

    name: str
    level: Level
    says: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Rights:
    """What decides how much the probe may read."""

    uid: int
    user: str
    may_trace: bool
    """CAP_SYS_PTRACE: needed for the environment and the files of other users' processes"""
    trace_scope: int | None = None
    """/proc/sys/kernel/yama/ptrace_scope; None: there is none"""
    hidden: bool = False
    """/proc is mounted with hidepid, and not for us"""
    sudo: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """The directory that data is kept in."""

    path: str
    exists: bool
    writable: bool
    free: int
    file_system: str = ""


@dataclass(frozen=True, slots=True)
class Database:
    vendor: str
    """sqlite or postgresql"""
    where: str
    """path, or address without the password"""
    error: str = ""
    """why it can't be reached; then nothing below is known"""
    exists: bool = True
    version: tuple[int, ...] = ()
    journal: str = ""
    waiting: tuple[str, ...] = ()
    """migrations that are still to be applied"""
    unknown: tuple[str, ...] = ()
    """migrations that were applied by a newer release"""
    now: datetime | None = None
    newest_report: datetime | None = None
    simulated: bool = False
    """it holds what `tightship demo` made up"""
    work: Work | None = None
    """None: nobody ever did what happens without anyone asking"""


@dataclass(frozen=True, slots=True)
class Work:
    """The newest `tightship work` over this database."""

    holder: str
    until: datetime
    """its lease: it lives, or did until shortly before"""
    valid: bool
    tried: int = 0
    failed: int = 0
    round: str = ""
    """when it last went to servers, as ISO 8601; empty: never"""


@dataclass(frozen=True, slots=True)
class Serving:
    """Settings that matter when others than this server's own users may come."""

    secret_key: bool
    """one was set, or made and kept; not that of development"""
    allowed_hosts: tuple[str, ...]
    administrators: int | None
    """None: the database could not be asked"""
    debug: bool = False


def python(version: Sequence[int]) -> Check:
    if tuple(version[:2]) < OLDEST_PYTHON:
        return Check(
            "python",
            "fail",
            f"Python {_dotted(version)} is too old.",
            f"Install Tightship with Python {_dotted(OLDEST_PYTHON)} or newer.",
        )
    return Check("python", "ok", f"Python {_dotted(version)} runs Tightship.")


def probe_python(path: str, version: Sequence[int]) -> Check:
    """`path` of the python3 on PATH, empty: none; `version` of it, empty: it did not tell."""
    if not path:
        return Check(
            "probe-python",
            "warn",
            "No `python3` on PATH: the probe can't be run by a pipe here.",
            "Install one, for instance: apt install python3",
        )
    if not version:
        return Check(
            "probe-python",
            "warn",
            f"{path} does not tell its version.",
            f"See what this says: {path} --version",
        )
    if tuple(version[:2]) < OLDEST_PROBE_PYTHON:
        return Check(
            "probe-python",
            "warn",
            f"{path} is Python {_dotted(version)}, too old for the probe.",
            f"Install Python {_dotted(OLDEST_PROBE_PYTHON)} or newer.",
        )
    return Check("probe-python", "ok", f"{path} is Python {_dotted(version)}: it can run the probe.")


def system(platform: str) -> Check:
    if platform == "linux":
        return Check("system", "ok", "Linux: this server can be read.")
    return Check(
        "system",
        "warn",
        f"This is {platform}; `scan` and `gather` read Linux servers.",
        "Run them on the servers, or let the servers push their reports here.",
    )


def rights(facts: Rights) -> Check:
    if facts.uid == 0 and facts.may_trace:
        return Check("rights", "ok", "root, and may read all processes.")
    if facts.uid == 0:
        return Check(
            "rights",
            "warn",
            "root, but without CAP_SYS_PTRACE (as in a container): the "
            "environments of other users' processes stay unread.",
            "Give the container that capability: --cap-add SYS_PTRACE",
        )
    missing = (
        "other users' processes are not even seen (hidepid)"
        if facts.hidden
        else ("other users' processes are only seen from outside")
    )
    if (facts.trace_scope or 0) >= 2 and not facts.hidden:
        missing = "no process can be read whole (ptrace_scope)"
    fix = "`tightship gather --sudo` reads all; only the probe then runs as root."
    return Check(
        "rights",
        "warn",
        f"{facts.user} is not root: {missing}.",
        fix if facts.sudo else "Run `tightship gather` as root.",
    )


def data_directory(place: Place) -> Check:
    if not place.exists:
        level: Level = "ok" if place.writable else "fail"
        fix = "" if place.writable else _own(place.path, "Make it, and give it to this user")
        return Check("data", level, f"{place.path} is not there yet.", fix)
    if not place.writable:
        return Check(
            "data", "fail", f"{place.path} can't be written.", _own(place.path, "Give it to this user")
        )
    return Check("data", "ok", f"{place.path} can be written.")


def space(place: Place) -> Check:
    free = f"{place.free / 1024**3:.1f} GB free beside {place.path}."
    if place.free < TOO_LITTLE_SPACE:
        return Check("space", "fail", free, "Free some space: nothing can be recorded without it.")
    if place.free < LITTLE_SPACE:
        return Check("space", "warn", free, "Free some space before it is gone.")
    return Check("space", "ok", free)


def settings(trouble: str) -> Check:
    """`trouble`: what is wrong with them, in words."""
    if trouble:
        return Check("settings", "fail", trouble, "Correct it; docs/reference/settings.md has them all.")
    return Check("settings", "ok", "The settings can be used.")


def database(facts: Database) -> Check:
    if facts.error:
        return Check("database", "fail", f"{facts.where}: {facts.error}", _reach(facts.vendor))
    if not facts.exists:
        return Check(
            "database", "warn", f"{facts.where} is not there yet: nothing was recorded.", "tightship gather"
        )
    if facts.vendor == "sqlite" and facts.version < OLDEST_SQLITE:
        return Check(
            "database",
            "fail",
            f"SQLite {_dotted(facts.version)} is too old.",
            f"Use a Python with SQLite {_dotted(OLDEST_SQLITE)} or newer, or PostgreSQL.",
        )
    name = "SQLite" if facts.vendor == "sqlite" else "PostgreSQL"
    return Check("database", "ok", f"{name} {_dotted(facts.version)}: {facts.where}")


def simulated(facts: Database) -> Check | None:
    if not facts.simulated:
        return None
    return Check(
        "fleet",
        "warn",
        f"{facts.where} holds a simulated fleet: none of these servers exists.",
        "For your own, unset TIGHTSHIP_DATA: tightship gather",
    )


def journal(facts: Database, place: Place) -> Check | None:
    """SQLite's write-ahead log needs shared memory, which network file systems don't have."""
    if facts.vendor != "sqlite":
        return None
    if place.file_system in NETWORK_FILE_SYSTEMS:
        return Check(
            "journal",
            "fail",
            f"{place.path} is on {place.file_system}: SQLite loses data there.",
            "Keep it on a local disk, or use PostgreSQL.",
        )
    if facts.error or not facts.exists:
        return None
    if facts.journal != "wal":
        return Check(
            "journal",
            "warn",
            f"SQLite's journal is {facts.journal!r}, not a write-ahead log: "
            "readers and writers wait for each other.",
            "Keep it on a local disk.",
        )
    return Check("journal", "ok", "SQLite has a write-ahead log, on a local disk.")


def migrations(facts: Database) -> Check | None:
    if facts.error or not facts.exists:
        return None
    if facts.unknown:
        return Check(
            "migrations",
            "fail",
            f"The database is of a newer Tightship: {facts.unknown[-1]}",
            "Install that release, or restore a copy from before.",
        )
    if facts.waiting:
        return Check(
            "migrations",
            "warn",
            f"{len(facts.waiting)} migrations wait: {facts.waiting[0]} ...",
            "`tightship gather` or `tightship serve` applies them.",
        )
    return Check("migrations", "ok", "The database has this release's form.")


def clock(now: datetime, facts: Database) -> Check:
    if not 2025 <= now.year < 2100:
        return Check("clock", "fail", f"This server's clock says {now:%Y-%m-%d}.", _SET_CLOCK)
    if facts.now and abs(facts.now - now) > MOST_SKEW:
        return Check(
            "clock", "warn", f"The database's clock differs by {_apart(facts.now, now)}.", _SET_CLOCK
        )
    if facts.newest_report and facts.newest_report - now > MOST_SKEW:
        return Check(
            "clock",
            "warn",
            f"The newest report is from the future, by {_apart(facts.newest_report, now)}.",
            _SET_CLOCK,
        )
    return Check("clock", "ok", f"{now:%Y-%m-%d %H:%M} {now.tzname() or ''}".rstrip())


def recorded(now: datetime, facts: Database) -> Check | None:
    if facts.error or not facts.exists:
        return None
    if facts.newest_report is None:
        return Check("reports", "warn", "Nothing was recorded yet.", "tightship gather")
    age = now - facts.newest_report
    if age > timedelta(hours=3):
        return Check(
            "reports",
            "warn",
            f"The newest report is {_apart(now, facts.newest_report)} old.",
            "`tightship gather`, hourly by a timer or cron.",
        )
    return Check(
        "reports", "ok", f"The newest report is of {facts.newest_report.astimezone():%Y-%m-%d %H:%M}."
    )


def work(facts: Database) -> Check | None:
    if facts.error or not facts.exists or facts.waiting or facts.simulated:
        return None
    start = "`tightship serve` starts it, or run it by itself: docs/how-to/run-as-a-service.md"
    if facts.work is None:
        return Check(
            "work", "warn", "Nothing happens by itself yet: no hourly round, nobody notes silence.", start
        )
    if not facts.work.valid:
        ended = f"{facts.work.until.astimezone():%Y-%m-%d %H:%M}"
        return Check("work", "warn", f"`tightship work` ended at about {ended} ({facts.work.holder}).", start)
    said = f"`tightship work` is running ({facts.work.holder})."
    if facts.work.round:
        at = datetime.fromisoformat(facts.work.round).astimezone()
        said += f" Last to servers at {at:%H:%M}: {facts.work.tried} tried, {facts.work.failed} failed."
    return Check("work", "ok", said)


def port(number: int, taken: str) -> Check:
    """`taken`: why nobody can listen on it, in words; empty: it is free."""
    if taken:
        reason, _, fix = taken.partition(". ")
        return Check(
            "port", "warn", f"{reason}.", f"{fix or 'Choose another.'} (Or leave it, if that is Tightship.)"
        )
    return Check("port", "ok", f"Port {number} is free for `tightship serve`.")


def secret_key(facts: Serving) -> Check:
    if not facts.secret_key:
        return Check(
            "secret-key",
            "warn",
            "There is no secret key yet: `tightship serve` makes and keeps one.",
            "Several web servers on one database need the same: set TIGHTSHIP_SECRET_KEY.",
        )
    return Check("secret-key", "ok", "There is a secret key.")


def allowed_hosts(facts: Serving) -> Check:
    if "*" in facts.allowed_hosts:
        return Check(
            "hosts",
            "warn",
            "Any host name is answered.",
            "Name them: TIGHTSHIP_ALLOWED_HOSTS=tightship.example.com",
        )
    others = [host for host in facts.allowed_hosts if host not in ("localhost", "127.0.0.1", "[::1]")]
    if not others:
        return Check(
            "hosts",
            "ok",
            "Only loopback is answered. For a team, also name the address: TIGHTSHIP_ALLOWED_HOSTS",
        )
    return Check("hosts", "ok", f"Answers to {', '.join(others)}.")


def administrator(facts: Serving) -> Check | None:
    if facts.administrators is None:
        return None
    if not facts.administrators:
        return Check(
            "administrator",
            "warn",
            "There is no administrator: `serve` stays on loopback.",
            "tightship account add NAME --administrator",
        )
    return Check("administrator", "ok", f"{facts.administrators} administrator(s).")


def debug(facts: Serving) -> Check | None:
    if not facts.debug:
        return None
    return Check(
        "debug",
        "warn",
        "Django's debug mode is on: errors show settings to whoever comes.",
        "Unset TIGHTSHIP_DEBUG.",
    )


_SET_CLOCK = "Set the clock, and keep it by NTP: timedatectl set-ntp true"


def _reach(vendor: str) -> str:
    if vendor == "sqlite":
        return "See `data` and `space`; a damaged file is put aside, a copy restored."
    return "Check DATABASE_URL and that the database server runs."


def _own(path: str, what: str) -> str:
    return f"{what}, or choose another by TIGHTSHIP_DATA: sudo install -d -o $USER {path}"


def _dotted(version: Sequence[int]) -> str:
    return ".".join(map(str, version[:3]))


def _apart(later: datetime, earlier: datetime) -> str:
    seconds = abs(later - earlier).total_seconds()
    for size, word in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds:.0f} seconds"
