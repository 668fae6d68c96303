"""What `pip inspect` says, by a real pip and by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import pytest

from tightship.fleet.imported import BadFile
from tightship.fleet.report import Package
from tightship.integrations.inspected import read


def inspect(*installed: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"version": "1", "pip_version": "26.3", "installed": installed, **more}).encode()


def package(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"metadata_version": "2.4", "name": name, "version": "1.0"}, **more}


def test_what_a_real_pip_prints() -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "inspect"], capture_output=True, check=True)
    said = read(done.stdout)
    assert Package("click", version("click")) in said.packages
    assert said.python == ".".join(map(str, sys.version_info[:3]))
    assert said.source == f"pip inspect of pip {version('pip')}"
    assert said.system
    assert said.system["id"] == "linux"


def test_where_packages_are_from() -> None:
    commit = "0f" * 20
    said = read(
        inspect(
            package("Typing_Extensions"),
            package(
                "ours",
                direct_url={
                    "url": "https://joe:secret@git.example.com/ours.git",
                    "vcs_info": {"vcs": "git", "commit_id": commit},
                },
            ),
            package("shop", direct_url={"url": "file:///C:/shop", "dir_info": {"editable": True}}),
            package("chardet", metadata_location="/usr/lib/python3/dist-packages/chardet-5.1.0.dist-info"),
            package("six", metadata_location="/usr/local/lib/python3.11/dist-packages/six-1.dist-info"),
        )
    )
    assert said.packages == [
        Package("chardet", "1.0", "os"),
        Package("ours", "1.0", "git+https://git.example.com/ours.git", commit),
        Package("shop", "1.0", "file:///C:/shop", editable=True),
        Package("six", "1.0"),
        Package("typing-extensions", "1.0"),
    ]


def test_as_powershell_writes_it() -> None:
    assert read(inspect(package("six")).decode().encode("utf-16")).packages == [Package("six", "1.0")]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'[{"name": "six", "version": "1.0"}]', "expected what `pip inspect` prints, this is a list"),
        (b'{"version": "1", "install": []}', "this is a report of `pip install`"),
        (b'{"bomFormat": "CycloneDX"}', "this is an SBOM: tightship import sbom"),
        (inspect(), "installed: expected at least one package"),
        (inspect(version="2"), 'version: expected version "1"'),
        (inspect({}), "installed[0].metadata.name: expected a text, got nothing"),
        (
            inspect(package("a"), package("b", direct_url="x")),
            'installed[1].direct_url: expected an object, got "x"',
        ),
    ],
)
def test_what_is_something_else_is_refused_with_its_place(data: bytes, says: str) -> None:
    with pytest.raises(BadFile) as error:
        read(data)
    assert says in str(error.value)
