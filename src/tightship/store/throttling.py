"""Counts who was wrong how often: for all web processes and machines together, in the database.

Only what is wrong is written. Who guesses at one account from one address has to wait there; the same account
from another address does not, so that nobody can lock somebody else out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b

from django.db import IntegrityError, transaction
from django.db.models import F

from tightship.store.errors import told
from tightship.store.models import Wrong

WAIT = timedelta(minutes=15)
MOST_KEPT = 100_000
"""Rows: who comes from ever new addresses does not fill the disk."""


def is_too_often(who: Sequence[str], most: int, now: datetime) -> bool:
    """Whether this was wrong `most` times, lately. `who`: what it is about, and from where."""
    with told():
        return Wrong.objects.filter(digest=_digest(who), until__gt=now, number__gte=most).exists()


def wrong(who: Sequence[str], now: datetime) -> None:
    """Once more. The first time begins the wait; it does not get longer by trying again."""
    digest = _digest(who)
    with told():
        if Wrong.objects.filter(digest=digest, until__gt=now).update(number=F("number") + 1):
            return
        Wrong.objects.filter(until__lte=now).delete()
        if Wrong.objects.count() >= MOST_KEPT:
            return
        try:
            with transaction.atomic():
                Wrong.objects.create(digest=digest, number=1, until=now + WAIT)
        except IntegrityError:  # another process was as quick
            Wrong.objects.filter(digest=digest).update(number=F("number") + 1)


def right(who: Sequence[str]) -> None:
    """It was right after all: nothing is held against it."""
    with told():
        Wrong.objects.filter(digest=_digest(who)).delete()


def _digest(who: Sequence[str]) -> str:
    return blake2b("\0".join(who).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
