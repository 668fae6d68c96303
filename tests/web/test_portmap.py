"""Ports as strips: which are drawn, and what each cell says."""

from __future__ import annotations

from tightship.fleet.ports import Taken, blocks
from tightship.web.portmap import strips

SHOP, NGINX, SSHD = Taken("shop", "application"), Taken("nginx", "program"), Taken("sshd", "program")


def test_a_hundred_in_which_applications_listen_is_one_strip() -> None:
    found = strips({22: SSHD, 8001: SHOP, 8002: SHOP, 8080: NGINX})
    assert [(strip.first, strip.last) for strip in found] == [(8000, 8099)]
    assert 'aria-label="Taken of 8000 to 8099: 8001–8002, 8080"' in found[0].drawing
    assert '<rect class="application" x="10" width="10" height="10"><title>8001: shop</title></rect>' in (
        found[0].drawing
    )
    assert "<title>8080: nginx, no application that is known</title>" in found[0].drawing


def test_a_port_that_a_site_counts_on_is_drawn_though_nobody_listens() -> None:
    found = strips({9001: Taken("old.example.com", "promised")})
    assert "9001: old.example.com hands its requests here, and nobody listens" in found[0].drawing


def test_without_applications_nothing_is_drawn() -> None:
    assert strips({22: SSHD, 80: NGINX}) == []


def test_names_cannot_end_the_drawing() -> None:
    assert "<script>" not in strips({8001: Taken("</title><script>", "application")})[0].drawing


def test_of_many_hundreds_the_fullest_are_drawn_in_order() -> None:
    taken = {port: SHOP for first in (8000, 9000, 10000, 11000, 12000) for port in (first, first + 1)}
    del taken[10001]
    assert [block[0] for block in blocks(taken)] == [8000, 9000, 11000, 12000]
