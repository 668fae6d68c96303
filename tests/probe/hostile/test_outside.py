"""Roots, mounts and users other than the server's own: nothing outside is read, what is hidden is said."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.parts import need, need_root, program
from tests.probe.hostile.scene import SLEEPS, Scene, python_of_all

_SECRET = "Name: secret\nVersion: 6.6.6\n"


@pytest.fixture(autouse=True)
def as_root() -> None:
    need_root()


def in_own_mounts(scene: Scene, script: str, **more: object) -> subprocess.Popen[str]:
    """A process in a mount namespace that `script`, run by root, arranges; its last line is to exec it."""
    command = [program("unshare", "util-linux"), "--mount", "--propagation", "private", "sh", "-ec", script]
    process = scene.popen(
        [*command, "sh", SLEEPS], user=0, group=0, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, **more
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def jail(scene: Scene) -> str:
    """Lines of a script that put the system's programs into a folder "jail"."""
    jail = scene.folder("jail")
    lines = []
    for name in ("usr", "lib", "lib64"):
        if os.path.islink("/" + name):
            (jail / name).symlink_to(os.readlink("/" + name))
        elif os.path.isdir("/" + name):
            (jail / name).mkdir()
            lines.append(f"mount --rbind /{name} {jail}/{name}")
    return "\n".join(lines)


def test_an_absolute_link_in_another_root_does_not_lead_to_the_servers_file(scene: Scene) -> None:
    script = jail(scene)
    scene.venv("jail/shop/venv")
    outside = scene.write("outside/METADATA", _SECRET)
    scene.write("jail" + str(scene.place / "inside/METADATA"), "Name: inside\nVersion: 1.1\n")
    scene.link(f"{scene.site}/absolute-1.dist-info/METADATA", outside)
    scene.link(f"{scene.site}/climbing-1.dist-info/METADATA", "../" * 30 + str(outside)[1:])
    scene.link(f"{scene.site}/inside-1.dist-info/METADATA", scene.place / "inside/METADATA")
    scene.link("jail/shop/up", "/../../..")
    scene.write(f"{scene.site}/up.pth", "/shop/up" + str(scene.place / "outside") + "\n")
    run = f'exec chroot --userspec={scene.user}:{scene.user} {scene.place}/jail /shop/venv/bin/python -c "$1"'
    process = in_own_mounts(scene, f"{script}\n{run}")
    report = scene.scan()
    group = scene.group(report, process)
    assert scene.packages(report, group) == ["absolute\t1", "climbing\t1", "honest\t1.0", "inside\t1.1"]
    unread = scene.unread(report, group)
    assert "absolute-1.dist-info/METADATA: no such file or directory" in unread
    assert "climbing-1.dist-info/METADATA: no such file or directory" in unread
    assert "6.6.6" not in str(report)
    assert "/shop/venv/lib" in str(report["state"]["environments"]), "paths are as the process has them"


def roots(scene: Scene, folder: str) -> None:
    """Give it back to root, whole."""
    for path in [scene.place, scene.place / folder, *(scene.place / folder).rglob("*")]:
        os.lchown(path, 0, 0)


def test_a_file_that_a_user_mounted_over_roots_own_is_not_read_as_root(scene: Scene) -> None:
    python = scene.venv() / "bin/python"
    covered = scene.write(f"{scene.site}/trap-1.dist-info/METADATA", "Name: trap\nVersion: 1\n")
    secret = scene.write("secret", _SECRET)
    secret.chmod(0o600)
    for folder in ("shop", "secret"):
        roots(scene, folder)
    script = f'mount --bind {secret} {covered} && exec {python} -c "$0"'
    command = [
        program("unshare", "util-linux"),
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        script,
        SLEEPS,
    ]
    process = scene.popen(command, stderr=subprocess.PIPE)
    assert process.stdout is not None
    if process.stdout.readline() != "up\n":
        assert process.stderr is not None
        need("user namespaces for ordinary users", process.stderr.read().strip())
    report = scene.scan()
    group = scene.group(report, process)
    assert scene.packages(report, group) == ["honest\t1.0", "trap\t1"]
    assert "trap-1.dist-info/METADATA: permission denied" in scene.unread(report, group)
    assert "6.6.6" not in str(report)


def test_a_users_link_to_roots_file_tells_nothing_of_it(scene: Scene) -> None:
    python = scene.venv() / "bin/python"
    secret = scene.write("private/METADATA", _SECRET)
    secret.chmod(0o600)
    roots(scene, "private")
    (scene.place / "private").chmod(0o700)
    scene.link(f"{scene.site}/file-1.dist-info/METADATA", secret)
    scene.link(f"{scene.site}/folder-1.dist-info", scene.place / "private")
    scene.link(f"{scene.site}/self-1.dist-info/METADATA", "/proc/self/environ")
    process = scene.start(python)
    report = scene.scan(env={"PATH": os.defpath, "X": f"\n{_SECRET}\n"})
    group = scene.group(report, process)
    assert scene.packages(report, group) == ["file\t1", "folder\t1", "honest\t1.0", "self\t1"]
    unread = scene.unread(report, group)
    assert "file-1.dist-info/METADATA: permission denied" in unread
    assert "folder-1.dist-info: permission denied" in unread
    assert "self-1.dist-info/METADATA: " in unread, "it is the reader's own"
    assert "6.6.6" not in str(report)


def test_with_hidepid_a_user_is_told_that_others_are_hidden(scene: Scene) -> None:
    if tuple(map(int, os.uname().release.split(".")[:2])) < (5, 8):
        need("Linux 5.8", "before it, hidepid would hold for the whole machine")
    own = scene.start(scene.venv() / "bin/python")
    others = scene.start(scene.venv("others/venv") / "bin/python", user=61002, group=61002)
    drop = [
        program("setpriv", "util-linux"),
        f"--reuid={scene.user}",
        f"--regid={scene.user}",
        "--clear-groups",
    ]
    script = (
        f"mount -t proc -o hidepid=2 proc /proc && exec {' '.join(drop)} {python_of_all()} -I {scene.probe}"
    )
    report = scene.scan_by("unshare", "--mount", "--propagation", "private", "sh", "-ec", script)
    assert scene.packages(report, scene.group(report, own)) == ["honest\t1.0"]
    assert others.pid not in scene.pids(report)
    assert report["state"]["complete"] is False
    assert "hidepid" in str(report["state"]["unread"])


def test_an_ordinary_user_is_told_what_he_may_not_see(scene: Scene) -> None:
    own = scene.start(scene.venv() / "bin/python")
    others = scene.start(scene.venv("others/venv") / "bin/python", user=61002, group=61002)
    report = scene.scan(user=scene.user, group=scene.user, extra_groups=[])
    assert report["live"]["privileged"] is False
    assert report["state"]["complete"] is False
    assert scene.packages(report, scene.group(report, own)) == ["honest\t1.0"]
    assert others.pid in scene.pids(report)
    assert "only root may read" in str(report["state"]["unread"])
