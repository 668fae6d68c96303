"""As which user the web process runs. The accounts are this machine's own, the directories real."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from tests.parts import need_root
from tightship.cli.identity import SELF, Identity, NoSuchUser, account, chosen, closed, hand_over


def person(name: str, uid: int) -> pwd.struct_passwd:
    return pwd.struct_passwd((name, "x", uid, uid, "", "/", "/bin/sh"))


def known(*people: pwd.struct_passwd):
    return {one.pw_name: one for one in people}.get


ROOT, NOBODY = person("root", 0), person("nobody", 65534)


def test_who_was_asked_for_is_chosen() -> None:
    everyone = known(ROOT, NOBODY, person("tightship", 990), person("alice", 1000))
    assert chosen("alice", "bob", everyone) == Identity("alice", 1000, 1000)


def test_else_its_own_account_then_the_codes_owner_then_nobody() -> None:
    own, alice = person("tightship", 990), person("alice", 1000)
    assert chosen("", "alice", known(ROOT, NOBODY, own, alice)).name == "tightship"
    assert chosen("", "alice", known(ROOT, NOBODY, alice)).name == "alice"
    assert chosen("", "root", known(ROOT, NOBODY, alice)).name == "nobody"
    assert chosen("", "root", known(ROOT)) is SELF


@pytest.mark.parametrize(("name", "why"), [("root", "is root"), ("mallory", "does not exist")])
def test_root_and_unknown_accounts_are_refused_with_the_command_that_makes_one(name: str, why: str) -> None:
    with pytest.raises(NoSuchUser, match=f"{why}.*useradd --system"):
        chosen(name, "", known(ROOT, NOBODY))


def test_the_directory_that_others_may_not_enter_is_named(tmp_path: Path) -> None:
    shut = tmp_path / "shut"
    (shut / "code").mkdir(parents=True)
    shut.chmod(0o700)
    (shut / "code").chmod(0o755)
    assert closed(shut / "code") in [shut, *shut.parents]
    for way in (tmp_path, *tmp_path.parents):
        if not way.stat().st_mode & 0o001:
            return  # one above it is closed as well
    assert closed(shut / "code") == shut


def test_the_data_directory_is_handed_over_but_no_links_target_and_no_file_of_two_names(
    tmp_path: Path,
) -> None:
    need_root()
    precious = tmp_path / "precious"
    precious.write_text("root's")
    data = tmp_path / "data"
    data.mkdir()
    (data / "tightship.sqlite3").write_text("")
    (data / "link").symlink_to(precious)
    os.link(precious, data / "hard")
    nobody = account("nobody")
    assert nobody is not None
    hand_over(data, Identity("nobody", nobody.pw_uid, nobody.pw_gid))
    owners = {path.name: path.lstat().st_uid for path in (data, *data.iterdir(), precious)}
    assert owners == {
        "data": nobody.pw_uid,
        "tightship.sqlite3": nobody.pw_uid,
        "link": 0,
        "hard": 0,
        "precious": 0,
    }
