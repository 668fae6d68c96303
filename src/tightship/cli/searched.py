"""What a service found, read back into what the store's search would have given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tightship.cli.chosen import chosen
from tightship.cli.running import Cannot
from tightship.cli.service import ask
from tightship.store.listing import Covers, View

if TYPE_CHECKING:
    from tightship.store.search import Found, Group


def searched(view: View, text: str) -> Found:
    """What the service that was chosen finds. Raises BadParams, Cannot."""
    from tightship.store.search import Found

    service = chosen()
    if service is None:
        raise Cannot("No service is kept any more. Begin anew.")
    said = ask(service, "/search", {"q": text, "at": view.at.isoformat() if view.at else ""})
    try:
        covers = Covers(
            int(said["covers"]["servers"]), tuple(said["covers"]["silent"]), tuple(said["covers"]["unread"])
        )
        groups = [_group(group) for group in said["groups"]]
        return Found(str(said["search"]), groups, bool(said["near"]), covers)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Cannot(f"{service.url} does not answer as version 1 of the API does.") from None


def _group(said: Mapping[str, Any]) -> Group:
    from tightship.store.search import Group, Thing

    kind: Any = said["kind"]
    things = [
        Thing(
            kind,
            str(one["name"]),
            str(one["said"]),
            (str(one["page"][0]), str(one["page"][1])) if one["page"] else None,
            str(one["list"]),
            dict(one["filters"]),
        )
        for one in said["things"]
    ]
    more, at_least = int(said["more"]), bool(said["at_least"])
    return Group(kind, things, more, at_least, str(said["list"]), str(said["query"]))
