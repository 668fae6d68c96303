"""With whose rights root's reader reads: nothing comes out that the owner of the way there could not read."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts import need_root
from tightship_probe.rights import NOBODY, Rights
from tightship_probe.tree import Limits, Tree, Unreadable

ALICE, BOB = 61001, 61002


@pytest.fixture(autouse=True)
def as_root() -> None:
    need_root()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """/home/alice and /home/bob, each its owner's; /secret and /private/file are root's alone."""
    for name, owner in (("alice", ALICE), ("bob", BOB)):
        write(tmp_path / "home" / name / "file", name, owner, 0o600)
        give(tmp_path / "home" / name, owner, 0o700)
    for path in (tmp_path, tmp_path / "home"):
        path.chmod(0o755)
    write(tmp_path / "secret", "secret", 0, 0o600)
    write(tmp_path / "private/file", "private", 0, 0o644)
    (tmp_path / "private").chmod(0o700)
    return tmp_path


@pytest.fixture
def tree(root: Path) -> Iterator[Tree]:
    with Tree(str(root)) as tree:
        yield tree


def write(path: Path, text: str, owner: int, mode: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return give(path, owner, mode)


def give(path: Path, owner: int, mode: int) -> Path:
    os.chown(path, owner, owner)
    path.chmod(mode)
    return path


def link(path: Path, target: str, owner: int) -> None:
    path.symlink_to(target)
    os.lchown(path, owner, owner)


def denied(path: str, tree: Tree) -> None:
    """Neither by its path nor through its directory."""
    with pytest.raises(Unreadable, match="permission denied"):
        tree.read(path)
    folder, name = os.path.split(path)
    with pytest.raises(Unreadable, match="permission denied"), tree.directory(folder) as directory:
        directory.read(name)


def test_what_is_roots_is_read_as_root(tree: Tree) -> None:
    assert tree.read("/secret") == b"secret"
    with tree.directory("/private") as private:
        assert private.read("file") == b"private"
    assert os.geteuid() == 0


def test_what_is_an_owners_is_read_as_he(tree: Tree) -> None:
    with tree.directory("/home/alice") as home:
        assert os.geteuid() == ALICE
        assert home.read("file") == b"alice"
    with tree.directory("/home/bob") as home:
        assert os.geteuid() == BOB
        assert home.names() == ["file"]


@pytest.mark.parametrize(
    "target", ["/secret", "../../secret", "/private/file", "../bob/file", "/home/bob/file"]
)
def test_a_link_to_what_its_owner_cannot_read_yields_nothing(root: Path, tree: Tree, target: str) -> None:
    link(root / "home/alice/METADATA", target, ALICE)
    denied("/home/alice/METADATA", tree)


@pytest.mark.parametrize("target", ["/private", "/home/bob"])
def test_nor_does_a_link_to_a_directory(root: Path, tree: Tree, target: str) -> None:
    link(root / "home/alice/venv", target, ALICE)
    denied("/home/alice/venv/file", tree)
    with tree.directory("/home/alice") as home, pytest.raises(Unreadable, match="permission denied"):
        home.directory("venv")


def test_a_link_of_a_user_among_roots_files_is_followed_as_that_user(root: Path, tree: Tree) -> None:
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    link(root / "tmp/link", "/secret", ALICE)
    denied("/tmp/link", tree)


def test_roots_own_link_behind_a_users_link_is_no_way_up(root: Path, tree: Tree) -> None:
    """The directory is root's by its real path, but whoever led there was alice."""
    link(root / "home/alice/venv", "/opt/venv", ALICE)
    (root / "opt/venv").mkdir(parents=True)
    (root / "opt/venv/METADATA").symlink_to("/secret")
    (root / "opt/venv/folder").symlink_to("/private")
    assert tree.read("/opt/venv/METADATA") == b"secret"
    with tree.directory("/home/alice/venv") as venv:
        assert venv.path == "/opt/venv"
        with pytest.raises(Unreadable, match="permission denied"):
            venv.read("METADATA")
        with pytest.raises(Unreadable, match="permission denied"):
            venv.directory("folder")


def test_what_everybody_may_read_is_read_for_everybody(root: Path, tree: Tree) -> None:
    write(root / "usr/lib/METADATA", "public", 0, 0o644)
    link(root / "home/alice/METADATA", "/usr/lib/METADATA", ALICE)
    assert tree.read("/home/alice/METADATA") == b"public"


def test_what_its_own_user_cannot_read_is_unread(root: Path, tree: Tree) -> None:
    write(root / "home/alice/closed", "closed", ALICE, 0o000)
    denied("/home/alice/closed", tree)


def test_a_users_file_in_a_directory_of_another_is_read_as_the_first(root: Path, tree: Tree) -> None:
    write(root / "home/alice/of-bob", "bob", BOB, 0o600)
    write(root / "home/alice/of-root", "root", 0, 0o600)
    denied("/home/alice/of-bob", tree)
    denied("/home/alice/of-root", tree)


def test_a_group_of_roots_opens_nothing(root: Path) -> None:
    """Not root's own group, nor one that this process is in beside."""
    for number, group in enumerate((0, 4, 65534)):
        path = write(root / f"group{number}", "group", 0, 0o640)
        os.chown(path, 0, group)
        link(root / f"home/alice/group{number}", f"/group{number}", ALICE)
    groups = os.getgroups()
    os.setgroups([0, 4])
    try:
        with Tree(str(root)) as tree:
            for number in range(3):
                denied(f"/home/alice/group{number}", tree)
        assert os.getgroups() == [0, 4]
    finally:
        os.setgroups(groups)


def test_a_hard_link_yields_nothing(root: Path, tree: Tree) -> None:
    os.link(root / "secret", root / "home/alice/METADATA")
    denied("/home/alice/METADATA", tree)


# Directories of root's that others may write


@pytest.mark.parametrize(("mode", "group"), [(0o1777, 0), (0o777, 0), (0o2775, 50)])
def test_a_file_of_roots_in_a_directory_that_others_may_write_is_read_as_nobody(
    root: Path, tree: Tree, mode: int, group: int
) -> None:
    """Whoever may write there may have moved or linked it from where he can't read it."""
    shared = root / "shared"
    shared.mkdir()
    os.chown(shared, 0, group)
    shared.chmod(mode)
    os.link(root / "secret", shared / "METADATA")
    write(shared / "public", "public", 0, 0o644)
    write(shared / "of-alice/file", "alice", ALICE, 0o600)
    write(shared / "from-alice", "alice", ALICE, 0o600)
    give(shared / "of-alice", ALICE, 0o700)
    denied("/shared/METADATA", tree)
    with tree.directory("/shared") as directory:
        assert directory.read("public") == b"public"
        assert directory.read("from-alice") == b"alice"
        with directory.directory("of-alice") as of_alice:
            assert of_alice.read("file") == b"alice"
    assert tree.read("/shared/of-alice/file") == b"alice"


def test_a_directory_of_roots_in_tmp_stays_roots(root: Path, tree: Tree) -> None:
    """Nobody can move it there, or away: of such a kind are `mktemp -d` and what our tests stand on."""
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    write(root / "tmp/of-root/file", "root's", 0, 0o600)
    (root / "tmp/of-root").chmod(0o700)
    with tree.directory("/tmp") as tmp, tmp.directory("of-root") as of_root:
        assert of_root.read("file") == b"root's"


def test_a_directory_of_roots_that_others_may_have_renamed_is_read_as_nobody(root: Path, tree: Tree) -> None:
    (root / "srv").mkdir()
    os.chown(root / "srv", 0, 50)
    (root / "srv").chmod(0o2775)
    write(root / "srv/shop/file", "private", 0, 0o644)
    (root / "srv/shop").chmod(0o700)
    denied("/srv/shop/file", tree)
    tree.become(0)
    (root / "srv/shop").chmod(0o755)
    assert tree.read("/srv/shop/file") == b"private"


# Identities


def test_ids_are_as_before_when_a_tree_is_closed(root: Path) -> None:
    before = os.getresuid(), os.getresgid(), os.getgroups()
    with Tree(str(root)) as tree:
        tree.read("/home/alice/file")
        assert (os.getresuid(), os.getegid()) == ((0, ALICE, 0), NOBODY)
        assert os.getgroups() == []
    assert (os.getresuid(), os.getresgid(), os.getgroups()) == before


def test_two_trees_at_once_do_not_lend_each_other_rights(root: Path) -> None:
    link(root / "home/alice/METADATA", "/secret", ALICE)
    with Tree(str(root)) as one:
        alice = one.directory("/home/alice")
        with Tree(str(root)) as two, two.directory("/private") as private:
            assert private.read("file") == b"private"
            with pytest.raises(Unreadable):
                alice.read("METADATA")
            assert private.read("file") == b"private"
        with alice, pytest.raises(Unreadable):
            alice.read("METADATA")


def test_rights_that_cannot_be_taken_make_a_file_unreadable(root: Path) -> None:
    """Root without CAP_SETUID, as in some containers: it must not go on as root."""
    said = in_a_child(_WITHOUT_SETUID, str(root))
    assert said == f"the rights of user {ALICE} cannot be taken\nb'secret'\n"


_WITHOUT_SETUID = """
import ctypes, sys
from tightship_probe.tree import Tree, Unreadable
libc, setuid = ctypes.CDLL(None), 1 << 7
header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
assert libc.capget(header, sets) == 0
for place in (0, 1):
    sets[place] &= ~setuid
assert libc.capset(header, sets) == 0
with Tree(sys.argv[1]) as tree:
    try:
        print(tree.read("/home/alice/file"))
    except Unreadable as why:
        print(why)
    print(tree.read("/secret"))
"""


def in_a_child(code: str, *arguments: str) -> str:
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


_IN_A_USER_NAMESPACE = """
import ctypes, os, sys
from tightship_probe.tree import Tree
ready, go = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    assert ctypes.CDLL(None).unshare(0x10000000) == 0
    os.write(ready[1], b"1")
    os.read(go[0], 1)
    with Tree(sys.argv[1]) as tree:
        print(tree.read("/home/alice/file"), os.geteuid(), os.getegid())
        tree.become(int(sys.argv[2]))
        print(os.geteuid(), flush=True)
    os._exit(0)
os.read(ready[0], 1)
for name in ("uid_map", "gid_map"):
    with open("/proc/%d/%s" % (child, name), "w") as file:
        file.write("0 0 65536")
os.write(go[1], b"1")
os.waitpid(child, 0)
"""


def test_in_a_user_namespace_with_few_numbers_nobody_is_65534(root: Path) -> None:
    """As root of a rootless container is: neither 4294967294 nor every owner exists there."""
    said = in_a_child(_IN_A_USER_NAMESPACE, str(root), str(NOBODY))
    assert said == f"b'alice' {ALICE} 65534\n65534\n"


def test_as_an_ordinary_user_no_rights_change(root: Path) -> None:
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setresgid(ALICE, ALICE, ALICE)
        os.chdir(root)
        os.setresuid(ALICE, ALICE, ALICE)
        rights = Rights()
        rights.take(BOB)
        unchanged = os.getresuid() == (ALICE, ALICE, ALICE)
        rights.restore()
        os._exit(0 if unchanged else 1)
    assert os.waitpid(child, 0)[1] == 0


# Races


@pytest.mark.parametrize("what", ["file", "directory"])
def test_a_link_swapped_in_at_any_moment_never_yields_the_secret(root: Path, what: str) -> None:
    home = root / "home/alice"
    write(home / "venv/METADATA", "alice's", ALICE, 0o644)
    give(home / "venv", ALICE, 0o755)
    write(root / "private/METADATA", "secret", 0, 0o600)
    name = home / ("venv" if what == "directory" else "venv/METADATA")
    trap = home / "trap"
    link(trap, "/private" if what == "directory" else "/private/METADATA", ALICE)
    with swapping(name, trap), Tree(str(root), Limits(seconds=60)) as tree:
        seen = {_metadata(tree, number) for number in range(20_000)}
    assert b"secret" not in seen
    assert {b"alice's", b"permission denied"} <= seen, "the race was run on both sides"


def _metadata(tree: Tree, number: int) -> bytes:
    try:
        if number % 2:
            return tree.read("/home/alice/venv/METADATA")
        with tree.directory("/home/alice") as home, home.directory("venv") as venv:
            return venv.read("METADATA")
    except Unreadable as why:
        return str(why).encode()


class swapping:  # noqa: N801
    """Two names change places in another process, as fast as it can."""

    def __init__(self, one: Path, other: Path) -> None:
        self.names = os.fsencode(one), os.fsencode(other)

    def __enter__(self) -> None:
        self.pid = os.fork()
        if self.pid == 0:
            libc, exchange = ctypes.CDLL(None), 2
            until = time.monotonic() + 60
            while time.monotonic() < until:
                for _ in range(1000):
                    libc.renameat2(-100, self.names[0], -100, self.names[1], exchange)
            os._exit(0)

    def __exit__(self, *_: object) -> None:
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
