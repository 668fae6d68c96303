"""Names that an application's files give it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.applications import make_checkout
from tightship_probe.names import names_from_files
from tightship_probe.tree import Tree


def told(root: Path, cwd: str, base: str = "") -> list[tuple[str, str]]:
    with Tree(str(root)) as tree:
        return [(found["name"], found["how"]) for found in names_from_files(tree, cwd, base)]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "srv/shop").mkdir(parents=True)
    return tmp_path / "srv/shop"


@pytest.mark.parametrize(
    "text",
    [
        '[project]\nname = "shop"\n',
        "[project]\nversion = '1'\nname='shop' # ours\n",
        '[ project ]\r\n  "name" = "shop"\r\n',
        'project.name = "shop"\n',
        '[tool.other]\nname = "no"\n[[tool.list]]\nname = "no"\n[project] # here\nname = "shop"\n',
        '[project]\ndescription = """\n[other]\nname = "no"\n"""\nname = "shop"\n',
        '[project]\nmatrix = [\n["a"],\n["b"]\n]\nname = "shop"\n',
        '[tool.poetry]\nname = "shop"\n',
    ],
)
def test_the_projects_name_stands_in_pyproject(tmp_path: Path, shop: Path, text: str) -> None:
    (shop / "pyproject.toml").write_bytes(text.encode())
    assert told(tmp_path, "/srv/shop") == [("shop", "checkout")]


@pytest.mark.parametrize(
    "text", ["[metadata]\nname = shop\n", "[options]\nname = no\n[metadata]\nname: shop\n"]
)
def test_or_in_setup_cfg(tmp_path: Path, shop: Path, text: str) -> None:
    (shop / "pyproject.toml").write_text("[build-system]\nrequires = []\n")
    (shop / "setup.cfg").write_text(text)
    assert told(tmp_path, "/srv/shop") == [("shop", "checkout")]


@pytest.mark.parametrize(
    "text", ["", "name = 'x'", '[project]\ndynamic = ["name"]\n', "[project.urls]\nname = 'x'\n", "[project"]
)
def test_a_project_without_a_name_gives_none(tmp_path: Path, shop: Path, text: str) -> None:
    (shop / "pyproject.toml").write_text(text)
    assert told(tmp_path, "/srv/shop") == []


def test_the_checkout_above_the_working_directory_counts(tmp_path: Path, shop: Path) -> None:
    (shop / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    (shop / "src/deep").mkdir(parents=True)
    make_checkout(shop, "1.0")
    assert told(tmp_path, "/srv/shop/src/deep") == [("shop", "checkout")]


def test_a_buildouts_directory_gives_its_name_without_the_release(tmp_path: Path) -> None:
    for place in ("srv/intranet", "srv/shop/releases/2.4.1", "srv/stock-1.2"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "buildout.cfg").write_text("[buildout]\n")
    assert told(tmp_path, "/srv/intranet") == [("intranet", "buildout")]
    assert told(tmp_path, "/srv/shop/releases/2.4.1") == [("shop", "buildout")]
    assert told(tmp_path, "/srv/stock-1.2") == [("stock", "buildout")]


def test_what_cannot_be_read_gives_no_name_and_hangs_nothing(tmp_path: Path, shop: Path) -> None:
    os.mkfifo(shop / "pyproject.toml")
    (shop / "setup.cfg").symlink_to("setup.cfg")
    (shop / ".git").symlink_to("/srv/shop/.git")
    assert told(tmp_path, "/srv/shop", "/srv/shop") == []


def test_an_odd_name_is_made_harmless(tmp_path: Path, shop: Path) -> None:
    (shop / "pyproject.toml").write_bytes(b'[project]\nname = "sh\x00op\xff<b>"\n')
    assert told(tmp_path, "/srv/shop") == [(r"sh\x00op\xff<b>", "checkout")]
