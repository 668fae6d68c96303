"""A Listing whose pages come from a service: the same columns and filters, another place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from tightship.cli.chosen import Service, chosen
from tightship.cli.running import Cannot
from tightship.cli.service import ask
from tightship.store.listing import Column, Covers, Filter, Listing, Page, Params, Row, Value, View

LARGEST_SIZE = 1_000
"""Rows that a service gives at a time."""


@dataclass(frozen=True, slots=True)
class Remote(Listing):
    """`of`, asked from a service. Raises Cannot, and BadParams as the service finds them."""

    of: Listing
    path: str
    also: Mapping[str, str] = field(default_factory=dict)
    """parameters that are not the listing's own"""

    @property
    def name(self) -> str:  # type: ignore[override] # properties serve as well as fields
        return self.of.name

    @property
    def title(self) -> str:  # type: ignore[override]
        return self.of.title

    @property
    def columns(self) -> Sequence[Column]:  # type: ignore[override]
        return self.of.columns

    @property
    def filters(self) -> Sequence[Filter]:  # type: ignore[override]
        return self.of.filters

    def page(self, view: View, params: Params) -> Page:
        """One page. A larger one than the service gives is put together from several, of one moment."""
        service = chosen()
        if service is None:
            raise Cannot("No service is kept any more. Begin anew.")
        size = min(params.size, LARGEST_SIZE)
        begin = (params.page - 1) * (params.size // size) + 1
        asked = {
            **self.also,
            **params.filters,
            "q": params.query,
            "sort": params.sort,
            "size": str(size),
            "at": view.at.astimezone(UTC).isoformat() if view.at else "",
        }
        first = _checked(self, service, ask(service, self.path, {**asked, "page": str(begin)}))
        rows, answer = list(first["rows"]), first
        for _page in range(1, params.size // size):  # by pages: what who-uses counts may have two rows
            if not answer.get("next"):
                break
            answer = _checked(self, service, ask(service, self.path, {**asked, "cursor": answer["next"]}))
            rows += answer["rows"]
        return self._page(replace(view, now=_moment(first["at"]) or view.now), params, first, rows)

    def _page(self, view: View, params: Params, said: Mapping[str, Any], rows: Sequence[Any]) -> Page:
        covers = said["covers"]
        return Page(
            self,
            params,
            view,
            [self._row(row) for row in rows],
            said["total"],
            Covers(
                covers["servers"],
                tuple(covers["silent"]),
                tuple(covers["unread"]),
                lacking=tuple(covers.get("lacking", ())),
            ),
            said.get("beside", {}),
            said.get("notes", ()),
        )

    def _row(self, row: Mapping[str, Any]) -> Row:
        times = {column.name for column in self.columns if column.kind == "time"}
        return {name: _moment(value) if name in times else _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Value:
    return value  # type: ignore[no-any-return] # JSON has no other kinds than these


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None


def _checked(listing: Remote, service: Service, said: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is asked of an answer before anything is printed of it."""
    try:
        fits = (
            said["listing"] == listing.name
            and isinstance(said["total"], int)
            and all(isinstance(row, dict) for row in said["rows"])
            and isinstance(said["covers"]["servers"], int)
            and all(isinstance(name, str) for part in ("silent", "unread") for name in said["covers"][part])
            and _moment(said["at"]) is not None
        )
    except (KeyError, TypeError, ValueError):
        fits = False
    if not fits:
        raise Cannot(f"{service.url} does not answer as version 1 of the API does. Is it another Tightship?")
    return said
