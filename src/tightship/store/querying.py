"""A Listing over a query: columns, filters, search and order as fields of the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import F, Q, QuerySet

from tightship.fleet.text import harmless
from tightship.store.errors import told
from tightship.store.intervals import at
from tightship.store.listing import Column, Covers, Filter, Listing, Page, Params, Row, View, check
from tightship.store.models import FoundSystem, Server
from tightship.store.simulation import is_simulated

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

    def page(self, view: View, params: Params) -> Page:
        """One page. Raises `BadParams`, and `StoreError` when the database can't answer."""
        check(self, params)
        with told():
            found = self._searched(self._filtered(view, params), params.query)
            total = found.count()
            start = (params.page - 1) * params.size
            some = list(found.order_by(*self._order(params.sort))[start : start + params.size])
            beside = self.beside(view) if self.beside else {}
            return Page(self, params, view, self.rows(view, some, params), total, covers(view), beside)

    def _filtered(self, view: View, params: Params) -> QuerySet[Any]:
        found = self.query(view)
        for name, asked in params.filters.items():
            lookup = self.lookups[name]
            value = harmless(asked)  # as names are kept; PostgreSQL refuses a NUL
            found = found.filter(lookup(value, view)) if callable(lookup) else found.filter(**{lookup: value})
        return found

    def _searched(self, found: QuerySet[Any], text: str) -> QuerySet[Any]:
        for word in text.replace("\0", "").split():
            any_of = Q()
            for name in self.search:
                any_of |= Q(**{f"{name}__icontains": word})
            found = found.filter(any_of)
        return found

    def _order(self, sort: str) -> list[Any]:
        if not sort:
            return [*self.order, "pk"]
        name = self.fields[sort.removeprefix("-")]
        chosen = F(name).desc(nulls_last=True) if sort.startswith("-") else F(name).asc(nulls_last=True)
        return [chosen, *self.order, "pk"]


def view(now: datetime, moment: datetime | None = None) -> View:
    """The view that this installation's settings give."""
    return View(now, moment, settings.SILENT_AFTER)


def covers(view: View) -> Covers:
    """What an answer covers at a moment. Four queries."""
    with told():
        servers = Server.objects.filter(first_seen__lte=view.moment)
        total = servers.count()
        quiet = servers.filter(silent(view)).order_by("name").values_list("name", flat=True)
        unread = (
            FoundSystem.objects.filter(at(view.at), unread__gt=0)
            .order_by("server__name")
            .values_list("server__name", flat=True)
        )
        return Covers(total, tuple(quiet), tuple(unread), is_simulated())


def silent(view: View, prefix: str = "") -> Q:
    """Servers that had not reported for too long at the moment of a view."""
    return Q(**{f"{prefix}last_seen__lt": view.moment - view.silent_after})
