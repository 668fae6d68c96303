"""packages/tightship-buildout, in real runs of zc.buildout, beside a real service."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.web.service import Service, serving

TOP = Path(__file__).parents[2]
FILL = "from tightship.store.ready import migrate; migrate()"
OLDER = [("4.1.12", "3.0.0", "80"), ("3.3", "2.0.7", "66")]
"""zc.buildout, the zc.recipe.egg of its time, and the first setuptools that it can't work with."""

BUILDOUT = """
[buildout]
extends = versions.cfg
extensions = tightship-buildout
find-links = {house}
index = {nowhere}
parts = app
{more}

[app]
recipe = zc.recipe.egg
eggs = alpha
interpreter = py

[versions]
Alpha.One = 1.1
alpha = 1.0
"""
VERSIONS = """
[buildout]
extends =
    base.cfg

[versions]
alpha = 0.9
delta = 4
"""


def wheel(house: Path, name: str, version: str, *needs: str, module: str = "", points: str = "") -> None:
    info = f"{name}-{version}.dist-info"
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = {
        f"{name}.py": module,
        f"{info}/METADATA": head + "".join(f"Requires-Dist: {need}\n" for need in needs),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **({f"{info}/entry_points.txt": points} if points else {}),
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(house / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)


def call(*command: str | Path, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, **variables}
    )


def done(*command: str | Path, **variables: str) -> None:
    ended = call(*command, **variables)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that these buildouts need: nothing is asked of an index while they run."""
    house = tmp_path_factory.mktemp("house")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    source = TOP / "packages" / "tightship-buildout"
    done(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", house, source)
    done(*pip, "download", "--dest", house, "zc.buildout==6.0.1", "zc.recipe.egg==6.0.0", "wheel")
    wheel(house, "alpha", "1.0", "beta>=2")
    wheel(house, "beta", "2.1")
    wheel(house, "delta", "4")
    return house


@pytest.fixture(scope="module")
def tools(house: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has zc.buildout."""
    return made(tmp_path_factory.mktemp("tools"), "zc.buildout==6.0.1", "wheel", find=house)


def made(venv: Path, *packages: str, find: Path | None = None) -> Path:
    uv = [sys.executable, "-m", "uv"]
    where = ["--no-index", "--find-links", find] if find else []
    done(*uv, "venv", "--quiet", "--clear", venv)
    into = ["--quiet", "--python", venv / "bin/python"]
    done(*uv, "pip", "install", *into, *where, "pip", "setuptools", *packages)
    return venv


@pytest.fixture
def build(tools: Path, house: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Writes a buildout and runs it. `more`: lines of its [buildout]."""

    def run(more: str = "", *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        top = tmp_path / "museum"
        top.mkdir(exist_ok=True)
        (tmp_path / "nowhere").mkdir(exist_ok=True)
        config = BUILDOUT.format(house=house, nowhere=(tmp_path / "nowhere").as_uri(), more=more)
        (top / "buildout.cfg").write_text(config)
        (top / "versions.cfg").write_text(VERSIONS)
        (top / "base.cfg").write_text("[versions]\nalpha = 0.8\nunused = 1\n")
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(house), "PIP_CONFIG_FILE": os.devnull}
        return call(tools / "bin/buildout", "-N", *words, cwd=top, **{**offline, **variables})

    return run


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("service"), FILL) as found:
        yield found


def said(tmp_path: Path) -> Any:
    return json.loads((tmp_path / "said.json").read_text())


def test_a_run_that_went_well_says_what_was_built(build: Any, tmp_path: Path) -> None:
    ended = build(f"tightship-url = {(tmp_path / 'said.json').as_uri()}")

    assert ended.returncode == 0, ended.stderr
    found = said(tmp_path)
    assert found["packages"] == {"alpha": "1.0", "beta": "2.1"}
    assert found["picked"] == ["beta"]
    assert found["pins"]["alpha"] == {
        "version": "1.0",
        "file": "buildout.cfg",
        "overrides": [{"version": "0.9", "file": "versions.cfg"}, {"version": "0.8", "file": "base.cfg"}],
    }
    assert found["pins"]["unused"] == {"version": "1", "file": "base.cfg"}
    assert found["required_by"] == {"beta": ["alpha==1.0"]}
    assert found["cascade"] == [
        {"file": "buildout.cfg", "extends": ["versions.cfg"]},
        {"file": "versions.cfg", "extends": ["base.cfg"]},
        {"file": "base.cfg", "extends": []},
    ]
    assert found["tools"]["zc.buildout"] == "6.0.1"
    assert found["directory"] == str(tmp_path / "museum")

    again = build(f"tightship-url = {(tmp_path / 'said.json').as_uri()}")
    assert again.returncode == 0
    assert said(tmp_path)["packages"] == found["packages"], "where nothing had to be installed, too"


def test_a_run_that_fails_says_nothing(build: Any, tmp_path: Path) -> None:
    ended = build(f"tightship-url = {(tmp_path / 'said.json').as_uri()}", "app:eggs=alpha gone")

    assert ended.returncode == 1
    assert not (tmp_path / "said.json").exists()


def test_a_run_for_some_of_the_parts_says_nothing(build: Any, tmp_path: Path) -> None:
    two = (
        f"tightship-url = {(tmp_path / 'said.json').as_uri()}\n[other]\nrecipe = zc.recipe.egg\neggs = delta"
    )

    ended = build(two, "buildout:parts=app other", "install", "app")

    assert ended.returncode == 0, ended.stderr
    assert "nothing was sent: this run left out other." in ended.stdout
    assert not (tmp_path / "said.json").exists()

    assert build(two, "buildout:parts=app other").returncode == 0
    assert said(tmp_path)["packages"] == {"alpha": "1.0", "beta": "2.1", "delta": "4"}


def test_looking_at_a_buildout_says_nothing(build: Any, tmp_path: Path) -> None:
    ended = build(f"tightship-url = {(tmp_path / 'said.json').as_uri()}", "annotate")

    assert ended.returncode == 0
    assert not (tmp_path / "said.json").exists()


def test_without_an_address_it_says_so_in_a_line(build: Any) -> None:
    ended = build()

    assert ended.returncode == 0
    assert "2 packages, 1 of them picked. No tightship-url is set: nothing was sent." in ended.stdout


def rows(service: Service, *words: str) -> Any:
    typed = (sys.executable, "-m", "tightship", *words, "--json", "--partial")
    return json.loads(call(*typed, **service.environment).stdout)["rows"]


def test_a_service_takes_it_in(build: Any, service: Service) -> None:
    ended = build(f"tightship-url = {service.address}")

    assert ended.returncode == 0, ended.stderr
    assert "tightship: told 127.0.0.1" in ended.stdout
    (row,) = rows(service, "buildouts", "--search", "museum")
    assert (row["buildout"], row["packages"], row["picked"]) == ("museum", 2, 1)
    assert datetime.fromisoformat(row["seen"]).date() == datetime.now(UTC).date()
    assert len(rows(service, "who-uses", "beta", "--in-buildouts")) == 1


def test_a_refusal_is_a_warning_and_fails_only_where_told_to(build: Any, service: Service) -> None:
    url = f"tightship-url = {service.address}/whiskers/wrong"

    ended = build(url)
    assert ended.returncode == 0
    assert "could not be told: 127.0.0.1 answers 401: This token is not known" in ended.stdout + ended.stderr

    ended = build(f"{url}\ntightship-required = true")
    assert ended.returncode == 1
    assert "what was built could not be told" in ended.stdout + ended.stderr


OLD_CLIENT = "buildout.sendpickedversions"


@pytest.mark.soak
def test_an_old_client_of_whiskers_is_understood(
    build: Any, house: Path, service: Service, tmp_path: Path
) -> None:
    """buildout.sendpickedversions 0.3, as its sdist has it, ported to Python 3: what it sends is its own."""
    points = "[zc.buildout.extension]\ndefault = sendpicked:install\n"
    wheel(house, "sendpicked", "0.3", module=ported(sdist(tmp_path)), points=points)
    mine = f"buildoutname = old-museum\nwhiskers-url = {service.address}/buildouts/add"

    ended = build(mine, "buildout:extensions=sendpicked")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    (row,) = rows(service, "buildouts", "--search", "old-museum")
    assert row["packages"] >= 2
    assert len(rows(service, "who-uses", "beta==2.1", "--in-buildouts", "--search", "old-museum")) == 1


def sdist(folder: Path) -> str:
    """The module of the release that everybody had, from the package index."""
    from tightship.index.asking import session_for
    from tightship.index.known import Indexes

    name = OLD_CLIENT.replace(".", "-")
    indexes = Indexes()
    (file,) = [one for one in indexes.files([name])[name] if one.version == "0.3"]
    with session_for(indexes.how) as session:
        session.headers["Accept"] = "*/*"
        (folder / file.name).write_bytes(session.get(file.url, timeout=60).content)
    shutil.unpack_archive(folder / file.name, folder / "client")
    return next((folder / "client").rglob("sendpickedversions/__init__.py")).read_text()


def ported(text: str) -> str:
    """What Python 3 and zc.buildout 6 need of it; nothing of what it says."""
    text = re.sub(r"^( *)print (.+)$", r"\1print(\2)", text, flags=re.M)
    text = re.sub(r"except (\w[\w.]*), (\w+):", r"except \1 as \2:", text)
    for before, after in (
        (
            "import urllib2\nimport urllib\n",
            "import urllib.error\nimport urllib.parse\nimport urllib.request\n",
        ),
        ("urllib2.Request", "urllib.request.Request"),
        ("urllib2.urlopen", "urllib.request.urlopen"),
        ("urllib2.URLError", "urllib.error.URLError"),
        ("urllib.urlencode({'data':data})", "urllib.parse.urlencode({'data': data}).encode()"),
        ("requirement, ws, always_unzip):", "requirement, ws, *more):"),
        ("requirement, ws, always_unzip)", "requirement, ws, *more)"),
        ("__picked_versions.items() +", "__picked_versions.items()) + list("),
        ("sorted(zc.buildout.easy_install.", "sorted(list(zc.buildout.easy_install."),
        ("Installer._versions.items())", "Installer._versions.items()))"),
    ):
        assert before in text, before
        text = text.replace(before, after)
    return text


@pytest.mark.soak
@pytest.mark.parametrize(("version", "recipe", "before"), OLDER)
def test_older_buildouts_say_the_same(
    version: str, recipe: str, before: str, house: Path, tmp_path: Path
) -> None:
    """Those that can be had and run here; they come from the index, with the setuptools of their time."""
    ours = tmp_path / "ours"
    ours.mkdir()
    for name in ("alpha", "beta", "delta", "tightship_buildout"):
        shutil.copy(next(house.glob(f"{name}-*.whl")), ours)
    old = made(tmp_path / "tools", f"zc.buildout=={version}", f"setuptools<{before}", "wheel")
    top = tmp_path / "museum"
    top.mkdir()
    more = f"tightship-url = {(tmp_path / 'said.json').as_uri()}"
    config = BUILDOUT.format(house=ours, nowhere="", more=more).replace("index = \n", "")
    config += f"zc.recipe.egg = {recipe}\nzc.buildout = {version}\n"
    (top / "buildout.cfg").write_text(config)
    (top / "versions.cfg").write_text(VERSIONS)
    (top / "base.cfg").write_text("[versions]\nalpha = 0.8\n")

    # In an environment that pip makes for it, today's setuptools call the recipe's egg by another name.
    ended = call(old / "bin/buildout", "-N", cwd=top, PIP_NO_BUILD_ISOLATION="0")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = said(tmp_path)
    assert found["packages"] == {"alpha": "1.0", "beta": "2.1"}
    assert found["pins"]["alpha"]["file"] == "buildout.cfg"
    assert found["picked"] == ["beta"]
