"""Files that are not what they should be: nothing hangs, nothing runs, the rest is reported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.probe.hostile.scene import Scene


@pytest.mark.parametrize("name", ["METADATA", "direct_url.json"])
def test_a_fifo_is_unread_and_the_rest_is_reported(scene: Scene, name: str) -> None:
    python = scene.venv() / "bin/python"
    scene.package("odd", "1.0")
    folder = f"{scene.site}/odd-1.0.dist-info"
    (scene.place / folder / name).unlink(missing_ok=True)
    scene.fifo(f"{folder}/{name}")
    packages, unread = scene.scan_of(scene.start(python))
    assert packages[0] == "honest\t1.0"
    assert packages[1].startswith("odd\t1.0"), "told by its directory's name"
    assert "not a regular file, but a FIFO" in unread or packages[1] == "odd\t1.0\tunknown"


def test_a_fifo_as_pyvenv_cfg_is_told(scene: Scene) -> None:
    python = scene.venv() / "bin/python"
    process = scene.start(python)
    (scene.place / "shop/venv/pyvenv.cfg").unlink()
    scene.fifo("shop/venv/pyvenv.cfg")
    report = scene.scan()
    assert "pyvenv.cfg: not a regular file, but a FIFO" in scene.unread(report, scene.group(report, process))


def test_a_fifo_as_head_of_a_checkout_is_told(scene: Scene) -> None:
    python = scene.venv() / "bin/python"
    scene.fifo("shop/.git/HEAD")
    packages, unread = scene.scan_of(scene.start(python, cwd=scene.place / "shop"))
    assert packages == ["honest\t1.0"]
    assert "not a regular file, but a FIFO" in unread


def test_an_endless_file_is_unread(scene: Scene) -> None:
    python = scene.venv() / "bin/python"
    process = scene.start(python, cwd=scene.place / "shop")
    for name in (f"{scene.site}/endless.pth", "shop/.git/HEAD"):
        os.truncate(scene.write(name, ""), 1 << 42)
    packages, unread = scene.scan_of(process)
    assert packages == ["honest\t1.0"]
    assert "endless.pth: larger than" in unread
    assert f"{scene.place}/shop: larger than" in unread


def test_a_loop_of_links_is_unread(scene: Scene) -> None:
    python = scene.venv() / "bin/python"
    scene.link(f"{scene.site}/round-1.0.dist-info", "round-1.0.dist-info")
    scene.link(f"{scene.site}/metadata-1.0.dist-info/METADATA", "METADATA")
    scene.link(f"{scene.site}/loop.pth", "loop.pth")
    packages, unread = scene.scan_of(scene.start(python))
    assert "honest\t1.0" in packages
    assert "round-1.0.dist-info: too many links" in unread
    assert "metadata-1.0.dist-info/METADATA: too many links" in unread


def test_names_and_versions_of_any_bytes_are_told_harmlessly(scene: Scene) -> None:
    python = scene.venv() / "bin/python"
    folder = f"{scene.site}/evil-1.dist-info"
    scene.write(f"{folder}/METADATA", b"Name: e\x1b[31mvil\xff\xe2\x80\xae\nVersion: 1\x00<script>\n")
    process = scene.start(python)
    text = scene.run_probe().stdout
    report = scene.scan()
    (line,) = [line for line in scene.packages(report, scene.group(report, process)) if "vil" in line]
    assert line == "e\\x1b[31mvil\\xff\\u202e\t1\\x00<script>"
    assert text.isascii()
    assert not {chr(code) for code in range(32)} & set(text.rstrip("\n"))


def test_a_directory_of_packages_that_is_gone_is_unread(scene: Scene) -> None:
    python = scene.venv() / "bin/python"
    process = scene.start(python)
    site = scene.place / scene.site
    site.rename(site.with_name("moved"))
    report = scene.scan()
    assert "site-packages: no such directory" in scene.unread(report, scene.group(report, process))


def test_more_names_than_anybody_has_packages_are_unread(scene: Scene) -> None:
    python = scene.venv() / "bin/python"
    many = scene.folder(scene.site)
    for number in range(20_001):
        os.symlink("nowhere", many / f"x{number}")
    assert "more than 20000 entries" in scene.scan_of(scene.start(python))[1]


# Traps: each would leave a mark when it is run


@pytest.fixture
def trap(scene: Scene) -> Path:
    """Where a trap would leave its mark: anybody may write there."""
    folder = scene.folder("marks")
    folder.chmod(0o777)
    return folder / "mark"


def test_nothing_that_is_found_is_ever_run(scene: Scene, trap: Path) -> None:
    python = scene.venv() / "bin/python"
    site, in_shell = scene.site, f"#!/bin/sh\necho run >> {trap}\n"
    in_python = f"open({str(trap)!r}, 'a').write('run')\n"
    process = scene.start(python, cwd=scene.place / "shop")
    python.unlink()
    for name in ("shop/venv/bin/python", "shop/venv/bin/activate", "shop/.git/hooks/post-checkout",
                 "shop/.git/hooks/fsmonitor", "shop/git", "shop/venv/bin/git"):  # fmt: skip
        scene.write(name, in_shell).chmod(0o755)
    names = ("sitecustomize.py", "usercustomize.py", "honest/__init__.py", "__editable___honest_finder.py")
    for name in (*[f"{site}/{name}" for name in names], "shop/json.py", "shop/os.py", "shop/setup.py"):
        scene.write(name, in_python)
    scene.write(f"{site}/run.pth", f"import os; os.system('echo run >> {trap}')\n")
    scene.write("shop/.git/HEAD", "1" * 40 + "\n")
    fsmonitor = (
        f"[core]\n\tfsmonitor = {scene.place}/shop/.git/hooks/fsmonitor\n\tpager = {scene.place}/shop/git\n"
    )
    scene.write("shop/.git/config", fsmonitor)
    variables = {"PATH": f"{scene.place}/shop:{os.defpath}", "PYTHONPATH": str(scene.place / "shop")}
    done = scene.run_probe(cwd=scene.place / "shop", env={**variables, "PYTHONSTARTUP": "json.py"})
    assert done.returncode == 0, done.stderr
    assert f"{scene.place}/shop/venv" in done.stdout
    assert process.poll() is None
    assert not trap.exists()


def test_a_trap_is_one(scene: Scene, trap: Path) -> None:
    """The same files do leave a mark when somebody runs Python there."""
    python = scene.venv() / "bin/python"
    scene.write(f"{scene.site}/run.pth", f"import os; os.system('echo run >> {trap}')\n")
    scene.popen([python, "-c", ""]).wait()
    assert trap.read_text().startswith("run\n")
