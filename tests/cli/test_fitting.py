"""Tables fit the terminal: columns fold, the later ones go first, the keys stay."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tightship.cli.fitting import GAP, NARROWEST, widths


def test_columns_that_fit_keep_their_width() -> None:
    assert widths([10, 20, 5], space=80) == [10, 20, 5]


def test_the_widest_column_gives_way_first() -> None:
    assert widths([10, 100, 5], space=80) == [10, 61, 5]


def test_two_wide_columns_share_what_is_left() -> None:
    assert widths([10, 100, 90], space=74) == [10, 30, 30]


def test_columns_are_left_out_from_the_end_when_folding_is_not_enough() -> None:
    assert widths([30, 30, 30], space=60) == [29, 29, 0]


def test_key_columns_stay_on_the_narrowest_terminal() -> None:
    assert widths([30, 30, 30], space=20, keys=(0, 2)) == [9, 0, 9]


@given(st.lists(st.integers(1, 300), min_size=1, max_size=14), st.integers(60, 300))
def test_a_table_is_never_wider_than_the_terminal(natural: list[int], space: int) -> None:
    found = widths(natural, space)
    kept = [width for width in found if width]
    assert sum(kept) + GAP * (len(kept) - 1) <= space
    assert len(found) == len(natural)
    assert all(width <= whole for width, whole in zip(found, natural, strict=True))


@given(st.lists(st.integers(1, 300), min_size=1, max_size=14), st.integers(60, 300))
def test_no_kept_column_is_folded_to_a_sliver(natural: list[int], space: int) -> None:
    found = widths(natural, space)
    assert all(width >= min(whole, NARROWEST) for width, whole in zip(found, natural, strict=True) if width)


def test_no_columns_need_no_room() -> None:
    assert widths([], space=80) == []
