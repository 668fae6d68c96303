"""200 processes, of which 100 are applications (20 of five processes each: one that listens, four
workers) and 100 are `sleep`; 20 venvs as `python -m venv` makes them, each with its own 100 packages
(METADATA, RECORD, WHEEL and INSTALLER of usual size, and one module each: made for this run, from no
index). As root, each application is another user's, and all of it lives in a process namespace of
its own, so that nothing else is scanned.

Not equal: the scan also tells processes, ports, releases and names. The others are told the twenty
environments by path, run the environments' own Python or (uv) none, and list packages only. The bare
walk is Python too: it opens, reads and forgets the files that a scan reads. cyclonedx-py ran on
two environments; its figures are multiplied by ten. "Beside" counts processor time. Memory is that of
the largest process, and at least that of the program that measures.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import tightship_probe
from benchmarks.measuring import Command, Cost, by_turns, cost
from benchmarks.server import running
from tightship.remote.program import pyz, source

ROUNDS = 5
BUDGETS = "0.2 s, 40 MB, 3 times the walk"
SCAN, WALK = "the probe, installed (a directory, compiled)", "a bare walk of the same files"

_WALK = """
import os, sys
def read(path, most):
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, most)
    finally:
        os.close(fd)
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        of_all = "/proc/" + pid + "/"
        for name in ("stat", "status"):
            read(of_all + name, 4096)
        program = os.readlink(of_all + "exe")
        for fd in os.listdir(of_all + "fd"):
            os.readlink(of_all + "fd/" + fd)
        if "python" in program:
            for name in ("cmdline", "environ", "maps", "cgroup"):
                read(of_all + name, 1 << 20)
    except OSError:
        pass
for site in sys.argv[1:]:
    for name in os.listdir(site):
        if name.endswith(".dist-info"):
            folder = os.path.join(site, name)
            read(folder + "/METADATA", 4096)
            try:
                read(folder + "/direct_url.json", 4096)
            except OSError:
                pass
"""
_IMPORTLIB = (
    "import importlib.metadata as m; print([(d.metadata['Name'], d.version) for d in m.distributions()])"
)


def measure() -> list[dict[str, Any]]:
    """Rows of the table. As root in namespaces of its own."""
    command: list[str] = [sys.executable, "-m", "benchmarks.scanning"]
    if os.geteuid() == 0:
        command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--net", *command]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]).stdout
    rows: list[dict[str, Any]] = json.loads(said)
    return rows


def _measured(folder: Path) -> list[dict[str, Any]]:
    probe = folder / "probe.pyz"
    probe.write_bytes(pyz("tightship_probe"))
    with running(folder) as server:
        _check(probe, len(server.venvs))
        measures: dict[str, tuple[int, list[Command]]] = {
            SCAN: (1, [[sys.executable, "-I", "-S", _installed(folder)]]),
            "the probe as one source, as `scan` and ssh run it (compiled each time)": (
                1,
                [[sys.executable, "-I", "-S", _one_source(folder)]],
            ),
            "the probe as one file (`probe.pyz`, compiled each time)": (
                1,
                [[sys.executable, "-I", "-S", probe]],
            ),
            WALK: (1, [[sys.executable, "-I", "-c", _WALK, *server.sites]]),
            "`python -I -c pass`": (1, [[sys.executable, "-I", "-c", "pass"]]),
            "importlib.metadata, 20 times": (
                1,
                [[venv / "bin/python", "-I", "-c", _IMPORTLIB] for venv in server.venvs],
            ),
            "`pip list`, 20 times": (
                1,
                [[*_PIP, "--python", venv / "bin/python", "list"] for venv in server.venvs],
            ),
        }
        if uv := _beside_python("uv"):
            lists: list[Command] = [
                [uv, "pip", "list", "--python", venv / "bin/python"] for venv in server.venvs
            ]
            measures["`uv pip list`, 20 times"] = (1, lists)
        if cyclonedx := _beside_python("cyclonedx-py"):
            sboms: list[Command] = [
                [cyclonedx, "environment", venv / "bin/python"] for venv in server.venvs[:2]
            ]
            measures["`cyclonedx-py environment`, 2 times, times ten"] = (10, sboms)
        run = {name: partial(_times, times, commands) for name, (times, commands) in measures.items()}
        costs = by_turns(run, ROUNDS)
    return [_row(name, costs) for name in costs]


def _installed(folder: Path) -> Path:
    """The probe as it is installed on a server: a directory to run, with compiled modules."""
    place = folder / "probe"
    shutil.copytree(Path(tightship_probe.__file__).parent, place / "tightship_probe")
    (place / "__main__.py").write_text(
        "import sys\nfrom tightship_probe.__main__ import main\nsys.exit(main())\n"
    )
    subprocess.run([sys.executable, "-m", "compileall", "-q", place], check=True)
    return place


def _one_source(folder: Path) -> Path:
    (folder / "probe.py").write_text(source("tightship_probe"))
    return folder / "probe.py"


_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def _times(times: int, commands: list[Command]) -> Cost:
    once = cost(commands, stderr=subprocess.DEVNULL)
    return Cost(once.cpu * times, once.wall * times, once.memory)


def _beside_python(name: str) -> str | None:
    return shutil.which(name, path=os.path.dirname(sys.executable))


def _check(probe: Path, environments: int) -> None:
    """The figures are of a scan that found everything."""
    report = json.loads(subprocess.check_output([sys.executable, "-I", probe]))
    groups = [group for group in report["state"]["groups"] if group["kind"] == "application"]
    sizes = [len(report["sets"][one["packages"]]) for one in report["state"]["environments"]]
    if len(groups) < environments or sizes.count(100) < environments:
        sys.exit(f"benchmarks: the scan found {len(groups)} groups, environments of {sizes} packages")


def _row(name: str, costs: dict[str, Cost]) -> dict[str, Any]:
    found, walk = costs[name], costs[WALK].cpu
    return {
        "what": name,
        "processor": f"{found.cpu:.3f} s",
        "on the clock": f"{found.wall:.3f} s",
        "memory": f"{found.memory / 1e6:.0f} MB",
        "beside the walk": f"{found.cpu / walk:.1f}",
        "beside the probe": f"{found.cpu / costs[SCAN].cpu:.1f}",
        "budget": BUDGETS if name == SCAN else None,
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="tightship-bench-") as place:
        os.chdir(place)  # what measures is scanned, too, and is not to be a checkout that may be dirty
        print(json.dumps(_measured(Path(place))))
