"""What lists are searched by: the texts of their rows, each once for the whole fleet.

Two hundred thousand process groups have a few thousand different texts between them: a word is looked
for in those, and the rows are found by their number. Texts are only ever added.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from django.db import models

from tightship.fleet.report import digest_of
from tightship.store.models import (
    Change,
    FoundEnvironment,
    FoundGroup,
    FoundListener,
    Instance,
    Interval,
    Wording,
)
from tightship.store.statements import ask, insert, marks, portions

FIELDS: Mapping[type[models.Model], tuple[str, ...]] = {
    FoundGroup: ("key", "program", "base", "user", "release"),
    FoundListener: ("program", "path", "address"),
    FoundEnvironment: ("key",),
    Change: ("subject", "before", "after", "group"),
    Instance: ("stage", "base"),
}

Row = dict[str, Any]


def text_of(values: Iterable[str]) -> str:
    """A word that is looked for has no space in it: it is never found across two of them."""
    return " ".join(value for value in values if value)


def ids_of(texts: Iterable[str]) -> dict[str, int]:
    """text -> id; those that are new are made."""
    by_digest = {digest_of(text.encode("utf-8", "backslashreplace")): text for text in set(texts)}
    found = _known(by_digest)
    # In one order for everybody: two reports at once wait for each other, never each for the other.
    new = sorted(by_digest.keys() - found.keys())
    if new:
        insert(Wording, ("digest", "text"), [(one, by_digest[one]) for one in new], "ON CONFLICT DO NOTHING")
        found.update(_known(new))
    return {by_digest[digest]: number for digest, number in found.items()}


def _known(digests: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in portions(digests):
        sql = f"SELECT digest, id FROM store_wording WHERE digest IN {marks(len(some))}"  # noqa: S608 - only marks
        found.update(ask(sql, some))
    return found


Wanted = Mapping[type[Interval], Mapping[str, Row]]


def texts_in(wanted: Wanted) -> dict[tuple[type[Interval], str], str]:
    """(model, key) -> the text of a row that is to be."""
    return {
        (model, key): text_of(key if name == "key" else row[name] for name in names)
        for model, names in FIELDS.items()
        if issubclass(model, Interval)
        for key, row in wanted.get(model, {}).items()
    }


def texts_known(stored: Mapping[type[Interval], Sequence[Row]]) -> dict[str, int]:
    """text -> id, of what a server's rows refer to already."""
    return {
        text_of(row[name] for name in names): row["wording_id"]
        for model, names in FIELDS.items()
        if issubclass(model, Interval)
        for row in stored.get(model, ())
        if row["wording_id"]
    }


def put(wanted: Wanted, texts: Mapping[tuple[type[Interval], str], str], ids: Mapping[str, int]) -> None:
    """Let the rows that are to be refer to their texts."""
    for (model, key), text in texts.items():
        wanted[model][key]["wording_id"] = ids[text]


def renew(model: type[models.Model], numbers: Iterable[int]) -> None:
    """Find the texts of these rows anew: what they say was changed."""
    for some in portions(numbers):
        _renew(model, model._default_manager.filter(pk__in=some).values_list("pk", *FIELDS[model]))


AT_ONCE = 20_000
"""Texts that are made, or found, at a time."""


def renew_all(model: type[models.Model]) -> None:
    """The same of all rows that there are: for those that were written before there were texts."""
    rows = model._default_manager.order_by(*FIELDS[model]).values_list("pk", *FIELDS[model]).iterator()
    while some := list(islice(rows, AT_ONCE)):
        _renew(model, some)


def _renew(model: type[models.Model], rows: Iterable[tuple[Any, ...]]) -> None:
    numbers: dict[str, list[int]] = defaultdict(list)
    for number, *values in rows:
        numbers[text_of(values)].append(number)
    ids = ids_of(numbers)
    for text, same in numbers.items():
        for some in portions(same):
            model._default_manager.filter(pk__in=some).update(wording=ids[text])
