"""pip's own configuration, as pip reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tightship.index.configured import BadConfiguration, Configured, configured, without_password

FILES = {
    ".config/pip/pip.conf": """
[global]
index-url = https://pip.example.com/simple/
timeout = 60
[install]
extra-index-url =
    https://user:pass@one.example.com/simple
    https://two.example.com/simple
""",
    ".pip/pip.conf": "[global]\nindex-url = https://older.example.com/simple\ncert = /etc/ssl/ours.pem\n",
    "venv/pip.conf": "[global]\nfind-links = /srv/wheels\n",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_stronger_file_wins_and_lists_are_lists(home: Path) -> None:
    environ = {"HOME": str(home), "VIRTUAL_ENV": str(home / "venv")}

    assert configured(environ, root=home / "nothing") == Configured(
        (
            "https://pip.example.com/simple",
            "https://user:pass@one.example.com/simple",
            "https://two.example.com/simple",
        ),
        ("/srv/wheels",),
        cert="/etc/ssl/ours.pem",
        timeout=60.0,
    )


def test_variables_win_over_files(home: Path) -> None:
    environ = {
        "HOME": str(home),
        "PIP_INDEX_URL": "https://ci.example.com/simple",
        "PIP_EXTRA_INDEX_URL": "https://a.example.com https://b.example.com/",
    }

    assert configured(environ, root=home / "nothing").indexes == (
        "https://ci.example.com/simple",
        "https://a.example.com",
        "https://b.example.com",
    )


def test_no_index_leaves_what_lies_about(home: Path) -> None:
    environ = {"HOME": str(home), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/srv/wheels"}

    found = configured(environ, root=home / "nothing")

    assert found.indexes == ()
    assert found.find_links == ("/srv/wheels",)


def test_pip_itself_says_the_same(home: Path) -> None:
    """`pip config get`, for the same files and variables."""
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "XDG_"))},
        "HOME": str(home),
        "XDG_CONFIG_DIRS": "/nowhere",
    }
    environ.pop("VIRTUAL_ENV", None)

    def pip(name: str) -> str:
        command = [sys.executable, "-m", "pip", "config", "get", name]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout.strip()

    found = configured(environ)

    assert found.indexes[0] == pip("global.index-url").rstrip("/")
    assert list(found.indexes[1:]) == pip("install.extra-index-url").split()
    assert found.cert == pip("global.cert")


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "pip.conf"
    path.write_text("index-url = x\n")

    with pytest.raises(BadConfiguration, match=rf"{path}: pip's configuration can't be read"):
        configured({"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(path)}, root=tmp_path)
    with pytest.raises(BadConfiguration, match="timeout: expected seconds, got 'soon'"):
        configured({"HOME": str(tmp_path), "PIP_TIMEOUT": "soon"}, root=tmp_path)


def test_whoever_has_no_configuration_asks_what_pip_asks(tmp_path: Path) -> None:
    assert configured({"HOME": str(tmp_path)}, root=tmp_path).indexes == Configured().indexes


def test_an_address_is_shown_without_its_password() -> None:
    assert (
        without_password("https://user:pass@one.example.com:8443/simple")
        == "https://one.example.com:8443/simple"
    )
