"""search(view, text): whatever has a name, grouped by what it is.

Which names match is decided in memory (`fleet.searching`); of the best of each kind the database then says
which are there at the moment of the view. So the number of queries is fixed, and each of them is
about at most a hundred names.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Any, Literal

from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet

from tightship.fleet.searching import ASKED, BEGINS, EXACT, WORD, Hit, Names, Typed, typed
from tightship.fleet.versions import sort_key
from tightship.store import known
from tightship.store.errors import told
from tightship.store.intervals import at
from tightship.store.listing import Covers, View
from tightship.store.listings.applications import labels_of, running
from tightship.store.models import (
    Application,
    FoundListener,
    FoundSite,
    Instance,
    Member,
    Package,
    Server,
    Version,
)
from tightship.store.querying import covers, there

Kind = Literal["application", "server", "site", "port", "package", "version", "release", "owner", "label"]

TITLES: dict[Kind, str] = {
    "application": "Applications",
    "server": "Servers",
    "site": "Sites",
    "port": "Ports",
    "package": "Packages",
    "version": "Versions",
    "release": "Releases",
    "owner": "Owners",
    "label": "Labels",
}
"""Every kind of thing that can be found, in the order in which they stand where they match equally well."""

LISTED: Mapping[str, str] = {
    "application": "applications",
    "server": "servers",
    "site": "sites",
    "package": "packages",
}
"""kind -> the list that finds all of them by the same text"""

MOST = 100
"""Names of one kind that are looked up at first."""


@dataclass(frozen=True, slots=True)
class Thing:
    """Something found, and where it is shown: on a page of its own, or in a list by filters."""

    kind: Kind
    name: str
    said: str = ""
    """what tells it from others of its name, in a few words"""
    page: tuple[str, str] | None = None
    """thing and name of its page"""
    listing: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    rank: int = EXACT


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one kind."""

    kind: Kind
    things: Sequence[Thing]
    more: int = 0
    """how many there are beside these"""
    at_least: bool = False
    """there may be still more"""
    listing: str = ""
    """the list that has all of them; empty: none"""
    query: str = ""
    """what that list is searched for"""

    @property
    def title(self) -> str:
        return TITLES[self.kind]


@dataclass(frozen=True, slots=True)
class Found:
    text: str
    groups: Sequence[Group] = ()
    near: bool = False
    """nothing is called so: these have a letter that differs"""
    covers: Covers | None = None

    @property
    def total(self) -> int:
        return sum(len(group.things) + group.more for group in self.groups)


def search(view: View, text: str, most: int = 10) -> Found:
    """What is called so at the moment of a view, at most so many of each kind. Whatever `text` is, it
    raises nothing but `StoreError`."""
    asked = typed(text)
    if not asked.words and asked.port is None:
        return Found(asked.text)
    with told():
        names = known.names()

        def named(words: Sequence[str], matching: Matching) -> list[_Of]:
            return [of for of in _named(view, words, names, matching, most) if of.things]

        found = [of for of in _numbered(view, asked, names) if of.things]
        found += named(asked.words, Names.holding)
        near = not found
        if near:
            found = named(asked.words, Names.near)
        if not found and asked.version and asked.of:  # not in this version
            found = named(asked.of, Names.holding)
    groups = [of.group(asked, most, near) for of in found]
    order = list(TITLES)
    groups.sort(key=lambda group: (group.things[0].rank, order.index(group.kind)))
    return Found(asked.text, groups, near and bool(groups))


def search_covered(view: View, text: str, most: int = 10) -> Found:
    """The same, with what the answer covers."""
    return replace(search(view, text, most), covers=covers(view))


@dataclass(frozen=True, slots=True)
class _Of:
    """Things of one kind."""

    things: Sequence[Thing]
    at_least: bool = False
    """there may be more than were looked up"""

    def group(self, asked: Typed, most: int, near: bool) -> Group:
        kind = self.things[0].kind
        listing = "" if near else LISTED.get(kind, "")
        query = " ".join(asked.words) if kind == "package" else asked.text
        hidden = max(0, len(self.things) - most)
        return Group(kind, self.things[:most], hidden, self.at_least, listing, query)


# Things with a name


Matching = Callable[[Names, Sequence[str], int], list[Hit]]
There = Callable[[View, list[str]], Mapping[str, str]]
"""the names, of these, that are there at the moment of a view, each with what to say of it"""


def _named(
    view: View, words: Sequence[str], names: Mapping[str, Names], matching: Matching, most: int
) -> Iterable[_Of]:
    for kind, (present, shown, limits) in _KINDS.items():
        for limit in limits:
            hits = matching(names[kind], words, limit)
            said = present(view, [hit.name for hit in hits]) if hits else {}
            # What is gone must not stand before what is there.
            if len(said) >= most or len(hits) < limit:
                break
        things = [
            replace(shown(hit.name), said=said[hit.name], rank=hit.rank) for hit in hits if hit.name in said
        ]
        yield _Of(things, len(hits) == limit)


def _applications(view: View, names: list[str]) -> dict[str, str]:
    some = Application.objects.filter(Exists(running(view, application=OuterRef("pk"))), name__in=names)
    return {
        name: ", ".join(filter(None, (owner, *labels_of(labels))))
        for name, owner, labels in some.values_list("name", "owner", "labels")
    }


def _servers(view: View, names: list[str]) -> dict[str, str]:
    some = Server.objects.filter(there(view), name__in=names)
    quiet = view.moment - view.silent_after
    return {
        name: "imported" if imported else "silent" if seen < quiet else ""
        for name, seen, imported in some.values_list("name", "last_seen", "imported")
    }


def _sites(view: View, names: list[str]) -> dict[str, str]:
    some = FoundSite.objects.filter(at(view.at), name__in=names)
    counted = some.values_list("name", "application__name").annotate(
        Count("server", distinct=True), Min("server__name")
    )
    said: dict[str, list[str]] = defaultdict(list)
    for name, application, servers, first in counted.order_by(
        "name", F("application__name").asc(nulls_last=True)
    ):
        where = first if servers == 1 else f"{servers} servers"
        said[name].append(f"{application} on {where}" if application else f"on {where}")
    return {name: _first(parts) for name, parts in said.items()}


def _packages(view: View, names: list[str]) -> dict[str, str]:
    used = Member.objects.filter(_in_use(view), version__package=OuterRef("pk"))
    some = Package.objects.filter(Exists(used), name__in=names)
    return dict.fromkeys(some.values_list("name", flat=True), "")


def _in_use(view: View) -> Exists:
    """Lines of package sets that an application runs."""
    return Exists(running(view, loaded=OuterRef("set")))


def _releases(view: View, keys: list[str]) -> dict[str, str]:
    pairs = {known.application_of(key): key for key in keys}
    ids = Application.objects.filter(name__in={name for name, _release in pairs}).values("pk")
    # Of the past only the instances have an index by application.
    of = (
        {"instance__in": Instance.objects.filter(application__in=ids)}
        if view.at
        else {"application__in": ids}
    )
    some = running(view, release__in={release for _name, release in pairs}, **of)
    counted = some.values_list("application__name", "release").annotate(Count("instance", distinct=True))
    return {
        pairs[name, release]: _counted(number, "instance")
        for name, release, number in counted.order_by()
        if (name, release) in pairs
    }


def _owners(view: View, names: list[str]) -> dict[str, str]:
    some = _running_applications(view).filter(owner__in=names)
    counted = some.values_list("owner").annotate(Count("pk")).order_by()
    return {owner: _counted(number, "application") for owner, number in counted}


def _labels(view: View, names: list[str]) -> dict[str, str]:
    counts: dict[str, int] = defaultdict(int)
    for text in _running_applications(view).exclude(labels="{}").values_list("labels", flat=True):
        for label in labels_of(text):
            counts[label] += 1
    return {name: _counted(counts[name], "application") for name in names if name in counts}


def _running_applications(view: View) -> QuerySet[Application]:
    return Application.objects.filter(Exists(running(view, application=OuterRef("pk"))))


def _own_page(kind: Kind) -> Callable[[str], Thing]:
    return lambda name: Thing(kind, name, page=(kind, name))


def _listed(kind: Kind, name: str, listing: str, by: str) -> Thing:
    return Thing(kind, name, listing=listing, filters={by: name})


def _release_shown(key: str) -> Thing:
    application, release = known.application_of(key)
    filters = {"application": application, "release": release}
    return Thing("release", f"{application} {release}", listing="groups", filters=filters)


_KINDS: Mapping[Kind, tuple[There, Callable[[str], Thing], tuple[int, ...]]] = {
    "application": (_applications, _own_page("application"), (MOST, 1_000)),
    "server": (_servers, _own_page("server"), (MOST,)),
    "site": (_sites, lambda name: _listed("site", name, "sites", "q"), (MOST, 2_000)),
    "package": (_packages, _own_page("package"), (MOST, 1_000)),
    "release": (_releases, _release_shown, (40, 400)),
    "owner": (_owners, lambda name: _listed("owner", name, "applications", "owner"), (MOST,)),
    "label": (_labels, lambda name: _listed("label", name, "applications", "label"), (MOST,)),
}
"""kind -> which are there, how one is shown, and how many names are looked up: first, and where hardly
any of these is there any more"""


# Ports and versions: what is asked for by number


def _numbered(view: View, asked: Typed, names: Mapping[str, Names]) -> Iterable[_Of]:
    if asked.port is not None:
        yield _Of(_ports(view, asked, names["server"]))
    if asked.version:
        yield _Of(_versions(view, asked, names["package"]))


def _ports(view: View, asked: Typed, servers: Names) -> list[Thing]:
    assert asked.port is not None
    listening = FoundListener.objects.filter(at(view.at), port=asked.port, protocol="tcp")
    if asked.server:
        return _ports_of_servers(view, asked.port, listening, servers.holding(asked.words[-1:], 5))
    counted = (
        listening.values_list("application__name", "program")
        .annotate(servers=Count("server", distinct=True))
        .order_by("-servers", "application__name", "program")
    )
    some = list(counted[:4])
    if not some:
        return []
    said = _first(
        [f"{name or program or 'unknown'} on {_counted(n, 'server')}" for name, program, n in some], 3
    )
    rank = WORD if len(asked.words) > 1 else EXACT
    return [
        Thing("port", str(asked.port), said, listing="ports", filters={"port": str(asked.port)}, rank=rank)
    ]


def _ports_of_servers(
    view: View, port: int, listening: QuerySet[FoundListener], hits: Sequence[Hit]
) -> list[Thing]:
    """A port of one server, or of the few that are called so. That nothing listens there is an answer."""
    wanted = [hit.name for hit in hits if hit.rank == EXACT] or [hit.name for hit in hits]
    known = _servers(view, wanted)
    who: dict[str, list[str]] = defaultdict(list)
    for server, name, program in listening.filter(server__name__in=wanted).values_list(
        "server__name", "application__name", "program"
    ):
        who[server].append(name or program or "a program that could not be seen")
    return [
        Thing(
            "port",
            f"{server}:{port}",
            _first(sorted(set(who[server]))) or "nothing listens there",
            listing="ports",
            filters={"server": server, "port": str(port)},
            rank=ASKED,
        )
        for server in wanted
        if server in known
    ]


def _versions(view: View, asked: Typed, packages: Names) -> list[Thing]:
    """Versions in use: of the packages that are named, or of any."""
    begins = asked.version.rstrip(".*")
    if asked.of:
        named = [hit.name for hit in packages.holding(asked.of, 20)]
        versions = Version.objects.filter(
            Q(version=begins) | Q(version__startswith=f"{begins}."), package__name__in=named
        )
    else:
        versions = Version.objects.filter(version=asked.version)
    members = Member.objects.filter(_in_use(view), version=OuterRef("pk"))
    found = versions.filter(Exists(members)).values_list("package__name", "version")[:MOST]
    ordered = sorted(found, key=lambda pair: sort_key(pair[1]), reverse=True)
    ordered.sort(key=lambda pair: pair[0] != "-".join(asked.of))
    return [
        Thing(
            "version",
            f"{name} {version}",
            page=("package", name),
            rank=EXACT if version == begins else BEGINS,
        )
        for name, version in ordered
    ]


def _counted(number: int, one: str) -> str:
    return f"{number} {one}{'' if number == 1 else 's'}"


def _first(parts: Sequence[str], most: int = 3) -> str:
    more = f" and {len(parts) - most} more" if len(parts) > most else ""
    return ", ".join(parts[:most]) + more


def to_json(found: Found, view: View) -> str:
    """What was found as JSON: the API's answer."""
    document: dict[str, Any] = {
        "search": found.text,
        "at": view.moment.astimezone(UTC).isoformat(),
        "near": found.near,
        "total": found.total,
        "groups": [
            {
                "kind": group.kind,
                "things": [_plain(thing) for thing in group.things],
                "more": group.more,
                "at_least": group.at_least,
            }
            for group in found.groups
        ],
    }
    if found.covers:
        document["covers"] = {
            "servers": found.covers.servers,
            "silent": list(found.covers.silent),
            "unread": list(found.covers.unread),
        }
    return json.dumps(document, indent=1)


def _plain(thing: Thing) -> dict[str, Any]:
    where = (
        {"page": list(thing.page)} if thing.page else {"list": thing.listing, "filters": dict(thing.filters)}
    )
    return {"name": thing.name, "said": thing.said, **where}
