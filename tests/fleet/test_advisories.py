"""Whether a version is affected: by examples, and against a slow transcription of OSV's own evaluation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from tests.advisories import REAL, real, record, upto
from tightship.fleet.advisories import (
    Advisory,
    Affected,
    BadAdvisory,
    Vulnerability,
    advisory,
    affects,
    fixed_in,
    fold,
    spelled,
)
from tightship.fleet.cvss import base_score, rated


def said(*ranges: Any, versions: Any = (), package: str = "jinja2") -> Affected:
    (affected,) = advisory(record("GHSA-1", package, ranges, versions)).affected
    return affected


BACK_AGAIN = [("introduced", "0"), ("fixed", "1.2"), ("introduced", "2.0"), ("fixed", "2.3")]


@pytest.mark.parametrize(
    ("affected", "version", "is_it"),
    [
        (said(upto("2.10.1")), "2.10", True),
        (said(upto("2.10.1")), "2.10.1", False),
        (said(upto("2.10.1")), "2.10.1rc1", True),
        (said(upto("2.10.1")), "0.dev1", True),
        (said(upto("2.10.1", "2.0")), "2.0", True),
        (said(upto("2.10.1", "2.0")), "2.0rc1", False),
        (said(upto("2.10.1", "2.0")), "1!1.0", False),
        (said(upto("2.10.1", "2.0")), "2.0.post1", True),
        (said([("introduced", "0"), ("last_affected", "1.4")]), "1.4", True),
        (said([("introduced", "0"), ("last_affected", "1.4")]), "1.4.0", True),
        (said([("introduced", "0"), ("last_affected", "1.4")]), "1.4.1", False),
        (said([("introduced", "0"), ("last_affected", "1.4")]), "1.4+cu118", False),
        (said([("introduced", "1.0"), ("limit", "2.0")]), "1.9", True),
        (said([("introduced", "1.0"), ("limit", "2.0")]), "2.0", False),
        (said([("introduced", "1.0"), ("limit", "*")]), "99", True),
        (said([("introduced", "1.0"), ("limit", "2.0"), ("limit", "3.0")]), "2.5", True),
        (said(BACK_AGAIN), "1.5", False),
        (said(BACK_AGAIN), "2.2", True),
        (said(BACK_AGAIN[::-1]), "1.5", False),
        (said(BACK_AGAIN[::-1]), "2.2", True),
        (said(upto("1.2"), upto("2.3", "2.0")), "2.2", True),
        (said(upto("1.2"), upto("2.3", "2.0")), "1.2", False),
        (said(versions=["1.0", "1.1"]), "1.0.0", True),
        (said(versions=["1.0", "1.1"]), "1.2", False),
        (said(versions=["2004d"]), "2004d", True),
        (said(upto("9", "0")), "2004d", False),
        (said(upto("1.2"), versions=["1.0", "3.0"]), "3.0", True),
    ],
)
def test_a_version_is_affected_by_the_list_or_by_a_range(
    affected: Affected, version: str, is_it: bool
) -> None:
    assert affects(affected, version) is is_it


# The pseudo-code of the schema's chapter "Evaluation", word for word. "0" is before all versions there is.


def is_vulnerable(version: str, record: Any) -> bool:
    for affected in record["affected"]:
        in_versions = included_in_versions(version, affected.get("versions", []))
        if in_versions or included_in_ranges(version, affected.get("ranges", [])):
            return True
    return False


def included_in_versions(version: str, versions: list[str]) -> bool:
    return any(Version(version) == Version(one) for one in versions)


def included_in_ranges(v: str, ranges: list[Any]) -> bool:
    version = Version(v)
    for one in ranges:
        if before_limits(version, one["events"]):
            vulnerable = False
            for event in sorted(one["events"], key=ordered):
                if "introduced" in event and (
                    event["introduced"] == "0" or version >= Version(event["introduced"])
                ):
                    vulnerable = True
                elif "fixed" in event and version >= Version(event["fixed"]):  # noqa: SIM114 - as it stands there
                    vulnerable = False
                elif "last_affected" in event and version > Version(event["last_affected"]):
                    vulnerable = False
            if vulnerable:
                return True
    return False


def before_limits(version: Version, events: list[Any]) -> bool:
    limits = [event["limit"] for event in events if "limit" in event]
    return not limits or any(limit == "*" or version < Version(limit) for limit in limits)


def ordered(event: dict[str, str]) -> tuple[int, Version]:
    if event.get("introduced") == "0":
        return 0, Version("0")
    return (2, Version("0")) if event.get("limit") == "*" else (1, Version(next(iter(event.values()))))


NUMBERS = st.sampled_from(["0", "1", "1.0", "1.0.1", "1.1", "2", "2.0", "2.5", "3"])
ENDINGS = st.sampled_from(["", "", "", "a1", "rc1", ".dev0", ".post1", "+local", ".0"])
VERSIONS = st.builds(lambda number, ending: number + ending, NUMBERS, ENDINGS)
EVENTS = st.one_of(
    st.tuples(st.sampled_from(["introduced", "fixed", "last_affected"]), VERSIONS),
    st.tuples(st.just("limit"), st.one_of(VERSIONS, st.just("*"))),
)
RANGES = st.lists(EVENTS, max_size=5).flatmap(lambda events: st.permutations([("introduced", "0"), *events]))


@given(st.lists(RANGES, max_size=3), st.lists(VERSIONS, max_size=4), VERSIONS)
def test_what_is_affected_is_what_osv_says(ranges: Any, versions: list[str], version: str) -> None:
    one = record("GHSA-1", "jinja2", ranges, versions)
    assert any(affects(part, version) for part in advisory(one).affected) == is_vulnerable(version, one)


@given(VERSIONS, VERSIONS)
def test_equal_versions_are_spelled_the_same(one: str, other: str) -> None:
    assert (spelled(one) == spelled(other)) == (Version(one) == Version(other))


# Fixed in


def test_it_is_mended_in_the_smallest_versions_above_that_no_range_holds() -> None:
    ranges = [upto("1.11.23", "1.11"), upto("2.1.11", "2.1"), upto("2.2.4", "2.2")]
    assert fixed_in([said(*ranges)], "2.1.3") == ["2.1.11", "2.2.4"]
    assert fixed_in([said(*ranges)], "2.2") == ["2.2.4"]
    assert fixed_in([said(upto("1.2"), upto("1.5", "1.1"))], "1.0") == ["1.5"]
    assert fixed_in([said(upto("2.0")), said(upto("2.0.0"))], "1.0") == ["2.0"]
    assert fixed_in([said([("introduced", "0")])], "1.0") == []
    assert fixed_in([said(upto("2.0"), versions=["2004d"])], "2004d") == []


# Records


def test_a_record_is_read_as_the_schema_has_it() -> None:
    found = {one.id: one for one in map(advisory, real())}
    one = found["GHSA-462w-v97r-4m45"]
    assert one.aliases == ("CVE-2019-10906", "PYSEC-2019-217")
    assert one.rating == "high"
    assert one.summary == "Jinja2 sandbox escape via string formatting"
    assert one.affected == (Affected("jinja2", ((("introduced", "0"), ("fixed", "2.10.1")),)),)
    assert found["PYSEC-2019-217"].summary == "What PYSEC-2019-217 is about, at length."
    assert len(found) == 2 * len(REAL)


def test_what_is_of_other_ecosystems_and_commits_is_left_out() -> None:
    one = record("GHSA-1", "Zope_Core", [upto("5")], affected_more=1)
    one["affected"][0]["ranges"].append({"type": "GIT", "repo": "x", "events": [{"introduced": "0"}]})
    one["affected"].append({"package": {"ecosystem": "npm", "name": "zope"}, "versions": ["1"]})
    one["affected"].append({"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]})
    assert [(part.package, len(part.ranges)) for part in advisory(one).affected] == [("zope-core", 1)]


def test_versions_that_a_range_holds_already_are_not_kept_twice() -> None:
    assert said(upto("1.2"), versions=["1.0", "1.1", "1.3", "old"]).versions == {"1.3", "old"}


def test_a_bound_that_is_no_version_leaves_out_its_range_and_says_so() -> None:
    one = advisory(record("GHSA-1", "jinja2", [upto("2004d"), upto("1.0")], ["2004x"]))
    (affected,) = one.affected
    assert (len(affected.ranges), affected.versions) == (1, {"2004x"})
    assert one.trouble == ("affected[0].ranges[0]: '2004d' is no version by PEP 440",)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"id": ""}, "id: expected a text of 1 to 100 characters"),
        ({"id": 7}, "id: expected a text"),
        ({"modified": None}, "modified: expected a time"),
        ({"modified": "yesterday"}, "modified: expected a time"),
        ({"aliases": "CVE-1"}, "aliases: expected a list"),
        ({"affected": {}}, "affected: expected a list"),
        ({"affected": [{"package": {"name": "x"}}]}, r"affected\[0\]: expected a package with an ecosystem"),
        ({"affected": [{"package": {"ecosystem": "PyPI"}}]}, r"affected\[0\]: expected the package's name"),
        (
            {"affected": [{"package": {"ecosystem": "PyPI", "name": "x"}, "versions": [1]}]},
            r"affected\[0\].versions: expected a list of versions",
        ),
        (
            {
                "affected": [
                    {"package": {"ecosystem": "PyPI", "name": "x"}, "ranges": [{"type": "ECOSYSTEM"}]}
                ]
            },
            r"affected\[0\].ranges\[0\]: expected a type and events",
        ),
    ],
)
def test_what_is_no_advisory_is_refused_with_the_place(change: Any, why: str) -> None:
    with pytest.raises(BadAdvisory, match=why):
        advisory({**record("GHSA-1"), **change})


def test_a_list_is_no_advisory() -> None:
    with pytest.raises(BadAdvisory, match="expected an object"):
        advisory([])


# Severity


@pytest.mark.parametrize(
    ("vector", "score", "word"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8, "critical"),
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:N/A:N", 8.6, "high"),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:C/C:H/I:N/A:N", 6.1, "medium"),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:R/S:C/C:L/I:L/A:N", 5.4, "medium"),
        ("CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", 1.8, "low"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0, "low"),
        ("AV:N/AC:L/Au:N/C:P/I:P/A:P", 7.5, "high"),
        ("AV:N/AC:M/Au:N/C:N/I:P/A:N", 4.3, "medium"),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", None, "unknown"),
        ("CVSS:3.1/AV:X", None, "unknown"),
        ("rather bad", None, "unknown"),
    ],
)
def test_a_vector_is_scored_as_the_published_calculators_do(
    vector: str, score: float | None, word: str
) -> None:
    assert base_score(vector) == score
    assert rated(vector) == word


def test_the_word_of_the_database_goes_before_the_vector() -> None:
    vector = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
    assert advisory(record("GHSA-1", severity=vector)).rating == "critical"
    assert advisory(record("GHSA-1", severity=vector, database_specific={"severity": "LOW"})).rating == "low"
    assert advisory(record("GHSA-1")).rating == "unknown"


# One vulnerability under several names


def folded(*given: tuple[str, list[str]], shown: Any = (), **more: Any) -> list[Vulnerability]:
    return fold([made(name, aliases, **more) for name, aliases in given], shown)


def made(name: str, aliases: list[str], **more: Any) -> Advisory:
    return advisory(record(name, aliases=aliases, **more))


def ids(found: list[Vulnerability]) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.id, one.aliases) for one in found]


def test_aliases_are_followed_wherever_they_lead() -> None:
    chain = [("PYSEC-1", ["CVE-1"]), ("GHSA-2", ["CVE-2"]), ("GHSA-1", ["CVE-1", "CVE-2"])]
    assert ids(folded(*chain)) == [("CVE-1", ("CVE-2", "GHSA-1", "GHSA-2", "PYSEC-1"))]
    assert ids(folded(*chain)) == ids(folded(*chain[::-1]))


def test_a_withdrawn_one_is_left_out_and_joins_nothing() -> None:
    apart = [made("GHSA-1", []), made("GHSA-2", [])]
    bridge = advisory(record("GHSA-3", aliases=["GHSA-1", "GHSA-2"], withdrawn="2024-01-01T00:00:00Z"))
    assert ids(fold([*apart, bridge])) == [("GHSA-1", ()), ("GHSA-2", ())]


def test_the_id_that_was_shown_stays_and_a_cve_is_shown_first_else() -> None:
    assert ids(folded(("PYSEC-1", []))) == [("PYSEC-1", ())]
    assert ids(folded(("PYSEC-1", ["GHSA-1"]))) == [("GHSA-1", ("PYSEC-1",))]
    later = ("PYSEC-1", ["GHSA-1", "CVE-1"])
    assert ids(folded(later)) == [("CVE-1", ("GHSA-1", "PYSEC-1"))]
    assert ids(folded(later, shown={"PYSEC-1"})) == [("PYSEC-1", ("CVE-1", "GHSA-1"))]


def test_the_worst_rating_and_the_first_summary_are_told() -> None:
    found = fold(map(advisory, real()))
    assert len(found) == len(REAL)
    (one,) = [one for one in found if one.id == "CVE-2019-10906"]
    assert one.rating == "high"
    assert one.summary == "Jinja2 sandbox escape via string formatting"
    assert one.advisories == ("GHSA-462w-v97r-4m45", "PYSEC-2019-217")


NAMES = st.sampled_from([f"{kind}-{n}" for kind in ("CVE", "GHSA", "PYSEC") for n in range(4)])


@given(st.lists(st.tuples(NAMES, st.lists(NAMES, max_size=3)), unique_by=lambda one: one[0], max_size=8))
def test_who_is_joined_is_who_can_be_reached(given_: list[tuple[str, list[str]]]) -> None:
    near: dict[str, set[str]] = {}
    for name, aliases in given_:
        for one in (name, *aliases):
            near.setdefault(one, {one})
            near[name].add(one)
            near[one].add(name)
    found = fold([made(name, aliases) for name, aliases in given_])
    for one in found:
        everything = {one.id, *one.aliases}
        reached = {one.id}
        while more := {other for name in reached for other in near[name]} - reached:
            reached |= more
        assert everything == reached
    assert sorted(name for one in found for name in one.advisories) == sorted(name for name, _a in given_)
