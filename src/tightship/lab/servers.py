"""One server of a lab: how it is booted, reached and taken away."""

from __future__ import annotations

import io
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tightship.lab import cgroups, network
from tightship.lab.failing import SECONDS, LabError, attempt, do, does
from tightship.lab.places import RUNNING
from tightship.lab.settings import resolvers

HOST_KEY = "etc/ssh/ssh_host_ed25519_key"
VARIABLES = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
"""What a command finds that did not come in over ssh."""

_SECONDS_TO_END = 3.0
_NSPAWNS = Path("/run/systemd/nspawn")

# A cgroup of its own first: nspawn puts the server below the one that it starts in. It ends with
# 133 when the server wants to be booted again.
_START = """\
for group in $GROUPS_OF_SERVER; do echo 0 >"$group/cgroup.procs" || exit; done; unset GROUPS_OF_SERVER
while "$@"; [ $? -eq 133 ]; do :; done"""


@dataclass(slots=True)
class Server:
    """A Debian with systemd and sshd, on an address of its own."""

    number: int  # of its lab
    position: int  # in its lab, from 0
    name: str
    disk: Path  # what it wrote
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def folder(self) -> Path:
        return RUNNING / str(self.number) / self.name

    @property
    def root(self) -> Path:
        """Its files as this machine sees them. Absolute links in there lead astray from here."""
        return self.folder / "root"

    @property
    def address(self) -> str:
        return network.address(self.number, self.position)

    @property
    def machine(self) -> str:
        """Its name among all servers of all labs."""
        return f"tightship-{self.number}-{self.name}"

    @property
    def cgroup(self) -> str:
        return f"{self.number}/{self.name}"

    @property
    def ssh(self) -> tuple[str, ...]:
        """The command that logs in as root, with keys that were made for this lab and are checked."""
        return ("ssh", "-F", str(self.folder.parent / "ssh_config"), self.name)

    @property
    def pid(self) -> int:
        """Of its systemd, as this machine counts. Another after a restart. Raises `LabError`."""
        depth = len(_pids_of("self"))
        for pid in cgroups.pids(self.cgroup):
            inside = _pids_of(str(pid))[depth - 1 :]
            if len(inside) == 2 and inside[1] == 1:
                return pid
        raise LabError(f"{self.name} does not run. It said: {self.console()}")

    def run(
        self, command: str, *, stdin: str = "", check: bool = True, timeout: float = SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """A command line for its shell, over ssh as root. With `check` a failure is a `LabError`."""
        return self._checked(attempt([*self.ssh, command], timeout, None, stdin), command, check)

    def enter(
        self, *command: str, stdin: str = "", check: bool = True, timeout: float = SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """The same quickly, without ssh and without shell. It is no session, and in none of its cgroups."""
        namespaces = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root")
        way = ["nsenter", "--target", str(self.pid), *namespaces, "--", *command]
        return self._checked(attempt(way, timeout, VARIABLES, stdin), shlex.join(command), check)

    def copy(self, files: Mapping[str, str | bytes | Path], *, user: str = "root", mode: int = 0o644) -> None:
        """Put files there: {path on the server: content, or a file or folder of this machine}."""
        packed = _packed(files, user, mode)
        way = ["nsenter", "--target", str(self.pid), "--mount", "--root", "--", "tar", "-x", "-C", "/"]
        done = subprocess.run(way, input=packed, capture_output=True, env=VARIABLES, check=False)
        if done.returncode != 0:
            raise LabError(f"{self.name}: {done.stderr.decode(errors='backslashreplace').strip()}")

    @contextmanager
    def unplugged(self) -> Iterator[None]:
        """Without a network, as when somebody pulls the cable."""
        cable = network.link(self.number, self.position)
        do("ip", "link", "set", cable, "down")
        try:
            yield
        finally:
            do("ip", "link", "set", cable, "up")

    def console(self) -> str:
        """The last that it wrote to its console."""
        with suppress(OSError):
            lines = (self.folder / "console").read_text(errors="backslashreplace").split("\n")
            return " / ".join(line.strip() for line in lines if line.strip())[-300:]
        return "nothing"

    def prepare(self, lower: Path, names: Mapping[str, str], public_key: str) -> str:
        """Make all that it needs to boot. `names`: those of its lab -> address. Its ssh key."""
        upper, work = self.disk / "upper", self.disk / "work"
        for folder in (upper, work, self.root):
            folder.mkdir(parents=True)
        # Volatile: nothing is flushed to the disk, whatever the server asks for. It is thrown away.
        layers = f"volatile,lowerdir={lower},upperdir={upper},workdir={work}"
        do("mount", "-t", "overlay", self.machine, "-o", layers, self.root)
        network.join(self.number, self.position, self.folder / "net")
        cgroups.make(self.cgroup)
        return _settle(self, names, public_key)

    def boot(self) -> None:
        """Start it. It lives on when this program ends."""
        groups = " ".join(map(str, cgroups.groups(self.cgroup)))
        variables = VARIABLES | {
            "GROUPS_OF_SERVER": groups,
            "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
            "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
        }
        nspawn = (
            "systemd-nspawn --quiet --boot --register=no --keep-unit --capability=CAP_NET_ADMIN "
            "--resolv-conf=off --timezone=off --link-journal=no --console=read-only"
        ).split()
        nspawn += [f"--machine={self.machine}", f"--hostname={self.name}", f"--directory={self.root}"]
        nspawn += [f"--network-namespace-path={self.folder / 'net'}"]
        with (self.folder / "console").open("wb") as console:
            self._process = subprocess.Popen(
                ["sh", "-c", _START, self.machine, *nspawn],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env=variables,
                cwd="/",
                start_new_session=True,
            )

    def wait(self, seconds: float = SECONDS) -> None:
        """Until it lets us in over ssh. Raises `LabError`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._process is not None and self._process.poll() is not None:
                raise LabError(f"{self.name} ended while it booted. It said: {self.console()}")
            if _greets(self.address) and attempt([*self.ssh, "true"]).returncode == 0:
                return
            time.sleep(0.02)
        raise LabError(f"{self.name} did not let us in within {seconds:g} seconds: {self.console()}")

    def remove(self) -> None:
        """End it, and take away all that `prepare` and `boot` made, or as much as there is of it."""
        self._end()
        if self._process is not None:
            self._process.wait()
        cgroups.remove(self.cgroup)
        network.part(self.number, self.position, self.folder / "net")
        lock = _lock(self.root)
        if os.path.ismount(self.root):
            do("umount", self.root)
        _forget(self.machine, lock)
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.disk, ignore_errors=True)

    def _end(self) -> None:
        # Without its systemd the kernel ends everything inside, and nspawn clears up after itself.
        with suppress(LabError, ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
            cgroups.empty(self.cgroup, _SECONDS_TO_END)
        cgroups.kill(self.cgroup)

    def _checked(
        self, done: subprocess.CompletedProcess[str], command: str, check: bool
    ) -> subprocess.CompletedProcess[str]:
        if check and done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip())[-600:]
            raise LabError(f"{self.name}: {command}: ended with {done.returncode}: {said}")
        return done


def _settle(server: Server, names: Mapping[str, str], public_key: str) -> str:
    root, name = server.root, server.name
    comment = ("-q", "-t", "ed25519", "-N", "", "-C", name)
    do("ssh-keygen", *comment, "-f", root / HOST_KEY)
    known = "".join(f"{address} {other}\n" for other, address in names.items())
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n{known}")
    (root / "etc/hostname").write_text(name + "\n")
    (root / "etc/machine-id").write_text(secrets.token_hex(16) + "\n")
    resolver = root / "etc/resolv.conf"
    resolver.unlink(missing_ok=True)
    resolver.write_bytes(resolvers())
    ssh = root / "root/.ssh"
    ssh.mkdir(mode=0o700, exist_ok=True)
    (ssh / "authorized_keys").write_text(public_key)
    return (root / f"{HOST_KEY}.pub").read_text()


def _packed(files: Mapping[str, str | bytes | Path], user: str, mode: int) -> bytes:
    def owned(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uname = entry.gname = user
        entry.uid = entry.gid = 0  # the names are what counts, where they are known
        return entry

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, content in files.items():
            inside = path.lstrip("/")
            if isinstance(content, Path):
                archive.add(content, inside, filter=owned)
                continue
            data = content.encode() if isinstance(content, str) else content
            entry = owned(tarfile.TarInfo(inside))
            entry.size, entry.mode, entry.mtime = len(data), mode, int(time.time())
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def _greets(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=0.5) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _pids_of(pid: str) -> list[int]:
    """A process' pids, from the outermost namespace that we see to its own."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return [int(number) for number in line.split()[1:]]
    return []


def _lock(root: Path) -> Path | None:
    """The file by which nspawn keeps a second one away from the same root."""
    with suppress(OSError):
        status = root.stat()
        return _NSPAWNS / "locks" / f"inode-{status.st_dev}:{status.st_ino}"
    return None


def _forget(machine: str, lock: Path | None) -> None:
    """What nspawn leaves when it is killed."""
    for left in _NSPAWNS.glob(f"*/{machine}"):
        if os.path.ismount(left):
            does("umount", left)
        with suppress(OSError):
            left.rmdir()
    if lock is not None:
        lock.unlink(missing_ok=True)
