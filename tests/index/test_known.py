"""What indexes have, asked of real ones on loopback."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.index.simple import Simple, serving, wheel
from tightship.fleet.newest import Candidate
from tightship.index.asking import NoAnswer
from tightship.index.configured import Configured
from tightship.index.known import Indexes

PROJECTS = {
    "jinja2": [
        wheel("jinja2", "3.1.5", **{"requires-python": ">=3.7"}),
        wheel("jinja2", "3.1.6", **{"requires-python": ">=3.7"}),
        wheel("jinja2", "3.2rc1"),
        wheel("jinja2", "3.1.4", yanked="broke includes"),
        wheel("other", "9"),
        {"filename": "jinja2-3.1.7.exe", "url": "x", "hashes": {}},
    ],
    "zope-interface": [wheel("zope.interface", "7.2")],
}


@pytest.fixture
def simple() -> Iterator[Simple]:
    with serving(PROJECTS) as found:
        yield found


@pytest.fixture
def indexes(simple: Simple, tmp_path: Path) -> Indexes:
    return Indexes(Configured((simple.url,), timeout=5), tmp_path / "cache")


def newest(indexes: Indexes, name: str) -> Candidate:
    return indexes.known([name])[name].candidates[0]


@pytest.mark.parametrize("form", ["json", "html"])
def test_an_index_is_read_in_both_of_its_forms(simple: Simple, indexes: Indexes, form: str) -> None:
    simple.form = form

    found = indexes.known(["jinja2"])["jinja2"]

    assert [one.version for one in found.candidates] == ["3.2rc1", "3.1.6", "3.1.5", "3.1.4"]
    assert found.candidates[1] == Candidate("3.1.6", ">=3.7")
    assert found.candidates[3].yanked == "broke includes"
    assert not found.problem


def test_a_package_that_no_index_has_is_an_answer_too(indexes: Indexes) -> None:
    found = indexes.known(["nowhere"])["nowhere"]

    assert found.candidates == []
    assert found.asked
    assert not found.problem


def test_what_was_asked_within_the_hour_is_not_asked_again(simple: Simple, indexes: Indexes) -> None:
    first = indexes.known(["jinja2", "nowhere"])
    simple.projects["jinja2"] = [wheel("jinja2", "4")]

    assert indexes.known(["jinja2", "nowhere"]) == first
    assert sorted(simple.asked) == ["jinja2", "nowhere"]


def test_later_an_index_only_says_that_nothing_changed(simple: Simple, indexes: Indexes) -> None:
    before = newest(indexes, "jinja2")
    indexes.fresh = timedelta(0)

    assert newest(indexes, "jinja2") == before
    assert simple.unchanged == 1

    simple.projects["jinja2"] = [wheel("jinja2", "4")]
    assert newest(indexes, "jinja2").version == "4"


def test_without_a_network_what_was_kept_is_told_with_its_date(simple: Simple, indexes: Indexes) -> None:
    before = indexes.known(["jinja2"])["jinja2"]
    indexes.offline, indexes.fresh = True, timedelta(0)

    assert indexes.known(["jinja2"])["jinja2"] == before
    assert indexes.known(["zope-interface"])["zope-interface"].asked is None
    assert simple.asked == ["jinja2"]


def test_an_index_that_is_down_is_asked_once_and_what_was_kept_stands(tmp_path: Path) -> None:
    with serving(PROJECTS) as simple:
        indexes = Indexes(Configured((simple.url,), timeout=5), tmp_path)
        before = indexes.known(["jinja2"])["jinja2"]
    indexes.fresh = timedelta(0)

    found = indexes.known(["jinja2", "zope-interface"])

    assert found["jinja2"].candidates == before.candidates
    assert found["jinja2"].asked == before.asked
    assert simple.url in found["jinja2"].problem
    assert "Connection refused" in found["jinja2"].problem
    assert found["zope-interface"].asked is None


def test_a_busy_index_is_asked_again(simple: Simple, indexes: Indexes) -> None:
    simple.failures = [503, 429]

    assert newest(indexes, "jinja2").version == "3.2rc1"


@pytest.mark.parametrize("status", [403, 500])
def test_an_index_that_refuses_is_told_and_nothing_is_kept(
    simple: Simple, indexes: Indexes, status: int
) -> None:
    simple.failures = [status]

    found = indexes.known(["jinja2"])["jinja2"]

    assert f"answers {status} for jinja2" in found.problem
    assert newest(indexes, "jinja2").version == "3.2rc1"


def test_what_is_no_answer_of_an_index_is_told(simple: Simple, indexes: Indexes) -> None:
    simple.form = "broken"

    assert "says nothing usable of jinja2" in indexes.known(["jinja2"])["jinja2"].problem


def test_several_indexes_are_one(simple: Simple, tmp_path: Path) -> None:
    ours = {"jinja2": [wheel("jinja2", "3.1.6+ours.1")], "shop": [wheel("shop", "2.4")]}
    with serving(ours) as private:
        indexes = Indexes(Configured((simple.url, private.url), timeout=5), tmp_path)
        found = indexes.known(["jinja2", "shop"])

    assert [one.version for one in found["jinja2"].candidates][:3] == ["3.2rc1", "3.1.6+ours.1", "3.1.6"]
    assert [one.version for one in found["shop"].candidates] == ["2.4"]


def test_a_password_in_an_address_is_used_and_never_shown(simple: Simple, tmp_path: Path) -> None:
    simple.login = "reader:s3cret"
    address = simple.url.replace("://", "://reader:s3cret@")
    indexes = Indexes(Configured((address,), timeout=5), tmp_path)

    assert newest(indexes, "jinja2").version == "3.2rc1"
    assert b"s3cret" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*.json"))

    simple.failures = [403]
    assert "s3cret" not in indexes.known(["zope-interface"])["zope-interface"].problem


def test_a_password_is_found_in_netrc(
    simple: Simple, indexes: Indexes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simple.login = "reader:s3cret"
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login reader password s3cret\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))

    assert newest(indexes, "jinja2").version == "3.2rc1"


def test_a_password_is_asked_of_the_keyring(
    simple: Simple, indexes: Indexes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simple.login = "reader:s3cret"
    program = tmp_path / "bin" / "keyring"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        f'[ "$*" = "--mode=creds --output=json get {simple.url}/jinja2/" ] || exit 1\n'
        """echo '{"username": "reader", "password": "s3cret"}'\n"""
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")

    assert newest(indexes, "jinja2").version == "3.2rc1"


def test_without_a_password_the_refusal_is_told(
    simple: Simple, indexes: Indexes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    simple.login = "reader:s3cret"
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "answers 401 for jinja2" in indexes.known(["jinja2"])["jinja2"].problem


def test_an_index_in_a_folder_and_files_that_lie_about_count_too(tmp_path: Path) -> None:
    page = tmp_path / "simple" / "jinja2" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text('<a href="../../jinja2-3.1.6-py3-none-any.whl">jinja2-3.1.6-py3-none-any.whl</a>')
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for name in ("jinja2-3.2-py3-none-any.whl", "zope-interface-7.3.tar.gz", "notes.txt"):
        (wheels / name).touch()
    how = Configured(((tmp_path / "simple").as_uri(),), (str(wheels), str(tmp_path / "gone")))

    found = Indexes(how, tmp_path / "cache").known(["jinja2", "zope-interface"])

    assert [one.version for one in found["jinja2"].candidates] == ["3.2", "3.1.6"]
    assert [one.version for one in found["zope-interface"].candidates] == ["7.3"]


def test_the_files_of_a_package_have_their_hashes(simple: Simple, indexes: Indexes) -> None:
    found = {one.name: one for one in indexes.files(["jinja2"])["jinja2"]}

    assert found["jinja2-3.1.6-py3-none-any.whl"].sha256 == "ab" * 32
    assert found["jinja2-3.1.6-py3-none-any.whl"].url.endswith("/files/jinja2-3.1.6-py3-none-any.whl")
    simple.failures = [500]
    with pytest.raises(NoAnswer, match="answers 500"):
        indexes.files(["jinja2"])


def test_a_broken_cache_is_asked_for_again(simple: Simple, indexes: Indexes, tmp_path: Path) -> None:
    newest(indexes, "jinja2")
    for path in tmp_path.rglob("*.json"):
        path.write_text('{"candidates": [[1, 2, 3, 4]]}')

    assert newest(indexes, "jinja2").version == "3.2rc1"
    assert simple.asked == ["jinja2", "jinja2"]
