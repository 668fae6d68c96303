"""What the templates need: addresses that keep the moment, moments as people read them, static files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from django import template
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from tightship.store.listing import Covers
from tightship.web import bars, links, markup, table
from tightship.web.facts import Fact

register = template.Library()

NAMED = 5
"""Servers that are named where an answer says what it does not cover."""


@register.simple_tag
def asset(name: str) -> str:
    """The address of a static file. It changes with the content: browsers may keep it for good."""
    return f"{static(name)}?v={_digest(name)}"


@cache
def _digest(name: str) -> str:
    path = finders.find(name)
    return blake2b(Path(path).read_bytes(), digest_size=5).hexdigest() if isinstance(path, str) else ""


@register.simple_tag(takes_context=True)
def here(context: dict[str, Any], address: str, **parameters: str) -> str:
    """The address of a page, as it was at the moment that this page shows."""
    return links.here(address, context.get("at", ""), **parameters)


@register.simple_tag(takes_context=True)
def to(context: dict[str, Any], thing: str, value: object) -> str:
    """The address of the page about one thing, at the moment that this page shows."""
    return links.to(thing, str(value), context.get("at", ""))


@register.simple_tag(takes_context=True)
def users(context: dict[str, Any], package: str, version: str) -> str:
    """The address of who uses one version of a package."""
    return links.users(package, context.get("at", ""), version=version, kind="application")


@register.simple_tag(takes_context=True)
def when(context: dict[str, Any], at: datetime | None) -> SafeString:
    """A moment, as short as it can be told from the day that the page shows."""
    return markup.moment(at, context["view"].moment)


@register.simple_tag(takes_context=True)
def cell(context: dict[str, Any], drawn: table.Cell) -> SafeString:
    return markup.cell(drawn, context["view"].moment)


@register.simple_tag(takes_context=True)
def servers_named(context: dict[str, Any], names: Sequence[str], most: int) -> SafeString:
    return markup.servers(names, context.get("at", ""), most)


@register.simple_tag
def share(number: int, total: int) -> SafeString:
    """A bar: how much of the whole."""
    return bars.share(number, total)


@register.simple_tag
def sign(word: str, text: str = "") -> SafeString:
    """A word that means something, with its shape and colour."""
    return markup.sign(word, text or word)


@register.filter
def moment(at: datetime) -> str:
    """A moment in full: Friday 20 November 2026, 14:05."""
    local = localtime(at)
    return f"{local:%A} {local.day} {local:%B %Y, %H:%M}"


@register.filter
def day(at: datetime) -> str:
    local = localtime(at)
    return f"{local:%A} {local.day} {local:%B %Y}"


@register.filter
def clock(at: datetime) -> str:
    return f"{localtime(at):%H:%M}"


@register.filter
def input_moment(at: datetime) -> str:
    """A moment as an input of type datetime-local takes it."""
    return localtime(at).strftime("%Y-%m-%dT%H:%M")


@register.filter
def lacking(covers: Covers) -> list[tuple[str, list[str]]]:
    """The first servers of which an answer does not cover all, each with its signs."""
    signs: dict[str, list[str]] = {}
    for word, servers in (("silent", covers.silent), ("unread", covers.unread)):
        for server in servers:
            signs.setdefault(server, []).append(word)
    return list(signs.items())[:NAMED]


@register.filter
def lacking_more(covers: Covers) -> int:
    """How many more there are."""
    return max(0, len({*covers.silent, *covers.unread}) - NAMED)


@register.filter
def cut(text: str) -> str:
    return table.cut(str(text))


@register.filter
def counted(number: int, words: str) -> str:
    """`3|counted:"server,servers"` is "3 servers"."""
    one, many = words.split(",")
    return f"{number} {one if number == 1 else many}"


@register.simple_tag(takes_context=True)
def fact(context: dict[str, Any], known: Fact) -> SafeString:
    """The value of a fact."""
    text = (
        markup.moment(known.at, context["view"].moment) if known.at else markup.text(known.text, known.code)
    )
    linked = format_html('<a href="{}">{}</a>', known.href, text) if known.href else text
    return format_html("{} {}", linked, markup.sign(known.sign, known.sign)) if known.sign else linked
