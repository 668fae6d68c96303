"""What is called so, as the API tells it: `/api/1/search?q=shop`."""

from __future__ import annotations

from collections.abc import Sequence as Several  # a member is called list
from datetime import datetime

from pydantic import Field

from tightship.store import search as store
from tightship.store.listing import View
from tightship.web.api.things import Covers, Thing, covers

MOST = 25
"""Things of one kind."""


class Called(Thing):
    """Something that has a name."""

    name: str
    said: str = Field(description="what tells it from others of its name")
    page: Several[str] = Field(
        description="what it is and its name, where it has a page of its own; else empty"
    )
    list: str = Field(description="the list that shows it; empty: its own page does")
    filters: dict[str, str] = Field(description="by which filters that list shows it")


class CalledKind(Thing):
    """What was found of one kind, the best first."""

    kind: str
    things: Several[Called]
    more: int = Field(description="how many there are beside these")
    at_least: bool = Field(description="there may be still more")
    list: str = Field(description="the list that has all of them; empty: none")
    query: str = Field(description="what that list is asked for, as its `q`")


class Search(Thing):
    """What is called so, also with one wrong letter in each word"""

    search: str
    at: datetime = Field(description="the moment that this answer is of")
    near: bool = Field(description="nothing is called so: these have a letter that differs")
    total: int
    groups: Several[CalledKind]
    covers: Covers


def search(view: View, text: str) -> Search:
    found = store.search_covered(view, text, MOST)
    assert found.covers is not None  # search_covered has looked
    return Search(
        search=found.text,
        at=view.moment,
        near=found.near,
        total=found.total,
        groups=[_kind(group) for group in found.groups],
        covers=covers(found.covers),
    )


def _kind(group: store.Group) -> CalledKind:
    return CalledKind(
        kind=group.kind,
        things=[_called(thing) for thing in group.things],
        more=group.more,
        at_least=group.at_least,
        list=group.listing,
        query=group.query,
    )


def _called(thing: store.Thing) -> Called:
    return Called(
        name=thing.name,
        said=thing.said,
        page=list(thing.page or ()),
        list=thing.listing,
        filters=dict(thing.filters),
    )
