"""Applications in one file: their packages, and what whoever packed them may have arranged."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tightship_probe import command, environments
from tightship_probe.started import Started
from tightship_probe.tree import Tree


def started(argv: list[str], cwd: Path, exe: str = "/usr/bin/python3.11", **variables: str) -> Started:
    return Started(1, 0, argv, "", exe, str(cwd), variables, [], [], 0.0)


def environment_of(process: Started) -> dict[str, Any]:
    with Tree("/") as tree:
        return environments.environment_of(tree, process)


def wheel(pex: Path, name: str, *requires: str) -> str:
    folder = pex / ".deps" / f"{name}-1-py3-none-any.whl" / f"{name}-1.dist-info"
    folder.mkdir(parents=True)
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        "Version: 1",
        *(f"Requires-Dist: {r}" for r in requires),
    ]
    (folder / "METADATA").write_text("\n".join(lines) + "\n\nRequires-Dist: no-header\n")
    return folder.parent.name


def pex(root: Path, info: Any, text: str = "") -> Started:
    """A process of a pex that was unpacked below `root`."""
    place = root / "unzipped_pexes/4" / ("a" * 40)
    place.mkdir(parents=True, exist_ok=True)
    (place / "PEX-INFO").write_text(text or json.dumps(info))
    argv = ["/usr/bin/python3", str(place), "--listen", "8000"]
    return started(argv, root, PEX=str(root / "shop.pex"))


def wheels_on(path: list[str]) -> list[str]:
    return [Path(entry).name.partition("-")[0] for entry in path if entry.endswith(".whl")]


# pex


def test_a_pex_is_called_by_its_file_and_not_by_where_it_was_unpacked(tmp_path: Path) -> None:
    understood = command.of_process(pex(tmp_path, {}))
    assert understood.program == "shop.pex"
    assert understood.script == str(tmp_path / "shop.pex")
    assert understood.arguments == ["--listen", "8000"]


def test_what_a_pex_starts_is_no_pex(tmp_path: Path) -> None:
    child = started(["/usr/bin/python3", "child.py"], tmp_path, PEX=str(tmp_path / "shop.pex"))
    assert command.of_process(child).program == "child"


def test_wheels_of_a_pex_are_in_the_order_in_which_they_are_required(tmp_path: Path) -> None:
    place = tmp_path / "unzipped_pexes/4" / ("a" * 40)
    names = [
        wheel(place, "attire", "zip_fastener>=1", 'hat ; extra == "cold"'),
        wheel(place, "boots"),
        wheel(place, "hat"),
        wheel(place, "Zip.Fastener", "attire"),
    ]
    info = {"requirements": ["boots", "attire[cold]==1"], "distributions": dict.fromkeys(names, "0")}
    found = environment_of(pex(tmp_path, info))
    assert found["kind"] == "pex"
    assert found["prefix"] == str(tmp_path / "shop.pex")
    assert wheels_on(found["path"]) == ["boots", "attire", "Zip.Fastener", "hat"]
    assert found["unread"] == []


def test_of_wheels_for_several_pythons_the_one_that_fits_is_on_the_path(tmp_path: Path) -> None:
    place = tmp_path / "unzipped_pexes/4" / ("a" * 40)
    names = [wheel(place, "hat"), "hat-1-cp310-cp310-linux_x86_64.whl", "hat-1-cp311-cp311-linux_x86_64.whl"]
    for name in names[1:]:
        (place / ".deps" / name).mkdir()
    info = {"requirements": ["hat"], "distributions": dict.fromkeys(names, "0")}
    path = environment_of(pex(tmp_path, info))["path"]
    assert [Path(entry).name for entry in path if entry.endswith(".whl")] == names[2:]


def test_a_wheel_that_nothing_requires_is_unread(tmp_path: Path) -> None:
    place = tmp_path / "unzipped_pexes/4" / ("a" * 40)
    info = {"requirements": [], "distributions": {wheel(place, "hat"): "0"}}
    found = environment_of(pex(tmp_path, info))
    assert [entry["why"] for entry in found["unread"]] == ["it is in the pex, and nothing in it requires it"]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", "[" * 100000, '{"requirements": 1, "distributions": [{}], "entry_point": {"a": 1}}'],
)
def test_an_odd_file_about_a_pex_is_unread_and_ends_nothing(tmp_path: Path, text: str) -> None:
    process = pex(tmp_path, {}, text or " ")
    found = environment_of(process)
    assert found["kind"] == "pex"
    assert found["unread"] or found["path"]


def test_requirements_without_end_are_unread(tmp_path: Path) -> None:
    place = tmp_path / "unzipped_pexes/4" / ("a" * 40)
    name = wheel(place, "hat", *(f"hat[e{number}]" for number in range(2000)))
    info = {"requirements": ["hat"], "distributions": {name: "0"}}
    found = environment_of(pex(tmp_path, info))
    assert [entry["why"] for entry in found["unread"]] == ["more than 20000 requirements in a pex"]


def test_wheels_lie_in_the_pex_and_nowhere_else(tmp_path: Path) -> None:
    info = {"requirements": ["hat"], "distributions": {"../../../hat-1-py3-none-any.whl": "0"}}
    assert wheels_on(environment_of(pex(tmp_path, info))["path"]) == []


def beside(root: Path, called: str, name: str) -> Path:
    """A further pex, with one wheel, that was unpacked below `root`."""
    place = root / "unzipped_pexes/4" / called
    info = {"pex_hash": called, "requirements": [name], "distributions": {wheel(place, name): "0"}}
    with zipfile.ZipFile(root / f"{name}.pex", "w") as archive:
        archive.writestr("PEX-INFO", json.dumps(info))
    return place


def test_a_pex_takes_packages_from_further_ones(tmp_path: Path) -> None:
    first, second = beside(tmp_path, "b" * 40, "hat"), beside(tmp_path, "c" * 40, "boots")
    info = {"requirements": [], "pex_paths": [str(tmp_path / "hat.pex")], "pex_path": "not looked at"}
    process = pex(tmp_path, info)
    process.variables["PEX_PATH"] = "boots.pex"  # type: ignore[index]
    found = environment_of(process)
    assert wheels_on(found["path"]) == ["hat", "boots"]
    own = [entry for entry in found["path"] if Path(entry).parent.name == "4"]
    assert own == [str(second), str(first), str(tmp_path / "unzipped_pexes/4" / ("a" * 40))]
    assert found["unread"] == []


@pytest.mark.parametrize("called", ["d" * 40, "../../x", 1, None])
def test_a_further_pex_that_is_not_where_it_should_be_is_unread(tmp_path: Path, called: object) -> None:
    beside(tmp_path, "b" * 40, "hat")
    with zipfile.ZipFile(tmp_path / "hat.pex", "w") as archive:
        archive.writestr("PEX-INFO", json.dumps({"pex_hash": called}))
    found = environment_of(pex(tmp_path, {"pex_path": "hat.pex:none.pex:/dev/zero"}))
    assert [(Path(entry["what"]).name, entry["why"]) for entry in found["unread"]] == [
        ("hat.pex", "what this pex was unpacked to is not there"),
        ("none.pex", "no such pex"),
        ("zero", found["unread"][2]["why"]),
    ]


def test_further_pexes_without_end_are_bounded(tmp_path: Path) -> None:
    found = environment_of(pex(tmp_path, {"pex_path": ":".join(f"{number}.pex" for number in range(3000))}))
    assert len(found["unread"]) == 51


def test_a_worker_in_a_pex_is_told_as_one(tmp_path: Path) -> None:
    process = pex(tmp_path, {"script": "celery"})
    words = [*process.argv[:2], "-A", "shop", "worker"]
    assert environment_of(process._replace(argv=words))["type"] == "worker"


# shiv and zipapp


def archive(place: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(place, "w") as file:
        for name, text in files.items():
            file.writestr(name, text)
    place.write_bytes(b"#!/usr/bin/env python3\n" + place.read_bytes())
    return place


def test_a_zipapp_is_first_on_the_path_though_the_interpreter_is_isolated(tmp_path: Path) -> None:
    place = archive(tmp_path / "shop", {"__main__.py": ""})
    found = environment_of(started(["/usr/bin/python3", "-I", "shop"], tmp_path))
    assert found["kind"] == "zipapp"
    assert found["prefix"] == found["path"][0] == str(place)
    assert found["key"] == f"zipapp:{place}"


def test_a_script_beside_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("print(1)\n")
    found = environment_of(started(["/usr/bin/python3", "shop"], tmp_path))
    assert found["kind"] == "system"
    assert found["path"][0] == str(tmp_path)


def test_what_a_shiv_unpacked_comes_before_the_interpreters_own(tmp_path: Path) -> None:
    info = json.dumps({"build_id": "b1", "entry_point": "shop:run"})
    place = archive(tmp_path / "shop.pyz", {"__main__.py": "", "environment.json": info})
    unpacked = tmp_path / "root/shop.pyz_b1/site-packages"
    unpacked.mkdir(parents=True)
    (tmp_path / "shop-link.pyz").symlink_to("shop.pyz")
    variables = {"SHIV_ROOT": str(tmp_path / "root")}
    found = environment_of(started(["/usr/bin/python3", "shop-link.pyz"], tmp_path, **variables))
    assert found["kind"] == "shiv"
    sites = [entry for entry in found["path"] if entry.endswith("-packages")]
    assert sites[0] == str(unpacked)
    assert found["path"][0] == str(tmp_path / "shop-link.pyz")
    assert place.exists()


def test_a_shiv_whose_packages_are_gone_is_unread(tmp_path: Path) -> None:
    info = json.dumps({"build_id": "b1", "entry_point": "shop:run"})
    archive(tmp_path / "shop.pyz", {"__main__.py": "", "environment.json": info})
    found = environment_of(started(["/usr/bin/python3", "shop.pyz"], tmp_path, HOME=str(tmp_path)))
    assert [entry["why"] for entry in found["unread"]] == ["what the archive was unpacked to is not there"]


def test_a_shiv_does_not_lead_elsewhere(tmp_path: Path) -> None:
    info = json.dumps({"build_id": "../../../../usr/lib/python3", "entry_point": ["shop"]})
    archive(tmp_path / "shop.pyz", {"__main__.py": "", "environment.json": info})
    found = environment_of(started(["/usr/bin/python3", "shop.pyz"], tmp_path))
    assert found["kind"] == "zipapp"


# Frozen programs


def frozen(tmp_path: Path, libpython: str, **variables: str) -> Started:
    exe = str(tmp_path / "shop/shop")
    return started([exe], tmp_path, exe, **variables)._replace(libpython=libpython)


def test_a_program_that_brings_its_own_libpython_is_frozen(tmp_path: Path) -> None:
    bundle = tmp_path / "shop/_internal"
    (bundle / "python3.11/lib-dynload").mkdir(parents=True)
    (bundle / "base_library.zip").write_bytes(b"")
    found = environment_of(frozen(tmp_path, str(bundle / "libpython3.11.so.1.0")))
    assert found["kind"] == "frozen"
    assert found["python"] == "3.11"
    assert found["prefix"] == str(tmp_path / "shop/shop")
    names = ["base_library.zip", "python3.11/lib-dynload"]
    assert found["path"] == [str(bundle / name) for name in names] + [str(bundle)]


def test_where_one_file_unpacks_itself_does_not_change_what_is_told(tmp_path: Path) -> None:
    one, other = (
        environment_of(frozen(tmp_path, f"/tmp/_MEI{name}/libpython3.11.so.1.0")) for name in ("abc", "xyz")
    )
    assert (one.pop("bundle"), other.pop("bundle")) == ("/tmp/_MEIabc", "/tmp/_MEIxyz")
    assert one == other
    assert one["path"] == [str(tmp_path / "shop/shop")]


def test_a_program_with_the_systems_libpython_is_not_frozen(tmp_path: Path) -> None:
    found = environment_of(frozen(tmp_path, "/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0"))
    assert found["kind"] != "frozen"
