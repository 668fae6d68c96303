"""What is refused, what is kept, and that digests are over the bytes as sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import reports
from tightship.fleet.report import (
    LARGEST,
    SCHEMA,
    Package,
    Refused,
    digest_of,
    digest_of_set,
    load,
    package_line,
    parse_package_line,
)

WHOLE = reports.report(
    applications=[reports.application("shop", reports.packages(django="5.2.1"), ports=[8001])]
)


def test_a_whole_report_is_read() -> None:
    report = load(WHOLE)
    assert report.state is not None
    assert [group.key for group in report.state.groups] == ["unit:shop.service"]
    assert list(report.sets.values()) == [(Package("django", "5.2.1"),)]
    assert report.sets_named() == frozenset(report.sets)


def test_a_sender_that_has_been_here_leaves_out_state_and_sets() -> None:
    report = load(reports.head(WHOLE))
    assert report.state is None
    assert report.sets == {}
    assert report.digest == load(WHOLE).digest


def test_spaces_and_order_of_the_state_count_as_they_were_sent() -> None:
    state = '{ "complete":true , "system": {"name":"web1"} }'
    document = f' {{"live": {{"at": "2026-11-20T10:00:00Z"}}, "state" : {state} ,"schema":"{SCHEMA}",'
    document += f'"digest":"{digest_of(state.encode())}"}} '
    report = load(document.encode())
    assert report.state is not None
    assert report.state.system.name == "web1"


@pytest.mark.parametrize("cut", [1, 10, len(WHOLE) // 2, len(WHOLE) - 1])
def test_a_report_that_was_cut_is_refused_with_the_place(cut: int) -> None:
    with pytest.raises(Refused, match="not JSON at byte"):
        load(WHOLE[:cut])


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "not JSON at byte 0"),
        (b"[]", "not JSON at byte 0: expected '{'"),
        (b"{}", 'schema: expected "tightship.report/1", got nothing'),
        (b'{"schema": "tightship.report/9"}', 'got "tightship.report/9"'),
        (WHOLE + b"x", "something follows the report"),
        (WHOLE.replace(b'"at"', b'"when"', 1), "live.at: Field required"),
        (WHOLE.replace(b'"complete": true', b'"complete": 7', 1), "state: the digest"),
        (b"\xff\xfe", "plain ASCII"),
        (b'{"schema": NaN}', "NaN is not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"1" * 5000 + b"}", "not a report"),
        (b" " * (LARGEST + 1), "at most"),
    ],
)
def test_what_is_no_report_is_refused_with_the_reason(document: bytes, reason: str) -> None:
    with pytest.raises(Refused, match=reason.replace("[", r"\[").replace("{", r"\{")):
        load(document)


def test_a_wrong_shape_names_the_member() -> None:
    state = json.dumps({"system": {"name": "web1"}, "complete": True, "groups": [{"key": "a"}]})
    document = json.dumps(
        {"schema": SCHEMA, "digest": digest_of(state.encode()), "live": {"at": "2026-11-20T10:00:00Z"}}
    )
    with pytest.raises(Refused, match=r"state\.groups\.0\.kind: Field required"):
        load(f'{document[:-1]}, "state": {state}}}'.encode())


def test_a_set_whose_lines_are_not_its_digest_is_refused() -> None:
    with pytest.raises(Refused, match=r"sets\.[0-9a-f]{40}: the digest"):
        load(WHOLE.replace(b'["django\\t5.2.1"]', b'["django\\t5.2.2"]'))


def test_a_newer_probe_may_say_more() -> None:
    state = json.dumps({**reports.state(), "moon": "full"})
    assert load(reports.document(json.loads(state), {})).state is not None


HARMFUL = [
    "a\x00b",
    "a\x1b[31mb",
    "a\u202eb",
    "a\ud800b",
    "a\nb",
    "<script>alert(1)</script>",
    "a\x7fb",
    'a\u200bb"c\\\\u202ed',
    "x" * 9000,
    "ü",
]


@pytest.mark.parametrize("name", HARMFUL)
def test_what_an_applications_user_writes_into_a_name_is_kept_harmless(name: str) -> None:
    lines = [f"{name.replace(chr(9), ' ')}\tnot a version at all\t\tc0ffee"]
    group, environment = reports.application("shop", lines, user=name)
    report = load(reports.report(applications=[(group, environment)]))
    assert report.state is not None
    (package,) = next(iter(report.sets.values()))
    for text in (report.state.groups[0].user, package.name):
        assert not any(
            ord(char) < 32 or 0xD800 <= ord(char) < 0xE000 or char in "\x7f\u202e\u200b" for char in text
        )
        assert len(text) <= 4096
        text.encode()
    assert package.version == "not a version at all"
    assert package.commit == "c0ffee"


def test_two_long_texts_stay_two() -> None:
    documents = [reports.report(groups=[reports.group(user="x" * 9000 + end)]) for end in "ab"]
    users = {load(document).state.groups[0].user for document in documents}  # type: ignore[union-attr]
    assert len(users) == 2


text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@given(st.builds(Package, text, text, text, text, st.booleans(), st.booleans()))
def test_a_package_line_can_be_read_back(package: Package) -> None:
    assert parse_package_line(package_line(package)) == package


@given(st.lists(text))
def test_the_digest_of_a_set_knows_no_order(lines: list[str]) -> None:
    assert digest_of_set(lines) == digest_of_set(reversed(lines))


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_time_that_no_database_holds_is_refused(at: str) -> None:
    with pytest.raises(Refused, match=r"live\.at: .*UTC"):
        load(reports.report(live={"at": at}))


def test_times_are_moments() -> None:
    assert load(WHOLE).live.at == datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
