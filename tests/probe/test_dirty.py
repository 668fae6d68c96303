"""Whether a checkout is dirty: what `git status` says, or not known; never something else."""

from __future__ import annotations

import os
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.probe.repository import Repository, told, told_with_unread
from tightship_probe import gitindex
from tightship_probe.unreadable import Unreadable


@pytest.fixture(params=["2", "4"])
def shop(tmp_path: Path, request: pytest.FixtureRequest) -> Repository:
    repository = Repository(tmp_path / "shop")
    repository.git("config", "index.version", request.param)
    repository.write(
        README="shop\n", src__shop__wsgi="application = 1\n", src__shop__urls="urls = []\n", a="1", z=""
    )
    repository.write(**{".gitignore": "*.pyc\n", "bin__run": "#!/bin/sh\n", "src.txt": "x", "src-old": "y"})
    (repository.path / "bin/run").chmod(0o755)
    (repository.path / "link").symlink_to("README")
    repository.commit()
    return repository


def edit(name: str, text: str) -> Callable[[Repository], object]:
    return lambda shop: (shop.path / name).write_text(text)


def relink(shop: Repository, target: str) -> None:
    (shop.path / "link").unlink()
    (shop.path / "link").symlink_to(target)


def become_a_directory(shop: Repository) -> None:
    (shop.path / "README").unlink()
    (shop.path / "README").mkdir()


def behind_a_link(shop: Repository) -> None:
    (shop.path / "src").rename(shop.path / "elsewhere")
    (shop.path / "src").symlink_to("elsewhere")


def staged_and_taken_back(shop: Repository) -> None:
    edit("README", "SHOP\n")(shop)
    shop.git("add", "README")
    edit("README", "shop\n")(shop)


def staged_and_unstaged(shop: Repository) -> None:
    edit("README", "SHOP\n")(shop)
    shop.git("add", "README")
    shop.git("reset", "--quiet", "--hard")


def marked(flag: str) -> Callable[[Repository], object]:
    def mark(shop: Repository) -> None:
        shop.git("update-index", flag, "README")
        edit("README", "edited\n")(shop)

    return mark


def without_modes(shop: Repository) -> None:
    shop.git("config", "core.fileMode", "false")
    (shop.path / "bin/run").chmod(0o644)


def conflict(shop: Repository) -> None:
    shop.git("checkout", "--quiet", "-b", "other")
    edit("README", "theirs\n")(shop)
    shop.commit()
    shop.git("checkout", "--quiet", "main")
    edit("README", "ours\n")(shop)
    shop.commit()
    with pytest.raises(AssertionError):
        shop.git("merge", "other")


CHANGES: dict[str, Callable[[Repository], object]] = {
    "nothing": lambda shop: None,
    "an edit of the same size": edit("README", "SHOP\n"),
    "an edit of another size": edit("src/shop/wsgi", "application = 42\n"),
    "an edit of an empty file": edit("z", "no longer"),
    "the same content, written again": edit("README", "shop\n"),
    "a later time only": lambda shop: os.utime(shop.path / "README"),
    "an earlier time only": lambda shop: os.utime(shop.path / "README", (1, 1)),
    "a file deleted": lambda shop: (shop.path / "src/shop/urls").unlink(),
    "a directory deleted": lambda shop: shutil.rmtree(shop.path / "src"),
    "a mode": lambda shop: (shop.path / "bin/run").chmod(0o644),
    "a mode that git does not keep": lambda shop: (shop.path / "README").chmod(0o600),
    "a mode where modes do not count": without_modes,
    "a link to elsewhere": lambda shop: relink(shop, "src.txt"),
    "a link to the same": lambda shop: relink(shop, "README"),
    "a directory in a file's place": become_a_directory,
    "a directory behind a link": behind_a_link,
    "an untracked file": edit("new.py", "new"),
    "an ignored file": edit("new.pyc", "new"),
    "staged": lambda shop: (edit("README", "SHOP\n")(shop), shop.git("add", "README")),
    "staged and taken back": staged_and_taken_back,
    "staged and unstaged": staged_and_unstaged,
    "a new file staged": lambda shop: (edit("src/new", "new")(shop), shop.git("add", "src/new")),
    "a file removed by git": lambda shop: shop.git("rm", "--quiet", "README"),
    "an intent to add": lambda shop: (edit("new", "new")(shop), shop.git("add", "--intent-to-add", "new")),
    "assumed to be unchanged": marked("--assume-unchanged"),
    "left out of the tree": marked("--skip-worktree"),
    "a soft reset": lambda shop: (
        edit("README", "x")(shop),
        shop.commit(),
        shop.git("reset", "--soft", "HEAD~1"),
    ),
    "a merge that stopped": conflict,
    "everything in a pack": lambda shop: shop.git("gc", "--quiet"),
    "a change, everything in a pack": lambda shop: (shop.git("gc", "--quiet"), edit("a", "2")(shop)),
    "a clean status that git wrote anew": lambda shop: (os.utime(shop.path / "README"), shop.git("status")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_dirty_is_what_git_says(shop: Repository, change: str) -> None:
    CHANGES[change](shop)
    assert told(shop.path)[0]["dirty"] is shop.is_dirty()


def test_an_edit_in_the_moment_of_the_commit_is_seen(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "shop")
    for number in range(20):
        repository.write(README=f"{number:05}")
        repository.commit()
        repository.write(README=f"{number + 50000:05}")
        assert told(repository.path)[0]["dirty"] is True


def test_times_in_whole_seconds_are_told_as_git_does(shop: Repository) -> None:
    for path in (shop.path / "README", shop.path / "a"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    shop.git("status")
    assert told(shop.path)[0]["dirty"] is False
    edit("a", "2")(shop)
    assert told(shop.path)[0]["dirty"] is True


# Submodules


@pytest.fixture
def nested(tmp_path: Path) -> Repository:
    inner = Repository(tmp_path / "inner")
    inner.write(inside="1\n")
    inner.commit()
    outer = Repository(tmp_path / "outer")
    outer.git("submodule", "--quiet", "add", str(inner.path), "inner")
    outer.commit()
    return outer


def advanced(outer: Repository) -> None:
    inner = Repository(outer.path / "inner")
    inner.write(inside="2\n")
    inner.commit()


@pytest.mark.parametrize(
    "change",
    [
        lambda outer: None,
        edit("inner/inside", "3\n"),
        edit("inner/new", "untracked\n"),
        advanced,
        lambda outer: outer.git("submodule", "--quiet", "deinit", "--force", "inner"),
    ],
    ids=["nothing", "an edit", "an untracked file", "another commit", "not initialised"],
)
def test_a_submodule_counts(nested: Repository, change: Callable[[Repository], object]) -> None:
    change(nested)
    truth = nested.git("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=untracked") != ""
    assert told(nested.path)[0]["dirty"] is truth


# Where git would look through a filter


def test_line_ends_that_git_changes_are_no_change(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "shop")
    repository.git("config", "core.autocrlf", "true")
    repository.write(README="one\r\ntwo\r\n")
    repository.commit()
    os.utime(repository.path / "README", (1, 1))
    assert told(repository.path)[0]["dirty"] is False
    (repository.path / "README").write_bytes(b"one\r\nTWO\r\n")
    assert told(repository.path)[0]["dirty"] is True
    assert repository.is_dirty() is True


def test_line_ends_that_a_persons_own_git_may_have_changed_are_not_known(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "shop")
    repository.write(README="one\r\ntwo\r\n")
    repository.git("-c", "core.autocrlf=true", "add", "README")
    repository.git("commit", "--quiet", "-m", "From elsewhere")
    os.utime(repository.path / "README", (1, 1))
    assert told(repository.path)[0]["dirty"] is None


def test_behind_a_filter_it_is_not_known(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "shop")
    repository.git("config", "filter.upper.clean", "tr a-z A-Z")
    repository.write(
        **{"media__.gitattributes": "*.txt filter=upper\n", "media__a.txt": "abc", "README": "x"}
    )
    repository.commit()
    assert told(repository.path)[0]["dirty"] is False
    (repository.path / "media/a.txt").write_text("Abc")
    assert repository.is_dirty() is False
    assert told(repository.path)[0]["dirty"] is None
    (repository.path / "README").write_text("y")
    assert told(repository.path)[0]["dirty"] is True


def test_a_split_index_is_unread(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "shop")
    repository.write(README="x")
    repository.commit()
    repository.git("update-index", "--split-index")
    [found], unread = told_with_unread(repository.path)
    assert found["dirty"] is None
    assert unread == [".git/index: an index that is split"]


def test_a_sparse_checkout(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "shop")
    repository.write(README="x", one__a="1", two__b="2")
    repository.commit()
    repository.git("sparse-checkout", "set", "--cone", "--sparse-index", "one")
    assert told(repository.path)[0]["dirty"] is repository.is_dirty() is False
    repository.write(one__a="3")
    assert told(repository.path)[0]["dirty"] is repository.is_dirty() is True


def test_beyond_the_bounds_it_is_not_known(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "shop")
    repository.write(**{f"file{number}": "x" for number in range(600)})
    repository.commit()
    for path in repository.path.glob("file*"):
        os.utime(path, (1, 1))
    assert told(repository.path)[0]["dirty"] is None


# An index that lies


def lying(count: int, version: int = 2, body: bytes = b"") -> bytes:
    return struct.pack(">4sII", b"DIRC", version, count) + body


def entry(name: bytes) -> bytes:
    fixed = struct.pack(">10I20sH", *[0] * 6, 0o100644, 0, 0, 0, b"\1" * 20, len(name)) + name
    return fixed + b"\0" * (8 - len(fixed) % 8)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"DIRC",
        lying(0, 5),
        lying(0xFFFFFFFF),
        lying(1_000_000_000),
        lying(2, body=entry(b"a")),
        lying(1, body=entry(b"../../../etc/shadow")),
        lying(1, body=entry(b"/etc/shadow")),
        lying(1, body=entry(b"a/.git/config")),
        lying(1, body=entry(b"a/" * 1000 + b"b")),
        lying(1, 4, entry(b"\xff" * 30)),
        lying(2, body=entry(b"a") + entry(b"a/b")),
    ],
    ids=[
        "empty",
        "cut",
        "version",
        "most",
        "huge",
        "fewer",
        "up",
        "absolute",
        "git",
        "deep",
        "number",
        "file and folder",
    ],
)
def test_a_lying_index_is_unread_and_the_commit_is_still_told(tmp_path: Path, data: bytes) -> None:
    repository = Repository(tmp_path / "shop")
    commit = repository.commit()
    (repository.path / ".git/index").write_bytes(data)
    [found], unread = told_with_unread(repository.path)
    assert (found["commit"], found["dirty"]) == (commit, None)
    assert [line.partition(":")[0] for line in unread] == [".git/index"]


def test_a_broken_index_ends_in_words(shop: Repository) -> None:
    whole = (shop.path / ".git/index").read_bytes()
    chance = random.Random(20260101)
    read = 0
    for _ in range(2000):
        broken = bytearray(whole[: chance.randrange(len(whole) + 1)])
        for _ in range(chance.randrange(1, 6) if broken else 0):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        try:
            gitindex.tree_id(gitindex.entries_of(bytes(broken), 20), gitindex.algorithm_of("0" * 40))
            read += 1
        except Unreadable:
            continue
    assert read
