"""Exports, directories and mirrors: what can be read is read, and what can't is said."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.advisories import REAL, directory, export, real, record, upto
from tightship.index import osv
from tightship.index.osv import Broken, Read, Unreadable, records

ALL = 2 * len(REAL)


def names(where: Path | str) -> list[str]:
    return [one.advisory.id for one in records(str(where)) if isinstance(one, Read)]


def broken(where: Path | str) -> list[tuple[str, str, bool]]:
    found = [one for one in records(str(where)) if isinstance(one, Broken)]
    return [(one.place.rpartition("/")[2], one.why, one.partly) for one in found]


def test_an_export_a_directory_and_a_single_file_are_read(tmp_path: Path) -> None:
    whole = names(export(tmp_path / "all.zip", real()))
    assert len(whole) == ALL
    unpacked = directory(tmp_path / "unpacked" / "advisories" / "pypi", real())
    assert sorted(names(tmp_path / "unpacked")) == sorted(whole)
    assert names(unpacked / f"{whole[0]}.json") == [whole[0]]


def test_the_record_is_kept_as_it_came(tmp_path: Path) -> None:
    strange = record("GHSA-1", "jinja2", [upto("2")], database_specific={"of": "nobody's schema", "ü": 1})
    (one,) = records(str(export(tmp_path / "all.zip", [strange])))
    assert isinstance(one, Read)
    assert json.loads(one.text) == strange


def test_broken_records_are_told_and_the_rest_is_read(tmp_path: Path) -> None:
    folder = directory(tmp_path, real())
    (folder / "a.json").write_text("{")
    (folder / "b.json").write_text('{"id": 7}')
    (folder / "c.json").write_bytes(b"\xff")
    (folder / "d.json").write_text("[" * 100_000)
    assert len(names(folder)) == ALL
    told = broken(folder)
    assert [(place, partly) for place, _why, partly in told] == [
        (name, False) for name in ("a.json", "b.json", "c.json", "d.json")
    ]
    assert told[1][1] == "id: expected a text of 1 to 100 characters"


def test_what_is_not_understood_of_a_record_is_told_and_the_record_read(tmp_path: Path) -> None:
    folder = directory(tmp_path, [record("GHSA-1", "jinja2", [upto("2004d"), upto("2")])])
    assert broken(folder) == [
        ("GHSA-1.json", "affected[0].ranges[0]: '2004d' is no version by PEP 440", True)
    ]
    assert names(folder) == ["GHSA-1"]


def refused(where: Path | str) -> str:
    with pytest.raises(Unreadable) as raised:
        list(records(str(where)))
    return str(raised.value)


def test_what_is_no_export_is_refused_by_its_name(tmp_path: Path) -> None:
    text = tmp_path / "all.zip"
    text.write_text("<html>Log in first</html>")
    assert "all.zip is no zip that can be read whole (File is not a zip file)" in refused(text)
    with zipfile.ZipFile(text, "w") as file:
        file.writestr("README", "nothing")
    assert "is a zip without any *.json" in refused(text)
    (tmp_path / "empty").mkdir()
    assert "holds no *.json file" in refused(tmp_path / "empty")
    assert "nowhere can't be read: no such file or directory" in refused(tmp_path / "nowhere")


def test_an_export_that_was_cut_or_changed_is_refused_whole(tmp_path: Path) -> None:
    whole = export(tmp_path / "all.zip", real())
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) // 2])
    assert "can be read whole" in refused(whole)
    whole.write_bytes(data[:200] + bytes(200) + data[400:])
    assert "can be read whole" in refused(whole)


def test_a_zip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = tmp_path / "all.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(20):
            file.writestr(f"{number}.json", b" " * 1024**2)
    assert bomb.stat().st_size < 64 * 1024
    monkeypatch.setattr(osv, "LARGEST_TOTAL", 10 * 1024**2)
    assert "unpacks to more than" in refused(bomb)
    monkeypatch.setattr(osv, "MOST_RECORDS", 5)
    assert "holds more than 5 records" in refused(bomb)
    monkeypatch.setattr(osv, "LARGEST_RECORD", 1024)
    monkeypatch.setattr(osv, "MOST_RECORDS", 50)
    assert all("more than 0 MB" in why for _place, why, _partly in broken(bomb))


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server on loopback: its address, and the directory that it shows."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_args: Any) -> None:
            pass

    folder = tmp_path / "mirror"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    server.server_close()


def test_a_mirror_is_read(mirror: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    address, folder = mirror
    export(folder / "all.zip", real())
    assert len(names(f"{address}/all.zip")) == ALL
    monkeypatch.setattr(osv, "LARGEST_EXPORT", 1000)
    assert "sends more than 0 MB" in refused(f"{address}/all.zip")


def test_what_is_wrong_with_a_mirror_is_told_without_its_password(mirror: tuple[str, Path]) -> None:
    address, folder = mirror
    with_password = address.replace("//", "//me:secret@")
    said = refused(f"{with_password}/all.zip?token=secret")
    assert said == f"{address}/all.zip can't be fetched: it answered 404 File not found"
    (folder / "all.zip").write_text("<html>")
    assert f"{address}/all.zip is no zip" in refused(f"{with_password}/all.zip")
    assert "nothing answers there" in refused("http://127.0.0.1:9/all.zip")
    assert "expected an address that begins with https://" in refused("ftp://127.0.0.1/all.zip")
