"""Names of containers, from what their engines leave for everybody to read."""

from __future__ import annotations

from pathlib import Path

from tightship_probe import containers
from tightship_probe.proc import Proc
from tightship_probe.tree import Tree

ID = "bb3ade638ecc0ecbc86682cb64e79ec6c070584e8bfc04d12c4cbe9e1af8f22b"


def names(root: Path, watched: dict[str, set[int]]) -> dict[str, str]:
    with Tree(str(root)) as tree:
        return containers.names(tree, Proc(str(root / "proc")), watched)


def conmon(root: Path, pid: int, identity: str, name: str) -> None:
    place = root / f"proc/{pid}"
    place.mkdir(parents=True)
    (place / "cmdline").write_text(f"conmon\0-c\0{identity}\0-u\0{identity}\0-n\0{name}\0")


def test_docker_keeps_the_name_in_a_file(tmp_path: Path) -> None:
    place = tmp_path / "var/lib/docker/containers" / ID
    place.mkdir(parents=True)
    (place / "config.v2.json").write_text('{"Name": "/shop-web", "Image": "x"}')
    assert names(tmp_path, {ID[:12]: set(), "0" * 12: set()}) == {ID[:12]: "shop-web"}


def test_podmans_watcher_names_its_own_container(tmp_path: Path) -> None:
    conmon(tmp_path, 7, ID, "shop-web")
    assert names(tmp_path, {ID[:12]: {7}}) == {ID[:12]: "shop-web"}


def test_what_calls_itself_a_watcher_names_no_other_container(tmp_path: Path) -> None:
    conmon(tmp_path, 7, "f" * 64, "shop-web")
    assert names(tmp_path, {ID[:12]: {7}}) == {}


def test_a_name_that_no_engine_gives_is_none(tmp_path: Path) -> None:
    conmon(tmp_path, 7, ID, "../../etc shop")
    place = tmp_path / "var/lib/docker/containers" / ID
    place.mkdir(parents=True)
    (place / "config.v2.json").write_text('{"Name": {"a": 1}}')
    assert names(tmp_path, {ID[:12]: {7}}) == {}
    assert names(tmp_path, {ID[:12]: set()}) == {}
