"""The list kept by hand, as programs and people write it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightship.fleet.reckoning import Listed
from tightship.integrations.handlist import BadList, read

SHOP = Listed(2, "shop", "web1", "8001", "2.4.1", "web team")


@pytest.mark.parametrize(
    "text",
    [
        "application,server,port,release,owner\nshop,web1,8001,2.4.1,web team\n",
        "Application;Server;Port;Release;Owner\r\nshop;web1;8001;2.4.1;web team\r\n",
        "App\tHost\tPort\tVersion\tTeam\nshop\tweb1\t8001\t2.4.1\tweb team\n",
        'Server,"Since","Application",Port,Release,Owner\nweb1,"2019, or so","shop",8001,2.4.1,web team\n',
        "application , server , port , release , owner\n shop , web1 , 8001 , 2.4.1 , web team\n\n,,,,\n",
    ],
)
def test_columns_are_known_by_their_headings(text: str) -> None:
    assert read(text.encode()) == [SHOP]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_umlauts_come_as_they_were_written(encoding: str) -> None:
    assert read("Application;Owner\nshop;Jörg\n".encode(encoding)) == [Listed(2, "shop", owner="Jörg")]


def test_excel_says_its_separator_in_a_line_of_its_own() -> None:
    assert [one.line for one in read(b"sep=;\r\nApplication;Server\r\nshop;web1\r\n")] == [3]


def test_cells_with_line_breaks_keep_the_lines_counted() -> None:
    text = b'application,remarks,server\nshop,"two\nlines",web1\nblog,,web2\n'
    assert [(one.line, one.application) for one in read(text)] == [(2, "shop"), (4, "blog")]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", r"list.csv:1: expected headings, with one for the application or the server"),
        (b"name,remarks\nshop,x\n", r"list.csv:1: expected headings.*got 'name, remarks'"),
        (b"PK\x03\x04rest", "this is a spreadsheet. Save it as CSV first"),
        (b"application\n\0\0", "this is no text"),
        (b'application\n"' + b"x" * 200_000 + b'"\n', r"list.csv:\d+: field larger than field limit"),
    ],
)
def test_what_is_no_list_is_refused_by_its_place(data: bytes, says: str) -> None:
    with pytest.raises(BadList, match=says):
        read(data, "list.csv")


@given(
    st.binary(max_size=300)
    | st.text(max_size=300).map(lambda text: ("app,host\n" + text).encode("utf-8", "replace"))
)
def test_whatever_somebody_has_is_read_or_refused(data: bytes) -> None:
    with suppress(BadList):
        assert all(one.application or one.server for one in read(data))
