"""Which names match what was typed."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tightship.fleet.searching import (
    BEGINS,
    EXACT,
    NEAR,
    PART,
    WORD,
    Names,
    Typed,
    fold,
    is_near,
    splits,
    typed,
)

LETTERS = string.ascii_lowercase
words = st.text(LETTERS, min_size=4, max_size=14)
names = st.lists(st.text(LETTERS, min_size=1, max_size=9), min_size=1, max_size=4).map(".".join)
errors = st.sampled_from(["insert", "delete", "replace", "swap"])
others = st.lists(names, max_size=30)


def wrong(word: str, error: str, place: int, letter: str) -> str:
    """A word with one typing error."""
    at = place % len(word)
    if error == "insert":
        return word[:at] + letter + word[at:]
    if error == "delete":
        return word[:at] + word[at + 1 :]
    if error == "replace":
        return word[:at] + letter + word[at + 1 :]
    at %= len(word) - 1
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def found(some: Names, text: str, most: int = 1000) -> list[str]:
    """What a search finds: what is called so; only where nothing is, what is near."""
    asked = typed(text).words
    return [hit.name for hit in some.holding(asked, most) or some.near(asked, most)]


@given(words, errors, st.integers(0, 99), st.sampled_from(LETTERS), others)
@example("shop", "delete", 2, "a", [])
@example("shop", "swap", 1, "a", [])
@example("shop", "insert", 4, "s", [])
@settings(max_examples=400, deadline=None)
def test_every_word_is_found_with_any_one_error(
    word: str, error: str, place: int, letter: str, beside: list[str]
) -> None:
    typed_so = wrong(word, error, place, letter)
    assert is_near(word, typed_so)
    assert is_near(f"www-{word}-com", typed_so)
    some = Names([word, f"www.{word}.com", *beside])
    # What is called exactly as it was typed comes alone.
    if not some.holding((typed_so,), 1):
        assert {word, f"www.{word}.com"} <= set(found(some, typed_so))


@given(
    st.lists(words, min_size=2, max_size=3),
    st.lists(st.tuples(errors, st.integers(0, 99), st.sampled_from(LETTERS)), min_size=3, max_size=3),
    st.sampled_from(".-_ "),
    others,
)
@settings(max_examples=300, deadline=None)
def test_each_word_may_have_an_error_of_its_own(
    some: list[str], mistakes: list[tuple[str, int, str]], between: str, beside: list[str]
) -> None:
    name = ".".join(some)
    text = between.join(wrong(word, *mistake) for word, mistake in zip(some, mistakes, strict=False))
    known = Names([name, *beside])
    if not known.holding(typed(text).words, 1):
        assert name in found(known, text)


@given(names, others)
@settings(max_examples=200, deadline=None)
def test_every_name_is_found_by_itself_first_and_by_each_beginning(name: str, beside: list[str]) -> None:
    some = Names([name, *beside])
    hits = some.holding((fold(name),), 100)
    assert (hits[0].rank, fold(hits[0].name)) == (EXACT, fold(name))
    for length in range(1, len(name) + 1):
        if fold(name[:length]):
            assert name in [hit.name for hit in some.holding((fold(name[:length]),), 100)]


@given(words, st.integers(0, 99))
def test_wherever_a_word_is_cut_an_error_leaves_one_part_right(word: str, place: int) -> None:
    for error in ("insert", "delete", "replace", "swap"):
        typed_so = wrong(word, error, place, "q")
        for marks in splits(typed_so):
            assert any(mark in word for mark in marks)


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_whatever_is_typed_is_taken_apart(text: str) -> None:
    asked = typed(text)
    assert len(asked.words) <= 16
    assert all(word and word == fold(word) for word in asked.words)
    assert asked.port is None or 0 <= asked.port <= 65535
    some = Names(["shop", "django", text])
    some.holding(asked.words, 10)
    some.near(asked.words, 10)


def test_what_fits_better_stands_first() -> None:
    some = Names(["myshop", "a.shop", "shop", "shop-b", "other"])
    assert [(hit.rank, hit.name) for hit in some.holding(("shop",), 9)] == [
        (EXACT, "shop"),
        (BEGINS, "shop-b"),
        (WORD, "a.shop"),
        (PART, "myshop"),
    ]
    assert [(hit.rank, hit.name) for hit in some.near(("shpo",), 9)] == [
        (NEAR, "a.shop"),
        (NEAR, "shop"),
        (NEAR, "shop-b"),
    ]


def test_of_more_than_were_asked_for_the_best_are_kept() -> None:
    some = Names([*(f"a{n}shop" for n in range(50)), "shop", "shop-z"])
    assert [hit.name for hit in some.holding(("shop",), 2)] == ["shop", "shop-z"]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("typing_extensions", "Typing.Extensions"),
        ("typing-extensions", "typingextensions"),
        ("zope.interface", "zope-interface"),
        ("web-3.example.com", "WEB-3"),
        ("web-3.example.com", "web3.example"),
        ("customer=acme", "acme"),
        ("STRASSE", "straße"),
        ("shop\t2.4.1", "shop 2.4.1"),
        ("shop\t2.4.1", "v2.4.1 shop"),
    ],
)
def test_case_and_separators_make_no_difference(name: str, asked: str) -> None:
    assert found(Names([name, "other"]), asked) == [name]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("shop\t2.4.1", "2.4.2"),  # another number is another thing
        ("shop\t11.2.3", "1.2.3"),
        ("web1", "8001"),
        ("api", "apx"),  # too short for an error
        ("shop", "so"),
        ("shop", "sxxp"),  # two errors
        ("shovel", "shpo"),  # the beginning of a long word has no error before its fifth letter
        ("blueshop", "shpo"),
    ],
)
def test_what_nobody_means_is_not_found(name: str, asked: str) -> None:
    assert found(Names([name]), asked) == []


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("8001", Typed("8001", ("8001",), 8001, "", "", ("8001",))),
        ("web3:8001", Typed("web3:8001", ("web3",), 8001, "web3", "", ("web3",))),
        (":22", Typed(":22", ("22",), 22, "", "", ("22",))),
        ("70000", Typed("70000", ("70000",), None, "", "", ("70000",))),
        ("django 4.2", Typed("django 4.2", ("django", "4-2"), None, "", "4.2", ("django",))),
        ("django==4.2", Typed("django==4.2", ("django", "4-2"), None, "", "4.2", ("django",))),
        ("django 5", Typed("django 5", ("django", "5"), 5, "", "5", ("django",))),
        ("v2.4.1", Typed("v2.4.1", ("2-4-1",), None, "", "2.4.1", ())),
        ("ftp://me@a.org:443/x", Typed("ftp://me@a.org:443/x", ("a-org",), 443, "a.org", "", ("a-org",))),
        ("  shop\0\tapi ", Typed("shop api", ("shop", "api"), None, "", "", ("shop", "api"))),
        ("%_'\"", Typed("%_'\"")),
        ("", Typed("")),
    ],
)  # fmt: skip
def test_what_was_typed_is_taken_apart(text: str, asked: Typed) -> None:
    assert typed(text) == asked


def test_a_name_with_a_line_break_is_one_name() -> None:
    assert found(Names(["a\nb", "shop"]), "shop") == ["shop"]


def test_forty_thousand_names_that_nearly_match_are_not_looked_at_for_ever() -> None:
    some = Names(f"s{n}.exxmple.com" for n in range(40_000))
    assert len(some) == 40_000
    assert some.near(("nowhere-exxmple-com",), 10) == []


def test_letters_that_mean_something_in_patterns_are_letters() -> None:
    some = Names(["shop", "a+b", "ärger"])
    for text in ("sh.p", "s[hx]op", "sh*p", "(shop)?", "^shop$", "\\shop"):
        assert "a+b" not in found(some, text)
    assert found(some, "argerx") == []
    assert found(some, "ärgr") == ["ärger"]
    long = "x" * 30 + "y" * 30
    assert found(Names([long]), long[:29] + long[30:]) == [long]
