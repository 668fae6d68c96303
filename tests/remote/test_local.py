"""The probe runs by one fixed command, and says in a sentence why there is no report."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import parts
from tightship.remote import local

NOBODY = 65534


def probe(folder: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a package in the probe's place, whose main() is `body`."""
    package = folder / "stand_in"
    package.mkdir()
    (package / "__init__.py").write_text("")
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    (package / "__main__.py").write_text(f"import json, os, sys, time\n\n\ndef main():\n{lines}")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(local, "PROGRAM", "stand_in")


SAYS_WHO = """\
about = {"uid": os.geteuid(), "python": sys.executable, "flags": sys.flags.isolated, "cwd": os.getcwd()}
print(json.dumps({"schema": "s", "arguments": sys.argv[1:], "variables": sorted(os.environ), **about}))
"""


def test_it_runs_isolated_with_its_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probe(tmp_path, SAYS_WHO, monkeypatch)
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("DJANGO_SECRET", "hush")
    said = json.loads(local.run_probe(arguments=["--root", "/"]).stdout)
    assert said["arguments"] == ["--root", "/"]
    assert (said["flags"], said["cwd"], said["python"]) == (1, "/", sys.executable)
    assert not {"PYTHONPATH", "DJANGO_SECRET"} & set(said["variables"])


def test_what_it_says_beside_its_report_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probe(tmp_path, "print('slow disk', file=sys.stderr)\n" + SAYS_WHO, monkeypatch)
    assert local.run_probe().stderr == "slow disk"


def test_its_own_reason_is_told_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probe(tmp_path, "sys.exit('/proc is not mounted')", monkeypatch)
    with pytest.raises(local.ProbeError, match=r"^the probe ended with 1: /proc is not mounted$"):
        local.run_probe()


@pytest.mark.parametrize(
    "body", ["pass", "print('hello')", "print('{}')", "print('[1]')", "print('{\"schema\": 1}{}')"]
)
def test_what_is_not_one_report_is_refused(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe(tmp_path, body, monkeypatch)
    with pytest.raises(local.ProbeError, match="something else than one report"):
        local.run_probe()


def test_one_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = tmp_path / "pid"
    probe(tmp_path, f"open({str(pid)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)", monkeypatch)
    with pytest.raises(local.ProbeError, match="did not end within 3 seconds"):
        local.run_probe(timeout=3)
    assert not Path("/proc", pid.read_text()).exists()


def test_with_sudo_the_systems_own_python_runs_it_as_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts.need_root()
    parts.program("sudo", "sudo")
    probe(tmp_path, SAYS_WHO, monkeypatch)
    said = json.loads(local.run_probe(sudo=True).stdout)
    assert said["uid"] == 0
    assert Path(said["python"]).resolve() == Path("/usr/bin/python3").resolve()


REFUSED = """
import os, sys
os.setsid()  # without a terminal, sudo can't ask for a password
sys.path[:0] = [{source!r}, {folder!r}]
from tightship.remote import local
local.PROGRAM = "stand_in"
os.setgroups([])
os.setgid({nobody})
os.setuid({nobody})
try:
    local.run_probe(sudo=True)
except local.ProbeError as error:
    print(error)
"""


def test_what_sudo_refuses_is_told_in_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts.need_root()
    parts.program("sudo", "sudo")
    folder = Path("/tmp/tightship-refused-" + str(os.getpid()))
    folder.mkdir(mode=0o755)
    try:
        probe(folder, SAYS_WHO, monkeypatch)
        text = REFUSED.format(source=str(Path(local.__file__).parents[2]), folder=str(folder), nobody=NOBODY)
        run = subprocess.run(
            [sys.executable, "-c", text], capture_output=True, text=True, cwd="/", check=False
        )
    finally:
        shutil.rmtree(folder)
    assert run.stdout.startswith("sudo could not run the probe: "), run.stderr
    assert "Traceback" not in run.stdout + run.stderr


def test_without_sudo_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        local.ProbeError, match=r"^sudo is not installed: install it, or run `tightship` itself as root$"
    ):
        local.run_probe(sudo=True)


def test_root_never_runs_a_python_that_others_can_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "python3"
    theirs.write_text("#!/bin/sh\necho 3 11\n")
    theirs.chmod(0o777)
    monkeypatch.setattr(local, "_SYSTEMS_PYTHONS", (str(theirs), str(tmp_path / "absent")))
    with pytest.raises(local.ProbeError, match="the system's own Python"):
        local.systems_python()
