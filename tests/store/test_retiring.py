"""Servers that are retired, come back, or get another name."""

from __future__ import annotations

from typing import Any

import pytest

from tests import reports
from tests.store.conftest import HOUR
from tightship.store import details, tokens
from tightship.store.models import Finding, FoundGroup, Tally, Token
from tightship.store.querying import covers, view
from tightship.store.recording import record
from tightship.store.retiring import Refused, Retired, rename, retire, retired
from tightship.store.search import search

pytestmark = pytest.mark.django_db

NEWER = [{"how": "newer", "what": "django"}]


@pytest.fixture
def two(told: Any, shop: Any) -> Any:
    """shop runs on web1 in 2.4.1 and on web2 in 2.5.0, where nobody restarted it."""
    told(shop(), server="web1")
    told(shop(release="2.5.0", stale=NEWER, python="3.7.3"), server="web2")
    return told


def told_of(two: Any, server: str) -> list[str]:
    return [str(row["change"]) for row in two.rows("changes", server=server)]


def found(seen_from: Any) -> set[str]:
    return {thing.name for group in search(seen_from, "web2").groups for thing in group.things}


def test_what_ran_on_a_retired_server_ended_and_stays_in_the_past(two: Any) -> None:
    then = two.now
    two.now += HOUR
    assert retire("web2", two.now, "replaced by web3") == 1
    assert [row["server"] for row in two.rows("servers")] == ["web1"]
    assert [row["server"] for row in two.rows("groups")] == ["web1"]
    assert two.rows("ports", server="web2") == []
    assert [row["server"] for row in two.rows("servers", at=then)] == ["web1", "web2"]
    assert len(two.rows("groups", at=then)) == 2
    assert not FoundGroup.objects.filter(server__name="web2", until=None).exists()
    assert Tally.objects.get(server__name="web2").running == 0
    assert told_of(two, "web2")[0] == "retired: replaced by web3"


def test_nobody_waits_for_it_any_more(two: Any) -> None:
    two.now += 10 * HOUR
    assert covers(view(two.now)).silent == ("web1", "web2")
    retire("web2", two.now)
    two.now += HOUR
    answer = covers(view(two.now))
    assert (answer.servers, answer.silent) == (1, ("web1",))
    assert covers(view(two.now, two.now - 10 * HOUR)).servers == 2
    assert not Finding.objects.filter(server__name="web2", until=None).exists()
    assert {row["kind"] for row in two.rows("findings")} == {"silent"}, "nor does shop run in two releases"
    assert "web2" not in found(view(two.now))
    assert "web2" in found(view(two.now, two.now - 10 * HOUR))


def test_its_page_stays_and_says_so(two: Any) -> None:
    then = two.now
    two.now += HOUR
    retire("web2", two.now, "replaced")
    page = details.server(view(two.now + 9 * HOUR), "web2")
    assert page is not None
    assert (page.retired, page.retired_because, page.silent) == (two.now, "replaced", False)
    before = details.server(view(two.now, then), "web2")
    assert before is not None
    assert before.retired is None
    assert len(before.found.groups) == 1
    assert retired() == [Retired("web2", two.now, "replaced")]


def test_it_is_back_when_it_reports(two: Any, shop: Any) -> None:
    two.now += HOUR
    retire("web2", two.now)
    two(shop(release="2.5.0"), server="web2")
    assert told_of(two, "web2")[0] == "is back: Debian GNU/Linux 12 (bookworm)"
    assert [row["server"] for row in two.rows("servers")] == ["web1", "web2"]
    assert [row["release"] for row in two.rows("groups", server="web2")] == ["2.5.0"]
    assert covers(view(two.now)).servers == 2
    assert retired() == []
    assert any(row["kind"] == "mixed" for row in two.rows("findings"))


def test_a_report_from_before_does_not_bring_it_back(two: Any, shop: Any) -> None:
    late = reports.report("web2", [shop()], at=two.now + HOUR)
    retire("web2", two.now + 2 * HOUR)
    assert record(late, "web2", received=two.now + HOUR).kind == "late"
    assert [one.server for one in retired()] == ["web2"]


def test_it_can_only_be_retired_once_and_only_when_known(two: Any) -> None:
    retire("web2", two.now)
    with pytest.raises(Refused, match=r"web2 was retired on 2026-11-\d\d .* already"):
        retire("web2", two.now)
    with pytest.raises(Refused, match=r"no server is known as 'wbe1'; near: web1"):
        retire("wbe1", two.now)


def test_a_machine_that_got_another_name_is_one_once_the_old_one_is_retired(told: Any, shop: Any) -> None:
    told(shop(), server="old", system={"machine_id": "7" * 32})
    told(shop(), server="new", system={"machine_id": "7" * 32})
    assert [row["kind"] for row in told.rows("findings")] == ["two-names"]
    retire("old", told.now)
    told(shop(), server="new", system={"machine_id": "7" * 32})
    page = details.server(view(told.now), "new")
    assert page is not None
    assert page.renamed == []


def test_a_renamed_server_keeps_its_history_and_its_tokens(two: Any, shop: Any) -> None:
    tokens.create("report", two.now, server="web2")
    then = two.now
    two.now += HOUR
    assert rename("web2", "shop2", two.now) == 1
    assert Token.objects.get().server == "shop2"
    assert [row["server"] for row in two.rows("servers")] == ["shop2", "web1"]
    assert [row["server"] for row in two.rows("servers", at=then)] == ["shop2", "web1"]
    assert told_of(two, "shop2")[0] == "renamed shop2, was web2"
    subjects = {str(row["subject"]) for row in two.rows("findings")}
    assert any("shop2" in subject for subject in subjects)
    assert not any("web2" in subject for subject in subjects)
    two(shop(release="2.5.0"), server="shop2")
    assert [row["since"] for row in two.rows("groups", server="shop2")] != []


@pytest.mark.parametrize("name", ["", " ", "-oProxyCommand=x", "x" * 500])
def test_what_is_no_name_is_refused(two: Any, name: str) -> None:
    with pytest.raises(Refused, match="expected a name of 1 to"):
        rename("web2", name, two.now)


def test_a_name_that_is_taken_is_refused(two: Any) -> None:
    with pytest.raises(Refused, match="web1 is known already"):
        rename("web2", "web1", two.now)
    with pytest.raises(Refused, match="web2 is called so already"):
        rename("web2", "web2", two.now)
