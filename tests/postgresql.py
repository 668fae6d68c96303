"""A PostgreSQL server of our own, from Debian's programs: private, short-lived, without fsync."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.parts import need

USER = "tightship"
SECONDS = 60

_CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_INITDB = ("--encoding", "UTF8", "--locale", "C", "--auth", "scram-sha-256", "--no-sync")


@dataclass(frozen=True)
class PostgreSQL:
    """A running server; `url` is its first database, as DATABASE_URL takes it."""

    address: str

    @property
    def url(self) -> str:
        return f"{self.address}/postgres"

    def fresh(self) -> str:
        """The URL of a new, empty database."""
        name = f"fresh_{secrets.token_hex(6)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"{self.address}/{name}"


_IN_EARNEST = {"shared_buffers": "128MB"}
"""As Debian's own."""


@contextmanager
def running(durable: bool = False) -> Iterator[PostgreSQL]:
    """Start a server and stop it at the end. `durable`: as in earnest, so that figures are true.
    Needs PostgreSQL's own programs."""
    programs = _programs()
    # Not below pytest's folder: that is closed to the user that the server runs as.
    home = Path(tempfile.mkdtemp(prefix="tightship-postgresql-"))
    try:
        owner = _owner(home)
        _initialise(programs, home, owner)
        process, server = _start(programs, home, owner, _IN_EARNEST if durable else _CARELESS)
        try:
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # ends sessions, then itself
            process.wait(SECONDS)
    finally:
        shutil.rmtree(home)


def _programs() -> Path:
    """The folder of `initdb` and `postgres`. Debian keeps each major version in one of its own."""
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = str(newest[-1]) if newest else shutil.which("initdb")
    if found is None:
        need("PostgreSQL", "initdb was not found")
    return Path(found).parent


def _owner(home: Path) -> dict[str, Any]:
    """The arguments of Popen for the user that runs the server: it refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        user = pwd.getpwnam("nobody")
    os.chown(home, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _initialise(programs: Path, home: Path, owner: dict[str, Any]) -> None:
    password = home / "password"
    password.write_text(secrets.token_hex(12))
    password.chmod(0o644)  # inside a folder that is the owner's alone
    subprocess.run(
        [programs / "initdb", "-D", home / "data", "-U", USER, *_INITDB, "--pwfile", password],
        cwd=home,
        check=True,
        stdout=subprocess.DEVNULL,
        **owner,
    )


def _start(
    programs: Path, home: Path, owner: dict[str, Any], more: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], PostgreSQL]:
    port = _free_port()
    password = (home / "password").read_text()
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": home}
    settings |= {"shared_buffers": "32MB", **more}
    command = [str(programs / "postgres"), "-D", str(home / "data")]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=home, stdout=log, stderr=log, **owner)
    server = PostgreSQL(f"postgresql://{USER}:{password}@127.0.0.1:{port}")
    _wait_until_it_answers(server, process, home / "log")
    return process, server


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_until_it_answers(server: PostgreSQL, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            psycopg.connect(server.url, connect_timeout=5).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    process.kill()
    process.wait()
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")
