"""A page out of many rows, in any order, without sorting all of them.

Two hundred thousand process groups sorted by the names of their applications take half a second. Counted
by application they take a few milliseconds; then it is known which applications the page shows, and only
their rows are sorted. Where one application alone has too many, those are counted by what comes next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.db.models.expressions import OrderBy

from tightship.store.models import Tally
from tightship.store.statements import fetched

SMALL = 3000
"""Rows that are sorted without further ado."""

FEW = 400
"""Names that are asked for one by one, rather than all there are."""

AT_FIRST = 6
"""Names of which the rows are counted first, where all rows are many and the page is one of the first."""

MOST_NAMES = 2000
"""Names that are put in order for that."""


@dataclass(frozen=True, slots=True)
class Key:
    """What rows are sorted by: a field, `server__name` or `since`. What has no value comes last."""

    path: str
    descending: bool = False

    @staticmethod
    def of(text: str) -> Key:
        return Key(text.removeprefix("-"), text.startswith("-"))

    @property
    def column(self) -> str:
        """The field of the row itself."""
        return self.path.partition("__")[0]

    @property
    def far(self) -> str:
        """The field of what the row refers to; empty: it is the row's own."""
        return self.path.partition("__")[2]

    def expression(self, found: QuerySet[Any]) -> OrderBy:
        added = self.column in found.query.annotations  # by a query, which sees to it that it has a value
        field = None if added else found.model._meta.get_field(self.column)
        # An order that names nulls can't be read from an index, on PostgreSQL.
        last = True if getattr(field, "null", False) else None
        name = F(self.path)
        return name.desc(nulls_last=last) if self.descending else name.asc(nulls_last=last)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Rows that are equal by a key."""

    values: list[Any]
    """of the row's own field; several where they are called the same"""
    count: int


@dataclass(frozen=True, slots=True)
class Known:
    """What need not be asked for."""

    total: int | None = None
    buckets: Sequence[Bucket] | None = None
    """how many rows there are of each value of the first key"""
    indexed: bool = False
    """the first key has an index that gives the rows in its order"""


def paged(
    found: QuerySet[Any], order: Sequence[Key], start: int, size: int, known: Known
) -> tuple[list[int], int]:
    """The ids of a page's rows, and how many rows there are."""
    found = found.order_by()
    if known.buckets is not None:
        ids = _from(found, order, known.buckets, start, size)
        return list(ids), sum(bucket.count for bucket in known.buckets)
    if known.indexed:
        return _windowed(found, order, start, size), found.count() if known.total is None else known.total
    if known.total is None or known.total <= SMALL:
        # Found once, then sorted: to look for them in the order of names may mean to look at all there are.
        some = [number for (number,) in fetched(found.values_list("pk")[: SMALL + 1])]
        if len(some) <= SMALL:
            rows = found if found.query.annotations else found.model._default_manager.all()
            return _sorted(rows.filter(pk__in=some), order, start, size), len(some)
    if known.total is not None and order[0].far:
        first = _first_buckets(found, order[0], start + size)
        if first is not None:
            return list(_from(found, order, first, start, size)), known.total
    buckets = bucketed(found, order[0])
    return list(_from(found, order, buckets, start, size)), sum(bucket.count for bucket in buckets)


def _first_buckets(found: QuerySet[Any], key: Key, enough: int) -> list[Bucket] | None:
    """The buckets of the first names, until they hold enough rows; None: too many would be asked for."""
    model = found.model._meta.get_field(key.column).related_model
    names = model._default_manager.values_list("pk", key.far)[: MOST_NAMES + 1]
    labels = sorted(fetched(names), key=lambda label: str(label[1]), reverse=key.descending)
    if len(labels) > MOST_NAMES:
        return None
    buckets: list[Bucket] = []
    asked = AT_FIRST
    while labels and asked <= FEW:
        some, labels, asked = dict(labels[:asked]), labels[asked:], asked * 4
        counted = found.filter(**{f"{key.column}__in": list(some)}).order_by().values(key.column)
        counts = dict(fetched(counted.annotate(count=Count("*")).values_list(key.column, "count")))
        buckets += in_order(counts, key, some)
        if sum(bucket.count for bucket in buckets) >= enough:
            return buckets
    return None


def tallied(
    found: QuerySet[Any], order: Sequence[Key], start: int, size: int, tally: str
) -> tuple[list[int], int]:
    """The same, of all that stands there now, by server: how much of it each has was counted before."""
    servers = Tally.objects.filter(**{f"{tally}__gt": 0}).order_by(order[0].path)
    buckets = [Bucket([number], count) for number, count in servers.values_list("server_id", tally)]
    if order[0].descending:
        buckets.reverse()
    return list(_from(found.order_by(), order, buckets, start, size)), sum(one.count for one in buckets)


def _sorted(found: QuerySet[Any], order: Sequence[Key], start: int, size: int) -> list[int]:
    keys = [key.expression(found) for key in order]
    return list(found.order_by(*keys, "pk").values_list("pk", flat=True)[start : start + size])


MOST_AT_ONCE = 5000
"""Rows with one value of an indexed field that are sorted by what comes next."""


def _windowed(found: QuerySet[Any], order: Sequence[Key], start: int, size: int) -> list[int]:
    """By an index: first which values the page shows, then the rows that have these."""
    key = order[0]
    sign, beyond = ("-", "gt") if key.descending else ("", "lt")
    values = list(found.order_by(sign + key.path).values_list(key.path, flat=True)[start : start + size])
    if not values:
        return []
    before = found.filter(**{f"{key.path}__{beyond}": values[0]}).count()
    low, high = sorted((values[0], values[-1]))
    inside = found.filter(**{f"{key.path}__gte": low, f"{key.path}__lte": high})
    ids = list(inside.order_by(sign + key.path).values_list("pk", flat=True)[:MOST_AT_ONCE])
    rows = found.model._default_manager.filter(pk__in=ids)
    return _sorted(rows, order, start - before, size)


def bucketed(found: QuerySet[Any], key: Key) -> list[Bucket]:
    """How many rows there are of each value of a key, in its order."""
    counted = found.order_by().values(key.column).annotate(count=Count("*"))
    counts: dict[Any, int] = dict(counted.values_list(key.column, "count"))
    labels = _labels(found, key, counts) if key.far else None
    return in_order(counts, key, labels)


def in_order(counts: Mapping[Any, int], key: Key, labels: Mapping[Any, Any] | None) -> list[Bucket]:
    alike: dict[Any, Bucket] = {}
    for value, count in counts.items():
        label = labels.get(value) if labels is not None else value
        known = alike.get(label)
        if known:
            alike[label] = Bucket([*known.values, value], known.count + count)
        else:
            alike[label] = Bucket([value], count)
    named = sorted((label for label in alike if label is not None), reverse=key.descending)
    return [alike[label] for label in [*named, *([None] if None in alike else [])]]


def _labels(found: QuerySet[Any], key: Key, counts: Mapping[Any, int]) -> dict[Any, Any]:
    model = found.model._meta.get_field(key.column).related_model
    names = model._default_manager.all()
    if len(counts) <= FEW:
        names = names.filter(pk__in=[value for value in counts if value is not None])
    return dict(names.values_list("pk", key.far))


def _from(
    found: QuerySet[Any], order: Sequence[Key], buckets: Sequence[Bucket], start: int, size: int
) -> Iterator[int]:
    """The ids from `start` on, out of the buckets that hold them."""
    some, before = _overlapping(buckets, start, size)
    if sum(bucket.count for bucket in some) <= SMALL:
        if some:
            values = [value for bucket in some for value in bucket.values]
            yield from _sorted(_holding(found, order[0], values), order, start - before, size)
        return
    for bucket in some:
        skip = max(0, start - before)
        take = min(size - max(0, before - start), bucket.count - skip)
        inside = _holding(found, order[0], bucket.values)
        if len(order) == 1 or bucket.count <= SMALL:
            yield from _sorted(inside, order[1:], skip, take)
        else:
            deeper = bucketed(inside, order[1])
            yield from _from(inside, order[1:], deeper, skip, take)
        before += bucket.count


def _overlapping(buckets: Sequence[Bucket], start: int, size: int) -> tuple[list[Bucket], int]:
    """The buckets that hold the rows of a page, and how many rows come before them."""
    before, some, skipped = 0, [], 0
    for bucket in buckets:
        if before + bucket.count > start and before < start + size:
            some.append(bucket)
        elif not some:
            skipped = before + bucket.count
        before += bucket.count
    return some, skipped


def _holding(found: QuerySet[Any], key: Key, values: Sequence[Any]) -> QuerySet[Any]:
    known = [value for value in values if value is not None]
    condition = Q(**{f"{key.column}__in": known}) if len(known) != 1 else Q(**{key.column: known[0]})
    if len(known) < len(values):
        condition |= Q(**{f"{key.column}__isnull": True})
    return found.filter(condition)
