"""Import paths of environments in which an application's user put whatever he liked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tightship_probe.environments import environment_of
from tightship_probe.started import Started
from tightship_probe.tree import Tree


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A server's root with one environment, made by hand."""
    root = tmp_path / "root"
    library = root / "srv/shop/venv/lib/python3.11/site-packages"
    library.mkdir(parents=True)
    (root / "srv/shop/venv/bin").mkdir()
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/python3.11").write_text("")
    (root / "usr/lib/python3.11").mkdir(parents=True)
    (root / "usr/lib/python3.11/os.py").write_text("")
    (root / "srv/shop/venv/bin/python").symlink_to("/usr/bin/python3.11")
    (root / "srv/shop/venv/pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.2\n")
    return root


def concluded(root: Path, **more: Any) -> dict[str, Any]:
    argv = ["/srv/shop/venv/bin/python", "-Im", "shop"]
    started = Started(1, 0, argv, "", "/usr/bin/python3.11", "/srv/shop", {}, [], [], 0.0)
    with Tree(str(root)) as tree:
        return environment_of(tree, started._replace(**more))


LIBRARY = ["/usr/lib/python311.zip", "/usr/lib/python3.11", "/usr/lib/python3.11/lib-dynload"]
SITE = "/srv/shop/venv/lib/python3.11/site-packages"


def test_a_planted_environment_is_read_below_its_root(planted: Path) -> None:
    environment = concluded(planted)
    assert environment["path"] == [*LIBRARY, SITE]
    assert (environment["python"], environment["unread"]) == ("3.11.2", [])


def test_a_huge_pyvenv_cfg_is_unread_and_the_path_is_still_told(planted: Path) -> None:
    (planted / "srv/shop/venv/pyvenv.cfg").write_text("home = /usr/bin\n" + "x" * 10_000_000)
    environment = concluded(planted)
    assert environment["path"] == [*LIBRARY, SITE]
    assert [entry["what"] for entry in environment["unread"]] == ["/srv/shop/venv/pyvenv.cfg"]


def test_a_fifo_as_pyvenv_cfg_is_unread(planted: Path) -> None:
    (planted / "srv/shop/venv/pyvenv.cfg").unlink()
    os.mkfifo(planted / "srv/shop/venv/pyvenv.cfg")
    environment = concluded(planted)
    assert environment["path"] == [*LIBRARY, SITE]
    assert environment["unread"][0]["why"] == "not a regular file, but a FIFO"


def test_a_pth_of_a_million_lines_is_cut_and_says_so(planted: Path) -> None:
    (planted / "srv/extra").mkdir()
    (planted / SITE[1:] / "a.pth").write_text("/srv/extra\n" + "/\n" * 400_000)
    (planted / SITE[1:] / "b.pth").write_text("/srv\n")
    environment = concluded(planted)
    assert environment["path"] == [*LIBRARY, SITE, "/srv/extra", "/", "/srv"]
    assert "more than" in environment["unread"][0]["why"]


def test_a_pth_larger_than_any_is_unread_and_the_next_one_counts(planted: Path) -> None:
    (planted / SITE[1:] / "a.pth").write_text("/srv\n" * 1_000_000)
    (planted / SITE[1:] / "b.pth").write_text("/srv\n")
    environment = concluded(planted)
    assert environment["path"] == [*LIBRARY, SITE, "/srv"]
    assert [entry["what"] for entry in environment["unread"]] == [SITE + "/a.pth"]


def test_a_loop_of_links_as_site_packages_is_unread(planted: Path) -> None:
    (planted / SITE[1:]).rmdir()
    (planted / SITE[1:]).symlink_to(SITE)
    environment = concluded(planted)
    assert environment["path"] == [*LIBRARY, SITE]
    assert environment["unread"]


@pytest.mark.parametrize("literal", ["{" * 3000, "__import__('os').system('true')", "{1: [}", "['x']"])
def test_an_odd_editable_finder_is_not_run(planted: Path, literal: str) -> None:
    (planted / SITE[1:] / "__editable___shop_finder.py").write_text(f"MAPPING = {literal}\n")
    assert concluded(planted)["path"] == [*LIBRARY, SITE]
    [entry] = concluded(planted)["unread"]
    assert entry["why"] == "no plain MAPPING in it"


def test_an_editable_finder_is_told(planted: Path) -> None:
    finder = "import sys\nMAPPING: dict[str, str] = {'shop': '/srv/shop/src/shop'}\nNAMESPACES = {}\n"
    (planted / SITE[1:] / "__editable___shop_finder.py").write_text(finder)
    values = [entry["value"] for entry in concluded(planted)["how"] if entry["how"] == "editable finder"]
    assert values == ["shop -> /srv/shop/src/shop"]


def test_a_buildout_script_puts_its_eggs_in_front_and_is_not_run(planted: Path) -> None:
    script = planted / "srv/shop/bin/shop"
    script.parent.mkdir()
    eggs = "  '/srv/eggs/a-1.0-py3.11.egg',\n  '/srv/shop/src',\n"
    script.write_text(f"#!/x/python\nimport sys\nsys.path[0:0] = [\n{eggs}  ]\n\nprint 'of an old Python'\n")
    argv = ["/srv/shop/venv/bin/python", "bin/shop"]
    path = concluded(planted, argv=argv)["path"]
    assert path == ["/srv/eggs/a-1.0-py3.11.egg", "/srv/shop/src", "/srv/shop/bin", *LIBRARY, SITE]


def test_thousands_of_entries_are_bounded(planted: Path) -> None:
    variables = {"PYTHONPATH": ":".join(f"/srv/{number}" for number in range(20_000))}
    environment = concluded(planted, argv=["/srv/shop/venv/bin/python", "x.py"], variables=variables)
    assert len(environment["path"]) <= 3000
    assert environment["unread"]
