"""Safe reading, against real files: below the root, regular, bounded. Rights: see test_rights."""

from __future__ import annotations

import fcntl
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.parts import need_root
from tightship_probe.tree import MOST_STEPS, Directory, Limits, Missing, Tree, Unreadable


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with something in it; beside it, outside, a secret."""
    (tmp_path / "outside").write_text("secret")
    root = tmp_path / "root"
    (root / "srv/shop").mkdir(parents=True)
    (root / "srv/shop/METADATA").write_text("inside")
    return root


@pytest.fixture
def tree(root: Path) -> Iterator[Tree]:
    with Tree(str(root)) as tree:
        yield tree


def why(call: Callable[[], object]) -> str:
    with pytest.raises(Unreadable) as refused:
        call()
    return str(refused.value)


# Links stay below the root


@pytest.mark.parametrize(
    "target",
    [
        "METADATA",
        "./METADATA",
        "../shop/METADATA",
        "/srv/shop/METADATA",
        "//srv///shop/./METADATA",
        "../../../../../../srv/shop/METADATA",
        "/../../srv/shop/METADATA",
    ],
)
def test_a_link_is_resolved_below_the_root(root: Path, tree: Tree, target: str) -> None:
    (root / "srv/shop/link").symlink_to(target)
    assert tree.read("/srv/shop/link") == b"inside"
    assert tree.real("/srv/shop/link") == "/srv/shop/METADATA"
    with tree.directory("/srv/shop") as shop:
        assert shop.read("link") == b"inside"
        assert shop.head("link", 3) == b"ins"


@pytest.mark.parametrize("climb", ["../" * 3, "../" * 30, "/../"])
def test_a_link_out_of_the_root_finds_nothing(root: Path, tree: Tree, climb: str) -> None:
    (root / "srv/shop/link").symlink_to(climb + "outside")
    with pytest.raises(Missing):
        tree.read("/srv/shop/link")


def test_an_absolute_link_to_a_file_of_the_server_finds_nothing(root: Path, tree: Tree) -> None:
    (root / "srv/shop/link").symlink_to(root.parent / "outside")
    with pytest.raises(Missing):
        tree.read("/srv/shop/link")


def test_dots_in_a_path_stay_below_the_root(tree: Tree) -> None:
    assert tree.read("/../../srv/../srv/shop/METADATA") == b"inside"
    with pytest.raises(Missing):
        tree.read("/srv/../../outside")


def test_dots_after_a_link_count_from_where_it_leads(root: Path, tree: Tree) -> None:
    (root / "deep/below").mkdir(parents=True)
    (root / "deep/file").write_text("deep")
    (root / "srv/link").symlink_to("/deep/below")
    assert tree.read("/srv/link/../file") == b"deep"


def test_a_link_in_the_middle_and_a_chain_of_links(root: Path, tree: Tree) -> None:
    (root / "current").symlink_to("releases/2")
    (root / "releases").mkdir()
    (root / "releases/2").symlink_to("/srv/shop")
    assert tree.real("/current/METADATA") == "/srv/shop/METADATA"
    with tree.directory("/current") as current:
        assert current.path == "/srv/shop"
        assert current.names() == ["METADATA"]


def test_a_dangling_link_is_missing(root: Path, tree: Tree) -> None:
    (root / "link").symlink_to("nowhere")
    with pytest.raises(Missing):
        tree.read("/link")
    assert not tree.exists("/link")
    assert tree.link("/link") == "nowhere"


@pytest.mark.parametrize("pair", [("a", "a"), ("b", "a"), ("./b/../b", "a")])
def test_a_loop_of_links_ends(root: Path, tree: Tree, pair: tuple[str, str]) -> None:
    for name, target in zip(("a", "b"), pair, strict=True):
        (root / name).symlink_to(target)
    assert "too many links" in why(lambda: tree.read("/a/x"))


def test_links_that_multiply_end(root: Path, tree: Tree) -> None:
    (root / "l0").symlink_to("srv")
    for number in range(1, 30):
        (root / f"l{number}").symlink_to("/".join([f"l{number - 1}/.."] * 30))
    assert "too many links" in why(lambda: tree.status("/l29"))


def test_a_path_of_many_directories_is_read_up_to_a_bound(root: Path, tree: Tree) -> None:
    deep = "d/" * MOST_STEPS
    (root / deep).mkdir(parents=True)
    assert tree.exists("/" + deep)
    assert "too deep" in why(lambda: tree.status("/" + deep + "d"))


def test_a_relative_path_is_refused(tree: Tree) -> None:
    assert "not an absolute path" in why(lambda: tree.read("srv/shop/METADATA"))


@pytest.mark.parametrize("name", ["../shop/METADATA", "..", ".", "sub/file"])
def test_a_directory_only_reads_its_own_entries(root: Path, tree: Tree, name: str) -> None:
    with tree.directory("/srv/shop") as shop:
        assert "not the name of an entry" in why(lambda: shop.read(name))
        assert "not the name of an entry" in why(lambda: shop.directory(name))
        assert "not the name of an entry" in why(lambda: shop.status(name))


def test_a_directory_behind_a_link_of_a_directory(root: Path, tree: Tree) -> None:
    (root / "srv/current").symlink_to("/srv/shop")
    with tree.directory("/srv") as srv, srv.directory("current") as shop:
        assert shop.path == "/srv/shop"
        assert shop.read("METADATA") == b"inside"


# Regular files only


@pytest.fixture
def odd(root: Path) -> Path:
    """A directory with everything in it that is no regular file."""
    folder = root / "srv/shop"
    os.mkfifo(folder / "fifo")
    (folder / "directory").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        before = os.getcwd()
        os.chdir(folder)  # a socket's path has at most 107 bytes
        try:
            listening.bind("socket")
        finally:
            os.chdir(before)
    return folder


@pytest.mark.parametrize("name", ["fifo", "socket", "directory"])
def test_what_is_no_regular_file_is_not_read(odd: Path, tree: Tree, name: str) -> None:
    (odd / "link").symlink_to(name)
    expected = "not a regular file, but a " + ("FIFO" if name == "fifo" else name)
    assert why(lambda: tree.read("/srv/shop/" + name)) == expected
    with tree.directory("/srv/shop") as shop:
        assert why(lambda: shop.read(name)) == expected
        assert why(lambda: shop.head("link", 10)) == expected


def test_a_device_is_not_read(root: Path, tree: Tree) -> None:
    need_root()
    os.mknod(root / "srv/zero", 0o020666, os.makedev(1, 5))
    with tree.directory("/srv") as srv:
        assert why(lambda: srv.head("zero", 10)) == "not a regular file, but a device"
    assert why(lambda: tree.head("/srv/zero", 10)) == "not a regular file, but a device"


def test_a_file_is_no_directory(tree: Tree) -> None:
    assert why(lambda: tree.directory("/srv/shop/METADATA")) == "not a directory"
    with tree.directory("/srv/shop") as shop:
        assert why(lambda: shop.directory("METADATA")) == "not a directory"
    with pytest.raises(Missing):
        tree.read("/srv/shop/METADATA/x")


@pytest.mark.parametrize("name", ["self/environ", "thread-self/environ", "self/maps", "self/mem", "version"])
def test_a_link_into_proc_says_nothing_about_the_reader(tmp_path: Path, name: str) -> None:
    (tmp_path / "pyvenv.cfg").symlink_to("/proc/" + name)
    with Tree("/") as tree, tree.directory(str(tmp_path)) as folder:
        assert why(lambda: folder.head("pyvenv.cfg", 100)).endswith("one of /proc")
        assert why(lambda: tree.head("/proc/" + name, 100)).endswith("one of /proc")


def test_descriptors_of_the_reader_lead_nowhere_in_another_root(root: Path, tree: Tree) -> None:
    """/proc/self/fd/N is a link like any other: its text is resolved, the kernel does not jump."""
    with open(root.parent / "outside") as outside, Tree("/") as server:
        assert server.link(f"/proc/self/fd/{outside.fileno()}") == str(root.parent / "outside")
    (root / "proc").symlink_to("/proc")
    assert not tree.exists("/proc/self")


def test_a_leased_file_does_not_wait_for_its_holder(root: Path, tree: Tree) -> None:
    path = root / "srv/shop/METADATA"
    with open(path, "r+b") as held:
        fcntl.fcntl(held, fcntl.F_SETSIG, 0)
        old = _ignoring_sigio()
        try:
            fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            assert "temporarily unavailable" in why(lambda: tree.read("/srv/shop/METADATA"))
        finally:
            fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_UNLCK)
            old()


def _ignoring_sigio() -> Callable[[], object]:
    import signal

    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    return lambda: signal.signal(signal.SIGIO, before)


# Names


@pytest.mark.parametrize("name", [b"caf\xe9", b"new\nline", b"\x1b[31m", b"\xf0\x9f\x90\x8d", b" ", b"-"])
def test_odd_names_are_read_like_others(root: Path, tree: Tree, name: bytes) -> None:
    (root / "srv" / os.fsdecode(name)).write_bytes(name)
    with tree.directory("/srv") as srv:
        assert os.fsdecode(name) in srv.names()
        assert srv.read(os.fsdecode(name)) == name
    assert tree.read("/srv/" + os.fsdecode(name)) == name


@pytest.mark.parametrize("name", ["nul\0byte", "half\ud800"])
def test_names_that_no_file_can_have_are_unreadable(tree: Tree, name: str) -> None:
    with tree.directory("/srv") as srv:
        for call in (srv.read, srv.status, srv.directory):
            assert why(lambda call=call: call(name)) == "no possible path"
    for path in (tree.read, tree.status, tree.link, tree.directory):
        assert why(lambda path=path: path("/srv/" + name)) == "no possible path"


def test_a_name_too_long_is_unreadable(tree: Tree) -> None:
    assert "too long" in why(lambda: tree.read("/srv/" + "x" * 300))


# Bounds


def test_a_larger_file_is_unreadable_and_its_head_is_not(root: Path, tree: Tree) -> None:
    (root / "srv/large").write_bytes(b"x" * 200_000)
    assert tree.read("/srv/large", most=200_000) == b"x" * 200_000
    assert why(lambda: tree.read("/srv/large", most=199_999)) == "larger than 199999 bytes"
    assert tree.head("/srv/large", 70_000) == b"x" * 70_000
    assert tree.head("/srv/large", 300_000) == b"x" * 200_000
    with tree.directory("/srv") as srv:
        assert why(lambda: srv.read("large", most=10)) == "larger than 10 bytes"


def test_an_endless_sparse_file_is_not_read(root: Path, tree: Tree) -> None:
    with open(root / "srv/endless", "wb") as file:
        file.truncate(1 << 40)
    assert why(lambda: tree.read("/srv/endless")) == "larger than 1048576 bytes"


def test_a_file_that_grows_while_it_is_read_is_bounded(root: Path, tree: Tree) -> None:
    path = root / "srv/log"
    path.write_bytes(b"")
    stop = threading.Event()

    def grow() -> None:
        with open(path, "ab", buffering=0) as log:
            while not stop.is_set() and log.tell() < 1 << 26:
                log.write(b"x" * 4096)

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        assert all(_most(tree, 5000) <= 5000 for _ in range(200))
    finally:
        stop.set()
        thread.join()


def _most(tree: Tree, most: int) -> int:
    try:
        return len(tree.read("/srv/log", most=most))
    except Unreadable:
        return 0


def test_a_directory_of_too_many_names_is_unreadable(root: Path, tree: Tree) -> None:
    for number in range(11):
        (root / f"srv/{number}").touch()
    with tree.directory("/srv") as srv:
        assert why(lambda: srv.names(most=11)) == "more than 11 entries"
        assert len(srv.names(most=12)) == 12, "asked again it begins anew"


def test_too_many_files_are_told(root: Path) -> None:
    limits = Limits(files=3)
    with Tree(str(root), limits) as tree:
        for _ in range(3):
            assert tree.exists("/srv")
        assert limits.exceeded == ""
        assert not tree.exists("/srv")
        assert limits.exceeded == "too many files"
        assert why(lambda: tree.read("/srv/shop/METADATA")) == "too many files"


def test_time_begins_with_the_first_file(root: Path) -> None:
    limits = Limits(seconds=0.3)
    time.sleep(0.4)
    with Tree(str(root), limits) as tree:
        assert tree.exists("/srv")
        time.sleep(0.4)
        assert not tree.exists("/srv")


def test_too_many_bytes_are_told(root: Path) -> None:
    limits = Limits(size=10)
    with Tree(str(root), limits) as tree, tree.directory("/srv/shop") as shop:
        assert shop.read("METADATA") == b"inside"
        assert why(lambda: shop.read("METADATA")) == "too much to read"
        assert limits.exceeded == "too much to read"


def test_time_is_bounded_for_whatever_is_asked(root: Path) -> None:
    limits = Limits(seconds=1000)
    with Tree(str(root), limits) as tree, tree.directory("/srv/shop") as shop:
        limits._deadline = time.monotonic() - 1
        for call in (tree.read, tree.status, tree.real, tree.link, tree.directory):
            assert why(lambda call=call: call("/srv/shop")) == "out of time"
        for entry in (shop.read, shop.status, shop.directory):
            assert why(lambda entry=entry: entry("METADATA")) == "out of time"
        assert not tree.exists("/srv/shop")
    assert limits.exceeded == "out of time"


# What is left behind


def test_no_descriptor_is_left_open(odd: Path, root: Path) -> None:
    (odd / "loop").symlink_to("loop")
    (odd / "up").symlink_to("../../..")
    with open(odd / "large", "wb") as large:
        large.truncate(1 << 30)
    before = _descriptors()
    for _ in range(3):
        with Tree(str(root)) as tree, tree.directory("/srv/shop") as shop:
            for name in [*shop.names(), "nothing", "nul\0", "a/b"]:
                for call in (tree.read, tree.status, tree.real, tree.link):
                    _tried(call, "/srv/shop/" + name)
                for entry in (shop.read, shop.status):
                    _tried(entry, name)
                _opened_and_closed(partial(tree.directory, "/srv/shop/" + name))
                _opened_and_closed(partial(shop.directory, name))
    assert _descriptors() == before


def _descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


def _tried(call: Callable[[str], object], name: str) -> None:
    with suppress(Unreadable):
        call(name)


def _opened_and_closed(folder: Callable[[], Directory]) -> None:
    with suppress(Unreadable), folder():
        pass


def test_a_descriptor_as_root_stays_its_owners(root: Path) -> None:
    fd = os.open(root, os.O_RDONLY)
    with Tree(fd) as tree:
        assert tree.read("/srv/shop/METADATA") == b"inside"
    os.fstat(fd)
    with Tree(fd, owned=True):
        pass
    with pytest.raises(OSError):
        os.fstat(fd)


def test_an_open_directory_stays_itself_when_it_is_moved(root: Path, tree: Tree) -> None:
    with tree.directory("/srv/shop") as shop:
        (root / "srv/shop").rename(root / "srv/old")
        (root / "srv/shop").symlink_to(root.parent)
        assert shop.read("METADATA") == b"inside"
        assert shop.status("METADATA").st_size == 6
        assert shop.changed() > 0
