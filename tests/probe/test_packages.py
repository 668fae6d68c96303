"""Packages on an import path: what importlib.metadata says in the process itself, and where each is from."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests import applications
from tests.applications import make_venv
from tests.parts import need, need_root, program
from tests.probe.living import TELL, living, packages_of, versions
from tightship.fleet.report import package_line, parse_package_line
from tightship_probe.packages import MOST_PACKAGES, packages_on, without_userinfo
from tightship_probe.tree import Tree

PROJECT = (
    '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    '[project]\nname = "Shop.Floor"\nversion = "2.4.1"\n'
)


@pytest.fixture(scope="module")
def installed() -> Iterator[Path]:
    """A directory with a project, its git repository, and a venv that can build without an index."""
    with applications.folder() as root:
        (root / "project/shop_floor").mkdir(parents=True)
        (root / "project/shop_floor/__init__.py").write_text("")
        (root / "project/pyproject.toml").write_text(PROJECT)
        applications.make_checkout(root / "project", "2.4.1")
        make_venv(root / "venv", ["hatchling", "editables"])
        yield root


def pip_install(root: Path, *what: str) -> None:
    if find_spec("pip") is None:
        need("pip", "the environment of the tests has none")
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    python = str(root / "venv/bin/python")
    command = [sys.executable, "-m", "pip", "--python", python, "install", "--force-reinstall", *options]
    subprocess.run([*command, *what], check=True, cwd=root)


def lines_in(root: Path, *argv: str | Path, **env: str) -> list[str]:
    """The lines of a process' import path, which say what the process itself says."""
    with living(*argv, cwd=root, env=env) as process:
        found = packages_of(process.path)
        assert versions(found["lines"]) == process.packages
        assert found["unread"] == []
        return list(found["lines"])


def of(lines: list[str], name: str) -> list[str]:
    return [line for line in lines if line.startswith(name + "\t")]


# As the process itself says


def test_an_editable_install_names_its_sources(installed: Path) -> None:
    pip_install(installed, "--editable", "project")
    [line] = of(lines_in(installed, "venv/bin/python", "-c", TELL), "shop-floor")
    assert line == f"shop-floor\t2.4.1\tfile://{installed}/project\t\teditable"


def test_an_install_from_git_names_repository_and_commit(installed: Path) -> None:
    git = program("git", "git")
    commit = subprocess.check_output(
        [git, "-C", installed / "project", "rev-parse", "HEAD"], text=True
    ).strip()
    pip_install(installed, f"git+file://{installed}/project")
    [line] = of(lines_in(installed, "venv/bin/python", "-c", TELL), "shop-floor")
    assert line == f"shop-floor\t2.4.1\tgit+file://{installed}/project\t{commit}"


def test_the_packages_of_the_environment_that_runs_the_tests() -> None:
    lines = lines_in(Path("/"), sys.executable, "-Ic", TELL)
    assert len(of(lines, "django")) == 1
    assert next(map(parse_package_line, of(lines, "pytest"))).origin == ""


def test_the_operating_systems_packages_are_marked() -> None:
    python = Path("/usr/bin/python3")
    if not python.exists():
        need("the system's Python", "/usr/bin/python3 was not found")
    lines = lines_in(Path("/"), python, "-Ic", TELL)
    with Tree("/") as tree:
        of_debian = packages_on(tree, ["/usr/lib/python3/dist-packages"])["lines"]
    assert set(of_debian) <= set(lines)
    assert all(parse_package_line(line).origin == "os" for line in of_debian)


def test_eggs_and_older_metadata_are_read(tmp_path: Path) -> None:
    plain = tmp_path / "site-packages"
    for folder, file in {
        plain / "ancient-1.0-py3.11.egg-info": "",
        plain / "older-1.1.egg-info": "PKG-INFO",
        tmp_path / "eggs/unpacked-1.2-py3.11.egg": "EGG-INFO/PKG-INFO",
        tmp_path / "eggs/nested-1.3-py3.11.egg": "nested-1.3.dist-info/METADATA",
        tmp_path / "src": "checkout.egg-info/PKG-INFO",
    }.items():
        path = folder / file if file else folder
        path.parent.mkdir(parents=True, exist_ok=True)
        name = path.parent.name.partition(".")[0] if folder.name == "src" else folder.name.partition("-")[0]
        path.write_text(f"Metadata-Version: 1.0\nName: {name}\nVersion: 9.9\n\nName: in the text\n")
    path = [plain, *(tmp_path / "eggs").iterdir(), tmp_path / "src"]
    lines = lines_in(tmp_path, applications.interpreter(), "-Sc", TELL, PYTHONPATH=":".join(map(str, path)))
    assert sorted(lines) == sorted(
        [
            *(f"{name}\t9.9" for name in ("ancient", "older", "unpacked", "nested")),
            f"checkout\t9.9\tfile://{tmp_path}/src\t\teditable",
        ]
    )


def test_leftovers_of_pip_are_no_packages(tmp_path: Path) -> None:
    plant(tmp_path / "site-packages", "attire", "1.0")
    plant(tmp_path / "site-packages", "~ttire", "0.9")
    assert found_in(tmp_path)["lines"] == ["attire\t1.0"]


# Where each is from


def plant(place: Path, name: str, version: str, text: str = "", **files: str) -> Path:
    info = place / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(text or f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    for file, content in files.items():
        (info / f"{file}.json").write_text(content)
    return info


def found_in(root: Path, *path: str) -> dict[str, list[str]]:
    with Tree(str(root)) as tree:
        found = packages_on(tree, list(path) or ["/site-packages"])
    return {
        "lines": found["lines"],
        "unread": [f"{entry['what']}: {entry['why']}" for entry in found["unread"]],
    }


def test_credentials_are_taken_out_of_urls(tmp_path: Path) -> None:
    said = {
        "url": "https://deploy:s3cret@git.example.com/shop.git",
        "vcs_info": {"vcs": "git", "commit_id": "ab12"},
    }
    plant(tmp_path / "site-packages", "shop", "1.0", direct_url=json.dumps(said))
    assert found_in(tmp_path)["lines"] == ["shop\t1.0\tgit+https://git.example.com/shop.git\tab12"]


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("ssh://git@example.com/shop.git", "ssh://example.com/shop.git"),
        ("https://a:b@c@example.com/x@y", "https://example.com/x@y"),
        ("file:///srv/shop@2", "file:///srv/shop@2"),
        ("https://example.com/shop.whl", "https://example.com/shop.whl"),
    ],
)
def test_a_url_without_its_user(url: str, kept: str) -> None:
    assert without_userinfo(url) == kept


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("file:///tmp/tmplof23133get_dist/shop-1.0-py3-none-any.whl", ""),
        ("file:///var/tmp/build/tmp_a1b2c3dget_dist/shop-1.0.tar.gz", ""),
        ("file:///srv/wheels/shop-1.0-py3-none-any.whl", "file:///srv/wheels/shop-1.0-py3-none-any.whl"),
        ("file:///srv/get_dist/shop-1.0.tar.gz", "file:///srv/get_dist/shop-1.0.tar.gz"),
    ],
)
def test_what_a_buildout_got_from_an_index_is_of_an_index(tmp_path: Path, url: str, origin: str) -> None:
    """zc.buildout 6 has pip install the file that it downloaded itself, and pip notes where that lay."""
    plant(tmp_path / "site-packages", "shop", "1.0", direct_url=json.dumps({"url": url, "archive_info": {}}))
    assert found_in(tmp_path)["lines"] == [f"shop\t1.0\t{origin}".rstrip("\t")]


def test_lines_are_those_of_the_report(tmp_path: Path) -> None:
    direct = json.dumps({"url": "file:///srv/shop", "dir_info": {"editable": True}})
    plant(tmp_path / "one", "shop", "2.0", direct_url=direct)
    plant(tmp_path / "two", "Shop", "1.0")
    lines = found_in(tmp_path, "/one", "/two")["lines"]
    assert lines == ["shop\t1.0\t\t\t\tshadowed", "shop\t2.0\tfile:///srv/shop\t\teditable"]
    assert [package_line(parse_package_line(line)) for line in lines] == lines


def test_metadata_of_an_editable_install_beside_its_sources_is_no_second_package(tmp_path: Path) -> None:
    direct = json.dumps({"url": "file:///srv/shop", "dir_info": {"editable": True}})
    plant(tmp_path / "site-packages", "shop", "2.0", direct_url=direct)
    (tmp_path / "srv/shop/src/shop.egg-info").mkdir(parents=True)
    (tmp_path / "srv/shop/src/shop.egg-info/PKG-INFO").write_text("Name: shop\nVersion: 2.0\n")
    lines = found_in(tmp_path, "/site-packages", "/srv/shop/src")["lines"]
    assert lines == ["shop\t2.0\tfile:///srv/shop\t\teditable"]


# What is odd, or hostile, and the rest is complete


def test_a_folder_without_metadata_is_told_by_its_name(tmp_path: Path) -> None:
    (plant(tmp_path / "site-packages", "attire", "1.0") / "METADATA").unlink()
    plant(tmp_path / "site-packages", "boats", "2.0")
    found = found_in(tmp_path)
    assert found["lines"] == ["attire\t1.0", "boats\t2.0"]
    assert found["unread"] == ["/site-packages/attire-1.0.dist-info/METADATA: no such file or directory"]


def test_a_fifo_as_metadata_is_unread_and_the_rest_is_complete(tmp_path: Path) -> None:
    info = plant(tmp_path / "site-packages", "attire", "1.0")
    (info / "METADATA").unlink()
    os.mkfifo(info / "METADATA")
    plant(tmp_path / "site-packages", "boats", "2.0")
    found = found_in(tmp_path)
    assert found["lines"] == ["attire\t1.0", "boats\t2.0"]
    assert found["unread"] == [f"/site-packages/{info.name}/METADATA: not a regular file, but a FIFO"]


def test_only_the_beginning_of_a_huge_metadata_is_read(tmp_path: Path) -> None:
    info = plant(tmp_path / "site-packages", "attire", "1.0")
    with (info / "METADATA").open("r+b") as file:
        file.truncate(1 << 40)
    assert found_in(tmp_path) == {"lines": ["attire\t1.0"], "unread": []}


def test_metadata_that_links_to_a_secret_of_roots_tells_nothing_of_it(tmp_path: Path) -> None:
    need_root()
    os.chmod(tmp_path.parent, 0o755)
    os.chmod(tmp_path, 0o755)
    info = plant(tmp_path / "site-packages", "attire", "1.0")
    (info / "METADATA").unlink()
    (tmp_path / "shadow").write_text("Name: secret\nVersion: 1\n")
    (tmp_path / "shadow").chmod(0o600)
    (info / "METADATA").symlink_to("/shadow")
    applications.own(tmp_path / "site-packages")
    found = found_in(tmp_path)
    assert found["lines"] == ["attire\t1.0"]
    assert found["unread"] == [f"/site-packages/{info.name}/METADATA: permission denied"]


def test_a_loop_of_links_is_unread(tmp_path: Path) -> None:
    plant(tmp_path / "site-packages", "boats", "2.0")
    (tmp_path / "site-packages/loop-1.0.dist-info").symlink_to("loop-1.0.dist-info")
    found = found_in(tmp_path)
    assert found["lines"] == ["boats\t2.0", "loop\t1.0"]
    assert len(found["unread"]) == 1


@pytest.mark.parametrize(
    ("name", "version", "line"),
    [
        ("shop\x00floor", "1.0", r"shop\x00floor	1.0"),
        ("shop", "not a version", "shop\tnot a version"),
        ("<script>alert(1)</script>", "1", "<script>alert(1)</script>\t1"),
        ("shop\ttab", "1\x0b2", r"shop\x09tab	1\x0b2"),
        ("größe", "1.0", "größe\t1.0"),
        ("shop\udcff", "1.0", "shop\\xff\t1.0"),
        ("rev\u202eersed", "1.0", "rev\\u202eersed\t1.0"),
    ],
)
def test_odd_names_and_versions_are_kept_harmless(tmp_path: Path, name: str, version: str, line: str) -> None:
    info = plant(tmp_path / "site-packages", "odd", "1")
    (info / "METADATA").write_bytes(os.fsencode(f"Name: {name}\nVersion: {version}\n"))
    assert found_in(tmp_path) == {"lines": [line], "unread": []}


def test_a_version_of_three_hundred_characters_is_clipped_and_stays_distinct(tmp_path: Path) -> None:
    for name, last in (("one", "1"), ("two", "2")):
        text = f"Name: {name}\nVersion: {'9' * 300}{last}\n"
        plant(tmp_path / "site-packages", name, "1", text)
    first, second = (line.split("\t")[1] for line in found_in(tmp_path)["lines"])
    assert len(first) == len(second) == 200
    assert first != second


@pytest.mark.parametrize(
    "said", ["[]", "{", '{"url": 1}', '{"url": "x", "vcs_info": [1]}', "[" * 60000, "null"]
)
def test_an_odd_direct_url_costs_the_origin_only(tmp_path: Path, said: str) -> None:
    plant(tmp_path / "site-packages", "shop", "1.0", direct_url=said)
    plant(tmp_path / "site-packages", "boats", "2.0")
    lines = found_in(tmp_path)["lines"]
    assert lines[0] == "boats\t2.0"
    assert re.match(r"shop\t1\.0(\tx|\t1)?$", lines[1])


def test_an_egg_without_metadata_is_unread_and_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "old-1.0-py3.11.egg").write_bytes(b"PK\5\6" + b"\0" * 18)
    assert found_in(tmp_path, "/old-1.0-py3.11.egg")["unread"] == [
        "/old-1.0-py3.11.egg: an egg without metadata"
    ]


def test_a_directory_that_may_not_be_read_is_unread(tmp_path: Path) -> None:
    plant(tmp_path / "site-packages", "boats", "2.0")
    (tmp_path / "loop").symlink_to("loop")
    found = found_in(tmp_path, "/loop", "/site-packages", "/missing")
    assert found["lines"] == ["boats\t2.0"]
    assert len(found["unread"]) == 1


def test_more_packages_than_any_shop_has_are_bounded(tmp_path: Path) -> None:
    (tmp_path / "site-packages").mkdir()
    for number in range(MOST_PACKAGES + 10):
        (tmp_path / f"site-packages/p{number}-1.egg-info").touch()
    found = found_in(tmp_path)
    assert len(found["lines"]) == MOST_PACKAGES
    assert found["unread"] == ["packages: more than 5000 packages"]


def test_a_thousand_things_that_cannot_be_read_are_told_by_some(tmp_path: Path) -> None:
    for number in range(1000):
        (plant(tmp_path / "site-packages", f"p{number:03}", "1") / "METADATA").unlink()
    found = found_in(tmp_path)
    assert len(found["lines"]) == 1000
    assert len(found["unread"]) == 101
    assert found["unread"][-1].startswith("more: ")
