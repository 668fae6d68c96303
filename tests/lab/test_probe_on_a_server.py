"""One scan of a real server: what systemd, cron, supervisord and ssh started, and what is Debian's own."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tightship.fleet.report import PassingProcess, ProcessGroup, Report, State, load
from tightship.lab import Lab, Server
from tightship.remote.program import source

SECONDS = 30

SERVES = """\
import sys, telling
from wsgiref.simple_server import make_server
make_server("127.0.0.1", int(sys.argv[1]), telling.wsgi).serve_forever()
"""

SERVES_WHAT_IT_WAS_GIVEN = """\
import socket, telling
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
server = WSGIServer(("", 0), WSGIRequestHandler, bind_and_activate=False)
server.socket, server.server_name, server.server_port = socket.socket(fileno=3), "shop", 0
server.setup_environ()
server.set_app(telling.wsgi)
server.serve_forever()
"""

WAITS = "import time\ntime.sleep(600)\n"

UNITS = {
    "shop.service": "[Service]\nUser=shop\nWorkingDirectory=/srv/shop\nExecStart=python3 serves.py 8000\n",
    "wiki.service": "[Service]\nUser=shop\nExecStart=/usr/bin/python3 /srv/shop/given.py\n",
    "wiki.socket": "[Socket]\nListenStream=127.0.0.1:8001\n",
    "idle.service": "[Service]\nExecStart=/usr/bin/python3 /srv/shop/given.py\n",
    "idle.socket": "[Socket]\nListenStream=127.0.0.1:8002\n",
    "nightly.service": "[Service]\nType=oneshot\nExecStart=/usr/bin/python3 /srv/shop/nightly.py\n",
    "nightly.timer": "[Timer]\nOnActiveSec=0\nAccuracySec=1ms\n",
}
SUPERVISED = "[program:mails]\ncommand=/usr/bin/python3 /srv/shop/mails.py\nuser=shop\n"
USERS_UNIT = "[Service]\nExecStart=/usr/bin/python3 /srv/shop/serves.py 8003\n"
FILES: dict[str, str | Path] = {
    "/srv/shop/telling.py": Path(__file__).parents[1] / "zoo/telling.py",
    "/srv/shop/serves.py": SERVES,
    "/srv/shop/given.py": SERVES_WHAT_IT_WAS_GIVEN,
    "/srv/shop/nightly.py": WAITS,
    "/srv/shop/from_cron.py": WAITS,
    "/srv/shop/mails.py": WAITS,
    "/home/shop/.config/systemd/user/mine.service": USERS_UNIT,
    "/etc/cron.d/shop": "@reboot shop /usr/bin/python3 /srv/shop/from_cron.py\n",
    "/etc/supervisor/conf.d/mails.conf": SUPERVISED,
    "/etc/fail2ban/jail.local": "[sshd]\nenabled = false\n",
    **{f"/etc/systemd/system/{name}": text for name, text in UNITS.items()},
}
STARTED = "shop.service wiki.socket idle.socket nightly.timer supervisor fail2ban unattended-upgrades".split()
AS_SHOP = "runuser -u shop -- env XDG_RUNTIME_DIR=/run/user/$(id -u shop) systemctl --user"
RUN = [*STARTED, "wiki.service", "nightly.service"]


def plant(server: Server) -> None:
    server.run("useradd --create-home shop")
    server.copy(FILES)
    server.run("chown -R shop: /home/shop")
    server.run(f"systemctl daemon-reload && systemctl --no-block start {' '.join(STARTED)}")
    # cron runs what is due at boot when it starts for the first time.
    server.run("rm -f /run/crond.reboot; systemctl start cron")
    server.run(f"loginctl enable-linger shop && systemctl start user@$(id -u shop) && {AS_SHOP} start mine")
    server.run("until systemctl is-active -q wiki.socket; do sleep 0.05; done")
    told(server, 8001)  # the first who asks has systemd start it


def told(server: Server, port: int) -> dict[str, Any]:
    """What the application behind a port says of itself."""
    ask = f"import urllib.request as r; print(r.urlopen('http://127.0.0.1:{port}').read().decode())"
    truth: dict[str, Any] = json.loads(server.enter("python3", "-I", "-c", ask).stdout)
    return truth


def uproot(server: Server) -> None:
    server.run(f"{AS_SHOP} stop mine; systemctl stop cron {' '.join(RUN)} idle.service", check=False)
    server.run("loginctl disable-linger shop; systemctl stop user@$(id -u shop); pkill -u shop; true")
    server.run("userdel --remove --force shop; rm -rf /srv/shop", check=False)
    files = " ".join(path for path in FILES if path.startswith("/etc"))
    server.run(f"rm -f {files}; systemctl daemon-reload; systemctl reset-failed")


def waiting_for(server: Server) -> str:
    """Names on the command lines of what is not there yet."""
    running = server.enter("ps", "-ww", "-eo", "args").stdout
    wanted = (
        "serves.py 8000|given.py|nightly.py|from_cron.py|mails.py|serves.py 8003|fail2ban-server|supervisord"
    )
    wanted += "|unattended-upgrade-shutdown|at a prompt"
    return " ".join(one for one in wanted.split("|") if one not in running)


@pytest.fixture(scope="module")
def server(lab: Lab) -> Iterator[Server]:
    server = lab["web1"]
    plant(server)
    python = "python3 -c 'import time; time.sleep(600)  # at a prompt'"
    session = subprocess.Popen([*server.ssh, python], stdin=subprocess.PIPE)
    try:
        end = time.monotonic() + SECONDS
        while (missing := waiting_for(server)) and time.monotonic() < end:
            time.sleep(0.05)
        assert missing == ""
        yield server
    finally:
        session.kill()
        session.wait()
        uproot(server)


@pytest.fixture(scope="module")
def report(server: Server) -> Report:
    return scan(server)


def scan(server: Server) -> Report:
    probe = source("tightship_probe")
    return load(server.run("python3 -I -", stdin=probe).stdout.encode())


@pytest.fixture(scope="module")
def state(report: Report) -> State:
    assert report.state is not None
    return report.state


def group(state: State, script: str) -> ProcessGroup:
    (found,) = [one for one in state.groups if script in " ".join(one.command)]
    return found


def passing(report: Report, script: str) -> PassingProcess:
    (found,) = [one for one in report.live.passing if script in " ".join(one.command)]
    return found


def test_all_of_the_server_was_read(state: State) -> None:
    assert state.complete
    assert state.unread == []
    assert [(one.key, one.unread) for one in state.groups if one.unread] == []


def test_a_unit_is_an_application_by_its_units_name(state: State) -> None:
    shop = group(state, "serves.py 8000")
    assert (shop.kind, shop.unit, shop.user, shop.cwd) == ("application", "shop.service", "shop", "/srv/shop")
    assert shop.key.startswith("unit:shop.service")
    assert [(one.address, one.port, one.how) for one in shop.listeners] == [("127.0.0.1", 8000, "process")]
    assert "shop.service" in [name.name for name in shop.names if name.how == "unit"]


def test_a_socket_that_systemd_handed_over_is_said_to_be_so(state: State) -> None:
    wiki = group(state, "given.py")
    assert (wiki.kind, wiki.unit) == ("application", "wiki.service")
    assert [(one.address, one.port, one.how) for one in wiki.listeners] == [("127.0.0.1", 8001, "systemd")]


def test_a_socket_that_nobody_asked_yet_is_systemds(state: State) -> None:
    (idle,) = [one for one in state.listeners if one.port == 8002]
    assert (idle.address, idle.program) == ("127.0.0.1", "systemd")


@pytest.mark.parametrize(
    ("script", "port"), [("serves.py 8000", 8000), ("given.py", 8001), ("serves.py 8003", 8003)]
)
def test_import_path_packages_and_python_are_those_that_the_process_tells(
    state: State, report: Report, server: Server, script: str, port: int
) -> None:
    found, truth = group(state, script), told(server, port)
    (environment,) = [one for one in state.environments if one.key == found.environment]
    path = [entry for entry in environment.path if (server.root / entry[1:]).exists()]
    assert path == truth["path"]
    packages = [[one.name, one.version, one.shadowed] for one in report.sets[environment.packages or ""]]
    assert sorted(packages) == sorted(truth["packages"])
    assert len(packages) > 3
    assert found.python == truth["python"]


def test_a_users_own_unit_is_an_application(state: State) -> None:
    mine = group(state, "serves.py 8003")
    assert (mine.kind, mine.unit, mine.user) == ("application", "mine.service", "shop")


def test_what_a_timer_starts_once_passes(state: State, report: Report) -> None:
    assert passing(report, "nightly.py").kind == "passing"
    assert not [one for one in state.groups if one.unit == "nightly.service"]


def test_what_cron_starts_passes(report: Report) -> None:
    assert (passing(report, "from_cron.py").kind, passing(report, "from_cron.py").user) == ("passing", "shop")


def test_what_someone_runs_over_ssh_is_a_session(report: Report) -> None:
    assert passing(report, "at a prompt").kind == "session"


def test_what_supervisord_runs_is_an_application_and_it_itself_is_not(state: State) -> None:
    mails, supervisord = group(state, "mails.py"), group(state, "supervisord")
    assert (mails.kind, mails.supervisor) == ("application", "mails:mails")
    assert (supervisord.kind, supervisord.unit) == ("system", "supervisor.service")


@pytest.mark.parametrize(
    ("script", "unit"),
    [
        ("fail2ban-server", "fail2ban.service"),
        ("unattended-upgrade-shutdown", "unattended-upgrades.service"),
    ],
)
def test_debians_own_daemons_belong_to_the_system(state: State, script: str, unit: str) -> None:
    daemon = group(state, script)
    assert (daemon.kind, daemon.unit) == ("system", unit)


def test_nothing_else_runs_python_there(state: State, report: Report) -> None:
    assert sorted((one.kind, one.unit) for one in state.groups) == [
        ("application", "mine.service"),
        ("application", "shop.service"),
        ("application", "supervisor.service"),
        ("application", "wiki.service"),
        ("system", "fail2ban.service"),
        ("system", "supervisor.service"),
        ("system", "unattended-upgrades.service"),
    ]


def test_the_server_says_who_it_is(state: State, server: Server) -> None:
    system = state.system
    assert system.name == "web1"
    assert server.address in system.addresses
    assert system.machine_id == server.run("cat /etc/machine-id").stdout.strip()


def test_two_scans_agree_though_sessions_come_and_go(report: Report, server: Server) -> None:
    server.run("true")
    assert scan(server).digest == report.digest


def test_after_a_restart_the_keys_are_the_same(state: State, server: Server) -> None:
    server.run("systemctl restart shop.service")
    again = scan(server).state
    assert again is not None
    assert group(again, "serves.py 8000").key == group(state, "serves.py 8000").key
    assert group(again, "serves.py 8000").started != group(state, "serves.py 8000").started
