"""Names that otherwise only stand in intervals (sites, releases), once for the whole fleet.

A report that brings none costs nothing; one that does, a statement. They are as many as the different
names in what is remembered, and go with it: `sweep`.
"""

from __future__ import annotations

from collections.abc import Collection

from tightship.fleet.searching import Term
from tightship.store import models
from tightship.store.statements import insert_new, tell

MOST = 2_000
"""New names of one report. Whoever names things anew all day fills less with it than with the intervals."""

_COLUMNS = ("kind", "of", "text")


def remember(terms: Collection[Term]) -> None:
    """Have these found by a search."""
    if terms:
        # In one order for everybody: two reports at once wait for each other, never each for the other.
        insert_new(models.Term, _COLUMNS, sorted(terms)[:MOST])


_SITES = """
    INSERT INTO store_term (kind, "of", text)
    SELECT DISTINCT 'site', '', name FROM store_foundsite WHERE name <> '' ON CONFLICT DO NOTHING"""
_RELEASES = """
    INSERT INTO store_term (kind, "of", text)
    SELECT DISTINCT 'release', a.name, g.release
    FROM store_foundgroup g JOIN store_application a ON a.id = g.application_id
    WHERE g.release <> '' ON CONFLICT DO NOTHING"""


def fill() -> int:
    """Have all found that is there. For whoever wrote intervals in another way than `record`."""
    return tell(_SITES, ()) + tell(_RELEASES, ())


_UNUSED_SITES = """
    DELETE FROM store_term WHERE kind = 'site'
    AND NOT EXISTS (SELECT 1 FROM store_foundsite f WHERE f.name = store_term.text)"""
_UNUSED_RELEASES = """
    DELETE FROM store_term WHERE kind = 'release' AND NOT EXISTS (
        SELECT 1 FROM store_application a JOIN store_instance i ON i.application_id = a.id
        JOIN store_foundgroup g ON g.instance_id = i.id
        WHERE a.name = store_term."of" AND g.application_id = a.id AND g.release = store_term.text)"""


def sweep() -> int:
    """Forget the names that nothing has any more, now or then. For whoever removed what was remembered."""
    return tell(_UNUSED_SITES, ()) + tell(_UNUSED_RELEASES, ())
