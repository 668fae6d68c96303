"""`tightship sbom` and `tightship freeze`, as they are typed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.conftest import Tightship, program
from tests.index.simple import serving, wheel
from tests.reports import application, environment, group, packages, report


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    files = {
        "django": [wheel("django", "5.2.1")],
        "jinja2": [wheel("jinja2", "3.1.4"), wheel("jinja2", "3.1.5")],
    }
    with serving(files) as simple:
        cache = str(tmp_path_factory.mktemp("cache"))
        yield {
            "PIP_INDEX_URL": simple.url,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_FIND_LINKS": "",
            "PIP_EXTRA_INDEX_URL": "",
            "XDG_CACHE_HOME": cache,
        }


def test_a_bill_of_what_is_loaded_not_of_what_is_on_disk(recorded: Tightship) -> None:
    done = recorded("sbom", "shop@web1")

    assert done.returncode == 0
    said = json.loads(done.stdout)
    root = said["metadata"]["component"]
    assert (root["name"], root["version"]) == ("shop", "2.4.1"), "not called by where it runs"
    assert {"name": "tightship:asked-for", "value": "shop@web1"} in root["properties"]
    found = {one["name"]: one.get("version") for one in said["components"]}
    assert found == {"django": "5.2.1", "jinja2": "3.1.5", "python": "3.11.7"}
    assert recorded("sbom", "shop@web1").stdout == done.stdout


def test_a_bill_goes_to_a_file(recorded: Tightship, tmp_path: Path) -> None:
    assert recorded("sbom", "web1", "--output", str(tmp_path / "web1.json")).stdout == ""
    assert json.loads((tmp_path / "web1.json").read_text())["metadata"]["component"]["type"] == "device"

    done = recorded("sbom", "web1", "--output", str(tmp_path / "nowhere" / "web1.json"))
    assert done.returncode == 2
    assert "can't be written: No such file or directory" in done.stderr


def test_what_is_not_known_is_near_something(recorded: Tightship) -> None:
    for verb in ("sbom", "freeze"):
        done = recorded(verb, "shopp")
        assert done.returncode == 2
        assert "near: shop" in done.stderr


def test_where_instances_run_different_packages_it_has_to_be_said_which(recorded: Tightship) -> None:
    done = recorded("freeze", "shop", "--no-hashes")

    assert done.returncode == 2
    assert "shop runs 2 different sets of packages. Say which:" in done.stderr
    assert "  tightship freeze shop@web1   (2 packages)" in done.stderr
    assert "  tightship freeze shop@web2   (1 package)" in done.stderr


def test_one_instance_is_frozen_with_hashes(recorded: Tightship, asking: dict[str, str]) -> None:
    done = recorded("freeze", "shop@web1", **asking)

    assert done.returncode == 0
    assert done.stdout.startswith("# What shop@web1 runs, so since ")
    assert f"jinja2==3.1.5 \\\n    --hash=sha256:{'ab' * 32}\n" in done.stdout


def test_what_vanished_from_the_index_is_told(recorded: Tightship, asking: dict[str, str]) -> None:
    done = recorded("freeze", "shop@web2", "--format", "pylock.toml", **asking)

    assert done.returncode == 1
    assert done.stderr == (
        "not in the file: django 5.2.2: the package index has other versions, but not this one\n"
    )


def test_without_an_index_nothing_is_written(
    recorded: Tightship, asking: dict[str, str], tmp_path: Path
) -> None:
    nobody = {**asking, "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}

    done = recorded("freeze", "shop@web1", "--output", str(tmp_path / "requirements.txt"), **nobody)

    assert done.returncode == 2
    assert "Nothing was written; without hashes: --no-hashes" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_server_is_no_application(recorded: Tightship) -> None:
    done = recorded("freeze", "web1")

    assert done.returncode == 2
    assert "web1 is a server: name an application on it, as in shop@web1." in done.stderr


def test_processes_of_one_environment_that_were_started_apart_can_be_told_apart(
    tmp_path: Path,
) -> None:
    started = program(tmp_path / "data")
    for jinja, ticks in (("3.1.5", 1000), ("3.1.6", 2000)):
        web, environment = application("my shop", packages(jinja2=jinja))
        worker = group("my shop", ticks=ticks, key="unit:worker.service", type="worker")
        document = report("web1", [(web, environment)], datetime.now(UTC), groups=[worker])
        assert started("record", "-", typed=document).returncode == 0

    done = started("freeze", "my shop@web1", "--no-hashes")
    assert done.returncode == 2
    assert "  tightship freeze 'my shop@web1' --group 'unit:my shop.service'   (1 package)\n" in done.stderr

    done = started("freeze", "my shop@web1", "--group", "unit:worker.service", "--no-hashes")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "jinja2==3.1.6")
    done = started("freeze", "my shop@web1", "--group", "unit:nobody.service", "--no-hashes")
    assert "Nothing of my shop@web1 runs as unit:nobody.service" in done.stderr


def test_a_bill_without_the_packages_of_something_does_not_cover_all(tmp_path: Path) -> None:
    started = program(tmp_path / "data")
    shop = (group("shop"), environment("venv:/srv/shop/venv", None))
    assert started("record", "-", typed=report("web1", [shop], datetime.now(UTC))).returncode == 0

    done = started("sbom", "shop")

    assert done.returncode == 2
    assert "Its packages could not be read: shop@web1" in done.stderr
    assert started("sbom", "shop", "--partial").returncode == 0
