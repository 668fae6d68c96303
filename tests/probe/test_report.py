"""The whole report, held against what real applications say of themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import applications, parts
from tests.applications import Site, environment_of, group_at, packages_of, scanned
from tests.parts import need_root
from tests.probe import overwriting
from tightship.fleet.report import ProcessGroup, Report, load

WAIT = "import sys, time\nprint('ready', flush=True)\ntime.sleep(1000)\n"


@contextmanager
def waiting(*argv: str | Path, cwd: Path, env: dict[str, str] | None = None, **more: Any) -> Iterator[int]:
    """A process of the ordinary user that said that it is ready; its pid."""
    with applications.running(argv, cwd, env, **{"stdout": subprocess.PIPE, **more}) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
        process.stdout.close()


@contextmanager
def worker(
    home: Path, *arguments: str, env: dict[str, str] | None = None, name: str = "celery"
) -> Iterator[int]:
    """Something that is known as a worker by its name, and so is an application without listening."""
    script = home / name
    script.write_text(WAIT)
    with waiting(applications.interpreter(), script, *(arguments or ("worker",)), cwd=home, env=env) as pid:
        yield pid


@pytest.fixture
def home() -> Iterator[Path]:
    with applications.folder() as root:
        yield root


# Real applications


@pytest.fixture(scope="module")
def report(django_site: Site, uvicorn_site: Site, waitress_site: Site) -> Report:
    return scanned()


@pytest.fixture(params=["django_site", "uvicorn_site", "waitress_site"])
def site(request: pytest.FixtureRequest) -> Site:
    found: Site = request.getfixturevalue(request.param)
    return found


def test_an_application_is_told_with_its_port_and_who_runs_it(report: Report, site: Site) -> None:
    group = group_at(report, site.home)
    assert (group.kind, group.type, group.base) == ("application", "web", str(site.home))
    assert [(one.address, one.port) for one in group.listeners if one.protocol == "tcp"] == [
        ("127.0.0.1", site.port)
    ]
    assert site.pid in report.live.groups[group.key].pids
    assert group.unread == []


def test_its_packages_are_those_that_it_can_import_itself(report: Report, site: Site) -> None:
    assert packages_of(report, group_at(report, site.home)) == site.truth()["packages"]


def test_its_import_path_is_its_own_in_order(report: Report, site: Site) -> None:
    truth = site.truth()
    environment = environment_of(report, group_at(report, site.home))
    assert environment.path == list(dict.fromkeys(path or str(site.home) for path in truth["path"]))
    assert (environment.prefix, environment.python) == (truth["prefix"], truth["python"])


def test_a_master_and_its_workers_are_one_group(report: Report, django_site: Site) -> None:
    group = group_at(report, django_site.home)
    live = report.live.groups[group.key]
    assert (group.program, live.workers, len(live.pids)) == ("gunicorn", 2, 3)
    assert django_site.truth()["pid"] in live.pids


def test_a_checkout_tells_its_tag_and_its_name(report: Report, django_site: Site) -> None:
    group = group_at(report, django_site.home)
    first = group.releases[0]
    assert (first.how, first.release, first.dirty, first.where) == (
        "tag",
        "2.4.1",
        False,
        str(django_site.home),
    )
    git = ["git", "-c", "safe.directory=*", "-C", str(django_site.home), "rev-parse", "HEAD"]
    assert first.commit == subprocess.run(git, capture_output=True, check=True, text=True).stdout.strip()
    assert {(name.name, name.how) for name in group.names} >= {
        ("shop.wsgi", "module"),
        ("shop", "directory"),
        ("shop", "checkout"),
    }


def test_python_3_6_says_the_same(report: Report, site: Site) -> None:
    old = parts.python36()
    if old is None:
        pytest.skip("no Python 3.6 here")
    older = scanned(python=old)
    new, same = group_at(report, site.home), group_at(older, site.home)
    assert new == same
    assert packages_of(report, new) == packages_of(older, same)


def test_an_upgrade_under_a_running_process_is_maybe_stale(home: Path) -> None:
    venv = applications.make_venv(home / "venv")
    applications.add_package(venv, "stock", "1.0")
    with worker(home, env={"PATH": f"{venv}/bin"}):
        pass  # only the script is wanted
    with waiting(venv / "bin/python", home / "celery", "worker", cwd=home):
        assert group_at(scanned(), home).stale == []
        applications.wait_for_another_second()
        applications.add_package(venv, "stock", "2.0")
        after = scanned()
    group = group_at(after, home)
    assert [(sign.how, sign.what) for sign in group.stale] == [("newer", "stock")]
    assert packages_of(after, group) == {"stock": "2.0"}


# Command line and variables


def test_no_secret_of_a_command_line_leaves_the_server(home: Path) -> None:
    with worker(home, "worker", "--password", "hunter2", "redis://:hunter2@host/0"):
        group = group_at(scanned(), home)
    assert group.command[2:] == ["worker", "--password", "***", "redis://***@host/0"]


def test_no_variable_leaves_the_server_but_a_supervisors_names(home: Path) -> None:
    env = {
        "SUPERVISOR_ENABLED": "1",
        "SUPERVISOR_PROCESS_NAME": "web",
        "SUPERVISOR_GROUP_NAME": "shop",
        "A": "hunter2",
    }
    with worker(home, env=env):
        report = scanned()
    group = group_at(report, home)
    assert (group.key, group.supervisor) == ("supervisor:shop:web", "shop:web")
    assert "hunter2" not in repr(report)


def test_names_that_are_no_text_are_told_harmlessly(home: Path) -> None:
    with worker(home, "worker", os.fsdecode(b"a\xff\x1b[31m"), "<script>", "\u202eb", "\u00e9"):
        group = group_at(scanned(), home)
    assert group.command[3:] == ["a\\xff\\x1b[31m", "<script>", "\\u202eb", "\u00e9"]


def test_a_long_argument_is_clipped_and_stays_distinct(home: Path) -> None:
    with worker(home, "worker", "a" * 5000, "a" * 5001):
        first, second = group_at(scanned(), home).command[3:]
    assert len(first) == len(second) == 4096
    assert first != second


def test_equal_groups_are_told_apart_by_their_arguments(home: Path) -> None:
    other = [applications.interpreter(), home / "celery", "worker", "-Q", "a"]
    with worker(home, "worker", "-Q", "b"), waiting(*other, cwd=home):
        report = scanned()
    assert report.state
    found = {
        one.key.rpartition(" ")[2]: one.command[-1] for one in report.state.groups if one.cwd == str(home)
    }
    assert found == {"worker": "a", "#2": "b"}


# Rewritten and wiped


def rewritten(text: bytes) -> str:
    return f"{overwriting.CODE}\noverwrite({overwriting.ARGUMENTS}, {text!r})\n{WAIT}"


def test_a_title_does_not_hide_the_environment(home: Path) -> None:
    venv = applications.make_venv(home / "venv")
    applications.add_package(venv, "stock", "1.0")
    script = venv / "bin/serve"
    script.write_text(f"#!{venv}/bin/python\n{rewritten(b'gunicorn: master [stock.wsgi]')}")
    script.chmod(0o755)
    with waiting(script, cwd=home):
        report = scanned()
    group = group_at(report, home)
    assert (group.program, group.key.rpartition(" gunicorn ")[2]) == ("gunicorn", "stock.wsgi")
    assert packages_of(report, group) == {"stock": "1.0"}
    assert ("interpreter", "execfn") in [(entry.what, entry.how) for entry in group.how]


# What others may see


def test_masters_and_workers_of_two_users_are_one_group() -> None:
    need_root()
    with applications.application("shop", applications.WSGI, ["gunicorn"]) as home:
        port = applications.free_port()
        argv = [
            home / "venv/bin/gunicorn",
            "--user",
            str(applications.USER),
            "--bind",
            f"127.0.0.1:{port}",
            "intranet:app",
        ]
        with applications.running(argv, home, port=port, user=0, group=0):
            report = scanned()
    group = group_at(report, home)
    assert (group.user, report.live.groups[group.key].workers) == ("root", 1)


def test_an_ordinary_user_is_told_what_he_may_not_see(home: Path) -> None:
    need_root()
    with worker(home):
        mine = scanned(python=applications.interpreter(), **applications.as_user())
    group = group_at(mine, home)
    assert group.unread == []
    assert mine.state
    assert not mine.state.complete
    assert not mine.live.privileged
    assert "processes of other users" in [entry.what for entry in mine.state.unread]


def test_another_users_process_is_told_as_far_as_its_command_line_goes(home: Path) -> None:
    need_root()
    (home / "celery").write_text(WAIT)
    with waiting(applications.interpreter(), home / "celery", "worker", cwd=home, user=0, group=0):
        report = scanned(python=applications.interpreter(), **applications.as_user())
    assert report.state
    found = [one for one in report.state.groups if str(home / "celery") in one.command]
    assert [(one.user, one.program, one.type, one.cwd) for one in found] == [("root", "celery", "worker", "")]
    assert "permission denied" in [entry.why for entry in found[0].unread]


# A server of its own

DRIVER = """
import os, pty, subprocess, sys, time
probe, home, python = sys.argv[1:]

def scan():
    return subprocess.run([python, "-I", probe], stdout=subprocess.PIPE, check=True).stdout.strip()

def ready(*argv, **more):
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, **more)
    assert process.stdout.readline() == b"ready\\n"
    return process

server = ready(python, "serve.py", cwd=home)
print(scan().decode())
shell, terminal = pty.fork()
if not shell:
    os.execv(python, [python])
cron = ready(python, "cron.py", cwd=home, start_new_session=True)
os.read(terminal, 10)
print(scan().decode())
os.killpg(cron.pid, 9)
server.kill()
server.wait()
server = ready(python, "serve.py", cwd=home)
print(scan().decode())
os.kill(shell, 9); server.kill()
"""

SERVER = {
    "serve.py": (
        "import time\nfrom socket import *\n"
        "one = socket()\none.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)\n"
        "one.bind(('', 8000))\none.listen()\nprint('ready', flush=True)\ntime.sleep(1000)\n"
    ),
    "cron.py": (
        "import subprocess, sys\nopen('/proc/self/comm', 'w').write('cron')\n"
        "subprocess.run([sys.executable, 'nightly.py'])\n"
    ),
    "nightly.py": WAIT,
}


@pytest.fixture(scope="module")
def three_reports() -> tuple[Report, Report, Report]:
    """Of a server with one application; with a person and cron at work; and after a restart."""
    need_root()
    unshare = parts.program("unshare", "util-linux")
    with applications.folder() as root:
        applications.write(root, SERVER)
        (root / "probe.py").write_text(applications.source("tightship_probe"))
        (root / "driver.py").write_text(DRIVER)
        python = applications.interpreter()
        namespaces = [unshare, "--pid", "--net", "--uts", "--fork", "--mount-proc", "--kill-child"]
        # A first process that is no Python, and one between: whose parent is the first is a daemon.
        shell = [*namespaces, "sh", "-c", '("$@"; true); true', "sh"]
        argv = [*shell, python, str(root / "driver.py"), str(root / "probe.py"), str(root), python]
        done = subprocess.run(argv, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=120)
        assert done.returncode == 0, done.stderr.decode()
    first, second, third = (load(line) for line in done.stdout.splitlines())
    return first, second, third


def only_group(report: Report) -> ProcessGroup:
    assert report.state
    (group,) = report.state.groups
    return group


def test_a_login_and_a_cron_job_between_two_scans_leave_the_state_as_it_was(three_reports) -> None:
    before, after, _restarted = three_reports
    assert before.digest == after.digest
    assert only_group(before).listeners[0].port == 8000
    assert sorted((one.kind, Path(one.command[-1]).name, len(one.pids)) for one in after.live.passing) == [
        ("passing", "cron.py", 1),
        ("passing", "nightly.py", 1),
        ("passing", Path(applications.interpreter()).name, 1),  # the driver: its last argument
        ("session", Path(applications.interpreter()).name, 1),
    ]


def test_a_restart_changes_when_it_started_and_nothing_else(three_reports) -> None:
    _before, after, restarted = three_reports
    assert after.digest != restarted.digest
    old, new = only_group(after), only_group(restarted)
    assert new.started.ticks > old.started.ticks
    assert new.model_copy(update={"started": old.started}) == old


# Ourselves

LAUNCHER = """
import socket, subprocess, sys
one = socket.socket()
one.bind(("127.0.0.1", 0))
one.listen()
scan = [sys.executable, "-I", "probe.py"]
sys.stdout.buffer.write(subprocess.run(scan, stdout=subprocess.PIPE, check=True).stdout)
"""


@pytest.mark.parametrize(("verb", "told"), [("scan", False), ("serve", True)])
def test_whoever_scans_is_no_application_and_the_service_is_one(home: Path, verb: str, told: bool) -> None:
    (home / "tightship").write_text(LAUNCHER)
    (home / "probe.py").write_text(applications.source("tightship_probe"))
    argv = [applications.interpreter(), "tightship", verb]
    report = load(subprocess.run(argv, cwd=home, capture_output=True, check=True).stdout)
    assert report.state
    assert [str(home) in one.cwd for one in report.state.groups].count(True) == told
    assert [
        one for one in report.live.passing if "probe.py" in one.command or one.command[1:] == argv[1:]
    ] == []


# The program


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-", *arguments]
    return subprocess.run(
        command, input=applications.source("tightship_probe"), capture_output=True, text=True, check=False
    )


def test_it_says_what_it_does_and_which_version_it_is() -> None:
    assert "Reads this server" in run("--help").stdout
    assert run("--version").stdout.startswith("tightship-probe ")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--prety"], "tightship-probe: unknown argument '--prety'; see --help\n"),
        (["--root"], "tightship-probe: --root wants a directory; see --help\n"),
        (["--root", "/nowhere"], "tightship-probe: there is no /nowhere/proc to read\n"),
    ],
)
def test_a_mistake_is_answered_in_one_sentence(arguments: list[str], why: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", why)


def test_on_another_system_it_says_that_it_reads_linux(monkeypatch, capsys) -> None:
    from tightship_probe.__main__ import main

    monkeypatch.setattr("sys.platform", "darwin")
    assert main([]) == 2
    assert capsys.readouterr().err == (
        "tightship-probe: it reads Linux servers, and this is darwin; "
        "`tightship gather` reads them from here\n"
    )


def test_the_pretty_form_says_the_same() -> None:
    pretty = json.loads(run("--pretty").stdout)
    assert list(pretty) == ["schema", "digest", "live", "state", "sets"]


# Folders that stand for servers

SERVERS = Path(__file__).parent.parent / "servers"


@pytest.mark.parametrize("name", sorted(path.parent.name for path in SERVERS.glob("*/report.json")))
def test_a_folder_that_stands_for_a_server_is_read_as_written_down(name: str) -> None:
    done = run("--root", str(SERVERS / name))
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    wanted = json.loads((SERVERS / name / "report.json").read_text())
    assert {member: told[member] for member in ("state", "sets")} == wanted
    load(done.stdout.encode())
