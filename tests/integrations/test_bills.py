"""Bills of materials as their tools write them. What uv and cyclonedx-py wrote was cut from real files; what
syft and trivy write is as their documentation shows it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tightship.fleet.imported import BadFile, Imported
from tightship.fleet.report import Package
from tightship.integrations.bills import read

Json = dict[str, Any]


def bill(*components: Json, **more: Any) -> bytes:
    return json.dumps(
        {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components, **more}
    ).encode()


def library(name: str, version: str = "1.0", **more: Any) -> Json:
    return {
        "type": "library",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name}@{version}",
        **more,
    }


def names(imported: Imported) -> list[str]:
    return [f"{one.name}=={one.version}" for one in imported.packages]


def bad(data: bytes) -> str:
    with pytest.raises(BadFile) as error:
        read(data)
    return str(error.value)


def test_what_uv_exports() -> None:
    tools = [{"vendor": "Astral Software Inc.", "name": "uv", "version": "0.13.9"}]
    root = {"type": "library", "bom-ref": "shop-1@2.4.1", "name": "shop", "version": "2.4.1"}
    said = read(
        bill(
            library("idna", "3.20"),
            {
                "type": "library",
                "name": "ours",
                "version": "0.1",
                "properties": [{"name": "uv:workspace:path", "value": "ours"}],
            },
            specVersion="1.5",
            metadata={"timestamp": "2026-11-24T03:37:20.258821111Z", "tools": tools, "component": root},
        )
    )
    assert names(said) == ["idna==3.20", "ours==0.1"]
    assert said.source == "CycloneDX 1.5 by uv 0.13.9"
    assert said.made == datetime(2026, 11, 24, 3, 37, 20, 258821, UTC)
    assert said.subject == ("shop", "2.4.1")


def test_what_cyclonedx_py_says_of_where_a_package_is_from() -> None:
    commit = "0f" * 20
    git = f"git%2Bhttps://joe:secret@git.example.com/shop.git%40{commit}"
    local = {"type": "distribution", "url": "file:///srv/shop", "comment": "PackageSource: Local"}
    said = read(
        bill(
            library("Typing_Extensions", "4.1", purl="pkg:pypi/typing-extensions@4.1"),
            library("shop", purl=f"pkg:pypi/shop@1.0?vcs_url={git}"),
            library(
                "attire", purl="pkg:pypi/attire@1.0?download_url=https://files.example.com/attire-1.0.whl"
            ),
            {"type": "library", "name": "Our_Own", "version": "2", "externalReferences": [local]},
            metadata={
                "tools": {
                    "components": [
                        {"type": "library", "name": "cyclonedx-python-lib", "version": "11"},
                        {"type": "application", "name": "cyclonedx-py", "version": "7.5.0"},
                    ]
                }
            },
        )
    )
    assert said.source == "CycloneDX 1.6 by cyclonedx-py 7.5.0"
    assert said.packages == [
        Package("attire", "1.0", "https://files.example.com/attire-1.0.whl"),
        Package("our-own", "2", "file:///srv/shop"),
        Package("shop", "1.0", "git+https://git.example.com/shop.git", commit),
        Package("typing-extensions", "4.1"),
    ]


def test_of_a_containers_image_the_python_packages_are_taken_and_the_rest_is_counted() -> None:
    said = read(
        bill(
            {"type": "operating-system", "name": "debian", "version": "12"},
            {"type": "library", "name": "libc6", "version": "2.36", "purl": "pkg:deb/debian/libc6@2.36"},
            {"type": "library", "name": "left-pad", "version": "1.3.0", "purl": "pkg:npm/left-pad@1.3.0"},
            {
                "type": "application",
                "name": "python",
                "version": "3.11.9",
                "purl": "pkg:generic/python@3.11.9",
            },
            {"type": "file", "name": "/usr/bin/python3.11"},
            library("requests", "2.31.0"),
            library("requests", "2.32.4"),
            library("pytest", "8.0", scope="excluded"),
            # trivy: packages within what they were found in
            {"type": "application", "name": "app/uv.lock", "components": [library("idna", "3.7")]},
            metadata={"component": {"type": "container", "name": "shop", "version": "sha256:0f0f"}},
        )
    )
    assert names(said) == ["idna==3.7", "requests==2.31.0", "requests==2.32.4"]
    assert said.python == "3.11.9"
    assert said.system == {"id": "debian", "version": "12", "name": "debian 12"}
    assert said.left_out == [
        "2 components are no Python packages",
        "1 component is not part of what runs (scope: excluded)",
    ]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "expected a CycloneDX bill of materials, this is empty"),
        (b"<bom/>", "expected a CycloneDX bill of materials as JSON, this looks like XML"),
        (b'{\n"bomFormat": }', "line 2: expected a CycloneDX bill of materials, this is no JSON"),
        (b"\xff\xfe\x00", "this is no text"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"bomFormat": ' + b"1" * 5000 + b"}", "with shorter numbers"),
        (b"[]", "this is a list"),
        (b'{"spdxVersion": "SPDX-2.3"}', "this is SPDX: have the tool write CycloneDX as JSON"),
        (b'{"version": "1", "installed": []}', "this is from `pip inspect`: tightship import pip"),
        (b'{"bomFormat": 3}', 'bomFormat: expected "CycloneDX", got 3'),
        (bill(specVersion="2.0"), 'specVersion: expected one of 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, got "2.0"'),
        (bill(), "components: expected Python packages (pkg:pypi/NAME@VERSION), none is there"),
        (bill(components={}), "components: expected a list, got an object"),
        (bill(components=[3]), "components[0]: expected an object, got 3"),
        (
            bill({"type": "library", "name": 3, "properties": [{"name": "uv:workspace:path"}]}),
            "components[0].name: expected a text, got 3",
        ),
        (bill(library("a", purl=["x"])), "components[0].purl: expected a text, got a list"),
        (
            bill({"type": "application", "components": [library("a", purl="pkg:pypi/")]}),
            "components[0].components[0].purl: expected a package URL such as pkg:pypi/jinja2@3.1.6",
        ),
        (bill(library("a"), metadata={"timestamp": "x"}), "metadata.timestamp: expected a moment"),
        (
            bill(library("a"), metadata={"timestamp": "0001-01-01T00:00:00+14:00"}),
            "metadata.timestamp: expected a moment",
        ),
        (bill(*[library(f"p{one}") for one in range(20_001)]), "components: expected at most 20000 packages"),
    ],
)
def test_what_is_no_bill_is_refused_with_its_place(data: bytes, says: str) -> None:
    assert says in bad(data)


def test_two_instances_are_not_thrown_together() -> None:
    of = {"properties": [{"name": "tightship:server", "value": "web1"}]}
    instance = {"type": "application", "name": "shop", **of}
    assert "expected the bill of one instance, this is of 2" in bad(bill(instance, instance, library("a")))
