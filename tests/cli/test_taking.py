"""`tightship import sbom` and `import pip`, as they are typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Tightship
from tightship.cli.taking import is_name

BILL = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "components": [
        {"type": "library", "name": "jinja2", "version": "3.1.4", "purl": "pkg:pypi/jinja2@3.1.4"},
        {"type": "library", "name": "left-pad", "version": "1.3.0", "purl": "pkg:npm/left-pad@1.3.0"},
    ],
}
LAMBDA = ("--application", "shop", "--server", "lambda-1", "--stage", "production")


@pytest.fixture
def bill(tmp_path: Path) -> str:
    file = tmp_path / "shop.cdx.json"
    file.write_text(json.dumps(BILL))
    return str(file)


def test_a_bill_becomes_what_runs(fresh: Tightship, bill: str) -> None:
    done = fresh("import", "sbom", bill, *LAMBDA)
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "Imported shop/production@lambda-1: 1 package from shop.cdx.json (CycloneDX 1.5).\n",
        "left out: 1 component is no Python package\n",
    )
    assert fresh("import", "sbom", bill, *LAMBDA).stdout.startswith("Unchanged shop/production@lambda-1: ")

    users = json.loads(fresh("who-uses", "jinja2<3.1.6", "--json").stdout)
    assert [(row["application"], row["server"]) for row in users["rows"]] == [("shop", "lambda-1")]
    assert "imported" in fresh("servers").stdout


def test_what_pip_inspect_prints_becomes_what_runs_and_goes_out_again_as_a_bill(
    fresh: Tightship, tmp_path: Path
) -> None:
    said = subprocess.run([sys.executable, "-m", "pip", "inspect"], capture_output=True, check=True).stdout
    assert fresh("import", "pip", "-", *LAMBDA, typed=said).returncode == 0

    out = tmp_path / "out.json"
    assert fresh("sbom", "shop@lambda-1", "--output", str(out)).returncode == 0
    there = ("--application", "shop", "--server", "lambda-2")
    assert fresh("import", "sbom", str(out), *there).returncode == 0
    differs = fresh("diff", "shop@lambda-1", "shop@lambda-2", "--json")
    assert (differs.returncode, json.loads(differs.stdout)["rows"]) == (0, [])


def test_a_server_that_a_probe_reads_is_refused(recorded: Tightship, bill: str) -> None:
    done = recorded("import", "sbom", bill, "--application", "shop", "--server", "web1")
    assert done.returncode == 2
    assert "A probe reads web1, last on " in done.stderr
    assert "Give another name with --server. Nothing was recorded." in done.stderr


def test_what_is_no_bill_is_said_and_nothing_is_made(fresh: Tightship) -> None:
    done = fresh("import", "sbom", "-", *LAMBDA, typed=b"{}")
    assert done.returncode == 2
    assert "the standard input: bomFormat: expected" in done.stderr
    assert "no database" in fresh("servers").stderr


@pytest.mark.parametrize("name", ["", " ", "x ", "-x", "a\nb", "x" * 101])
def test_a_name_has_to_be_one(name: str) -> None:
    assert not is_name(name)


def test_a_bad_name_is_a_mistake_in_typing(fresh: Tightship, bill: str) -> None:
    done = fresh("import", "sbom", bill, "--application", "shop", "--server=-x")
    assert done.returncode == 2
    assert "--server: expected a name of 1 to 100 characters" in done.stderr
