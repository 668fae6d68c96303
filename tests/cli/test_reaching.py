"""Which servers are meant by what was typed, and how ssh reaches them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tightship.cli.reaching import hosts_of, targets
from tightship.cli.running import Cannot
from tightship.fleet.declared import declared
from tightship.remote.target import Target

FLEET = declared(
    {
        "servers": {
            "web1": {"address": "deploy@10.0.0.1:2222"},
            "web2": {},
            "db1": {"address": "[fd00::7]:22"},
        }
    },
    {},
)


@pytest.fixture
def config(tmp_path: Path) -> str:
    (tmp_path / "more").write_text("Host web9\n")
    file = tmp_path / "config"
    file.write_text(
        f"Host web7 web8 *.example.com !bad\n  User deploy\nhost=web9\nInclude {tmp_path}/mo*\nHost *\n"
    )
    return str(file)


def test_without_names_all_declared_servers_are_meant() -> None:
    assert targets((), FLEET) == [
        Target("web1", "10.0.0.1", 2222, "deploy"),
        Target("web2", "web2"),
        Target("db1", "fd00::7", 22),
    ]
    assert targets((), None) == []


def test_a_declared_name_is_reached_as_declared_and_another_as_typed() -> None:
    assert targets(("web1", "root@web5:22", "web1"), FLEET) == [
        Target("web1", "10.0.0.1", 2222, "deploy"),
        Target("web5", "web5", 22, "root"),
    ]


def test_a_pattern_finds_declared_servers_and_hosts_of_the_ssh_configuration(config: str) -> None:
    assert hosts_of(Path(config)) == ["web7", "web8", "web9"]
    assert [target.name for target in targets(("web*",), FLEET, config)] == [
        "web7",
        "web8",
        "web9",
        "web1",
        "web2",
    ]
    assert targets(("web7",), FLEET, config)[0].options == ("-F", config)


def test_an_ssh_configuration_that_includes_itself_ends(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(f"Host web1\nInclude {file}\n")
    assert hosts_of(file) == ["web1"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "nosuch*",
            r"No server matches 'nosuch\*': neither of fleet.toml \(3 servers\) nor a Host of .* \(3\)",
        ),
        ("-oProxyCommand=touch x", "A server's name begins with a dash"),
        ("root@-oProxyCommand=x", "A server's name begins with a dash"),
        ("web1 web2", "A server's name has a space"),
        ("web1:99999", "A port is a number from 1 to 65535"),
        ("", "Expected a server"),
    ],
)
def test_what_is_no_server_is_refused(config: str, name: str, says: str) -> None:
    with pytest.raises(Cannot, match=says):
        targets((name,), FLEET, config)


def test_an_address_in_the_file_that_is_an_option_is_refused() -> None:
    fleet = declared({"servers": {"web1": {"address": "-oProxyCommand=x"}}}, {})
    with pytest.raises(Cannot, match="address begins with a dash"):
        targets((), fleet)
