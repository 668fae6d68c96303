"""What the probe and its readers ask of the kernel, as strace saw it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.parts import program
from tests.probe.hostile.scene import Scene, python_of_all

_TRACED = "%network,%file,%desc,%process,ptrace,process_vm_readv,process_vm_writev,setns,unshare"
_NAME = re.compile(r"\d+ +(\w+)\(")
_OPENED = re.compile(r'open(?:at2?)?\((?:AT_FDCWD|\d+(?:<.*?>)?), "(?P<path>.*?)", (?P<flags>[A-Z_|]+)')
_NOT_OURS = frozenset(
    # programs and other processes
    "execve execveat ptrace process_vm_readv process_vm_writev setns unshare "
    # connections
    "socket socketpair connect bind listen accept accept4 sendto sendmsg sendmmsg recvfrom recvmsg "
    # changes of files
    "rename renameat renameat2 unlink unlinkat rmdir mkdir mkdirat link linkat symlink symlinkat truncate "
    "ftruncate fallocate chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat mknod mknodat utime "
    "utimes utimensat setxattr lsetxattr fsetxattr mount umount2 pivot_root chroot copy_file_range sendfile "
    "splice".split()
)


@pytest.fixture
def calls(scene: Scene, tmp_path: Path) -> list[str]:
    """Lines of strace of one scan, beside a venv, a checkout and an application that listens."""
    strace = program("strace", "strace")
    scene.write("shop/.git/HEAD", "1" * 40 + "\n")
    scene.start(scene.venv() / "bin/python", cwd=scene.place / "shop")
    log = tmp_path / "strace"
    command = [strace, "-f", "-qq", "-s", "4096", "-o", str(log), "-e", f"trace={_TRACED}"]
    # Without site: what Python itself does when it starts is not the probe's.
    done = subprocess.run(
        [*command, python_of_all(), "-I", "-S", "-B", str(scene.probe)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and "ptrace" in done.stderr.lower():
        pytest.skip("needs strace: it may not trace here")
    assert done.returncode == 0, done.stderr
    assert str(scene.place) in done.stdout, "it did read the application"
    lines = [line for line in log.read_text(errors="replace").split("\n") if not line.endswith("resumed>)")]
    assert any("clone(" in line or "fork(" in line or "clone3(" in line for line in lines), (
        "readers were traced"
    )
    return lines


def test_the_probe_only_reads(calls: list[str]) -> None:
    """No program is started, no connection opened, nothing written but the readers' own names."""
    named = [
        (match.group(1), line) for match, line in zip(map(_NAME.match, calls), calls, strict=True) if match
    ]
    assert named[0][0] == "execve", "strace started the probe"
    assert [line for name, line in named[1:] if name in _NOT_OURS] == []
    opened = [match.group("path", "flags") for match in map(_OPENED.search, calls) if match]
    assert len(opened) > 50, "the log is understood"
    written = {path for path, flags in opened if {"O_WRONLY", "O_RDWR", "O_CREAT"} & set(flags.split("|"))}
    assert written == {"/proc/self/comm"}


def test_a_users_files_are_opened_without_following_links_or_waiting(calls: list[str], scene: Scene) -> None:
    paths = [line for line in calls if str(scene.place) in line and _OPENED.search(line)]
    assert paths == [], "never by their whole path: step by step, from a descriptor of the root"
    steps = [line for line in calls if re.search(r'openat\(\d+, "(?:shop|venv|METADATA|pyvenv.cfg)"', line)]
    assert len(steps) > 5
    assert [line for line in steps if "O_NOFOLLOW" not in line] == []
    reads = [line for line in steps if "METADATA" in line and "O_PATH" not in line]
    assert [line for line in reads if "O_NONBLOCK" not in line or "O_NOCTTY" not in line] == []
    again = [
        line for line in calls if '"/proc/self/fd/' in line and "O_DIRECTORY" not in line and "open" in line
    ]
    assert [line for line in again if "O_NONBLOCK" not in line] == []
