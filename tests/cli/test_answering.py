"""One listing asked and answered: what every verb that lists does."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import click
import pytest

from tightship.cli import tables
from tightship.cli.answering import Asked, answer, covered
from tightship.store.listing import Column, Covers, Filter, Page, Params, Row, View

ALL = Covers(3)


@dataclass
class Boats:
    """A listing that needs no database."""

    rows: Sequence[Row]
    covers: Covers = ALL
    name: str = "boats"
    title: str = "Boats"
    columns: Sequence[Column] = (
        Column("name", "Name"),
        Column("ports", "Ports", "list"),
        Column("masts", "Masts", "number"),
        Column("seen", "Seen", "time", sortable=False),
    )
    filters: Sequence[Filter] = (Filter("name", "Name"),)

    def page(self, view: View, params: Params) -> Page:
        found = [row for row in self.rows if params.filters.get("name", row["name"]) == row["name"]]
        first = (params.page - 1) * params.size
        return Page(self, params, view, found[first : first + params.size], len(found), self.covers)


SEEN = datetime(2026, 11, 23, 6, 1, tzinfo=UTC)
TWO = Boats(
    [
        {"name": "ketch", "ports": ["8001", "/run/ketch.sock"], "masts": 2, "seen": SEEN},
        {"name": "=cmd()", "ports": [], "masts": None, "seen": None},
    ]
)


def test_rows_go_to_a_pipe_and_what_they_cover_to_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(TWO, Asked(), {}) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].split() == ["Name", "Ports", "Masts", "Seen"]
    assert "8001, /run/ketch.sock" in out
    assert err == "2 in all · 3 of 3 servers\n"


@pytest.mark.parametrize("covers", [Covers(3, silent=("web2",)), Covers(3, unread=("web2",))])
def test_an_answer_that_does_not_cover_all_exits_with_2(
    covers: Covers, capsys: pytest.CaptureFixture[str]
) -> None:
    boats = replace(TWO, covers=covers)
    assert answer(boats, Asked(), {}) == 2
    assert "web2" in capsys.readouterr().err
    assert answer(boats, Asked(partial=True), {}) == 0


def test_an_answer_without_any_server_covers_nothing() -> None:
    assert answer(replace(TWO, rows=[], covers=Covers(0)), Asked(), {}) == 2


def test_json_says_what_it_covers_in_itself(capsys: pytest.CaptureFixture[str]) -> None:
    answer(replace(TWO, covers=Covers(3, silent=("web2",))), Asked(form="json"), {})
    out, err = capsys.readouterr()
    assert json.loads(out)["covers"]["silent"] == ["web2"]
    assert err == ""


def test_csv_is_alone_on_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    answer(TWO, Asked(form="csv"), {})
    out, err = capsys.readouterr()
    rows = list(csv.reader(io.StringIO(out)))
    assert [row[0] for row in rows] == ["name", "ketch", "'=cmd()"]
    assert "3 of 3 servers" in err


def test_a_pipe_gets_all_rows_and_a_terminal_a_page(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    many = Boats([{"name": f"boat{n}"} for n in range(120)])
    answer(many, Asked(), {})
    assert capsys.readouterr().out.count("boat") == 120
    monkeypatch.setattr(tables, "to_terminal", lambda: True)
    answer(many, Asked(page=2), {})
    out = capsys.readouterr().out
    assert out.count("boat") == 50
    assert "51-100 of 120, --page 3 or --all for more" in out


def test_more_rows_than_one_query_gives_are_fetched_page_by_page(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tightship.cli.answering.LARGEST_SIZE", 7)
    answer(Boats([{"name": f"boat{n}"} for n in range(120)]), Asked(everything=True, form="json"), {})
    document = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in document["rows"]] == [f"boat{n}" for n in range(120)]
    assert (document["total"], document["pages"]) == (120, 1)


@pytest.mark.parametrize(
    ("asked", "filters", "says"),
    [
        (Asked(sort="colour"), {}, "colour.*name, ports, masts"),
        (Asked(sort="seen"), {}, "expected one of name, ports, masts"),
        (Asked(), {"colour": "red"}, "Filter 'colour': expected one of name"),
        (Asked(at="the day before"), {}, "2026-11-20.*how long ago"),
        (Asked(at="2199-01-01"), {}, "to come"),
    ],
)
def test_what_is_asked_wrongly_is_told_in_one_sentence(
    asked: Asked, filters: dict[str, str], says: str
) -> None:
    with pytest.raises(click.UsageError, match=says):
        answer(TWO, asked, filters)


def test_the_past_is_said_to_be_the_past(capsys: pytest.CaptureFixture[str]) -> None:
    answer(TWO, Asked(at="2026-11-20 12:00"), {})
    assert "as of 2026-11-20 12:00" in capsys.readouterr().err


def test_an_empty_store_says_how_to_begin() -> None:
    assert "tightship gather" in covered(Covers(0))


def test_of_many_silent_servers_some_are_named_and_the_others_counted() -> None:
    text = covered(Covers(500, silent=tuple(f"web{n}" for n in range(20))))
    assert text.startswith("480 of 500 servers; 20 silent: web0, web1")
    assert text.endswith("web7 and 12 more")


def test_nothing_found_draws_no_empty_table(capsys: pytest.CaptureFixture[str]) -> None:
    answer(Boats([]), Asked(), {})
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("None found · ")


@pytest.mark.parametrize("width", [40, 80, 140])
def test_no_line_of_a_table_is_wider_than_the_terminal(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "to_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    wide = Boats([{"name": "x" * 90, "ports": ["/run/" + "y" * 200], "masts": 3, "seen": SEEN}])
    answer(wide, Asked(), {}, keys=("name",))
    table = [line for line in capsys.readouterr().out.splitlines() if "Not shown" not in line][:-1]
    assert max(map(len, table)) <= width
    assert "".join(table).count("x") == 90
