"""The read-only Debian that all servers of a lab lie on: built once, by debootstrap, and kept."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tightship.lab.failing import do
from tightship.lab.places import closed_folder, disks, locked
from tightship.lab.settings import Settings, machines_suite, settings

PACKAGES = (
    "systemd systemd-sysv dbus libpam-systemd openssh-server python3 sudo iproute2 procps ca-certificates"
).split()

UNWANTED = (
    "getty.target console-getty.service systemd-timesyncd.service systemd-udevd.service "
    "systemd-udev-trigger.service systemd-resolved.service systemd-networkd.service apt-daily.timer "
    "apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer"
).split()
"""What a container can't do, or what would set to work by itself in the midst of a test."""

JOURNAL = "[Journal]\nStorage=persistent\nSystemMaxUse=32M\nAudit=no\n"

_QUIETLY = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
_MINUTES = 60.0
_KEPT_UNUSED = 14 * 24 * 3600.0

# Ends with us, however we end, and what it mounts ends with it: else a builder that was killed would
# leave one that goes on.
_CONTAINED = "setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc".split()


def root(suite: str | None = None, more: Sequence[str] = ()) -> Path:
    """The folder of the root, built if need be. `suite`: this machine's own by default; `more`: Debian
    packages that are installed beside, their units not enabled. Raises `LabError`."""
    wanted, folder = _wanted(suite, more)
    closed_folder(folder.parent)
    if not folder.is_dir():
        with locked(disks() / "roots.lock"):
            if not folder.is_dir():  # somebody else may have built it while we waited
                _build(folder, wanted, more)
            _forget_unused(folder)
    os.utime(folder)
    return folder


def built(suite: str | None = None, more: Sequence[str] = ()) -> bool:
    """Whether `root` would find it there."""
    return _wanted(suite, more)[1].is_dir()


def _wanted(suite: str | None, more: Sequence[str]) -> tuple[Settings, Path]:
    wanted = settings(suite or machines_suite())
    return wanted, disks() / "roots" / f"{wanted.suite}-{digest(wanted, more)}"


def digest(wanted: Settings, more: Sequence[str]) -> str:
    """Names a root by all that it is made with, however much of it comes from this machine."""
    files = {path: content.hex() for path, content in sorted(wanted.files.items())}
    recipe = Path(__file__).read_text()
    made_with = [recipe, wanted.suite, wanted.mirror, files, sorted(more)]
    return hashlib.blake2b(json.dumps(made_with).encode(), digest_size=8).hexdigest()


def _build(folder: Path, wanted: Settings, more: Sequence[str]) -> None:
    _clear_away(folder.parent)
    new = Path(tempfile.mkdtemp(prefix="building-", dir=folder.parent))
    try:
        _debootstrap(new, wanted)
        _settle(new, wanted)
        if more:
            _install(new, more)
        new.chmod(0o755)
        new.rename(folder)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def _clear_away(roots: Path) -> None:
    """What a builder left that was killed: we hold the lock, so nobody builds."""
    for left in roots.glob("building-*"):
        shutil.rmtree(left, ignore_errors=True)


def _forget_unused(folder: Path) -> None:
    """Roots by an older recipe, most likely: nobody asked for them for long, and no server lies on them."""
    mounts = Path("/proc/self/mountinfo").read_text()
    for other in folder.parent.iterdir():
        unused = time.time() - other.stat().st_mtime > _KEPT_UNUSED
        if unused and other != folder and str(other) not in mounts:
            shutil.rmtree(other, ignore_errors=True)


def _debootstrap(new: Path, wanted: Settings) -> None:
    include = "--include=" + ",".join(PACKAGES)
    command = ("debootstrap", "--variant=minbase", include, wanted.suite, new, wanted.mirror)
    do(*_CONTAINED, *command, timeout=30 * _MINUTES)


def _settle(new: Path, wanted: Settings) -> None:
    for path, content in wanted.files.items():
        (new / path).parent.mkdir(parents=True, exist_ok=True)
        (new / path).write_bytes(content)
    if any(path.startswith("usr/local/share/ca-certificates/") for path in wanted.files):
        _inside(new, "update-ca-certificates")
    for key in new.glob("etc/ssh/ssh_host_*"):
        key.unlink()  # each server has its own
    (new / "etc/machine-id").write_text("")  # and its own identity
    _link(new / "var/lib/dbus/machine-id", "/etc/machine-id")
    units = new / "etc/systemd/system"
    for unit in UNWANTED:
        _link(units / unit, "/dev/null")
    _link(units / "default.target", "/lib/systemd/system/multi-user.target")
    _inside(new, "systemctl", "--quiet", "enable", "ssh.service")
    journal = new / "etc/systemd/journald.conf.d/lab.conf"
    journal.parent.mkdir(parents=True, exist_ok=True)
    journal.write_text(JOURNAL)


def _install(new: Path, more: Sequence[str]) -> None:
    enabled = set(_enabled(new))
    refuse = new / "usr/sbin/policy-rc.d"  # Debian's way to say that nothing is to be started
    refuse.write_text("#!/bin/sh\nexit 101\n")
    refuse.chmod(0o755)
    _inside(new, "apt-get", "-qq", "update", timeout=5 * _MINUTES)
    install = ("apt-get", "-qq", "-y", "--no-install-recommends", "install")
    _inside(new, *install, *sorted(more), timeout=30 * _MINUTES)
    refuse.unlink()
    for link in set(_enabled(new)) - enabled:
        link.unlink()
    for package in new.glob("var/cache/apt/archives/*.deb"):
        package.unlink()


def _enabled(new: Path) -> Iterator[Path]:
    """The links by which units are wanted at boot."""
    for folder in new.glob("etc/systemd/system/*.wants"):
        yield from folder.iterdir()


def _inside(new: Path, *command: str, timeout: float = _MINUTES) -> None:
    do(*_CONTAINED, "chroot", new, *command, timeout=timeout, env=_QUIETLY)


def _link(path: Path, target: str) -> None:
    if path.is_symlink() or path.exists():
        path.unlink()
    path.symlink_to(target)
