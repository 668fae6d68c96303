"""Tokens and login links: only digests are kept, and a link logs in once."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import pytest

from tests.reports import WHEN
from tests.store.conftest import HOUR
from tightship.store import tokens
from tightship.store.models import LoginLink, Token

pytestmark = pytest.mark.django_db


def test_a_token_is_found_by_its_secret_and_scope() -> None:
    known, secret = tokens.create("report", WHEN, server="web1")
    found = tokens.find(secret, "report", WHEN)
    assert found is not None
    assert (found.id, found.server) == (known.id, "web1")
    assert tokens.find(secret, "read", WHEN) is None
    assert tokens.find(secret + "x", "report", WHEN) is None


def test_the_database_holds_no_secret() -> None:
    _known, secret = tokens.create("read", WHEN)
    link = tokens.new_link(WHEN)
    stored = str([*Token.objects.values(), *LoginLink.objects.values()])
    assert secret not in stored
    assert secret.removeprefix(tokens.PREFIX) not in stored
    assert link not in stored


def test_an_expired_or_revoked_token_is_none() -> None:
    known, secret = tokens.create("read", WHEN, expires=WHEN + HOUR)
    assert tokens.find(secret, "read", WHEN + HOUR) is None
    assert tokens.find(secret, "read", WHEN) is not None
    assert tokens.revoke(known.id, WHEN)
    assert not tokens.revoke(known.id, WHEN)
    assert tokens.find(secret, "read", WHEN) is None


def test_its_last_use_is_noted() -> None:
    _known, secret = tokens.create("read", WHEN)
    tokens.find(secret, "read", WHEN + HOUR)
    assert tokens.every()[0].last_used == WHEN + HOUR


def test_a_token_that_reports_is_for_one_server() -> None:
    with pytest.raises(ValueError, match="one server"):
        tokens.create("report", WHEN)


def test_a_server_tells_by_a_digest_which_valid_token_it_has() -> None:
    known, secret = tokens.create("report", WHEN, server="web1", expires=WHEN + HOUR)
    digest = sha256(secret.encode()).hexdigest()
    assert tokens.of_digest(digest, "web1", WHEN) == known
    assert tokens.of_digest(digest, "web2", WHEN) is None
    assert tokens.of_digest(digest, "web1", WHEN + HOUR) is None
    assert tokens.of_digest("", "web1", WHEN) is None
    tokens.revoke(known.id, WHEN)
    assert tokens.of_digest(digest, "web1", WHEN) is None


def test_a_link_logs_in_once_and_not_for_long() -> None:
    secret = tokens.new_link(WHEN)
    assert tokens.consume_link(secret, WHEN)
    assert not tokens.consume_link(secret, WHEN)
    late = tokens.new_link(WHEN)
    assert not tokens.consume_link(late, WHEN + timedelta(minutes=11))


def test_a_token_is_rotated_without_a_gap() -> None:
    old, secret = tokens.create("report", WHEN, "web1", WHEN + 100 * HOUR)
    made = tokens.rotate(old.id, WHEN + HOUR)
    assert made is not None
    new, new_secret = made
    assert (new.scope, new.server, new.expires) == ("report", "web1", WHEN + 101 * HOUR)
    day = WHEN + 25 * HOUR
    assert tokens.find(secret, "report", day - HOUR / 60) is not None
    assert tokens.find(secret, "report", day) is None, "never two for good"
    assert tokens.find(new_secret, "report", day) is not None
    assert [one.id for one in tokens.valid_for("web1", WHEN + HOUR)] == [new.id, old.id]
    assert tokens.rotate(old.id, day) is None
    assert tokens.rotate(99, day) is None


def test_one_that_ends_sooner_than_the_overlap_does_not_live_longer_by_it() -> None:
    old, secret = tokens.create("report", WHEN, "web1", WHEN + HOUR)
    assert tokens.rotate(old.id, WHEN) is not None
    assert tokens.find(secret, "report", WHEN + HOUR) is None
