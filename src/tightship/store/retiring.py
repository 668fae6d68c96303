"""Servers that are no longer, and those that are called otherwise now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from django.db import transaction

from tightship.fleet.changes import Change as Happened
from tightship.fleet.text import clip
from tightship.store import exposures, intervals, judging, recording, rows, statements, tallies, wordings
from tightship.store.errors import told
from tightship.store.models import NAME, Change, FoundGroup, Server, Token


class Refused(Exception):
    """It can't be done, or not so; the message says why and what can."""


@dataclass(frozen=True, slots=True)
class Retired:
    server: str
    since: datetime
    because: str


def retired() -> Sequence[Retired]:
    """Those that are, newest first."""
    with told():
        some = Server.objects.exclude(retired=None).order_by("-retired", "name")
        return [Retired(one.name, one.retired, one.retired_because) for one in some if one.retired]


def retire(name: str, now: datetime, because: str = "") -> int:
    """What is known of a server ends now; nobody expects a report of it any more. The past keeps all.

    A report that it sends later brings it back. Returns how many process groups ended. Raises `Refused`.
    """
    with told(), transaction.atomic():
        server = _known(name)
        if server.retired:
            raise Refused(f"{name} was retired on {server.retired:%Y-%m-%d %H:%M} UTC already")
        now = max(now, server.reported_at)
        stored = intervals.read(server)
        intervals.write(server, now, stored, {model: {} for model in stored})
        tallies.count([server.pk])
        judging.end(server.pk, now)
        applications = set(rows.ids_in(stored).applications.values())
        judging.judge_mixed(applications, now)
        exposures.judge(applications | exposures.NOBODYS, now)
        because = clip(because, NAME)
        _tell(server, now, Happened("retired", after=because))
        # Without a digest, whatever reports under this name has to say all of its state.
        Server.objects.filter(pk=server.pk).update(retired=now, retired_because=because, digest="")
        return len(stored[FoundGroup])


def rename(name: str, new: str, now: datetime) -> int:
    """Call a server otherwise, in the past as well; its tokens report for the new name. Returns how many
    tokens those are. Raises `Refused`.
    """
    with told(), transaction.atomic():
        server = _known(name)
        if not new.strip() or clip(new, NAME) != new or new.startswith("-"):
            raise Refused(
                f"expected a name of 1 to {NAME} characters that begins with no dash, got {new[:40]!r}"
            )
        if new == name:
            raise Refused(f"{name} is called so already")
        if Server.objects.filter(name=new).exists():
            raise Refused(f"{new} is known already, with a history of its own: retire one of the two")
        # Stages and patterns may name servers: its next report is concluded anew.
        Server.objects.filter(pk=server.pk).update(name=new, digest="")
        moved = Token.objects.filter(server=name).update(server=new)
        now = max(now, server.reported_at)
        _tell(server, now, Happened("renamed", before=name, after=new))
        if not server.retired:
            judging.judge_again([server.pk], now)
        return moved


def called_now(name: str) -> str:
    """What a server is called that was called `name` once; empty: none was, or there is one again."""
    with told():
        if Server.objects.filter(name=name).exists():
            return ""
        renamed = Change.objects.filter(kind="renamed", before=name).order_by("-at", "-pk")
        return renamed.values_list("server__name", flat=True).first() or ""


def _known(name: str) -> Server:
    server = recording.locked(name)
    if server is None:
        near = get_close_matches(name, Server.objects.values_list("name", flat=True)[:20_000], 3, 0.6)
        hint = f"; near: {', '.join(near)}" if near else ""
        raise Refused(f"no server is known as {name[:80]!r}{hint}")
    return server


def _tell(server: Server, now: datetime, change: Happened) -> None:
    row = recording.change_row(change, rows.Ids())
    text = recording.text_of_change(row)
    told = (server.pk, statements.moment(now), *row, wordings.ids_of([text])[text])
    statements.insert(Change, recording.CHANGE, [told])
