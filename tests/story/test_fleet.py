"""A fleet of ten: what runs on each is there after one `gather`; each that fails is shown as what it is."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Tightship, program
from tests.servers_of_the_lab import need_lab
from tests.work.test_working import until, working
from tightship.lab import Lab, Server, up

pytestmark = pytest.mark.soak  # half a minute and more, of real servers and services

SILENT_AFTER = "0.005"
"""Hours: eighteen seconds."""

DJANGO = """\
from django.conf import settings
settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="x")
urlpatterns = []
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""

# Name -> (what is installed for it, what it serves with, its code)
APPLICATIONS = {
    "shop": (
        ("django", "gunicorn"),
        "gunicorn --bind 127.0.0.1:8001 shop:application",
        DJANGO,
    ),
    "stock": (
        ("fastapi", "uvicorn"),
        "uvicorn --port 8002 stock:application",
        "from fastapi import FastAPI\napplication = FastAPI()\n",
    ),
    "intranet": (
        ("flask", "waitress"),
        "waitress-serve --listen=127.0.0.1:8003 intranet:application",
        "from flask import Flask\napplication = Flask(__name__)\n",
    ),
}
UNIT = """\
[Service]
User=nobody
WorkingDirectory=/srv/{name}
ExecStart=/srv/{name}/venv/bin/{command}
"""
RUNS_ON = {
    "web1": ["shop"],
    "web2": ["shop"],
    "web3": ["shop", "stock"],
    "web4": ["stock"],
    "web5": ["intranet"],
    "web6": ["intranet", "shop"],
    "web7": ["stock"],
}
UNPLUGGED, DIES, BARE = "web8", "web9", "web10"
FAILS = {UNPLUGGED: "unreachable", DIES: "interrupted", BARE: "no-python"}

# It begins, and the connection is gone.
DYING = "#!/bin/sh\nprintf '{\"schema\": '\npkill -KILL sshd\nsleep 30\n"


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Environments made with Debian's own Python, as they lie on the servers."""
    folder = tmp_path_factory.mktemp("environments")
    for name, (packages, _command, code) in APPLICATIONS.items():
        home = folder / name
        home.mkdir()
        (home / f"{name}.py").write_text(code)
        for command in (
            ["venv", "--relocatable", "--python", "/usr/bin/python3", str(home / "venv")],
            ["pip", "install", "--python", str(home / "venv/bin/python"), *packages],
        ):
            subprocess.run([sys.executable, "-m", "uv", "-q", *command], check=True)
    return {name: folder / name for name in APPLICATIONS}


def put(server: Server, name: str, home: Path) -> None:
    unit = UNIT.format(name=name, command=APPLICATIONS[name][1])
    server.copy({f"/srv/{name}": home, f"/etc/systemd/system/{name}.service": unit})
    server.enter("chmod", "-R", "a+rX", f"/srv/{name}")
    server.enter("systemctl", "daemon-reload")
    server.enter("systemctl", "start", name)


@pytest.fixture(scope="module")
def fleet(environments: dict[str, Path]) -> Iterator[Lab]:
    need_lab()
    with up([f"web{number}" for number in range(1, 11)]) as lab:
        for server, names in RUNS_ON.items():
            for name in names:
                put(lab[server], name, environments[name])
        lab[DIES].copy({"/usr/local/sbin/dying": DYING}, mode=0o755)
        lab[DIES].enter("ln", "-sf", "/usr/local/sbin/dying", "/usr/bin/python3")
        lab[BARE].enter("sh", "-c", "rm -f /usr/bin/python3*")
        for server, names in RUNS_ON.items():
            for name in names:
                until(
                    lambda server=server, name=name: (
                        lab[server].enter("systemctl", "is-active", name, check=False).stdout == "active\n"
                    )
                )
        yield lab


@pytest.fixture
def config(fleet: Lab, tmp_path: Path) -> str:
    """With little patience: a server that is cut off is one of ten."""
    file = tmp_path / "ssh_config"
    file.write_text("ConnectTimeout 3\n" + (fleet["web1"].folder.parent / "ssh_config").read_text())
    return str(file)


@pytest.fixture
def tightship(tmp_path: Path) -> Tightship:
    data = tmp_path / "data"
    data.mkdir()
    (data / "fleet.toml").write_text("".join(f"[servers.web{number}]\n" for number in range(1, 11)))
    return program(data)


def test_one_gather_fills_the_overview_and_each_failure_is_told(
    fleet: Lab, tightship: Tightship, config: str
) -> None:
    with fleet[UNPLUGGED].unplugged():
        done = tightship("gather", "--ssh-config", config, "--json")
    assert done.returncode == 2
    results = {one["server"]: one["result"] for one in json.loads(done.stdout)}
    assert results == {**dict.fromkeys(RUNS_ON, "recorded"), **FAILS}
    rows = json.loads(tightship("applications", "--json").stdout)["rows"]
    found = {row["application"]: (row["servers"], row["ports"]) for row in rows}
    assert found == {
        "shop": (["web1", "web2", "web3", "web6"], ["8001"]),
        "stock": (["web3", "web4", "web7"], ["8002"]),
        "intranet": (["web5", "web6"], ["8003"]),
    }
    users = json.loads(tightship("who-uses", "flask", "--json").stdout)["rows"]
    assert sorted({row["server"] for row in users}) == ["web5", "web6"]
    never = tightship("servers").stderr
    for server, kind in FAILS.items():
        assert f"{server} ({kind.replace('-', ' ')}: " in never


def test_one_that_stops_turns_silent_by_itself_and_the_rest_does_not(
    fleet: Lab, tightship: Tightship, config: str, tmp_path: Path
) -> None:
    names = [name for name in RUNS_ON if name != "web7"]
    assert tightship("gather", "--ssh-config", config, *RUNS_ON).returncode == 0
    with working(
        tmp_path / "data", tmp_path / "log", "--no-ssh", TIGHTSHIP_SILENT_AFTER=SILENT_AFTER
    ) as work:
        # The others go on reporting; web7 does not.
        deadline = time.monotonic() + 120
        while not work.says("silent: "):
            assert time.monotonic() < deadline
            assert tightship("gather", "--ssh-config", config, *names).returncode == 0
            time.sleep(3)
        assert work.says("silent: web7\n")
    told = json.loads(tightship("changes", "--kind", "silent", "--json").stdout)["rows"]
    assert [(row["server"], row["change"]) for row in told] == [("web7", "fell silent")]
    covers = json.loads(tightship("applications", "--json", TIGHTSHIP_SILENT_AFTER=SILENT_AFTER).stdout)[
        "covers"
    ]
    assert "web7" in covers["silent"]
