"""Reads that never return: a file system of the user's own, behind his memory and among his files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.parts import need, program
from tests.probe.hostile.scene import Scene, Server, comm, python_of_all, state, until

_VICTIM = """
import ctypes, mmap, os, socket, struct, sys, time
server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen()
values = open("/proc/self/auxv", "rb").read()
execfn = dict(struct.iter_unpack("NN", values))[31]
page = execfn // mmap.PAGESIZE * mmap.PAGESIZE
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
file = os.open(sys.argv[1], os.O_RDONLY)
assert libc.mmap(page, mmap.PAGESIZE, mmap.PROT_READ, mmap.MAP_PRIVATE | 0x10, file, 0) == page
print("up", flush=True)
time.sleep(600)
"""
"""Maps a page of a file over the last page of its own stack, where AT_EXECFN's text stands."""


def victim(scene: Scene) -> subprocess.Popen[str]:
    """Its title says nothing of what it runs, so that only AT_EXECFN would tell."""
    command = ["shop: master", "-c", _VICTIM, str(scene.place / "fuse/page")]
    # Longer than a page: else what it needs itself could stand in the last one.
    variables = {"PATH": os.defpath, "LONG": "x" * 8192}
    process = scene.popen(command, executable=python_of_all(), env=variables)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def test_memory_that_never_answers_hangs_one_reader_and_nothing_else(scene: Scene, fuse: Server) -> None:
    asked = fuse.mount("fuse")
    hostile = victim(scene)
    honest = scene.start(scene.venv() / "bin/python", user=61002, group=61002)
    own = scene.start(scene.venv("own/venv") / "bin/python")

    first = scene.scan()
    assert asked.stdout is not None
    assert asked.stdout.readline() == "read\n", "the trap was sprung"
    (stuck,) = scene.readers()
    assert comm(stuck) == f"tsread:{scene.user:x}"
    assert state(stuck) == "D", "beyond SIGKILL"
    assert _real_uid(stuck) == 0
    assert _held_by(stuck) <= {"proc", "pipe"}
    assert "hangs" in str(first["live"]["abandoned"])
    for report_of in (honest, own):
        group = scene.group(first, report_of)
        assert scene.packages(first, group) == ["honest\t1.0"]
    assert "did not return in time" in scene.unread(first, scene.group(first, hostile))

    second = scene.scan()
    assert scene.readers() == [stuck], "no other was started for that owner"
    assert f"process {stuck} hangs since an earlier scan" in str(second["live"]["abandoned"])
    assert scene.packages(second, scene.group(second, honest)) == ["honest\t1.0"]
    assert "an earlier scan still hangs" in scene.unread(second, scene.group(second, own))

    fuse.let_go()
    until(lambda: not scene.readers())
    third = scene.scan()
    assert third["live"]["abandoned"] == []
    assert scene.packages(third, scene.group(third, own)) == ["honest\t1.0"]


def test_a_reader_that_hangs_does_not_hold_the_pipe(scene: Scene, fuse: Server) -> None:
    """`ssh server probe` would never end."""
    fuse.mount("fuse")
    victim(scene)
    command = f"{python_of_all()} -I {scene.probe} | cat"
    done = scene.run_probe("sh", "-c", command)
    assert '"schema":"tightship.report/1"' in done.stdout
    assert scene.readers(), "one hangs"
    fuse.let_go()
    until(lambda: not scene.readers())


def test_files_that_never_answer_are_unread(scene: Scene, fuse: Server) -> None:
    """METADATA, pyvenv.cfg and HEAD on a file system that everybody may use."""
    fuse.mount("fuse", "allow_other")
    python = scene.venv() / "bin/python"
    for name in (f"{scene.site}/never-1.0.dist-info/METADATA", "shop/.git/HEAD"):
        scene.link(name, scene.place / "fuse/file")
    process = scene.start(python, cwd=scene.place / "shop")
    honest = scene.start(scene.venv("other/venv") / "bin/python", user=61002, group=61002)
    report = scene.scan()
    assert scene.packages(report, scene.group(report, honest)) == ["honest\t1.0"]
    assert "did not return in time" in scene.unread(report, scene.group(report, process))
    fuse.let_go()
    until(lambda: not scene.readers())


def test_files_of_a_users_own_file_system_are_refused_at_once(scene: Scene, fuse: Server) -> None:
    """Without `allow_other` the kernel itself keeps everybody else out, root too."""
    asked = fuse.mount("fuse")
    python = scene.venv() / "bin/python"
    scene.link(f"{scene.site}/never-1.0.dist-info/METADATA", scene.place / "fuse/file")
    process = scene.start(python)
    report = scene.scan()
    group = scene.group(report, process)
    assert scene.packages(report, group) == ["honest\t1.0", "never\t1.0"], "told by its directory's name"
    assert "never-1.0.dist-info/METADATA: permission denied" in scene.unread(report, group)
    assert report["live"]["abandoned"] == []
    asked.kill()
    assert asked.stdout is not None
    assert asked.stdout.read() == "", "nothing was read there"


def _real_uid(pid: int) -> int:
    (line,) = [
        line for line in Path(f"/proc/{pid}/status").read_text().split("\n") if line.startswith("Uid:")
    ]
    return int(line.split()[1])


def _held_by(pid: int) -> set[str]:
    """Kinds of what a process holds open."""
    links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    return {"proc" if link.startswith("/proc/") else link.partition(":")[0] for link in links}


def test_a_command_that_leads_to_what_never_answers_hides_nobody_elses(scene: Scene, fuse: Server) -> None:
    """What root's crontab names lies in a user's folder: root's own processes are read all the same."""
    unshare = program("unshare", "util-linux")
    if not Path("/etc/cron.d").is_dir():
        need("cron's folder", "there is no /etc/cron.d")
    asked = fuse.mount("fuse", "allow_other")
    of_root = scene.start(scene.venv() / "bin/python", user=0, group=0)
    resting = scene.venv("resting") / "bin/python"
    lines = f"1 1 1 1 * root {scene.place}/fuse/shop\n1 1 1 1 * nobody {resting} -m x\n"
    scene.write("cron.d/shop", lines)
    # In a mount namespace of its own this is the server's /etc/cron.d.
    shell = f'mount --bind {scene.place}/cron.d /etc/cron.d && exec "$@"'
    scanning = [unshare, "--mount", "sh", "-c", shell, "sh", python_of_all(), "-I", str(scene.probe)]
    report = scene.scan_by(*scanning)
    assert asked.stdout is not None
    assert asked.stdout.readline() == "read\n", "the trap was sprung"
    assert scene.packages(report, scene.group(report, of_root)) == ["honest\t1.0"]
    assert scene.unread(report, scene.group(report, of_root)) == ""
    (found,) = [one for one in report["state"]["environments"] if one["prefix"] == str(resting.parents[1])]
    assert (found["at_rest"], found["named_by"]) == (True, ["crontab:/etc/cron.d/shop"])
    assert "what root has at rest" in [one["what"] for one in report["state"]["unread"]]
    again = scene.scan_by(*scanning)
    assert scene.packages(again, scene.group(again, of_root)) == ["honest\t1.0"]
    fuse.let_go()
