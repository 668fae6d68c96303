"""Tokens for programs, and links that log a person in once. Only digests are kept.

A secret is 32 random bytes: nobody guesses it, so a plain SHA-256 is enough, and is quick. Slow
hashes are for passwords, which people choose.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal

from django.contrib.sessions.models import Session
from django.db import transaction

from tightship.store.errors import told
from tightship.store.models import NAME, LoginLink, Token
from tightship.store.statements import ask, moment, read_moment

Scope = Literal["report", "read", "gather", "build"]
"""report: the reports of one server. gather: of any, for a machine that reads them. read: the lists.
build: what buildouts say of themselves; it may stand in an address, and so in logs."""
SCOPES: tuple[Scope, ...] = ("report", "read", "gather", "build")
PREFIX = "tightship_"
"""So that scanners for leaked secrets, and people, recognise one."""
LINK_MINUTES = 10
_SELDOM = timedelta(minutes=10)
"""`last_used` is written at most so often: a token is used with each report."""


@dataclass(frozen=True, slots=True)
class Known:
    """A token, without its secret."""

    id: int
    scope: str
    server: str
    created: datetime
    expires: datetime | None
    last_used: datetime | None
    revoked: datetime | None


def create(
    scope: Scope, now: datetime, server: str = "", expires: datetime | None = None
) -> tuple[Known, str]:
    """A new token and its secret, which nobody can show again. Raises ValueError for what makes no sense."""
    if scope == "report" and not server:
        raise ValueError("a token that reports needs the one server that it reports for")
    if len(server) > NAME:
        raise ValueError(f"a server's name has at most {NAME} characters")
    secret = PREFIX + secrets.token_urlsafe(32)
    with told():
        row = Token.objects.create(
            scope=scope, server=server, digest=_digest(secret), created=now, expires=expires
        )
    return _known(row), secret


_FIND = """
    SELECT id, scope, server, created, expires, last_used, revoked FROM store_token
    WHERE digest = %s AND scope = %s AND revoked IS NULL AND (expires IS NULL OR expires > %s)"""


def find(secret: str, scope: Scope, now: datetime) -> Known | None:
    """The token that has this secret and scope, when it is valid; notes that it was used."""
    with told():
        for number, kind, server, *times in ask(_FIND, [_digest(secret), scope, moment(now)]):
            found = Known(number, kind, server, *(when and read_moment(when) for when in times))
            if found.last_used is None or now - found.last_used > _SELDOM:
                Token.objects.filter(pk=number).update(last_used=now)
            return found
    return None


def of_digest(digest: str, server: str, now: datetime) -> Known | None:
    """The valid token of this SHA-256 with which `server` reports: a server tells which one it has."""
    with told():
        for row in Token.objects.filter(digest=digest, server=server, scope="report", revoked=None):
            if row.expires is None or row.expires > now:
                return _known(row)
    return None


def every() -> Sequence[Known]:
    """All tokens, newest first."""
    with told():
        return [_known(row) for row in Token.objects.order_by("-created", "-pk")]


OVERLAP = timedelta(days=1)
"""How long a token that was replaced stays valid: the time to bring the new one to its server."""


def rotate(number: int, now: datetime, overlap: timedelta = OVERLAP) -> tuple[Known, str] | None:
    """A new token for the same, and its secret; the old one ends when the overlap is over. None: there is no
    valid token of this number that was not replaced before."""
    with told(), transaction.atomic():
        # Taken before anything is made: of two who replace it at the same moment one finds it replaced.
        if not Token.objects.filter(pk=number, revoked=None, replaced=None).update(replaced=now):
            return None
        old = Token.objects.get(pk=number)
        if old.expires and old.expires <= now:
            return None
        # As long as the old one was good for, from now on.
        expires = now + (old.expires - old.created) if old.expires else None
        made = create(old.scope, now, old.server, expires)  # type: ignore[arg-type] # one of the two, as kept
        Token.objects.filter(pk=number).update(expires=min(old.expires or now + overlap, now + overlap))
        return made


def valid_for(server: str, now: datetime) -> Sequence[Known]:
    """The tokens with which a server reports, newest first."""
    return [
        one
        for one in every()
        if one.scope == "report" and one.server == server and not one.revoked
        if one.expires is None or one.expires > now
    ]


def revoke(number: int, now: datetime) -> bool:
    """End a token at once; False: there is none of this number, or it was revoked before."""
    with told():
        return bool(Token.objects.filter(pk=number, revoked=None).update(revoked=now))


def new_link(now: datetime, minutes: int = LINK_MINUTES) -> str:
    """The secret of a link that logs in once, within so many minutes."""
    secret = secrets.token_urlsafe(32)
    with told():
        LoginLink.objects.filter(expires__lt=now).delete()
        LoginLink.objects.create(digest=_digest(secret), expires=now + timedelta(minutes=minutes))
    return secret


def prune(now: datetime) -> None:
    """Remove links and sessions that nobody can use any more."""
    with told():
        LoginLink.objects.filter(expires__lt=now).delete()
        Session.objects.filter(expire_date__lt=now).delete()


def consume_link(secret: str, now: datetime) -> bool:
    """Whether this secret logs in: once. Of two that come at the same time one wins."""
    with told():
        deleted, _rows = LoginLink.objects.filter(digest=_digest(secret), expires__gte=now).delete()
    return bool(deleted)


def _digest(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _known(row: Token) -> Known:
    return Known(row.pk, row.scope, row.server, row.created, row.expires, row.last_used, row.revoked)
