"""Ansible's inventories, held against what Ansible's documentation says of them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightship.integrations.ansible import BadInventory, Host, expanded, read

INI = """\
# a comment
mail.example.com

[webservers]
web[01:03].example.com ansible_user=deploy   # three
jumper ansible_port=5555 ansible_host=192.0.2.50
badwolf.example.com:5309

[dbservers]
db-[a:c]
one ansible_host='{{ secret }}'

[all:vars]
ansible_user=root

[europe:children]
webservers

[webservers:vars]
ansible_port = 2222
"""

YAML = """\
all:
  vars:
    ansible_user: root
  hosts:
    mail.example.com:
  children:
    webservers:
      vars:
        ansible_port: 2222
      hosts:
        web[01:02].example.com:
          ansible_user: deploy
        jumper: {ansible_host: 192.0.2.50, ansible_port: 5555}
    europe:
      children:
        webservers:
"""


def addresses(hosts: list[Host]) -> dict[str, str]:
    return {host.name: host.address for host in hosts}


def test_an_ini_has_ranges_groups_and_variables() -> None:
    hosts = read(INI, "hosts")
    assert addresses(hosts) == {
        "mail.example.com": "root@mail.example.com",
        "web01.example.com": "deploy@web01.example.com:2222",
        "web02.example.com": "deploy@web02.example.com:2222",
        "web03.example.com": "deploy@web03.example.com:2222",
        "jumper": "root@192.0.2.50:5555",
        "badwolf.example.com": "root@badwolf.example.com:5309",
        "db-a": "root@db-a",
        "db-b": "root@db-b",
        "db-c": "root@db-c",
        "one": "",
    }
    groups = {host.name: host.groups for host in hosts}
    assert groups["jumper"] == ["webservers", "europe"]
    assert groups["mail.example.com"] == []
    assert {host.name: host.line for host in hosts}["jumper"] == 6


def test_a_yaml_says_the_same() -> None:
    assert addresses(read(YAML, "hosts.yml")) == {
        "mail.example.com": "root@mail.example.com",
        "web01.example.com": "deploy@web01.example.com:2222",
        "web02.example.com": "deploy@web02.example.com:2222",
        "jumper": "root@192.0.2.50:5555",
    }


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("web1", ["web1"]),
        ("web[1:3]", ["web1", "web2", "web3"]),
        ("web[08:10]", ["web08", "web09", "web10"]),
        ("web[1:5:2]", ["web1", "web3", "web5"]),
        ("[a:b]-[1:2]", ["a-1", "a-2", "b-1", "b-2"]),
    ],
)
def test_ranges(pattern: str, names: list[str]) -> None:
    assert expanded(pattern) == names


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ("web[1:999999999]\n", "hosts", "hosts:1: .* at most 20000 are read"),
        ("web[1:9999]-[1:9999]\n", "hosts", "at most 20000 are read"),
        ("web[1:a]\n", "hosts", "expected a range"),
        ("[web:wrong]\n", "hosts", r"hosts:1: expected \[web\], \[web:children\]"),
        ("web1 ansible_user='open\n", "hosts", "hosts:1: No closing quotation"),
        ("all: [1, 2\n", "hosts.yml", r"hosts.yml:2: expected"),
        ("- web1\n", "hosts.yml", "expected groups"),
        ("a: &a [*a, *a]\n", "hosts.yml", ""),
        ("\0", "hosts", "this is no text"),
        ("!!python/object/apply:os.system ['true']\n", "hosts.yml", "could not determine a constructor"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_place(text: str, name: str, says: str) -> None:
    if not says:
        assert read(text, name) == []
        return
    with pytest.raises(BadInventory, match=says):
        read(text, name)


@given(st.text(max_size=200), st.sampled_from(["hosts", "hosts.yml", "hosts.ini"]))
def test_whatever_somebody_has_is_read_or_refused(text: str, name: str) -> None:
    with suppress(BadInventory):
        assert all(host.name for host in read(text, name))
