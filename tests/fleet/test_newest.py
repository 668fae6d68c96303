"""What may take the place of a version in use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tightship.fleet.newest import Candidate, Offer, lowest, newest, newest_first, offer, runs, said


def candidates(*versions: str, **more: str) -> list[Candidate]:
    return newest_first(Candidate(one, **more) for one in versions)


DJANGO = newest_first(
    [
        Candidate("6.0", ">=3.12"),
        Candidate("5.2.9", ">=3.10"),
        Candidate("5.2.1", ">=3.10"),
        Candidate("4.2.30", ">=3.8"),
        Candidate("6.1rc1", ">=3.12"),
        Candidate("4.2.11", ">=3.8", yanked="breaks the cache"),
    ]
)


def test_the_newest_that_the_python_can_run_is_offered_and_what_is_beyond_is_told() -> None:
    found = offer("4.2.1", DJANGO, "3.11.7")

    assert found == Offer("5.2.9", "major", "6.0", ">=3.12")
    assert found.told == "6.0 needs Python 3.12"


def test_where_nothing_newer_runs_there_is_no_offer_but_the_reason() -> None:
    assert offer("4.2.30", DJANGO, "3.8.20") == Offer("", None, "6.0", ">=3.12")


@pytest.mark.parametrize(("level", "expected"), [("major", "5.2.9"), ("minor", "4.3"), ("bugfix", "4.2.30")])
def test_a_level_is_the_farthest_step(level: str, expected: str) -> None:
    found = newest_first([*DJANGO, Candidate("4.3", ">=3.8")])

    assert offer("4.2.1", found, "3.11", level).version == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("used", "step"), [("1.2.3", "bugfix"), ("1.1", "minor"), ("0.9", "major"), ("1.2.4rc1", "bugfix")]
)
def test_how_far_a_newer_version_is(used: str, step: str) -> None:
    assert offer(used, candidates("1.2.4")).level == step


def test_an_epoch_is_a_major_step() -> None:
    assert offer("2024.1", candidates("1!1.0")).level == "major"
    assert offer("2024.1", candidates("1!2024.1.1"), level="bugfix").version == ""


def test_pre_releases_are_only_offered_to_who_runs_one() -> None:
    found = candidates("2.0rc1", "1.9", "1.8b1")

    assert offer("1.8", found).version == "1.9"
    assert offer("1.8b1", found).version == "2.0rc1"
    assert newest(found) == "1.9"
    assert newest(candidates("0.1a2")) == "0.1a2"


def test_what_was_taken_back_is_never_offered_and_who_runs_it_is_told_why() -> None:
    assert offer("4.2.11", DJANGO, "3.8").yanked == "breaks the cache"
    assert offer("4.2.10", DJANGO, "3.8", "bugfix").version == "4.2.30"
    assert offer("1.0", candidates("1.1", yanked="")) == Offer()


def test_a_version_that_one_index_took_back_counts_where_another_still_has_it() -> None:
    both = newest_first([Candidate("1.1", yanked="private only"), Candidate("1.1")])

    assert offer("1.0", both).version == "1.1"


def test_a_local_version_is_newer_than_the_public_one_it_was_made_from() -> None:
    assert offer("1.0+ours.1", candidates("1.0")) == Offer()
    assert offer("1.0+ours.1", candidates("1.0.1")).version == "1.0.1"


def test_what_is_no_proper_version_has_no_place_in_the_order() -> None:
    assert offer("2004d-custom", candidates("2024.1")) == Offer()
    assert newest_first([Candidate("not a version"), Candidate("1")]) == [Candidate("1")]


def test_an_unreadable_requirement_forbids_nothing() -> None:
    assert runs(">=3.6.*", "3.11")
    assert offer("1", candidates("2", requires_python="three"), "3.11").version == "2"


@pytest.mark.parametrize(
    ("requires", "least"),
    [
        (">=3.10,<4", "3.10"),
        ("==3.11.*", "3.11"),
        ("~=3.9", "3.9"),
        ("<4", ""),
        ("three", ""),
        (">=3.8,>=3.9", "3.9"),
    ],
)
def test_the_lowest_python_of_a_project(requires: str, least: str) -> None:
    assert lowest(requires) == least


def test_what_is_needed_is_said_shortly_where_it_can_be() -> None:
    assert said(">= 3.12") == "3.12"
    assert said(">=3.9,!=3.9.1") == ">=3.9,!=3.9.1"


numbers = st.lists(st.integers(0, 12), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
versions = st.builds(
    lambda number, end: number + end, numbers, st.sampled_from(["", "", "a1", "rc2", ".post1", ".dev3"])
)
offered = st.builds(
    Candidate,
    versions,
    st.sampled_from(["", ">=3.8", ">=3.12", "<3.0"]),
    st.sampled_from([None, None, "bad"]),
)


@given(versions, st.lists(offered, max_size=12), st.sampled_from(["major", "minor", "bugfix"]))
def test_an_offer_is_what_reading_all_candidates_one_by_one_finds(
    used: str, found: list[Candidate], level: str
) -> None:
    def wanted(one: Candidate) -> bool:
        version, current = Version(one.version), Version(used)
        same = {"major": 0, "minor": 1, "bugfix": 2}[level]
        places = [(part.major, part.minor)[:same] for part in (version, current)]
        return (
            version > current
            and (current.is_prerelease or not version.is_prerelease)
            and places[0] == places[1]
            and (version.epoch == current.epoch or level == "major")
            and SpecifierSet(one.requires_python).contains("3.11", prereleases=True)
        )

    left = {Version(one.version) for one in found if one.yanked is None}
    best = newest_first(found)
    fitting = [Version(one.version) for one in best if one.yanked is None and wanted(one)]

    answer = offer(used, best, "3.11", level).version  # type: ignore[arg-type]

    assert (Version(answer) if answer else None) == max(fitting, default=None)
    assert not answer or Version(answer) in left
