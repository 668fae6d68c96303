"""`tightship import`: what somebody reads who holds their list against what runs."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from tests.cli.conftest import Tightship

LIST = """\
Application;Host;Port;Team
shop;web1.example.com;8001;web team
shop;web2;8009;web team
blog;web1;8002;
"""


def test_the_list_is_held_against_what_runs(recorded: Tightship, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(LIST)
    done = recorded("import", "list", str(file))
    assert done.returncode == 1
    assert done.stdout.startswith(
        "Of 3 lines 1 is right.\n    1 does not run where the list says\n    1 has another port\n\n"
    )
    assert "it runs nowhere" in done.stdout
    said = json.loads(recorded("import", "list", str(file), "--json").stdout)
    assert (said["lines"], said["right"], said["counts"]) == (3, 1, {"not found": 1, "port": 1})
    assert [(one["kind"], one["line"], one["found"]) for one in said["differences"]] == [
        ("not found", 4, ""),
        ("port", 3, "8001"),
    ]


def test_a_list_that_is_right_ends_well(recorded: Tightship) -> None:
    done = recorded("import", "list", "-", typed="app,server\nshop,web1\nshop,web2\n")
    assert (done.returncode, done.stdout) == (
        0,
        "All 2 lines are right, and nothing runs that is not listed.\n",
    )


def test_an_inventory_says_which_servers_are_not_known(recorded: Tightship, tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_text("[web]\nweb[1:3] ansible_user=deploy\n")
    done = recorded("import", "inventory", str(file))
    assert done.returncode == 1
    assert done.stdout.startswith("Of 3 servers 2 are right.")
    assert "web3" in done.stdout
    fragment = recorded("import", "inventory", str(file), "--toml").stdout
    assert tomllib.loads(fragment)["servers"]["web3"] == {"address": "deploy@web3"}


def test_a_list_becomes_a_beginning_of_fleet_toml(fresh: Tightship) -> None:
    text = 'app,server,owner,url\nshop,web1,"the ""A"" team",https://x\nmy blog,web1,x,\nmy blog,web2,y,\n'
    done = fresh("import", "list", "-", "--toml", typed=text)
    found = tomllib.loads(done.stdout)
    assert found["applications"]["shop"] == {"owner": 'the "A" team', "url": "https://x"}
    assert found["applications"]["my blog"] == {}
    assert found["servers"] == {"web1": {}, "web2": {}}


def test_before_anything_was_recorded_it_says_what_to_do(fresh: Tightship) -> None:
    done = fresh("import", "list", "-", typed="app\nshop\n")
    assert done.returncode == 2
    assert "tightship gather" in done.stderr


def test_what_is_no_list_is_said(fresh: Tightship, tmp_path: Path) -> None:
    for typed, says in (
        (b"PK\x03\x04", "Save it as CSV"),
        (b"a,b\n", "the standard input:1: expected headings"),
    ):
        done = fresh("import", "list", "-", typed=typed)
        assert (done.returncode, says in done.stderr) == (2, True), done.stderr
    assert fresh("import", "list", str(tmp_path / "nosuch")).returncode == 2
