"""Many scans in a row leave nothing behind, and say the same of a server on which nothing happens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tightship_probe
from tests.parts import need_root, program
from tests.probe.hostile.scene import SLEEPS, Scene, python_of_all

_MANY_IN_ONE = """
import json, os, resource, sys
sys.path.insert(0, sys.argv[1])
from tightship_probe.report import document
def left():
    status = open("/proc/self/status").read()
    resident = int(status.partition("VmRSS:")[2].split()[0])
    children = open("/proc/self/task/%d/children" % os.getpid()).read().split()
    return {"descriptors": sorted(os.listdir("/proc/self/fd")), "children": children, "resident": resident}
digests, seen = set(), []
assert json.loads(document())["state"]["groups"], "the application is seen"
for number in range(int(sys.argv[2])):
    digests.add(json.loads(document())["digest"])
    if number in (20, int(sys.argv[2]) - 1):
        seen.append(left())
print(json.dumps([sorted(digests), seen]))
"""

_MANY_PROGRAMS = """
for number in $(seq $2); do
    $0 -I $1 | $0 -c 'import json, sys; print(json.load(sys.stdin)["digest"])'
done | sort | uniq -c
ls /proc | grep -c '^[0-9]'
"""


@pytest.fixture
def alone(scene: Scene) -> list[str]:
    """Begin of a command that runs in namespaces of its own, with one application beside it."""
    need_root()
    own = [program("unshare", "util-linux"), "--pid", "--fork", "--kill-child", "--mount-proc", "--net"]
    drop = f"{program('setpriv', 'util-linux')} --reuid={scene.user} --regid={scene.user} --clear-groups"
    server = f"cd {scene.place}; {drop} {scene.venv()}/bin/python -c '{SLEEPS}' & sleep 0.5; exec \"$@\""
    return [*own, "sh", "-c", server, "sh"]


@pytest.mark.soak
def test_three_hundred_scans_in_one_program_leave_nothing_behind(scene: Scene, alone: list[str]) -> None:
    source = str(Path(tightship_probe.__file__).parents[1])
    done = scene.run_probe(*alone, python_of_all(), "-I", "-c", _MANY_IN_ONE, source, "300")
    assert done.returncode == 0, done.stderr
    digests, (early, late) = json.loads(done.stdout.split("\n", 1)[1])
    assert len(digests) == 1
    assert late["descriptors"] == early["descriptors"]
    assert late["children"] == early["children"]
    assert late["resident"] < early["resident"] + 512, "kilobytes"


def few(scene: Scene, alone: list[str], number: int) -> None:
    done = scene.run_probe(
        *alone,
        *("sh", "-ec", _MANY_PROGRAMS, python_of_all(), str(scene.probe), str(number)),
        patience=30 + number,
    )
    assert done.returncode == 0, done.stderr
    _up, digests, processes = done.stdout.strip().split("\n")
    assert digests.split()[0] == str(number), "one digest, each time"
    # sh, the application, and the last line's own sh, ls and grep
    assert int(processes) <= 5


def test_forty_scans_say_the_same_and_leave_no_process(scene: Scene, alone: list[str]) -> None:
    few(scene, alone, 40)


@pytest.mark.soak
def test_three_hundred_scans_say_the_same_and_leave_no_process(scene: Scene, alone: list[str]) -> None:
    few(scene, alone, 300)
