"""`tightship declare`: what it says, what it refuses, and with which words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.conftest import Tightship, program
from tests.reports import application, packages, report
from tightship.cli.declaration import Lines

SHOP = """\
[applications.shop]
owner = "web team"
labels = { customer = "acme" }
found_as = ["unit:portal*"]
"""


@pytest.fixture
def tightship(tmp_path: Path) -> Tightship:
    """`tightship` over a store that knows `portal` on web1."""
    found = program(tmp_path / "data")
    portal = application("portal", packages(django="5.2.1"), ports=[8001])
    assert found("record", "-", typed=report("web1", [portal], datetime.now(UTC))).returncode == 0
    return found


def write(directory: Path, **files: str) -> str:
    """Files `fleet`, `more`, ... as .toml; gives the path of the first."""
    for name, text in files.items():
        (directory / f"{name}.toml").write_text(text)
    return str(directory / f"{next(iter(files))}.toml")


def test_it_says_what_is_called_anew(tightship: Tightship, tmp_path: Path) -> None:
    file = write(tmp_path, fleet=SHOP)
    first = tightship("declare", "--file", file)
    assert (first.returncode, first.stdout.splitlines()) == (
        0,
        [
            "shop: 1 process group on 1 server (was: portal); owner, address or labels changed",
            "portal: gone, nothing is called that any more",
        ],
    )
    again = tightship("declare", "--file", file)
    assert again.stdout.splitlines()[-1] == "Nothing changed: all this was declared before."
    (row,) = json.loads(tightship("applications", "--json").stdout)["rows"]
    assert (row["application"], row["owner"], row["labels"]) == ("shop", "web team", ["customer=acme"])
    assert "shop" in tightship("applications", "--label", "customer=acme", "--owner", "web team").stdout


def test_a_trial_says_so_and_changes_nothing(tightship: Tightship, tmp_path: Path) -> None:
    done = tightship("declare", "--dry-run", "--file", write(tmp_path, fleet=SHOP))
    assert done.stdout.startswith("This is what would be; nothing was changed.\nshop: 1 process group")
    assert "portal" in tightship("applications").stdout


def test_a_trial_checks_a_file_where_there_is_no_database(fresh: Tightship, tmp_path: Path) -> None:
    done = fresh("declare", "--dry-run", "--file", write(tmp_path, fleet=SHOP))
    assert done.returncode == 0
    assert "is in order. Nothing was recorded yet" in done.stdout
    assert not (tmp_path / "data").exists()


def test_what_is_declared_first_names_what_is_recorded_later(fresh: Tightship, tmp_path: Path) -> None:
    done = fresh("declare", "--file", write(tmp_path, fleet=SHOP))
    assert done.returncode == 0
    assert "shop: nothing that runs now" in done.stdout
    portal = application("portal", packages(django="5.2.1"))
    fresh("record", "-", typed=report("web1", [portal], datetime.now(UTC)))
    assert fresh("applications").stdout.splitlines()[1].startswith("shop")


def test_the_same_as_json(tightship: Tightship, tmp_path: Path) -> None:
    text = SHOP + '[applications.late]\nfound_as = ["unit:protal"]\n'
    said = json.loads(tightship("declare", "--json", "--file", write(tmp_path, fleet=text)).stdout)
    assert said["changed"] is True
    assert [(one["application"], one["was"]) for one in said["applications"]] == [
        ("late", []),
        ("shop", ["portal"]),
    ]
    assert said["vanished"] == ["portal"]
    (idle,) = said["idle"]
    assert idle["at"].endswith("fleet.toml:6")
    assert idle["why"] == "the nearest that runs is unit:portal.service"


def test_the_file_may_be_named_by_a_variable_or_stand_beside_the_data(
    tightship: Tightship, tmp_path: Path
) -> None:
    named = tightship("declare", "--dry-run", TIGHTSHIP_FLEET=write(tmp_path, mine=SHOP))
    assert "shop: 1 process group" in named.stdout
    write(tmp_path / "data", fleet=SHOP)
    assert "shop: 1 process group" in tightship("declare", "--dry-run").stdout


def test_without_a_file_it_says_how_to_begin(tightship: Tightship) -> None:
    done = tightship("declare")
    assert done.returncode == 2
    assert "There is no fleet.toml here" in done.stderr
    assert "docs/how-to/correct-names.md" in done.stderr


def test_files_are_included(tightship: Tightship, tmp_path: Path) -> None:
    (tmp_path / "customers").mkdir()
    write(tmp_path / "customers", acme=SHOP, other='include = ["../extra.toml"]\n[applications.blog]\n')
    write(tmp_path, extra='[applications.wiki]\nowner = "us"\n')
    file = write(tmp_path, fleet='include = ["customers/*.toml", "extra.toml"]\n[applications.first]\n')
    out = tightship("declare", "--file", file).stdout
    assert [line.partition(":")[0] for line in out.splitlines()[:4]] == ["blog", "first", "shop", "wiki"]


@pytest.mark.parametrize(
    ("files", "place", "says"),
    [
        ({"fleet": "[applications.shop\n"}, "fleet.toml:1", "not TOML: expected ']'"),
        ({"fleet": 'a = "x\n'}, "fleet.toml:1", "not TOML"),
        ({"fleet": "\n\n[fleet]\nname = \n"}, "fleet.toml:4", "not TOML: invalid value"),
        ({"fleet": f"{SHOP}\n[applications.shop]\n"}, "fleet.toml:6", "shop stands here a second"),
        ({"fleet": '[fleet]\nname = "a"\nname = "b"\n'}, "fleet.toml:3", "a second time"),
        ({"fleet": f"{SHOP}ownr = 'x'\n"}, "fleet.toml:5", "Did you mean owner?"),
        ({"fleet": '[applications.a]\nfound_as = [\n"unit:a",\n3]\n'}, "fleet.toml:4", "expected text"),
        ({"fleet": '[applications.shop]\nfound_as = ["unit:[a"]\n'}, "fleet.toml:2", "has a [ without its ]"),
        ({"fleet": "a = " + "[" * 5000 + "]" * 5000}, "fleet.toml:1", "nested too deeply"),
        ({"fleet": "a = " + "9" * 5000}, "fleet.toml:1", "not TOML"),
        ({"fleet": "\ninclude = [\n'none.toml']"}, "fleet.toml:3", "none.toml can't be read: no such file"),
        ({"fleet": "include = ['x/*.toml']"}, "fleet.toml:1", "no file matches 'x/*.toml'"),
        ({"fleet": "include = 3"}, "fleet.toml:1", "include: expected a list"),
        ({"fleet": "include = ['fleet.toml']"}, "fleet.toml:1", "fleet.toml includes fleet.toml"),
        (
            {"fleet": "include = ['a.toml']", "a": "\ninclude = ['fleet.toml']"},
            "a.toml:2",
            "fleet.toml includes a.toml includes fleet.toml",
        ),
        (
            {"fleet": f"include = ['a.toml']\n{SHOP}", "a": f"\n{SHOP}"},
            "a.toml:2",
            "applications.shop: stands in two files, first at ",
        ),
        ({"fleet": "include = ['a.toml']", "a": "\n\n[applications.x]\nowne = 'x'"}, "a.toml:4", "owner?"),
        ({"fleet": "include = ['a.toml']\n[roles.x]", "a": "roles = 3"}, "a.toml:1", "two files"),
    ],
)  # fmt: skip
def test_each_mistake_is_told_with_file_and_line(
    files: dict[str, str], place: str, says: str, fresh: Tightship, tmp_path: Path
) -> None:
    done = fresh("declare", "--file", write(tmp_path, **files))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{tmp_path}/{place}: " in done.stderr
    assert says in done.stderr
    assert "should not have happened" not in done.stderr
    assert not (tmp_path / "data").exists(), "nothing is made for a file that can't be used"


def test_what_is_no_text_is_told(fresh: Tightship, tmp_path: Path) -> None:
    (tmp_path / "fleet.toml").write_bytes(b"# one\n[fleet]\nname = '\xff'\n")
    done = fresh("declare", "--file", str(tmp_path / "fleet.toml"))
    assert "fleet.toml:3: expected UTF-8" in done.stderr
    assert "can't be read: is a directory" in fresh("declare", "--file", str(tmp_path)).stderr
    missing = fresh("declare", "--file", str(tmp_path / "none.toml"))
    assert missing.returncode == 2
    assert "none.toml can't be read: no such file or directory." in missing.stderr


def test_two_mistakes_are_told_at_once(fresh: Tightship, tmp_path: Path) -> None:
    text = "[applications.shop]\nowner = 3\nur = 'x'\n"
    done = fresh("declare", "--file", write(tmp_path, fleet=text))
    assert "2 things are wrong:" in done.stderr
    assert "fleet.toml:2: applications.shop.owner" in done.stderr
    assert "fleet.toml:3: applications.shop.ur: nothing is called ur here. Did you mean url?" in done.stderr


def test_lines_of_keys_in_whatever_form() -> None:
    text = '''
[a."b c".d]   # [no.table]
x = """
y = 1
""" # z = 2
'q r'."s\\u0041" = [ # list
  1, [2,
  { k = "}" , l.m = \'\'\'
\'\'\' } ],
]
when = 2026-11-20T10:00:00Z
[[t]]
n = 1
[[t]]
n = 2
[t.u]
v = true'''
    found = Lines(text).found
    ab = ("a", "b c", "d")
    assert found[ab] == 2
    assert found[*ab, "x"] == 3
    assert found[*ab, "q r", "sA"] == 6
    assert found[*ab, "q r", "sA", 1, 1] == 8
    assert found[*ab, "q r", "sA", 1, 1, "l", "m"] == 8
    assert found[*ab, "when"] == 11
    assert (found["t", 0, "n"], found["t", 1, "n"], found["t", 1, "u", "v"]) == (13, 15, 17)
    assert not any("y" in key or "z" in key or "no" in key for key in found)


scalars = st.one_of(st.text(max_size=8), st.integers(-9, 9), st.booleans())
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=6)


def toml(value: object) -> str:
    """JSON is TOML where these values are concerned, but for DEL, which TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


@given(st.dictionaries(st.text(max_size=6), values, max_size=6))
def test_each_key_that_stands_on_a_line_of_its_own_is_found_there(table: dict[str, object]) -> None:
    keys = list(table)
    lines = [f"{toml(key)} = {toml(table[key])}" for key in keys]
    found = Lines("\n# one = 1\n".join(lines)).found
    assert {key[0]: line for key, line in found.items() if len(key) == 1} == {
        key: 2 * number + 1 for number, key in enumerate(keys)
    }
