"""The declared file: what it says, and what is said of a wrong one."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from tests import reports
from tightship.fleet.declared import BadDeclaration, Declared, Place, declared, fields_at
from tightship.fleet.naming import DeclaredNames, Named, Pattern, named
from tightship.fleet.report import ProcessGroup


def read(text: str) -> Declared:
    return declared(tomllib.loads(text), {})


def names(text: str) -> DeclaredNames:
    return read(text).names()


def called(declaration: str, server: str = "web1", **group: Any) -> Named:
    return named(ProcessGroup.model_validate(reports.group(**group)), names(declaration), server)


DESIGN = """
include = ["more/*.toml"]
[fleet]
name = "example"

[servers.web1]
address = "web1.example.com"
roles = ["base", "web"]

[roles.base]
steps = [{ use = "apt.packages", packages = ["vim", "rsync"], update = true }]

[applications.shop]
owner = "web team"
url = "https://shop.example.com"
labels = { customer = "acme" }
found_as = ["unit:shop-*", "path:/srv/shop/*"]
source = "ssh://git@git.example.com/shop.git"
user = "shop"
ports = { http = 8001 }
variables = { DJANGO_SETTINGS_MODULE = "shop.settings" }
secrets = ["SECRET_KEY"]
shared = ["var", "media"]
processes.web = { command = "gunicorn shop.wsgi", listen = "http" }
health = { port = "http", path = "/health", within = "30s" }
files = [{ src = "a", dest = "b" }]
links = [{ from = "a", to = "b" }]

[applications.shop.stages.production]
release = "2.4.1"
servers = ["web1", "web2"]
waves = { at_most = 1 }

[applications.shop.stages.acceptance]
release = "2.5.0rc1"
servers = ["test1"]
ports = { http = 9001 }

[applications.blog]
release = "1.0"
servers = ["web1"]
"""


def test_a_whole_file_with_what_later_releases_do_is_accepted() -> None:
    found = read(DESIGN)
    assert found.applications["shop"].owner == "web team"
    assert found.servers["web1"].address == "web1.example.com"
    assert [str(pattern) for pattern in found.names().patterns] == ["unit:shop-*", "path:/srv/shop/*"]
    assert found.names().stages == {
        "shop": {"web1": ["production"], "web2": ["production"], "test1": ["acceptance"]}
    }


def test_a_stages_patterns_come_before_its_applications() -> None:
    found = names("""
        [applications.shop]
        found_as = ["user:shop"]
        [applications.shop.stages.test]
        found_as = ["unit:shop-t-*"]
        servers = ["t1"]
        [applications.blog]
        found_as = ["user:blog"]
        """)
    assert found.patterns == (
        Pattern("shop", "unit", "shop-t-*", "test", ("t1",)),
        Pattern("shop", "user", "shop"),
        Pattern("blog", "user", "blog"),
    )


@pytest.mark.parametrize(
    ("pattern", "group", "holds"),
    [
        ("unit:shop-web", {"unit": "shop-web.service"}, True),
        ("unit:shop-web.service", {"unit": "shop-web.service"}, True),
        ("unit:shop-*", {"unit": "shop.service"}, False),
        ("unit:Shop-*", {"unit": "shop-web.service"}, False),
        ("unit:shop-[ab]", {"unit": "shop-b.service"}, True),
        ("supervisor:shop", {"supervisor": "shop:web"}, True),
        ("supervisor:shop:*", {"supervisor": "shop:web"}, True),
        ("supervisor:web", {"supervisor": "shop:web"}, False),
        ("path:/srv/shop", {"base": "/srv/shop"}, True),
        ("path:/srv/shop/*", {"base": "/srv/shop"}, True),
        ("path:/srv/shop/*", {"base": "/opt/x", "cwd": "/srv/shop/current"}, True),
        ("path:/srv/shop/*", {"base": "/srv/shop2", "cwd": "/srv/shop2"}, False),
        ("user:shop", {"user": "shop"}, True),
        ("user:?hop", {"user": "shop"}, True),
        ("container:shop-*", {"container": "shop-web"}, True),
        ("container:*a*", {"container": ""}, False),
    ],
)
def test_a_pattern_is_held_against_what_its_kind_says(
    pattern: str, group: dict[str, Any], holds: bool
) -> None:
    found = called(f'[applications.mine]\nfound_as = ["{pattern}"]', **group)
    assert (found.application == "mine") is holds
    assert (found.how == f"declared {pattern}") is holds


STAGES = """
[applications.shop.stages.production]
servers = ["web1", "web2"]
[applications.shop.stages.acceptance]
servers = ["test1", "web2"]
"""


@pytest.mark.parametrize(
    ("server", "unit", "stage", "how"),
    [
        ("web1", "shop.service", "production", "unit; stage declared for this server"),
        ("test1", "shop.service", "acceptance", "unit; stage declared for this server"),
        ("web2", "shop.service", "", "unit"),
        ("web2", "shop-acc.service", "acceptance", "unit"),
        ("web9", "shop.service", "", "unit"),
    ],
)
def test_a_servers_stage_is_that_of_what_is_found_as_the_application(
    server: str, unit: str, stage: str, how: str
) -> None:
    found = called(STAGES, server, unit=unit)
    assert (found.application, found.stage, found.how) == ("shop", stage, how)


def test_a_stages_patterns_hold_on_its_servers_only() -> None:
    text = """
        [applications.shop.stages.production]
        found_as = ["user:www"]
        servers = ["web1"]
        [applications.shop.stages.test]
        found_as = ["user:www"]
        servers = ["test1"]
        """
    assert called(text, "web1", user="www").stage == "production"
    assert called(text, "test1", user="www").stage == "test"
    assert called(text, "web9", user="www", name="x").application == "x"


def test_the_first_of_two_that_claim_it_wins_and_the_other_is_told() -> None:
    text = """
        [applications.shop]
        found_as = ["unit:shop*", "user:shop"]
        [applications.webshop]
        found_as = ["path:/srv/shop/*"]
        """
    found = called(text)
    assert (found.application, found.how) == ("shop", "declared unit:shop*")
    assert found.set_aside == "webshop by path:/srv/shop/*", "its own second pattern is no conflict"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[aplications.shop]\nowner = "x"', ("aplications: nothing is called aplications here. "
         "Did you mean applications?")),
        ('[applications.shop]\nownr = "x"', ("applications.shop.ownr: nothing is called ownr here. "
         "Did you mean owner?")),
        ("[applications.shop]\nqqq = 1", "nothing is called qqq here. Known are owner, url,"),
        ("[applications.shop]\nowner = 3", "applications.shop.owner: expected text, got a whole number (3)"),
        ("[applications.shop]\nowner = 2026-11-20", "expected text, got a date or time"),
        ("[applications.shop]\nowner = ' '", "expected some text, got none"),
        ("[applications.shop]\nowner = 'x\\ty'\nurl = 'shop'", "expected an address that begins with"),
        ("[applications.shop]\nurl = 'javascript:alert(1)'", "begins with https:// or http://"),
        ("[applications.shop]\nfound_as = 'unit:a'", "expected a list, got text ('unit:a')"),
        ("[applications.shop]\nfound_as = ['unit:a', 'unti:b']", "found_as, item 2: expected a pattern"),
        ("[applications.shop]\nfound_as = ['unti:b']", "Did you mean unit:?"),
        ("[applications.shop]\nfound_as = ['shop-*']", "begins with one of unit:, supervisor:, path:"),
        ("[applications.shop]\nfound_as = ['unit:shop-[ab']", "has a [ without its ]"),
        ("[applications.shop]\nfound_as = ['unit:*']", "would recognise everything"),
        ("[applications.shop]\nfound_as = ['path:srv/shop']", "expected a path that begins with /"),
        ("[applications.shop]\nfound_as = ['unit:a', 'unit:a']", "'unit:a' stands here twice"),
        ("[applications.shop]\nlabels = { 'a=b' = 'c' }", "expected a label's name without ="),
        ("[applications.shop]\nlabels = { a = 1 }", "labels.a: expected text"),
        ("[applications]\nshop = 'x'", "applications.shop: expected a table, got text"),
        ("applications = []", "applications: expected a table, got a list"),
        ("[applications.shop.stages.test]\nserver = ['a']", "Did you mean servers?"),
        ("[applications.shop.stages.test]\nservers = 'a'", "servers: expected a list"),
        (f"[applications.{'x' * 201}]", "at most 200 characters, got 201"),
        ("[servers.web1]\nadress = 'x'", "Did you mean address?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_what_was_expected(text: str, says: str) -> None:
    with pytest.raises(BadDeclaration) as raised:
        read(text)
    assert says in str(raised.value)


def test_all_that_is_wrong_is_said_at_once_in_the_order_of_the_file() -> None:
    places = {
        ("applications", "shop", "owner"): Place("fleet.toml", 7),
        ("applications", "shop", "ownr"): Place("fleet.toml", 3),
    }
    with pytest.raises(BadDeclaration) as raised:
        declared({"applications": {"shop": {"owner": 1, "ownr": "x"}}}, places)
    assert [str(one).partition(" ")[0] for one in raised.value.problems] == ["fleet.toml:3:", "fleet.toml:7:"]


def test_the_known_keys_of_each_table_are_found() -> None:
    assert "found_as" in fields_at(("applications", "shop"))
    assert fields_at(("applications", "shop", "stages", "test"))[:2] == ["found_as", "servers"]
    assert fields_at(("applications", "shop", "owner")) == []
