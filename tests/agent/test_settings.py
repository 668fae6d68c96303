"""The agent's settings: what is wrong is said, with what was expected."""

from __future__ import annotations

import pytest

from tightship_agent.settings import Address, BadSetting, parsed


def test_the_address_alone_is_enough() -> None:
    settings = parsed("[agent]\nurl = https://tightship.example.com/below/\n")
    assert settings.address == Address("https", "tightship.example.com", 443, "/below")
    assert (settings.spool, settings.reports, settings.insecure_http, settings.proxy) == (
        "/var/spool/tightship-agent",
        336,
        False,
        None,
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "expected one section, [agent]"),
        ("url = x", "File contains no section headers"),
        ("[agent]\nurl = https://a\n[other]\n", "expected one section"),
        ("[agent]\nurl = https://a\nurl = https://b\n", "already exists"),
        ("[agent]\nulr = https://a", "there is no setting ulr; is it url?"),
        ("[agent]\n", "url: expected an address as https://tightship.example.com, got ''"),
        ("[agent]\nurl = ftp://a", "url: expected an address"),
        ("[agent]\nurl = https://a:port", "url: expected an address"),
        ("[agent]\nurl = https://user:password@a", "without user, password"),
        ("[agent]\nurl = https://a?b=c", "without user, password, ? or #"),
        ("[agent]\nurl = https://a/b c", "url: expected an address"),
        ("[agent]\nurl = http://tightship.example.com", "insecure_http = yes"),
        ("[agent]\nurl = https://a\ninsecure_http = maybe", "insecure_http: expected yes or no"),
        ("[agent]\nurl = https://a\nreports = 0", "reports: expected a number from 1"),
        ("[agent]\nurl = https://a\nca = ca.pem", "ca: expected a path from the root"),
        ("[agent]\nurl = https://a\nproxy = proxy:3128", "proxy: expected an address"),
        ("[agent]\nurl = https://a\nproxy = https://proxy:3128", "proxy: expected http://HOST:PORT"),
        ("[agent]\nurl = http://127.0.0.1\nproxy = http://proxy:3128", "only for an https:// url"),
    ],
)
def test_what_is_wrong_is_said(text: str, why: str) -> None:
    with pytest.raises(BadSetting) as error:
        parsed(text)
    assert why in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"])
def test_loopback_needs_no_encryption(url: str) -> None:
    assert parsed(f"[agent]\nurl = {url}\n").address.port == 8000


def test_a_trusted_network_needs_to_be_said() -> None:
    assert parsed("[agent]\nurl = http://ts.example.com\ninsecure_http = yes\n").address.port == 80
