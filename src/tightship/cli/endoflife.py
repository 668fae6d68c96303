"""`tightship end-of-life`: the dates by which findings say that a series gets no security fixes any more."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

import click

from tightship.cli import kept, tables
from tightship.cli.moments import shown
from tightship.cli.running import FINE, Cannot
from tightship.fleet.findings.endoflife import PRODUCTS, BadDates, from_endoflife_date
from tightship.store.listing import Column, Row

LARGEST = 1024 * 1024
"""Bytes of a document with dates. endoflife.date sends some 10 kB."""

COLUMNS = (
    Column("product", "Product"),
    Column("series", "Series"),
    Column("ends", "Last day"),
    Column("state", "State"),
    Column("source", "Source"),
)


@click.group(name="end-of-life", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def end_of_life(ctx: click.Context, as_json: bool) -> int:
    """Until when Python and Django get security fixes.

    The dates come with each release of Tightship; `update` brings newer ones.

    \b
    Example:
      tightship end-of-life
    """
    if ctx.invoked_subcommand:
        return FINE
    found = _known(datetime.now(UTC))
    if as_json:
        click.echo(json.dumps({"dates": found}, indent=1))
    else:
        tables.draw(COLUMNS, found, keys=("product", "series", "ends"))
    return FINE


def _known(now: datetime) -> list[Row]:
    from tightship.store.ready import set_up

    set_up()
    from tightship.store import endings

    try:
        kept.open_database()
    except Cannot:
        known = endings.shipped()  # nothing was recorded yet
    else:
        known = endings.endings()
    return [
        {
            "product": one.product,
            "series": one.series,
            "ends": f"{one.ends - timedelta(days=1):%Y-%m-%d}",
            "state": "ended" if one.ends <= now else "",
            "source": one.source,
        }
        for one in known.values()
    ]


@end_of_life.command()
@click.argument("where", metavar="FILE|URL")
@click.option("--product", type=click.Choice(list(PRODUCTS)), default=None, help="Else by the file's name.")
def update(where: str, product: str | None) -> int:
    """Bring the dates up to date, and judge all servers by them.

    FILE or URL holds the JSON of endoflife.date, in either of its forms. An address is fetched by https.

    \b
    Examples:
      tightship end-of-life update https://endoflife.date/api/python.json
      curl -O https://endoflife.date/api/django.json && tightship end-of-life update django.json
    """
    about = product or _product(where)
    try:
        dates = from_endoflife_date(_document(where), about, _source(where, datetime.now(UTC)))
    except BadDates as error:
        raise Cannot(f"{error}.") from None
    kept.make_ready()
    from tightship.store import endings
    from tightship.store.judging import judge_all

    now = datetime.now(UTC)
    changed = endings.update(dates, now)
    for one, was in changed:
        before = f", was {was.ends - timedelta(days=1):%Y-%m-%d}" if was else ""
        click.echo(f"{PRODUCTS[one.product]} {one.series}: {one.ends - timedelta(days=1):%Y-%m-%d}{before}")
    if not changed:
        click.echo(f"Nothing changed: all {len(dates)} dates are known.")
        return FINE
    servers = judge_all(now)
    click.echo(f"{len(dates)} dates as of {shown(now)}; {servers} servers judged by them.")
    return FINE


def _product(where: str) -> str:
    path = urlsplit(where).path if "://" in where else where
    name = Path(path.rstrip("/")).name.removesuffix(".json").lower()
    if name not in PRODUCTS:
        raise click.UsageError(f"What is {where[:80]!r} about? Say --product python, or --product django.")
    return name


def _source(where: str, now: datetime) -> str:
    return f"{where if '://' in where else Path(where).name} ({now:%Y-%m-%d})".replace("\n", " ")


def _document(where: str) -> Any:
    data = _fetched(where) if "://" in where else _read(where)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Cannot(f"{where} is no JSON: {error}") from None


def _read(where: str) -> bytes:
    try:
        with Path(where).open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise Cannot(f"{where} can't be read: {(error.strerror or '').lower()}") from None
    return _bounded(where, data)


def _fetched(where: str) -> bytes:
    from urllib.request import Request, urlopen

    if not where.startswith("https://"):
        raise click.UsageError(f"{where[:80]}: expected an https:// address, or a file.")
    try:
        with urlopen(Request(where, headers={"User-Agent": "tightship"}), timeout=30) as response:  # noqa: S310
            return _bounded(where, response.read(LARGEST + 1))
    except (URLError, OSError, ValueError) as error:
        raise Cannot(f"{where} can't be fetched: {getattr(error, 'reason', error)}.") from None


def _bounded(where: str, data: bytes) -> bytes:
    if len(data) > LARGEST:
        raise Cannot(f"{where} has more than {LARGEST} bytes; the JSON of endoflife.date has some 10 kB")
    return data
