"""What the probe says of real processes of every kind equals what they say of themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.zoo.keeper import HERE
from tests.zoo.showing import Case, cases, living, scan, table


def _parameters() -> list[object]:
    return [
        pytest.param(name, marks=[pytest.mark.soak] if case.soaks else [], id=name)
        for name, case in cases().items()
    ]


@pytest.fixture(scope="session")
def zoo(request: pytest.FixtureRequest) -> Iterator[dict[str, Case]]:
    """The cases that are asked for in this session, all started, scanned once and compared."""
    asked = [item.callspec.params["name"] for item in request.session.items if _is_of_zoo(item)]
    wanted = {name: cases()[name] for name in asked}
    with living(case for case in wanted.values() if not _lacks(case)):
        report = scan()
        for case in wanted.values():
            case.compare(report)
    yield wanted
    print(table(wanted.values()))


def _is_of_zoo(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and item.originalname == "test_what_is_told_is_true"


def _lacks(case: Case) -> bool:
    try:
        case.need()
    except BaseException:  # its own test says so
        return True
    return False


@pytest.mark.parametrize("name", _parameters())
def test_what_is_told_is_true(name: str, zoo: dict[str, Case]) -> None:
    case = zoo[name]
    case.need()
    assert not case.problem, case.problem
    assert case.compared.true
    assert not case.compared.differences()


def test_the_page_about_truth_shows_every_case_and_all_are_exact() -> None:
    page = (HERE.parents[1] / "docs/explanation/truth.md").read_text()
    rows = dict(re.findall(r"^\| (\w+) \| .* \| (yes|no|did not start) \|$", page, re.MULTILINE))
    assert rows.keys() == {name for name, case in cases().items() if not case.soaks}
    assert set(rows.values()) == {"yes"}
