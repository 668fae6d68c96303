"""What is counted of each server beside what is found on it: small tables answer for the whole fleet.

Always counted anew from the rows themselves, for the servers that were touched, in the transaction that
touched them. Nobody else writes a server's rows meanwhile, so that the figures are those of the rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Sum

from tightship.store.models import Tally
from tightship.store.statements import marks, portions, tell

_COUNT = """
    INSERT INTO store_tally
        (server_id, groups, running, instances, stale, conflict, unread, listeners, environments)
    SELECT s.id, coalesce(g.groups, 0), coalesce(g.running, 0), coalesce(g.instances, 0),
        coalesce(g.stale, 0), coalesce(g.conflict, 0), coalesce(g.unread, 0),
        (SELECT count(*) FROM store_foundlistener l WHERE l.server_id = s.id AND l.until IS NULL),
        (SELECT count(*) FROM store_foundenvironment e WHERE e.server_id = s.id AND e.until IS NULL)
    FROM store_server s LEFT JOIN (
        SELECT f.server_id,
            count(*) AS groups,
            sum(CASE WHEN f.kind = 'application' THEN 1 ELSE 0 END) AS running,
            count(DISTINCT f.instance_id) AS instances,
            sum(CASE WHEN f.kind = 'application' AND (f.maybe_stale OR f.surely_stale) THEN 1 ELSE 0 END)
                AS stale,
            sum(CASE WHEN f.kind = 'application' AND f.conflict THEN 1 ELSE 0 END) AS conflict,
            sum(CASE WHEN f.kind = 'application' AND (f.unread OR f.kept) THEN 1 ELSE 0 END) AS unread
        FROM store_foundgroup f WHERE f.until IS NULL AND f.server_id IN {these} GROUP BY f.server_id
    ) g ON g.server_id = s.id
    WHERE s.id IN {these}
    ON CONFLICT (server_id) DO UPDATE SET groups = excluded.groups, running = excluded.running,
        instances = excluded.instances, stale = excluded.stale, conflict = excluded.conflict,
        unread = excluded.unread, listeners = excluded.listeners, environments = excluded.environments"""

_RUNS = """EXISTS (SELECT 1 FROM store_foundgroup g
    WHERE g.instance_id = store_instance.id AND g.server_id = store_instance.server_id AND g.until IS NULL)"""
_MARK = f"UPDATE store_instance SET running = {_RUNS} WHERE server_id IN {{these}} AND running <> {_RUNS}"  # noqa: S608 - ours


def count(servers: Sequence[int]) -> None:
    """Count what stands there now of these servers. Within the transaction that changed it."""
    for some in portions(servers):
        these = marks(len(some))
        tell(_COUNT.format(these=these), [*some, *some])
        tell(_MARK.format(these=these), some)


def totals() -> dict[str, int]:
    """The whole fleet's, now."""
    names = ("groups", "running", "instances", "stale", "conflict", "unread", "listeners", "environments")
    found = Tally.objects.aggregate(**{f"all_{name}": Sum(name) for name in names})
    return {name: found[f"all_{name}"] or 0 for name in names}
