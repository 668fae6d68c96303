"""Run by systemd on a real server, word for word as docs/how-to/run-as-a-service.md says."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import parts
from tightship.lab import Lab, Server

pytestmark = pytest.mark.soak  # half a minute and more, of real servers and services

TOP = Path(__file__).parents[2]
PAGE = TOP / "docs/how-to/run-as-a-service.md"
UNITS = ("tightship.service", "tightship-work.service")
PASSWORD = "correct horse 9\n"
SECONDS = 60

HOME = "/var/lib/tightship-work"
EXPOSURE = 20
"""Tenths, as systemd-analyze counts: from 0, to which nothing is left, to 100."""

SCRIPT = """\
#!/opt/tightship/bin/python3
import sys
from tightship.cli import main
sys.exit(main())
"""
UNDO = """\
systemctl disable --now tightship-work tightship
rm -rf /opt/tightship /etc/tightship /usr/local/sbin/tightship-as-service
rm -rf /var/lib/tightship /var/lib/tightship-work /etc/systemd/system/tightship*
userdel tightship-work; userdel tightship; groupdel tightship
systemctl daemon-reload; systemctl reset-failed
"""


def blocks(page: str) -> list[tuple[str, str]]:
    """The blocks of a page in their order: (language, text)."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def install(server: Server, folder: Path) -> None:
    """What docs/how-to/install.md says, without an index: the pinned packages are those that we run with."""
    server.enter("python3", "-m", "venv", "--without-pip", "/opt/tightship")
    python = server.enter("ls", "/opt/tightship/lib").stdout.strip()
    if python != f"python{sys.version_info.major}.{sys.version_info.minor}":
        parts.need("the lab's Python", f"it has {python}, and the packages here are of another")
    for pin in re.findall(r"^([a-z0-9-]+)==", (TOP / "requirements/run.txt").read_text(), re.MULTILINE):
        copy_package(pin, folder)
    for ours in (TOP / "src").iterdir():
        shutil.copytree(ours, folder / ours.name, ignore=shutil.ignore_patterns("__pycache__"))
    folder.chmod(0o755)
    server.copy({f"/opt/tightship/lib/{python}/site-packages": folder})
    server.copy({"/opt/tightship/bin/tightship": SCRIPT}, mode=0o755)


def copy_package(name: str, folder: Path) -> None:
    try:
        found = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return  # tzdata, where the system has its own
    for file in found.files or []:
        if ".." not in file.parts and file.suffix != ".pyc":
            to = folder / file
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(found.locate_file(file), to)


def carry_out(server: Server, page: str) -> None:
    """Write the files that a page shows, and type its commands."""
    for _language, text in blocks(page):
        path = re.match(r"# (/\S+)\n", text)
        if path:
            server.copy({path[1]: text[path.end() :]})
        elif not text.startswith(("[", "systemctl edit")):
            server.run("set -e\n" + text, stdin=PASSWORD)
        if "ssh-keygen -q" in text:
            let_in(server)


def let_in(control: Server) -> None:
    """What people do on the servers that work is to read, and by comparing fingerprints."""
    key = control.run(f"cat {HOME}/.ssh/id_ed25519.pub").stdout
    known = (control.folder.parent / "known_hosts").read_text()
    for server in ("web1", "web2"):
        there = control.folder.parent / server / "root/root/.ssh/authorized_keys"
        there.write_text(there.read_text() + key)
    control.copy({f"{HOME}/.ssh/known_hosts": known}, user="tightship-work", mode=0o600)


def shut_out(lab: Lab) -> None:
    for server in lab:
        server.run("sed -i /tightship-work/d /root/.ssh/authorized_keys")


@pytest.fixture(scope="module")
def control(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """web1, on which everything was done that the page says; work reads it and web2."""
    server = lab["web1"]
    try:
        install(server, tmp_path_factory.mktemp("packages"))
        carry_out(server, re.sub(r"deploy@(web\d).example.com", r"root@\1", PAGE.read_text()))
        yield server
    finally:
        server.run(UNDO, check=False)
        shut_out(lab)


def shown(server: Server, unit: str, what: str) -> str:
    return server.run(f"systemctl show --property={what} --value {unit}").stdout.strip()


def until(happened: Callable[[], Any]) -> None:
    end = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)


def answers(server: Server) -> bool:
    ask = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8000/healthz').read().decode())"
    return server.run(f'python3 -c "{ask}"', check=False).stdout.strip() == "fine"


def servers(control: Server) -> set[str]:
    rows = json.loads(control.run("tightship-as-service servers --json --partial").stdout)["rows"]
    return {row["server"] for row in rows}


def test_both_run_each_as_its_own_account_and_none_as_root(control: Server) -> None:
    until(lambda: answers(control))
    for unit in UNITS:
        assert shown(control, unit, "ActiveState") == "active"
        assert shown(control, unit, "NRestarts") == "0"
        group = shown(control, unit, "ControlGroup")
        users = control.run(
            f"ps -o user:20= -p $(paste -sd, /sys/fs/cgroup{group}/cgroup.procs)"
        ).stdout.split()
        assert set(users) == {unit.removesuffix(".service")}


def test_systemd_finds_no_fault_with_the_units_and_little_left_to_take_away(control: Server) -> None:
    found = control.run(f"systemd-analyze verify {' '.join(UNITS)}")
    assert (found.stdout, found.stderr) == ("", "")
    control.run(f"systemd-analyze security --no-pager --threshold={EXPOSURE} {' '.join(UNITS)}")


def test_a_server_that_comes_into_the_file_is_read_by_the_service(control: Server) -> None:
    assert {"web1", "web2"} <= servers(control)
    control.run("printf '[servers.again]\\naddress = \"root@web2\"\\n' >>/etc/tightship/fleet.toml")
    until(lambda: "again" in servers(control))


def test_who_answers_browsers_reaches_no_key(control: Server) -> None:
    read = f"cat {HOME}/.ssh/id_ed25519"
    assert "Permission denied" in control.run(f"runuser -u tightship -- {read}", check=False).stderr
    pid = shown(control, "tightship.service", "MainPID")
    assert control.run(f"nsenter --target {pid} --mount -- {read}", check=False).returncode != 0


def test_a_link_that_logs_in_is_printed_and_never_in_the_journal(control: Server) -> None:
    said = control.run("journalctl --no-pager -u tightship").stdout
    assert "Serving at http://127.0.0.1:8000." in said
    assert "/login/link/" not in said
    assert "/login/link/" in control.run("tightship-as-service serve --link").stdout


def test_what_is_killed_comes_back(control: Server) -> None:
    before = [shown(control, unit, "MainPID") for unit in UNITS]
    control.run(f"systemctl kill --signal=KILL {' '.join(UNITS)}")
    for unit, pid in zip(UNITS, before, strict=True):
        until(lambda unit=unit, pid=pid: shown(control, unit, "MainPID") not in ("0", pid))
    until(lambda: answers(control))


def test_both_end_when_they_are_told_to(control: Server) -> None:
    control.run(f"systemctl stop {' '.join(reversed(UNITS))}")
    for unit in UNITS:
        assert (shown(control, unit, "Result"), shown(control, unit, "ExecMainStatus")) == ("success", "0")
