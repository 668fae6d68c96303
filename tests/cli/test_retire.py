"""`tightship retire` and `tightship rename`, over a real store."""

from __future__ import annotations

import json

from tests.cli.conftest import Tightship


def test_a_server_is_retired_listed_and_no_longer_covered(recorded: Tightship) -> None:
    assert recorded("retire").stdout == "No server is retired.\n"
    done = recorded("retire", "web2", "--because", "replaced by web7")
    assert done.returncode == 0
    assert done.stdout.startswith("Retired web2: ")
    assert recorded("retire").stdout.endswith("  web2  replaced by web7\n")
    assert [one["server"] for one in json.loads(recorded("retire", "--json").stdout)] == ["web2"]
    servers = json.loads(recorded("servers", "--json", "--partial").stdout)
    assert "web2" not in {row["server"] for row in servers["rows"]}
    again = recorded("retire", "web2")
    assert again.returncode != 0
    assert "was retired on" in again.stderr


def test_a_server_is_renamed(recorded: Tightship) -> None:
    assert recorded("rename", "web1", "shop1").stdout == "web1 is shop1 now.\n"
    servers = json.loads(recorded("servers", "--json", "--partial").stdout)
    assert "shop1" in {row["server"] for row in servers["rows"]}
    unknown = recorded("rename", "wbe2", "x")
    assert unknown.returncode != 0
    assert "no server is known as 'wbe2'" in unknown.stderr
