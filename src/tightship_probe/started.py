"""What a process was started with: plain values, read once, from which the rest is concluded."""

from typing import Dict, List, NamedTuple, Optional

VARIABLES = (
    "PATH",
    "PWD",
    "HOME",
    "PYTHONPATH",
    "PYTHONUSERBASE",
    "PYTHONHOME",
    "PYTHONNOUSERSITE",
    "PYTHONSAFEPATH",
    "VIRTUAL_ENV",
    "GUNICORN_CMD_ARGS",
    "DJANGO_SETTINGS_MODULE",
    "SUPERVISOR_PROCESS_NAME",
    "SUPERVISOR_GROUP_NAME",
    "SUPERVISOR_ENABLED",
    "LISTEN_FDS",
    "LISTEN_PID",
    "PEX",
    "PEX_PATH",
    "PEX_EXTRA_SYS_PATH",
    "PEX_INHERIT_PATH",
    "PEX_MODULE",
    "PEX_SCRIPT",
    "PEX_INTERPRETER",
    "SHIV_ROOT",
    "SHIV_ENTRY_POINT",
    "SHIV_CONSOLE_SCRIPT",
    "SHIV_INTERPRETER",
    "_PYI_ARCHIVE_FILE",
)
"""The only variables that are looked at. None of their values is sent as such."""


class Apache(NamedTuple):
    """The first process of the Apache that a process belongs to: what its configuration is told by."""

    pid: int
    argv: List[str]
    """of the first process: its daemons run what users wrote, and may rewrite their own; empty: not read"""
    of_system: bool
    """whether, started without -f, it has the configuration of the system"""


class Started(NamedTuple):
    """One process, as its owner's reader saw it. Paths are as the process sees them (its own root)."""

    pid: int
    uid: int
    argv: List[str]
    """empty: could not be read (never: started without arguments)"""
    execfn: str
    """AT_EXECFN, the path given to execve; survives setproctitle; empty: unknown"""
    exe: str
    """target of /proc/PID/exe; empty: unknown"""
    cwd: str
    """empty: unknown"""
    variables: Optional[Dict[str, str]]
    """those of VARIABLES that are set; None: environ could not be read, or was wiped by setproctitle"""
    libraries: List[str]
    """files that are mapped executable and lie in a site-packages, dist-packages or .egg directory"""
    deleted: List[str]
    """mapped files that are deleted from disk"""
    start_time: float
    """seconds since the epoch, by the server's clock; a second or two off"""
    libpython: str = ""
    """that it has mapped; only looked for where its program is no interpreter by its name"""
    parents_cwd: str = ""
    """of uWSGI's emperor, by which the files that it names are found; empty: it was started otherwise"""
    wsgi: str = ""
    """of a daemon of mod_wsgi: `#1` for the first in Apache's configuration, or its name"""
    apache: Optional[Apache] = None
    """None: it is no Apache with mod_wsgi"""
