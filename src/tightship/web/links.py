"""The address of each thing that a page can name. A moment that is asked for stays in every link."""

from __future__ import annotations

from urllib.parse import quote, urlencode

PLACES = {
    "application": "/applications/{}",
    "server": "/servers/{}",
    "package": "/packages/{}",
    "instance": "/groups/{}",
    "environment": "/environments/{}",
    "finding": "/findings/{}",
    "buildout": "/buildouts/{}",
}


def to(thing: str, value: str, at: str = "") -> str:
    """The address of the page about one thing, as it was `at`."""
    return here(PLACES[thing].format(quote(value, safe="")), at)


def users(package: str, at: str = "", **filters: str) -> str:
    """The list of who uses a package; the package may have versions: `jinja2<3.1.6`."""
    return here(f"/packages/{quote(package, safe='')}/users", at, **filters)


def outside(address: str) -> str:
    """An address that was declared, where a link may lead there; never a script."""
    return address if address.startswith(("https://", "http://")) else ""


def here(address: str, at: str = "", **parameters: str) -> str:
    """A page's address with its parameters, as it was `at`."""
    pairs = [(name, value) for name, value in {**parameters, "at": at}.items() if value]
    return f"{address}?{urlencode(pairs)}" if pairs else address
