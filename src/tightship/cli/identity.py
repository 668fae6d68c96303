"""As which user the web process runs, when `serve` was started by root."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class NoSuchUser(ValueError):
    """The account that was asked for is not there; the message says what to do."""


class Identity(NamedTuple):
    """Who a process runs as. `uid` None: as we do ourselves."""

    name: str
    uid: int | None = None
    gid: int | None = None

    def popen(self) -> dict[str, Any]:
        """Arguments that make subprocess.Popen start a process as this user, in no other group."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


SELF = Identity("")


def chosen(asked: str, owner: str, known: Callable[[str], pwd.struct_passwd | None]) -> Identity:
    """The user that root hands the web process to. Raises NoSuchUser.

    Who was asked for; else the account `tightship`; else the owner of the code; else `nobody`. Never
    root: where there is nobody else, SELF.
    """
    candidates = [asked] if asked else ["tightship", owner, "nobody"]
    for name in filter(None, candidates):
        account = known(name)
        if account and account.pw_uid != 0:
            return Identity(account.pw_name, account.pw_uid, account.pw_gid)
    if asked:
        reason = "is root" if known(asked) else "does not exist"
        raise NoSuchUser(
            f"--user: the account {asked!r} {reason}. Make one: "
            "useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin tightship"
        )
    return SELF


def account(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def owner_of(path: Path) -> str:
    """The account that owns `path`; empty where its uid has none."""
    try:
        return pwd.getpwuid(path.stat().st_uid).pw_name
    except KeyError:
        return ""


def can_run(identity: Identity) -> bool:
    """Whether this user can read the interpreter and the code. Tried, not concluded from modes."""
    trial = [sys.executable, "-I", "-c", "import tightship.web.wsgi, tightship.cli.serve, granian"]
    try:
        return (
            subprocess.run(
                trial,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=60,
                check=False,
                **identity.popen(),
            ).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def closed(path: Path) -> Path | None:
    """The first directory on the way to `path` that others may not enter; None: all are open."""
    ways = [*reversed(path.parents), path]
    return next((way for way in ways if way.is_dir() and not way.stat().st_mode & stat.S_IXOTH), None)


def hand_over(directory: Path, identity: Identity) -> None:
    """Give the data directory, and what lies directly in it, to the user.

    Follows no link, and leaves alone what has a second name: that may be anyone's file.
    """
    if identity.uid is None:
        return
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in [directory, *directory.iterdir()]:
        status = path.lstat()
        ours = (
            stat.S_ISDIR(status.st_mode)
            if path == directory
            else (stat.S_ISREG(status.st_mode) and status.st_nlink == 1)
        )
        if ours and status.st_uid != identity.uid:
            os.chown(path, identity.uid, identity.gid or -1, follow_symlinks=False)
