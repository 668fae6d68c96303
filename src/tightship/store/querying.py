"""A Listing over a query: columns, filters, search and order as fields of the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet

from tightship.fleet.moments import BadMoment
from tightship.fleet.text import harmless
from tightship.store.errors import told
from tightship.store.intervals import at
from tightship.store.listing import Column, Covers, Filter, Listing, Page, Params, Row, View, check
from tightship.store.models import Forgotten, FoundSystem, Server, Silence
from tightship.store.paging import Bucket, Key, Known, paged, tallied
from tightship.store.statements import ask, moment

Lookup = str | Callable[[str, View], Q]


@dataclass(frozen=True, slots=True)
class Queried(Listing):
    """A listing whose rows are those of one query, in pages."""

    name: str
    title: str
    columns: Sequence[Column]
    filters: Sequence[Filter]
    query: Callable[[View], QuerySet[Any]]
    """all that it can show at the moment of a view"""
    rows: Callable[[View, Sequence[Any], Params], Sequence[Row]]
    """the rows of a page, from what `query` gave; may ask for more, a fixed number of times"""
    fields: Mapping[str, str]
    """column that can be sorted by -> field"""
    lookups: Mapping[str, Lookup]
    """filter -> lookup"""
    search: Sequence[str] = ()
    order: Sequence[str] = field(default=("pk",))
    beside: Callable[[View], Mapping[str, int]] | None = None
    """what is not in the rows and still belongs to the answer: its name -> how many"""
    notes: Callable[[View, Params], Sequence[str]] | None = None
    """sentences that belong to the answer"""
    joined: Sequence[str] = ()
    """what the rows of a page need of what they refer to"""
    tally: str = ""
    """the column of a server that counts what of it stands in this list now"""
    total: Callable[[View], int | None] | None = None
    """how many there are in all, where that is known without counting them"""
    buckets: Callable[[View, Params, Key], Sequence[Bucket] | None] | None = None
    """how many rows there are of each value of a key, where that is known without counting them"""
    argument: str = ""
    """what it is the answer for, where one name stands for many lists: a package, with or without versions"""
    indexed: Sequence[str] = ()
    """fields by whose order the database has the rows at hand"""

    def page(self, view: View, params: Params) -> Page:
        """One page. Raises `BadParams`, and `StoreError` when the database can't answer."""
        check(self, params)
        with told():
            order = self._order(params)
            start = (params.page - 1) * params.size
            ids, total = self._ids(view, params, order, start)
            some = self._in_order(view, ids)
            beside = self.beside(view) if self.beside else {}
            notes = self.notes(view, params) if self.notes else ()
            rows = self.rows(view, some, params)
            return Page(self, params, view, rows, total, covers(view), beside, notes)

    def _ids(self, view: View, params: Params, order: Sequence[Key], start: int) -> tuple[list[int], int]:
        found, first = self.query(view), order[0]
        whole = not params.filters and not params.query
        if whole and self.tally and view.at is None and first.path == "server__name":
            return tallied(found, order, start, params.size, self.tally)
        found = self._searched(self._filtered(found, view, params), params.query)
        buckets = self.buckets(view, params, first) if self.buckets else None
        if not params.counted and first.path in self.indexed:
            ids, _total = paged(found, order, start, params.size, Known(0, buckets, indexed=True))
            return ids, start + len(ids)
        total = self.total(view) if whole and self.total else None
        return paged(found, order, start, params.size, Known(total, buckets, first.path in self.indexed))

    def _in_order(self, view: View, ids: Sequence[int]) -> list[Any]:
        query = self.query(view)
        # What they are is known by their ids; only what a query adds to its rows has to be asked once more.
        found = query if query.query.annotations else query.model._default_manager.all()
        found.query.select_related = query.query.select_related
        found = found.select_related(*self.joined) if self.joined else found
        rows = {row.pk: row for row in found.filter(pk__in=ids)}
        return [rows[number] for number in ids if number in rows]

    def _filtered(self, found: QuerySet[Any], view: View, params: Params) -> QuerySet[Any]:
        for name, asked in params.filters.items():
            lookup = self.lookups[name]
            value = harmless(asked)  # as names are kept; PostgreSQL refuses a NUL
            found = found.filter(lookup(value, view)) if callable(lookup) else found.filter(**{lookup: value})
        return found

    def _searched(self, found: QuerySet[Any], text: str) -> QuerySet[Any]:
        for word in text.replace("\0", "").split():
            any_of = Q(pk__in=())
            for name in self.search:
                any_of |= _having(found.model, name, word)
            found = found.filter(any_of)
        return found

    def _order(self, params: Params) -> list[Key]:
        order = [Key.of(name) for name in self.order]
        if params.sort:
            chosen = Key(self.fields[params.sort.removeprefix("-")], params.sort.startswith("-"))
            order = [chosen, *(key for key in order if key.path != chosen.path)]
        # What a filter makes the same in all rows orders nothing, and costs PostgreSQL a join with all.
        same = {self.lookups[name] for name in params.filters if isinstance(self.lookups[name], str)}
        return [key for key in order if key.path not in same] or order


def _having(model: type[models.Model], name: str, word: str) -> Q:
    """Rows that have a word in a field. What a row refers to is asked first, for itself: it is little."""
    column, _, far = name.partition("__")
    if not far:
        return Q(**{f"{name}__icontains": word})
    other = model._meta.get_field(column).related_model
    assert isinstance(other, type)
    numbers = other._default_manager.filter(**{f"{far}__icontains": word}).values_list("pk", flat=True)
    return Q(**{f"{column}__in": list(numbers)})


def view(now: datetime, moment: datetime | None = None) -> View:
    """The view that this installation's settings give. Raises `BadMoment` for what was forgotten since."""
    if moment is not None:
        with told():
            forgotten = Forgotten.objects.order_by("-before").values_list("before", flat=True).first()
        if forgotten and moment < forgotten:
            raise BadMoment(f"at: what was before {forgotten:%Y-%m-%d %H:%M} UTC was forgotten")
    return View(now, moment, settings.SILENT_AFTER)


_KNOWN = """
    SELECT (SELECT count(*) FROM store_server WHERE first_seen <= %s)
        - (SELECT count(*) FROM store_server WHERE retired <= %s),
        EXISTS (SELECT 1 FROM store_simulation)"""
"""The servers that are `there`, by two indexes: a row of a server is long."""


def covers(view: View) -> Covers:
    """What an answer covers at a moment. Three queries, once for a view."""
    return view.once("covers", lambda: _covers(view))


def _covers(view: View) -> Covers:
    with told():
        servers = Server.objects.filter(there(view))
        ((total, is_simulated),) = ask(_KNOWN, [moment(view.moment)] * 2)
        quiet = servers.filter(silent(view)).order_by("name").values_list("name", flat=True)
        unread = (
            FoundSystem.objects.filter(at(view.at), unread__gt=0)
            .order_by("server__name")
            .values_list("server__name", flat=True)
        )
        return Covers(total, tuple(quiet), tuple(unread), bool(is_simulated))


def there(view: View) -> Q:
    """Servers that are expected to report at the moment of a view: known, and not retired."""
    return Q(first_seen__lte=view.moment) & (Q(retired=None) | Q(retired__gt=view.moment))


def silent(view: View, prefix: str = "") -> Q:
    """Servers that had not reported for too long at the moment of a view. `prefix`: the way to them."""
    # Of one that was imported nobody expects reports.
    now = Q(**{f"{prefix}last_seen__lt": view.moment - view.silent_after, f"{prefix}imported": ""})
    if view.at is None:
        return now
    # They may have been heard again since: then it was noted.
    noted = Silence.objects.filter(server=OuterRef(f"{prefix}pk"), since__lte=view.at, until__gt=view.at)
    return now | Q(Exists(noted))


def is_silent(server: Server, view: View) -> bool:
    """The same of one server. One query at most, once for a view."""
    return not server.imported and last_heard(server, view) < view.moment - view.silent_after


def last_heard(server: Server, view: View) -> datetime:
    """When its newest report had come, at the moment of a view; at the latest that moment."""
    if server.last_seen <= view.moment or view.at is None:
        return server.last_seen
    since = view.once("were silent", lambda: _were_silent(view)).get(server.pk)
    # A moment more: at its end it is silent.
    return since - view.silent_after - timedelta(microseconds=1) if since else view.moment


def _were_silent(view: View) -> dict[int, datetime]:
    noted = Silence.objects.filter(since__lte=view.at, until__gt=view.at)
    return dict(noted.values_list("server_id", "since"))
