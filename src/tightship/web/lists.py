"""Every list of the site: one Listing as a page, as CSV and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any
from urllib.parse import quote

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.utils.timezone import get_current_timezone

from tightship.fleet.moments import BadMoment
from tightship.fleet.text import harmless
from tightship.store.errors import StoreError
from tightship.store.listing import BadParams, Filter, Listing, Page, Params, check, to_csv, to_json
from tightship.store.listings.applications import by_whom
from tightship.store.listings.places import taken_on
from tightship.store.using import who_uses
from tightship.web import asking, commands, table
from tightship.web.asked import Asked, asked, context
from tightship.web.linked import linked
from tightship.web.portmap import Strip, strips
from tightship.web.problems import for_programs, problem, sorry, unable
from tightship.web.timeline import days, events, lately
from tightship.web.words import WORDS, Empty, Words, answer, empty

ALL = 10_000
CSV_ROWS = 1_000
"""Rows that an export reads at a time."""


@dataclass(frozen=True, slots=True)
class Field:
    """A filter as a form shows it."""

    filter: Filter
    value: str

    @property
    def name(self) -> str:
        return self.filter.name

    @property
    def title(self) -> str:
        return self.filter.title

    @property
    def help(self) -> str:
        return self.filter.help

    @property
    def choices(self) -> list[str]:
        known = list(self.filter.choices)
        return known if not known or self.value in ("", *known) else [*known, self.value]


def views(listing: Listing) -> dict[str, Callable[[HttpRequest], HttpResponseBase]]:
    """The three views of a list, by the ending of their address."""
    return {
        "": _view(listing, _as_page),
        ".csv": for_programs(_view(listing, _as_csv)),
        ".json": for_programs(_view(listing, _as_json)),
    }


Shown = Callable[[HttpRequest, Listing, Asked, Params], HttpResponseBase]


def users(request: HttpRequest, name: str, ending: str = "") -> HttpResponseBase:
    """Who uses a package, all of them: `/packages/jinja2<3.1.6/users`."""
    try:
        listing = who_uses(harmless(name))
    except ValueError as error:
        return _refused_specifier(request, str(error))
    return views(listing)[ending](request)


def _refused_specifier(request: HttpRequest, reason: str) -> HttpResponse:
    if request.path.endswith((".csv", ".json")):
        return problem(400, reason, parameter="specifier")
    return sorry(request, 400, reason, back=("/packages", f"All {WORDS['packages'].many}"))


def _view(listing: Listing, shown: Shown) -> Callable[[HttpRequest], HttpResponseBase]:
    def view(request: HttpRequest) -> HttpResponseBase:
        try:
            given = asked(request)
            params = asking.params(request.GET.dict())
            check(listing, params)
            return shown(request, listing, given, params)
        except (BadParams, BadMoment) as error:
            return _refused(request, listing, str(error))
        except StoreError as error:
            return unable(request, error)

    return view


def _refused(request: HttpRequest, listing: Listing, reason: str) -> HttpResponse:
    # Messages begin with the parameter's name: `page: expected ...`, `filter 'x': expected ...`.
    if request.path.endswith((".csv", ".json")):
        return problem(400, reason, parameter=reason.partition(":")[0])
    return sorry(request, 400, reason, back=(quote(request.path), f"All {WORDS[listing.name].many}"))


def _as_page(request: HttpRequest, listing: Listing, given: Asked, params: Params) -> HttpResponse:
    own = quote(request.path)
    address = own + asking.query(params, given.at)
    if "" in request.GET.values():  # a form sends also what was left empty; nobody wants that in a bookmark
        return HttpResponseRedirect(address)
    page = listing.page(given.view, params)
    more = {
        **drawn(page, given, own),
        "ways": _ways(given, listing),
        "strips": _strips(given, listing, params),
    }
    response = render(request, "web/list.html", context(request, given, **more))
    if request.headers.get("HX-Request"):
        response["HX-Replace-Url"] = address
    return response


def _strips(given: Asked, listing: Listing, params: Params) -> list[Strip]:
    """The ports of the one server that is asked for."""
    server = params.filters.get("server", "") if listing.name == "ports" else ""
    return strips(taken_on(given.view, server)) if server else []


MOST_WAYS = 16
"""Ways into a list that are shown above it."""


def _ways(given: Asked, listing: Listing) -> list[tuple[str, int, str]]:
    """(name, how many, address) of what is asked of this list most often."""
    if listing.name == "changes":
        times = lately(given.view.moment.astimezone(get_current_timezone()))
        return [(name, 0, given.here("/changes", since=since, until=until)) for name, since, until in times]
    if listing.name == "packages":
        return [("Outdated", 0, given.here("/outdated")), ("Buildouts", 0, given.here("/buildouts"))]
    if listing.name == "applications":
        found = by_whom(given.view)[:MOST_WAYS]
        return [(value, count, given.here("/applications", **{name: value})) for name, value, count in found]
    return []


def _as_json(_request: HttpRequest, listing: Listing, given: Asked, params: Params) -> HttpResponse:
    page = listing.page(given.view, params)
    response = HttpResponse(to_json(page) + "\n", content_type="application/json")
    if params.page < page.pages:
        # The newest may become newer before the next page is asked for; a moment does not.
        at = page.view.moment.astimezone(UTC).isoformat()
        following = asking.query(params.with_(page=params.page + 1), at)
        response["Link"] = f'<{_request.path}{following}>; rel="next"'
    return response


def _as_csv(_request: HttpRequest, listing: Listing, given: Asked, params: Params) -> StreamingHttpResponse:
    pages = _all_pages(listing, given, params)
    first = next(pages)  # what is asked wrongly is told before the answer begins
    response = StreamingHttpResponse(_csv(first, pages), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{listing.name}.csv"'
    return response


def _all_pages(listing: Listing, given: Asked, params: Params) -> Iterator[Page]:
    page = listing.page(given.view, params.with_(page=1, size=CSV_ROWS))
    yield page
    of_that_moment = replace(page.view, at=page.view.moment)
    for number in range(2, page.pages + 1):
        yield listing.page(of_that_moment, page.params.with_(page=number))


def _csv(first: Page, others: Iterator[Page]) -> Iterator[str]:
    yield to_csv(first)
    for page in others:
        yield to_csv(page).split("\r\n", 1)[1]  # the header stands once


def drawn(page: Page, given: Asked, address: str) -> dict[str, Any]:
    """What list.html shows of a page."""
    params, listing = page.params, page.listing
    words, argument = WORDS[listing.name], getattr(listing, "argument", "")

    def link(ending: str = "", **changes: Any) -> str:
        return address + ending + asking.query(params.with_(**changes), given.at)

    return {
        "title": f"{listing.title}?" if argument else words.question,
        "words": words,
        "address": address,
        "page": page,
        "answer": _answer(words, page),
        "empty": _empty(words, page, given, address),
        "days": _by_day(page) if _as_timeline(page) else (),
        "table": tabled(page, given, lambda order: link(sort=order, page=1)),
        "orders": orders(listing),
        "fields": [Field(item, params.filters.get(item.name, "")) for item in listing.filters],
        "chosen": _chosen(listing, params, lambda filters: link(filters=filters, page=1)),
        "first": (params.page - 1) * params.size + 1,
        "last": (params.page - 1) * params.size + len(page.rows),
        "command": commands.of_list(listing.name, params, given.at, argument),
        "csv": link(".csv", page=1, size=asking.SIZE),
        "json": link(".json"),
        "previous": link(page=params.page - 1) if params.page > 1 else "",
        "next": link(page=params.page + 1) if params.page < page.pages else "",
    }


def _answer(words: Words, page: Page) -> str:
    """Never an all-clear where what would say otherwise is not there."""
    if page.covers.lacking and not page.total:
        return "That can’t be said."
    return answer(words, page.total, page.params)


def _by_day(page: Page) -> list[Any]:
    return days(events(page.rows, ALL, page.params.sort == "at"), get_current_timezone())


def _as_timeline(page: Page) -> bool:
    """Changes in the order in which they happened read better by the day."""
    return page.listing.name == "changes" and page.params.sort in ("", "at", "-at")


def _empty(words: Words, page: Page, given: Asked, address: str) -> Any:
    params = page.params
    if page.covers.lacking and not page.total:
        return Empty(page.covers.lacking)
    if page.total:  # a page beyond the last one
        params = params.with_(query=params.query or "page")
    now = address + asking.query(params) if given.at else ""
    return empty(words, params, given.here(address), now)


def tabled(
    page: Page, given: Asked, turned: Callable[[str], str] | None = None, leave_out: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A page's table for table.html; `turned` gives the address of the same in another order."""
    hollow = table.same_everywhere(page.rows, page.listing.columns) if page.rows else []
    shown = table.drawn(page, linked(given), (*leave_out, *hollow))
    headings = [
        {
            "title": heading.title,
            "kind": heading.kind,
            "help": heading.help,
            "sorted": heading.sorted,
            "href": turned(heading.order) if turned and heading.order else "",
        }
        for heading in shown.headings
    ]
    return {"headings": headings, "rows": shown.rows}


def orders(listing: Listing) -> list[tuple[str, str]]:
    """What a list can be sorted by, for those who see no headings."""
    return [
        (sign + column.name, column.title + how)
        for column in listing.columns
        if column.sortable
        for sign, how in (("", " ↑"), ("-", " ↓"))
    ]


def _chosen(
    listing: Listing, params: Params, link: Callable[[dict[str, str]], str]
) -> list[tuple[str, str, str]]:
    """Each filter that is set: its title, its value, and the address of the list without it."""
    titles = {item.name: item.title for item in listing.filters}
    return [
        (titles[name], value, link({k: v for k, v in params.filters.items() if k != name}))
        for name, value in params.filters.items()
    ]
