"""Releases that the files of an application tell: what git itself says of the same checkout."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest

from tests import parts
from tests.probe.repository import Repository, told, told_with_unread
from tightship_probe import releases
from tightship_probe.gitobjects import MOST_CONTENT, Objects
from tightship_probe.tree import Tree


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "shop")
    repository.write(README="shop\n", src__shop__wsgi="application = 1\n")
    repository.commit()
    return repository


# Commit and tag


def test_a_tag_on_the_commit_is_the_release(shop: Repository) -> None:
    shop.git("tag", "2.4.1")
    commit = shop.git("rev-parse", "HEAD")
    where = str(shop.path)
    expected = [{"how": "tag", "release": "2.4.1", "commit": commit, "dirty": False, "where": where}]
    assert told(shop.path) == expected
    assert told(shop.path, "src/shop") == expected
    assert shop.git("describe", "--tags", "--exact-match") == "2.4.1"


def test_a_commit_without_a_tag_is_told_as_such(shop: Repository) -> None:
    shop.git("tag", "2.4.1")
    commit = shop.commit("after the release")
    [found] = told(shop.path)
    assert (found["how"], found["release"], found["commit"]) == ("commit", "", commit)


def test_an_annotated_tag(shop: Repository) -> None:
    shop.git("tag", "-a", "-m", "Release", "2.4.1")
    shop.git("tag", "-a", "-m", "Release", "group/2.4.1")
    assert {found["release"] for found in told(shop.path)} == set(shop.tags())


@pytest.mark.parametrize("packing", [["pack-refs", "--all"], ["gc", "--quiet"], ["repack", "-adq"]])
def test_packed_tags_and_objects(shop: Repository, packing: list[str]) -> None:
    shop.git("tag", "-a", "-m", "Older", "2.4.0")
    shop.commit("more")
    shop.git("tag", "-a", "-m", "Release", "2.4.1")
    shop.git("tag", "light")
    shop.git(*packing)
    assert [found["release"] for found in told(shop.path)] == ["2.4.1", "light"]
    assert told(shop.path)[0]["dirty"] is False


def test_an_annotated_tag_whose_object_is_in_a_pack_and_whose_ref_is_not(shop: Repository) -> None:
    for number in range(40):
        shop.write(README=f"{number}\n" * 50)
        shop.commit()
        shop.git("tag", "-a", "-m", f"Release {number}", f"1.{number}")
    shop.git("repack", "-adq")
    assert not (shop.path / ".git/packed-refs").exists()
    assert [found["release"] for found in told(shop.path)] == ["1.39"]
    shop.git("checkout", "--quiet", "1.17")
    assert [found["release"] for found in told(shop.path)] == ["1.17"]


def test_of_several_tags_the_highest_version_comes_first(shop: Repository) -> None:
    for tag in ("deployed", "2.4", "v2.10.0", "2.10.0rc1", "2.9.9", "shop-2.4.1"):
        shop.git("tag", tag)
    assert [found["release"] for found in told(shop.path)] == [
        "v2.10.0",
        "2.10.0rc1",
        "2.9.9",
        "shop-2.4.1",
        "2.4",
    ]


def test_a_detached_head(shop: Repository) -> None:
    shop.git("tag", "2.4.1")
    shop.commit("more")
    shop.git("checkout", "--quiet", "2.4.1")
    assert told(shop.path)[0]["release"] == "2.4.1"


def test_a_branch_in_packed_refs(shop: Repository) -> None:
    shop.git("pack-refs", "--all")
    assert told(shop.path)[0]["commit"] == shop.git("rev-parse", "HEAD")


def test_a_worktree_has_a_head_and_an_index_of_its_own(shop: Repository, tmp_path: Path) -> None:
    shop.git("tag", "2.4.1")
    shop.commit("more")
    shop.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "releases/2.4.1"), "2.4.1")
    found = told(tmp_path / "releases/2.4.1")
    assert [(one["release"], one["dirty"]) for one in found] == [("2.4.1", False)]
    (tmp_path / "releases/2.4.1/README").write_text("edited on the server\n")
    assert told(tmp_path / "releases/2.4.1")[0]["dirty"] is True
    assert told(shop.path)[0]["dirty"] is False


def test_a_repository_of_sha256(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "new", "--object-format=sha256")
    repository.write(README="new\n", src__new="1\n")
    commit = repository.commit()
    repository.git("tag", "-a", "-m", "Release", "1.0")
    repository.git("repack", "-adq")
    assert len(commit) == 64
    assert [(one["release"], one["commit"], one["dirty"]) for one in told(repository.path)] == [
        ("1.0", commit, False)
    ]
    repository.write(README="old\n")
    assert told(repository.path)[0]["dirty"] is True


def in_a_reftable(shop: Repository) -> None:
    """As git 2.45 leaves it, with the refs that older programs are shown."""
    git = shop.path / ".git"
    shop.git("config", "core.repositoryFormatVersion", "1")
    shop.git("config", "extensions.refStorage", "reftable")
    for name in ("refs/heads", "refs/tags"):
        shutil.rmtree(git / name)
    (git / "refs/heads").write_text("this repository uses the reftable format\n")
    (git / "HEAD").write_text("ref: refs/heads/.invalid\n")
    (git / "reftable").mkdir()
    (git / "reftable/0x000000000001-0x000000000002-1a2b3c4d.ref").write_bytes(b"REFT\1\0\0\0")
    (git / "reftable/tables.list").write_text("0x000000000001-0x000000000002-1a2b3c4d.ref\n")


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_reftable_is_unread(shop: Repository, elsewhere: bool) -> None:
    shop.git("tag", "2.4.1")
    in_a_reftable(shop)
    if elsewhere:  # extensions.refStorage may name another place
        shutil.move(shop.path / ".git/reftable", shop.path / "reftable")
    found, unread = told_with_unread(shop.path)
    assert found == []
    assert unread == [".: refs are kept in a reftable, which is not read"]


def test_a_worktree_of_a_reftable_is_unread(shop: Repository, tmp_path: Path) -> None:
    shop.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "second"))
    in_a_reftable(shop)
    (shop.path / ".git/worktrees/second/HEAD").write_text("ref: refs/heads/.invalid\n")
    found, unread = told_with_unread(tmp_path / "second")
    assert (found, unread) == ([], [".: refs are kept in a reftable, which is not read"])


def test_what_git_itself_makes_with_reftables_is_unread(tmp_path: Path) -> None:
    said = subprocess.check_output([parts.program("git", "git"), "--version"], text=True)
    if [int(part) for part in re.findall(r"\d+", said)[:2]] < [2, 45]:
        pytest.skip("no reftables before git 2.45")
    shop = Repository(tmp_path / "shop", "--ref-format=reftable")
    shop.write(README="shop\n")
    shop.commit()
    shop.git("tag", "2.4.1")
    assert told_with_unread(shop.path) == ([], [".: refs are kept in a reftable, which is not read"])


def test_a_repository_without_a_commit_is_unread(tmp_path: Path) -> None:
    found, unread = told_with_unread(Repository(tmp_path / "new").path)
    assert (found, unread) == ([], [".: refs/heads/main has no commit yet"])


def test_a_directory_called_git_that_is_none_is_passed_over(shop: Repository) -> None:
    (shop.path / "src/.git").mkdir()
    assert told(shop.path, "src")[0]["where"] == str(shop.path)


# Other evidence


def test_tightships_own_file_comes_first(shop: Repository) -> None:
    shop.git("tag", "2.4.1")
    (shop.path / "release.json").write_text(json.dumps({"release": "2.4.2", "commit": "ab12"}))
    found = told(shop.path)
    assert next((one["how"], one["release"], one["commit"]) for one in found) == (
        "release.json",
        "2.4.2",
        "ab12",
    )
    assert found[1]["how"] == "tag"


@pytest.mark.parametrize("text", ["[]", "{", '{"release": 1}', "[" * 60000, ""])
def test_an_odd_release_json_is_unread(tmp_path: Path, text: str) -> None:
    (tmp_path / "release.json").write_text(text)
    assert told_with_unread(tmp_path) == ([], ["release.json: not what Tightship writes"])


@pytest.mark.parametrize(
    ("text", "kept"), [("1a2b3c4d\n", ("", "1a2b3c4d")), ("v2.4.1\n", ("v2.4.1", "")), ("\n", None)]
)
def test_a_revision_as_capistrano_writes_it(tmp_path: Path, text: str, kept: tuple[str, str] | None) -> None:
    (tmp_path / "REVISION").write_text(text)
    found = [(one["release"], one["commit"]) for one in told(tmp_path) if one["how"] == "REVISION"]
    assert found == ([kept] if kept else [])


def test_the_package_that_is_the_application(tmp_path: Path) -> None:
    lines = (
        "django\t5.2",
        "shop-floor\t2.4.1\tgit+https://example.com/shop.git\tab12",
        "stock\t1.0",
        "old\t1\tos",
    )
    found = told(tmp_path, packages=lines, names=("Shop.Floor", "stock.wsgi", "old"))
    assert [(one["how"], one["release"], one["commit"], one["where"]) for one in found] == [
        ("direct_url", "2.4.1", "ab12", "shop-floor"),
        ("package", "1.0", "", "stock"),
    ]


@pytest.mark.parametrize(
    ("version", "commit", "dirty"),
    [
        ("2.4.2.dev3+g1a2b3c4d5", "1a2b3c4d5", None),
        ("2.4.2.dev3+g1a2b3c4d5.d20260101", "1a2b3c4d5", True),
        ("2.4.1+3.g1a2b3c4d5.dirty", "1a2b3c4d5", True),
        ("2.4.1+d20260101", "", None),
        ("2.4.1+gamma", "", None),
        ("2.4.1+1a2b3c4d5", "", None),
    ],
)
def test_a_version_may_name_the_commit_that_it_was_made_of(
    tmp_path: Path, version: str, commit: str, dirty: bool | None
) -> None:
    [found] = told(tmp_path, packages=(f"shop\t{version}",), names=("shop",))
    assert (found["how"], found["release"], found["commit"], found["dirty"]) == (
        "package",
        version,
        commit,
        dirty,
    )


def test_the_checkout_of_an_editable_package(shop: Repository, tmp_path: Path) -> None:
    shop.git("tag", "2.4.1")
    line = f"shop\t2.4\tfile://{shop.path}\t\teditable"
    (tmp_path / "elsewhere").mkdir()
    found = told(tmp_path / "elsewhere", packages=(line,), names=("shop",))
    assert [(one["how"], one["release"]) for one in found] == [("tag", "2.4.1"), ("package", "2.4")]


# What an application's user can put there


def hostile(shop: Repository, name: str, content: bytes) -> tuple[list[dict[str, object]], list[str]]:
    path = shop.path / ".git" / name
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return told_with_unread(shop.path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"ref: ../../etc/passwd",
        b"ref: refs/heads/../../../x",
        b"ref: HEAD",
        b"\xff" * 100,
        b"x" * 5000,
        b"ref: refs/heads/a\0b",
    ],
)
def test_an_odd_head_is_unread(shop: Repository, content: bytes) -> None:
    found, unread = hostile(shop, "HEAD", content)
    assert found == []
    assert len(unread) == 1


def test_refs_that_name_each_other_end(shop: Repository) -> None:
    (shop.path / ".git/refs/heads/a").write_text("ref: refs/heads/b\n")
    (shop.path / ".git/refs/heads/b").write_text("ref: refs/heads/a\n")
    assert hostile(shop, "HEAD", b"ref: refs/heads/a\n") == ([], [".: HEAD names no commit"])


@pytest.mark.parametrize("target", [".git", "/nowhere", "../shop/.git", "x" * 4000])
def test_a_git_file_that_leads_nowhere_ends(shop: Repository, target: str) -> None:
    (shop.path / "src/.git").write_text(f"gitdir: {target}\n")
    found, unread = told_with_unread(shop.path, "src")
    assert len(found) + len(unread) >= 1


def test_a_fifo_as_git_or_head_is_unread(shop: Repository) -> None:
    (shop.path / ".git/HEAD").unlink()
    os.mkfifo(shop.path / ".git/HEAD")
    found, unread = told_with_unread(shop.path)
    assert (found, unread) == ([], [".: not a regular file, but a FIFO"])


def test_of_a_bomb_as_an_object_only_the_beginning_is_unpacked(shop: Repository) -> None:
    bomb = zlib.compress(b"tag 99999999999\0" + b"\0" * 50_000_000, 9)
    (shop.path / ".git/refs/tags/2.4.1").write_text("ab" * 20 + "\n")
    found, unread = hostile(shop, "objects/ab/" + "ab" * 19, bomb)
    assert [one["how"] for one in found] == ["commit"]
    assert unread == []
    with Tree(str(shop.path)) as tree:
        assert len(Objects(tree, "/.git/objects").content("ab" * 20)) < MOST_CONTENT


@pytest.mark.parametrize("content", [b"", b"x" * 2000, b"\xfftOc\0\0\0\2" + b"\xff" * 3000])
def test_an_odd_pack_index_is_unread(shop: Repository, content: bytes) -> None:
    (shop.path / ".git/refs/tags/2.4.1").write_text("ab" * 20 + "\n")
    found, unread = hostile(shop, "objects/pack/pack-odd.idx", content)
    assert [one["how"] for one in found] == ["commit"]
    assert len(unread) == 1


def test_odd_packs_end_in_words(shop: Repository) -> None:
    for number in range(8):
        shop.write(README=f"{number}\n" * 50)
        shop.commit()
        shop.git("tag", "-a", "-m", "Release", f"1.{number}")
    shop.git("repack", "-adq")
    [pack] = (shop.path / ".git/objects/pack").glob("*.pack")
    whole = pack.read_bytes()
    chance = random.Random(20260101)
    for _ in range(60):
        broken = bytearray(whole[: chance.randrange(len(whole))])
        for _ in range(chance.randrange(8) if broken else 0):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        pack.chmod(0o644)
        pack.write_bytes(bytes(chance.choice([broken, broken + bytes(chance.randbytes(400))])))
        found, _unread = told_with_unread(shop.path)
        assert {one["commit"] for one in found} == {shop.git("rev-parse", "HEAD")}


def test_many_tags_are_bounded(shop: Repository) -> None:
    commit = shop.git("rev-parse", "HEAD")
    tags = shop.path / ".git/refs/tags"
    for number in range(3000):
        (tags / f"t{number}").write_text("cd" * 20)
    (tags / "2.4.1").write_text(commit)
    with Tree("/") as tree:
        found, unread = releases.releases_of(tree, str(shop.path), "", [], [])
    assert [one["release"] for one in found] == ["2.4.1"]
    assert unread == []
