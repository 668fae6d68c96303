"""What systemd, cron and supervisor of a real server name and do not run, held against what it runs then."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import applications
from tightship.fleet.report import Environment, Report, State, load
from tightship.lab import Lab, Server
from tightship.remote.program import source

SECONDS = 30

TELLS = (
    "import json, sys\nimport telling\n"
    "json.dump({'path': telling.path(), 'packages': telling.distributions(),\n"
    "           'python': sys.version.split()[0], 'prefix': sys.prefix}, open(sys.argv[1], 'w'))\n"
)
WAITS = "import sys, time\nopen(sys.argv[1], 'w').close()\ntime.sleep(600)\n"

VENVS = ("night", "queue-one", "cron", "users", "super")
"""Each with a package of a version of its own: 1.0, 1.1, ..."""

UNITS = {
    "shop-nightly.service": (
        "[Service]\nType=oneshot\nUser=shop\nWorkingDirectory=/srv/shop\n"
        "ExecStart=/srv/shop/night/bin/python tells.py /srv/shop/out/night\n"
    ),
    "shop-nightly.timer": "[Timer]\nOnCalendar=2099-01-01\n[Install]\nWantedBy=timers.target\n",
    # systemd starts /usr/bin/python3, which looks for its own name in PATH, and so finds the venv.
    "shop-queue@.service": (
        "[Service]\nType=oneshot\nUser=shop\nWorkingDirectory=~\n"
        "Environment=PATH=/srv/shop/queue-%i/bin:/usr/bin\n"
        'ExecStart=python3 \\\n  /srv/shop/tells.py "/srv/shop/out/queue-%i"\n'
        "[Install]\nWantedBy=shop.target\n"
    ),
}
FILES: dict[str, str | Path] = {
    "/srv/shop/telling.py": Path(__file__).parents[1] / "zoo/telling.py",
    "/srv/shop/tells.py": TELLS,
    "/srv/shop/waits.py": WAITS,
    "/srv/shop/crontab": "* * * * * $HOME/users/bin/python ~/tells.py $HOME/out/users\n",
    "/etc/cron.d/shop": (
        "PYTHONPATH=/srv/shop/more\n"
        "* * * * * shop cd /srv/shop && . cron/bin/activate && python tells.py out/cron >> out/log 2>&1\n"
    ),
    "/etc/cron.d/other": (
        "1 1 1 1 * root /srv/gone/bin/python x.py\n"
        "1 1 1 1 * root for x in a b; do /srv/gone/bin/python $x; done\n"
    ),
    "/etc/supervisor/conf.d/shop.conf": (
        "[program:import]\ncommand=/srv/shop/super/bin/python %(here)s/../../../srv/shop/tells.py out/super\n"
        "directory=/srv/shop\nuser=shop\nautostart=false\nautorestart=false\nstartsecs=0\n"
    ),
    **{f"/etc/systemd/system/{name}": text for name, text in UNITS.items()},
}
NAMED_BY = {
    "night": ["timer:shop-nightly.timer", "unit:shop-nightly.service"],
    "queue-one": ["unit:shop-queue@one.service"],
    "cron": ["crontab:/etc/cron.d/shop"],
    "users": ["crontab:/var/spool/cron/crontabs/shop"],
    "super": ["supervisor:import"],
}
START = (
    "systemctl start shop-nightly.service",
    "systemctl start shop-queue@one.service",
    "supervisorctl start import",
    "systemctl start cron",
)

Truth = dict[str, dict[str, Any]]


def plant(server: Server) -> None:
    server.run("useradd --home-dir /srv/shop --create-home shop && mkdir -p /srv/shop/out /srv/shop/more")
    server.copy(FILES)
    for number, name in enumerate(VENVS):
        server.run(f"python3 -m venv --without-pip /srv/shop/{name}")
        applications.add_package(server.root / f"srv/shop/{name}", "stock", f"1.{number}")
    server.run("chown -R shop: /srv/shop && crontab -u shop /srv/shop/crontab")
    server.run("systemctl daemon-reload && systemctl enable --now shop-nightly.timer")
    server.run("systemctl enable shop-queue@one.service && systemctl start supervisor")


def uproot(server: Server) -> None:
    server.run("systemctl disable --now shop-nightly.timer shop-queue@one.service", check=False)
    server.run("systemctl stop cron supervisor; crontab -u shop -r", check=False)
    files = " ".join(path for path in FILES if path.startswith("/etc"))
    server.run(f"rm -f {files}; userdel --force shop; rm -rf /srv/shop", check=False)
    server.run("systemctl daemon-reload; systemctl reset-failed", check=False)


@pytest.fixture(scope="module")
def server(lab: Lab) -> Iterator[Server]:
    server = lab["web2"]
    try:
        plant(server)
        yield server
    finally:
        uproot(server)


def scan(server: Server) -> Report:
    return load(server.run("python3 -I -", stdin=source("tightship_probe")).stdout.encode())


def state_of(report: Report) -> State:
    assert report.state is not None
    return report.state


@pytest.fixture(scope="module")
def report(server: Server) -> Report:
    return scan(server)


@pytest.fixture(scope="module")
def state(report: Report) -> State:
    return state_of(report)


@pytest.fixture(scope="module")
def truth(server: Server, report: Report) -> Truth:
    """What each says of itself, once it was made to run. cron starts what is due at the next full minute."""
    for command in START:
        server.run(command)
    found: Truth = {}
    end = time.monotonic() + 60 + SECONDS
    while len(found) < len(VENVS) and time.monotonic() < end:
        time.sleep(0.2)
        for name in VENVS:
            place = server.root / "srv/shop/out" / name
            text = place.read_text() if place.exists() else ""
            if text.endswith("}"):
                found[name] = json.loads(text)
    server.run("systemctl stop cron")
    assert sorted(found) == sorted(VENVS)
    return found


def at(state: State, name: str) -> Environment:
    (found,) = [one for one in state.environments if one.prefix == f"/srv/shop/{name}"]
    return found


@pytest.mark.parametrize("name", VENVS)
def test_what_is_named_and_does_not_run_is_at_rest(state: State, name: str) -> None:
    environment = at(state, name)
    assert (environment.at_rest, environment.named_by, environment.unread) == (True, NAMED_BY[name], [])


@pytest.mark.parametrize("name", VENVS)
def test_its_path_and_packages_are_those_that_it_has_when_it_runs(
    state: State, report: Report, truth: Truth, server: Server, name: str
) -> None:
    environment, own = at(state, name), truth[name]
    assert [one for one in environment.path if (server.root / one[1:]).exists()] == own["path"]
    assert (environment.prefix, environment.python) == (own["prefix"], own["python"])
    packages = report.sets[environment.packages or ""]
    assert sorted([one.name, one.version] for one in packages) == sorted(own["packages"])


def test_only_these_are_at_rest(state: State) -> None:
    assert sorted(one.prefix for one in state.environments if one.at_rest) == sorted(
        f"/srv/shop/{name}" for name in VENVS
    )


def test_what_can_not_be_told_is_said_and_the_rest_is_whole(state: State) -> None:
    assert sorted((one.what, one.why) for one in state.unread) == [
        ("what crontab:/etc/cron.d/other names", "/srv/gone/bin/python was not found"),
        ("what crontab:/etc/cron.d/other names", "a shell script: `for`"),
    ]
    assert state.complete


def test_a_job_that_runs_just_now_changes_nothing(server: Server) -> None:
    place, begun = "/run/systemd/system/shop-nightly.service.d", "/srv/shop/out/begun"
    job = f"[Service]\nExecStart=\nExecStart=/srv/shop/night/bin/python /srv/shop/waits.py {begun}\n"
    server.copy({f"{place}/waits.conf": job})
    try:
        server.run("systemctl daemon-reload")
        before = scan(server)
        server.run("systemctl --no-block start shop-nightly.service")
        end = time.monotonic() + SECONDS
        while not (server.root / begun[1:]).exists() and time.monotonic() < end:
            time.sleep(0.05)
        during = scan(server)
    finally:
        server.run(f"systemctl stop shop-nightly.service; rm -rf {place} {begun}; systemctl daemon-reload")
    after = scan(server)
    assert "waits.py" in str(during.live.passing)
    assert at(state_of(during), "night").at_rest
    assert before.digest == during.digest == after.digest


def test_an_environment_in_which_something_runs_is_named_and_not_at_rest(server: Server) -> None:
    place = "/etc/systemd/system/shop-waits.service"
    command = "/srv/shop/queue-one/bin/python /srv/shop/waits.py /srv/shop/out/up"
    server.copy({place: f"[Service]\nUser=shop\nExecStart={command}\n"})
    try:
        server.run("systemctl daemon-reload && systemctl start shop-waits.service")
        running = at(state_of(scan(server)), "queue-one")
        server.run("systemctl stop shop-waits.service")
        stopped = at(state_of(scan(server)), "queue-one")
    finally:
        server.run(f"systemctl stop shop-waits.service; rm -f {place}; systemctl daemon-reload", check=False)
    assert (running.at_rest, stopped.at_rest) == (False, True)
    named_by = ["unit:shop-queue@one.service", "unit:shop-waits.service"]
    assert running.named_by == stopped.named_by == named_by
