"""Labs: some servers each, with an owner. What belongs to an owner who is gone is taken away."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from types import TracebackType

from tightship.lab import cgroups, network, owners, roots
from tightship.lab.failing import LabError, attempt, do, does
from tightship.lab.owners import Owner
from tightship.lab.places import LOCK, RUNNING, closed_folder, disks, locked
from tightship.lab.servers import Server

PROGRAMS = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "nft": "nftables",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "apt-get": "apt",
}
"""What the lab is made with -> the Debian package that has it."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_BEFORE = RUNNING / "before.json"
_SSH_CONFIG = """\
Match host {addresses}
  User root
  IdentityFile {folder}/id
  IdentitiesOnly yes
  BatchMode yes
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  ConnectTimeout 5
  LogLevel ERROR
"""


def why_not() -> str | None:
    """Why there can't be a lab here, in a sentence. None where nothing is known against it."""
    if os.geteuid() != 0:
        return "The lab needs root: it mounts, and makes network namespaces and cgroups."
    missing = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if missing:
        return f"The lab needs Debian's {', '.join(missing)}: apt-get install {' '.join(missing)}"
    if cgroups.version2() is None:
        return f"The lab needs cgroups of version 2, which are not mounted below {cgroups.TOP}."
    if "\toverlay\n" not in Path("/proc/filesystems").read_text():
        return "The lab needs the overlay file system, which this kernel does not have: modprobe overlay"
    if not does("unshare", "--mount", "--net", "true"):
        return "The lab needs namespaces, which root may not make here: in a container without the right to."
    if _lies_on_an_overlay(disks()):
        return f"The lab's place, {disks()}, lies on an overlay: name a folder of a disk with TIGHTSHIP_LAB."
    return None


def _lies_on_an_overlay(place: Path) -> bool:
    there = next(path for path in (place, *place.absolute().parents) if path.exists())
    return attempt(["stat", "--file-system", "--format", "%T", there]).stdout.strip() == "overlayfs"


@dataclass(slots=True)
class Lab:
    """Servers that are up: `lab["web1"]`, or one after the other. `with` takes it down at its end."""

    number: int
    owner: Owner
    disk: Path
    servers: dict[str, Server]

    @property
    def folder(self) -> Path:
        return RUNNING / str(self.number)

    @property
    def ssh_config(self) -> Path:
        """For `ssh -F`: how each of its servers is reached."""
        return self.folder / "ssh_config"

    def __getitem__(self, name: str) -> Server:
        return self.servers[name]

    def __iter__(self) -> Iterator[Server]:
        return iter(self.servers.values())

    def __len__(self) -> int:
        return len(self.servers)

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    def down(self) -> None:
        """Take it away, with all that was made for it."""
        with locked(LOCK):
            _take_down(self)

    def leave(self) -> None:
        """It stays until somebody takes it down, whatever becomes of this process."""
        self.owner = owners.nobody()
        _write(self)


def up(
    names: Sequence[str], *, suite: str | None = None, suites: Sequence[str] = (), more: Sequence[str] = ()
) -> Lab:
    """Boot servers, each reachable over ssh when this returns. `suite` and `more` as for `root`; of
    several `suites` the servers have one after the other, by turns.

    It is this process': when that ends without `down` or `leave`, the next lab takes this one away.
    Raises `LabError`, and leaves nothing then.
    """
    reason = why_not()
    if reason:
        raise LabError(reason)
    _check(names)
    # Each is built once, before the first server boots.
    lowers = [roots.root(one, more) for one in suites or (suite,)]
    with locked(LOCK):
        _sweep()
        lab = _claim(names, owners.process(os.getpid()))
    try:
        _boot(lab, dict(zip(names, cycle(lowers), strict=False)))
    except BaseException:
        lab.down()
        raise
    return lab


def sweep() -> list[int]:
    """Take away what belongs to owners who are gone. The numbers of those labs."""
    with locked(LOCK):
        return _sweep()


def running() -> list[Lab]:
    """All that is up on this machine, whoever's it is."""
    folders = [folder for folder in RUNNING.glob("[0-9]*") if (folder / "lab.json").is_file()]
    return [_read(folder) for folder in sorted(folders, key=lambda folder: int(folder.name))]


def _check(names: Sequence[str]) -> None:
    if not 0 < len(names) <= len(network.SERVERS):
        raise LabError(f"a lab has one to {len(network.SERVERS)} servers")
    if len(set(names)) < len(names) or not all(_NAME.fullmatch(name) for name in names):
        raise LabError(f"servers need names of their own, of a-z, 0-9 and hyphens: {' '.join(names)}")


def _claim(names: Sequence[str], owner: Owner) -> Lab:
    closed_folder(RUNNING)
    closed_folder(disks() / "servers")
    number = network.claim()
    disk = disks() / "servers" / str(number)
    servers = {name: Server(number, at, name, disk / name) for at, name in enumerate(names)}
    lab = Lab(number, owner, disk, servers)
    try:
        lab.folder.mkdir()
        _write(lab)
        if not _BEFORE.exists():
            _BEFORE.write_text(json.dumps(network.open_up()))
    except OSError as error:
        network.disconnect(number)
        raise LabError(f"{lab.folder}: {error.strerror}") from None
    return lab


def _write(lab: Lab) -> None:
    written = {"owner": asdict(lab.owner), "disk": str(lab.disk), "servers": list(lab.servers)}
    new = lab.folder / "new.json"
    new.write_text(json.dumps(written))
    new.rename(lab.folder / "lab.json")


def _boot(lab: Lab, lowers: Mapping[str, Path]) -> None:
    network.connect(lab.number)
    do("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tightship-lab", "-f", lab.folder / "id")
    public_key = (lab.folder / "id.pub").read_text()
    names = {server.name: server.address for server in lab}

    def start(server: Server) -> str:
        key = server.prepare(lowers[server.name], names, public_key)
        server.boot()
        return f"{server.name},{server.address} {key}"

    with ThreadPoolExecutor(max_workers=max(1, len(lab))) as pool:
        known = list(pool.map(start, lab))
        (lab.folder / "known_hosts").write_text("".join(known))
        hosts = "".join(f"Host {name}\n  HostName {address}\n" for name, address in names.items())
        # Of these servers only: the file may be included in somebody's ~/.ssh/config.
        theirs = _SSH_CONFIG.format(folder=lab.folder, addresses=",".join(names.values()))
        lab.ssh_config.write_text(hosts + theirs)
        list(pool.map(Server.wait, lab))


def _sweep() -> list[int]:
    swept = []
    for lab in running():
        if not lab.owner.lives():
            # One that can't be taken away keeps its number, and is in nobody's way.
            with suppress(LabError):
                _take_down(lab)
                swept.append(lab.number)
    _sweep_bridges({lab.number for lab in running()})
    return swept


def _sweep_bridges(known: set[int]) -> None:
    """Bridges of those who were killed right after they claimed one."""
    for path in Path("/sys/class/net").glob(f"{network.bridge(0)[:-1]}*"):
        number = path.name.rpartition("-")[2]
        if number.isdecimal() and int(number) not in known:
            network.disconnect(int(number))


def _take_down(lab: Lab) -> None:
    with ThreadPoolExecutor(max_workers=max(1, len(lab))) as pool:
        list(pool.map(Server.remove, lab))
    network.disconnect(lab.number)
    shutil.rmtree(lab.disk, ignore_errors=True)
    shutil.rmtree(lab.folder, ignore_errors=True)
    if not running() and _BEFORE.exists():
        network.restore(json.loads(_BEFORE.read_text()))
        _BEFORE.unlink()
    for folder in (lab.disk.parent, RUNNING):
        with suppress(OSError):
            folder.rmdir()


def _read(folder: Path) -> Lab:
    written = json.loads((folder / "lab.json").read_text())
    number, disk = int(folder.name), Path(written["disk"])
    servers = {name: Server(number, at, name, disk / name) for at, name in enumerate(written["servers"])}
    return Lab(number, Owner(**written["owner"]), disk, servers)
