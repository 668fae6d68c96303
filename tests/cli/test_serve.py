"""`tightship serve` as it is typed: real processes, real ports, real users."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest

from tests.parts import need, need_root
from tightship.cli.binding import bind
from tightship.cli.serve import in_journal, ssh_line, variables

SECONDS = 40
NOBODY: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []}
LINK = re.compile(r"http://\S+/login/link/\S+")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Service:
    """A running `tightship serve`, and what it has printed."""

    def __init__(self, process: subprocess.Popen[str], port: int, said: str) -> None:
        self.process, self.port, self.said = process, port, said
        self.link = LINK.search(said)[0]  # type: ignore[index]

    def below(self) -> list[int]:
        """Pids of all processes that it started, however deep."""
        parents = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = status.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(status.parent.name)] = int(fields[1])
        found, more = [], [self.process.pid]
        while more:
            more = [pid for pid, parent in parents.items() if parent in more]
            found += more
        return found


Start = Callable[..., Any]


@contextmanager
def serving(
    python: str,
    data: Path,
    *arguments: str,
    host: str = "127.0.0.1",
    user: dict[str, Any] | None = None,
    **more: str,
) -> Iterator[Service]:
    port = free_port()
    process = subprocess.Popen(
        [python, "-I", "-m", "tightship", "serve", "--bind", f"{host}:{port}", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
        env={"PATH": os.environ["PATH"], "TIGHTSHIP_DATA": str(data), **more},
        **(user or {}),
    )
    try:
        yield Service(process, port, _greeting(process))
    finally:
        process.kill()
        process.wait(SECONDS)
        assert process.stdout is not None
        process.stdout.close()


def _greeting(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Stop" in line:
            return "".join(lines)
    raise AssertionError("it ended: " + "".join(lines))


def get(url: str, **headers: str) -> tuple[int, str, str]:
    """Status, final address and body; cookies are kept on the way."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    try:
        with opener.open(urllib.request.Request(url, headers=headers), timeout=SECONDS) as answer:
            return answer.status, answer.url, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.url, error.read().decode()


def gone(pids: list[int]) -> bool:
    # Whose parent ended before them are init's to take away, which has other things to do as well.
    end = time.monotonic() + SECONDS
    while left := [pid for pid in pids if Path(f"/proc/{pid}").exists()]:
        if time.monotonic() > end:
            print(f"left: {left}")
            return False
        time.sleep(0.05)
    return True


def stop(service: Service, number: int = signal.SIGTERM) -> None:
    below = service.below()
    assert len(below) >= 2, "the web process and its worker"
    service.process.send_signal(number)
    assert service.process.wait(SECONDS) == 0
    assert gone(below)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(sys.executable, tmp_path_factory.mktemp("serve")) as running:
        yield running


def test_the_link_logs_in_once_and_leaves_the_address_bar(service: Service) -> None:
    status, address, page = get(service.link)
    assert (status, address) == (200, f"http://127.0.0.1:{service.port}/")
    assert "What runs where?" in page
    status, _address, page = get(service.link)
    assert status == 403
    assert "tightship serve --link" in page


def test_without_the_link_there_is_only_the_login_form(service: Service) -> None:
    status, address, page = get(f"http://127.0.0.1:{service.port}/servers?at=2026-11-01")
    assert (status, "Log in" in page) == (200, True)
    assert address.endswith("/login?next=/servers%3Fat%3D2026-11-01")


def test_its_style_and_script_come_without_anything_being_collected(service: Service) -> None:
    _status, _address, page = get(f"http://127.0.0.1:{service.port}/login")
    assets = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(assets) == 3
    for asset in assets:
        status, _address, _body = get(f"http://127.0.0.1:{service.port}{asset}")
        assert (asset, status) == (asset, 200)


def test_it_is_healthy(service: Service) -> None:
    assert get(f"http://127.0.0.1:{service.port}/healthz")[0] == 200


def test_another_host_name_is_not_answered(service: Service) -> None:
    assert get(f"http://127.0.0.1:{service.port}/login", Host="evil.example.com")[0] == 400


def test_a_second_one_on_the_same_port_says_who_has_it(service: Service, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tightship", "serve", "--bind", f"127.0.0.1:{service.port}"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, "TIGHTSHIP_DATA": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 2
    assert re.search(
        rf"Port {service.port} is taken by \S+ \(process \d+\)\. Choose another: tightship serve --bind",
        done.stderr,
    )


def test_another_link_can_be_had_while_it_runs(service: Service) -> None:
    data = (
        Path(f"/proc/{service.process.pid}/environ").read_bytes().split(b"TIGHTSHIP_DATA=")[1].split(b"\0")[0]
    )
    done = subprocess.run(
        [sys.executable, "-m", "tightship", "serve", "--link"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, "TIGHTSHIP_DATA": data.decode()},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert get(done.stdout.strip())[1] == f"http://127.0.0.1:{service.port}/"


def test_a_link_to_what_was_never_served_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tightship", "serve", "--link"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, "TIGHTSHIP_DATA": str(tmp_path)},
        check=False,
    )
    assert (done.returncode, "Start them: tightship serve" in done.stderr) == (2, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_all_of_it(tmp_path: Path, number: int) -> None:
    with serving(sys.executable, tmp_path, "--workers", "2") as service:
        stop(service, number)


def test_when_it_is_killed_the_web_process_ends_as_well(tmp_path: Path) -> None:
    with serving(sys.executable, tmp_path) as service:
        below = service.below()
        service.process.kill()
        service.process.wait(SECONDS)
        _wait_until(lambda: gone(below))


def _wait_until(done: Callable[[], bool]) -> None:
    from time import monotonic, sleep

    end = monotonic() + SECONDS
    while not done():
        assert monotonic() < end
        sleep(0.05)


# Further than loopback


def refused(python: str, data: Path, user: dict[str, Any] | None = None, **more: str) -> str:
    done = subprocess.run(
        [python, "-I", "-m", "tightship", "serve", "--bind", f"0.0.0.0:{free_port()}"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        cwd="/",
        env={"PATH": os.environ["PATH"], "TIGHTSHIP_DATA": str(data), **more},
        **(user or {}),
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    return done.stderr


def test_it_does_not_leave_loopback_before_others_can_come_safely(tmp_path: Path, request: Any) -> None:
    if os.geteuid() != 0:
        _needs_what_is_missing(sys.executable, tmp_path)
        return
    with tempfile.TemporaryDirectory(prefix="tightship-data-") as folder:
        shutil.chown(folder, "nobody", "nogroup")
        python = request.getfixturevalue("everyones_python")
        _needs_what_is_missing(python, Path(folder) / "data", NOBODY)


def _needs_what_is_missing(python: str, data: Path, user: dict[str, Any] | None = None) -> None:
    told = refused(python, data, user)
    assert "tightship account add NAME --administrator" in told
    assert "export TIGHTSHIP_ALLOWED_HOSTS" in told
    told = refused(python, data, user, TIGHTSHIP_ALLOWED_HOSTS="tightship.example.com")
    assert "tightship account add NAME --administrator" in told
    assert "export TIGHTSHIP_ALLOWED_HOSTS" not in told


def test_root_without_another_user_that_can_read_the_code_never_leaves_loopback(
    roots_python: str, tmp_path: Path
) -> None:
    assert "root serves on loopback only" in refused(roots_python, tmp_path)


def test_with_an_administrator_and_host_names_it_does(everyones_python: str) -> None:
    with tempfile.TemporaryDirectory(prefix="tightship-data-") as folder:
        shutil.chown(folder, "nobody", "nogroup")
        environment = {"PATH": os.environ["PATH"], "TIGHTSHIP_DATA": f"{folder}/data"}
        subprocess.run(
            [everyones_python, "-I", "-m", "tightship", "account", "add", "alice", "--administrator"],
            check=True,
            input="correct horse battery staple\n",
            text=True,
            env=environment,
            cwd="/",
            capture_output=True,
            **NOBODY,
        )
        with serving(
            everyones_python,
            Path(folder) / "data",
            host="0.0.0.0",
            user=NOBODY,
            TIGHTSHIP_ALLOWED_HOSTS="tightship.example.com",
        ) as service:
            status, _address, page = get(
                f"http://127.0.0.1:{service.port}/login", Host="tightship.example.com"
            )
            assert (status, "Log in" in page) == (200, True)


def test_what_is_no_address_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tightship", "serve", "--bind", "nowhere"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, "TIGHTSHIP_DATA": str(tmp_path)},
        check=False,
    )
    assert (done.returncode, "--bind: expected ADDRESS:PORT" in done.stderr) == (2, True)


# Root, and other users


def environment_below(home: Path, python: str) -> str:
    """An environment of its own, in which our packages are found as well."""
    packages, source = sysconfig.get_paths()["purelib"], Path(__file__).parents[2] / "src"
    subprocess.run([python, "-m", "venv", "--without-pip", home / "venv"], check=True)
    folder = next(home.glob("venv/lib/python3*/site-packages"))
    (folder / "ours.pth").write_text(f"{packages}\n{source}\n")
    return str(home / "venv/bin/python")


@pytest.fixture(scope="module")
def everyones_python() -> Iterator[str]:
    """A Python that every user can run, with our packages: the system's, beside this environment's folder."""
    need_root()
    python = shutil.which("python3", path="/usr/bin") or need(
        "the system's Python", "/usr/bin/python3 was not found"
    )
    with tempfile.TemporaryDirectory(prefix="tightship-everyone-") as folder:
        Path(folder).chmod(0o755)
        python = environment_below(Path(folder), python)
        done = subprocess.run(
            [python, "-I", "-c", "import tightship.web.wsgi, granian, pydantic"],
            cwd="/",
            check=False,
            capture_output=True,
            text=True,
            **NOBODY,
        )
        if done.returncode:
            need("a checkout that every user can read", done.stderr.strip().splitlines()[-1])
        yield python


@pytest.fixture(scope="module")
def roots_python() -> Iterator[str]:
    """A Python in a folder that is root's alone."""
    need_root()
    with tempfile.TemporaryDirectory(prefix="tightship-root-") as folder:
        yield environment_below(Path(folder), sys.executable)


def identities(pid: int) -> dict[str, list[int]]:
    status = Path(f"/proc/{pid}/status").read_text()
    return {
        name: [int(word) for word in re.search(rf"^{name}:(.*)$", status, re.M)[1].split()]  # type: ignore[index]
        for name in ("Uid", "Gid", "Groups")
    }


def test_the_web_process_is_not_root_where_root_starts_it(everyones_python: str) -> None:
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(prefix="tightship-data-") as folder:
        Path(folder).chmod(0o755)
        data = Path(folder) / "data"
        with serving(everyones_python, data, "--user", "nobody", SECRET_OF_ROOT="x") as service:
            below = service.below()
            for pid in below:
                assert identities(pid) == {
                    "Uid": [nobody.pw_uid] * 4,
                    "Gid": [nobody.pw_gid] * 4,
                    "Groups": [],
                }
                assert b"SECRET_OF_ROOT" not in Path(f"/proc/{pid}/environ").read_bytes()
            assert data.stat().st_uid == nobody.pw_uid
            assert get(service.link)[1].endswith(f":{service.port}/")
            stop(service)


def test_an_ordinary_user_can_serve(everyones_python: str) -> None:
    with tempfile.TemporaryDirectory(prefix="tightship-data-") as folder:
        shutil.chown(folder, "nobody", "nogroup")
        with serving(everyones_python, Path(folder) / "data", user=NOBODY) as service:
            assert get(service.link)[1].endswith(f":{service.port}/")
            stop(service)


def test_a_key_that_another_account_made_is_not_silently_replaced(everyones_python: str) -> None:
    """That of `tightship work`, had it come first: each web process would take a key of its own."""
    with tempfile.TemporaryDirectory(prefix="tightship-data-") as folder:
        shutil.chown(folder, "nobody", "nogroup")
        key = Path(folder) / "secret-key"
        key.write_text("k" * 50)
        key.chmod(0o600)
        told = refused(everyones_python, Path(folder), NOBODY)
        assert f"{key} can't be read by this user" in told
        assert f"chown {pwd.getpwnam('nobody').pw_uid} {key}" in told


def test_where_no_other_user_can_read_the_code_root_says_so_and_stays_on_loopback(
    roots_python: str, tmp_path: Path
) -> None:
    with serving(roots_python, tmp_path) as service:
        assert re.search(
            r"can't read /\S+, which Tightship runs from: the pages run as root, so on loopback only",
            service.said,
        )


def test_who_came_by_ssh_gets_the_line_that_reaches_it() -> None:
    come = "192.0.2.9 50000 192.0.2.1 22"
    assert ssh_line(bind("127.0.0.1:8000"), come, "alice") == "ssh -L 8000:127.0.0.1:8000 alice@192.0.2.1"
    assert ssh_line(bind("127.0.0.1:8000"), come[:-2] + "2222", "alice").startswith("ssh -p 2222 -L ")
    assert ssh_line(bind("127.0.0.1:8000"), "", "alice") == ""
    assert ssh_line(bind("0.0.0.0:8000"), come, "alice") == ""


def test_of_roots_variables_only_ours_are_handed_on() -> None:
    ours = {
        "PATH": "/bin",
        "TIGHTSHIP_TIME_ZONE": "UTC",
        "AWS_SECRET": "x",
        "LD_PRELOAD": "x",
        "HOME": "/root",
    }
    assert variables(ours, Path("/data")) == {
        "PATH": "/bin",
        "TIGHTSHIP_TIME_ZONE": "UTC",
        "TIGHTSHIP_DATA": "/data",
        "HOME": "/data",
    }


def test_a_user_without_a_name_goes_by_its_number() -> None:
    """In a container there is often no entry in /etc/passwd."""
    need_root()
    program = "import os, tightship.cli.serve as serve; os.setuid(54321); print(serve._our_name())"
    named = ("USER", "LOGNAME", "LNAME", "USERNAME")
    variables = {name: value for name, value in os.environ.items() if name not in named}
    done = subprocess.run(
        [sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=False
    )
    assert done.stdout == "54321\n", done.stderr


def test_the_journal_is_known_by_what_systemd_says_of_it(tmp_path: Path) -> None:
    with (tmp_path / "journal").open("w") as journal, (tmp_path / "other").open("w") as other:
        status = os.fstat(journal.fileno())
        systemd = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        assert in_journal(journal.fileno(), systemd)
        assert not in_journal(other.fileno(), systemd)
        assert not in_journal(journal.fileno(), {})
