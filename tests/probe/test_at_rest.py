"""Environments that units, timers, crontabs and supervisor name, and that do not run now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tightship_probe import atrest
from tightship_probe.commands import Named, of_shell

PASSWD = "root:x:0:0:root:/root:/bin/bash\nshop:x:1000:1000::/srv/shop:/bin/sh\n"
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"


class Server:
    """A folder that stands for a server with a Python and a venv for `shop`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("/etc/passwd", PASSWD)
        self.write("/usr/bin/python3.11", "")
        (root / "usr/bin/python3").symlink_to("python3.11")
        self.write("/usr/lib/python3.11/os.py", "")
        self.write(
            "/usr/lib/python3/dist-packages/apt-1.0.dist-info/METADATA",
            METADATA.format(name="apt", version="1.0"),
        )
        self.venv("/srv/shop/venv", "shop", "2.4.1")

    def write(self, path: str, text: str) -> Path:
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return place

    def venv(self, prefix: str, name: str, version: str) -> None:
        self.write(f"{prefix}/pyvenv.cfg", "home = /usr/bin\nversion = 3.11.2\n")
        (self.root / prefix.lstrip("/") / "bin").mkdir()
        (self.root / prefix.lstrip("/") / "bin/python").symlink_to("/usr/bin/python3")
        site = f"{prefix}/lib/python3.11/site-packages"
        self.write(f"{site}/{name}-{version}.dist-info/METADATA", METADATA.format(name=name, version=version))
        self.write(f"{prefix}/bin/{name}", f"#!{prefix}/bin/python\n")

    def told(self, *of_supervisor: str) -> Mapping[str, Any]:
        return atrest.read(str(self.root), of_supervisor)

    def named(self) -> dict[str, list[str]]:
        """Prefix of each environment -> what names it."""
        return {one["environment"]["prefix"]: one["named_by"] for one in self.told()["environments"]}


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


SYSTEM = "/etc/systemd/system"


def test_a_unit_names_an_environment_with_its_packages(server: Server) -> None:
    server.write(
        f"{SYSTEM}/nightly.service",
        "[Service]\nUser=shop\nExecStart=/srv/shop/venv/bin/python -m shop.nightly\n",
    )
    (one,) = server.told()["environments"]
    assert one["environment"]["key"].startswith("venv:/srv/shop/venv")
    assert (one["packages"], one["named_by"]) == (["shop\t2.4.1"], ["unit:nightly.service"])
    assert server.told()["unread"] == []


def test_a_timer_is_told_beside_its_unit(server: Server) -> None:
    server.write(f"{SYSTEM}/nightly.service", "[Service]\nExecStart=/srv/shop/venv/bin/shop\n")
    server.write(f"{SYSTEM}/nightly.timer", "[Timer]\nOnCalendar=daily\n")
    server.write(f"{SYSTEM}/often.timer", "[Timer]\nOnCalendar=hourly\nUnit=nightly.service\n")
    assert server.named() == {
        "/srv/shop/venv": ["unit:nightly.service", "timer:nightly.timer", "timer:often.timer"]
    }


@pytest.mark.parametrize(
    "command",
    [
        "-/srv/shop/venv/bin/shop",
        "@/srv/shop/venv/bin/python shop-master -m shop",
        '/bin/sh -c "cd /srv/shop && exec venv/bin/python -m shop >> log 2>&1"',
        "/usr/bin/env PYTHONUNBUFFERED=1 /srv/shop/venv/bin/python -m shop",
        "/usr/bin/nice -n 5 /srv/shop/venv/bin/python \\\n  -m shop",
        "venv/bin/python -m shop",
        "/srv/%p/venv/bin/python -m %p",
        "+!!/srv/shop/venv/bin/python -m shop",
    ],
)
def test_commands_of_units_in_all_their_forms(server: Server, command: str) -> None:
    server.write("/bin/sh", "")
    server.write(f"{SYSTEM}/shop.service", f"[Service]\nWorkingDirectory=/srv/shop\nExecStart={command}\n")
    assert server.named() == {"/srv/shop/venv": ["unit:shop.service"]}


def test_drop_ins_change_a_unit_and_an_empty_value_takes_back(server: Server) -> None:
    server.venv("/srv/new", "shop", "2.5.0")
    server.write(f"{SYSTEM}/shop.service", "[Service]\nExecStart=/srv/shop/venv/bin/shop\n")
    server.write(f"{SYSTEM}/shop.service.d/new.conf", "[Service]\nExecStart=\nExecStart=/srv/new/bin/shop\n")
    assert server.named() == {"/srv/new": ["unit:shop.service"]}


def test_a_template_counts_for_each_instance_that_is_enabled(server: Server) -> None:
    server.venv("/srv/one/venv", "shop", "1.0")
    server.write(f"{SYSTEM}/shop@.service", "[Service]\nExecStart=/srv/%i/venv/bin/shop\n")
    server.write(f"{SYSTEM}/multi-user.target.wants/shop@one.service", "")
    assert server.named() == {"/srv/one/venv": ["unit:shop@one.service"]}


def test_units_of_packages_and_masked_ones_are_left_out(server: Server) -> None:
    server.write("/lib/systemd/system/distro.service", "[Service]\nExecStart=/srv/shop/venv/bin/shop\n")
    (server.root / "etc/systemd/system").mkdir(parents=True)
    (server.root / "etc/systemd/system/alias.service").symlink_to("/lib/systemd/system/distro.service")
    (server.root / "etc/systemd/system/masked.service").symlink_to("/dev/null")
    server.write(
        f"{SYSTEM}/of-the-system.service", "[Service]\nExecStart=/usr/bin/python3 /usr/share/x/run.py\n"
    )
    assert server.named() == {}


def test_a_script_of_ones_own_on_the_systems_python_is_told(server: Server) -> None:
    server.write("/usr/local/bin/clean.py", "")
    server.write("/srv/kölnß@1/clean.py", "")
    server.write(f"{SYSTEM}/clean.service", "[Service]\nExecStart=python3 /usr/local/bin/clean.py\n")
    server.write("/etc/cron.d/clean", "1 1 * * * root cd /srv/kölnß@1 && python3 clean.py\n")
    found = server.told()["environments"]
    assert sorted(one["named_by"][0] for one in found) == ["crontab:/etc/cron.d/clean", "unit:clean.service"]
    assert all(one["environment"]["kind"] == "system" for one in found)


def test_variables_of_a_unit_lead_to_its_python(server: Server) -> None:
    server.write("/srv/shop/variables", "PATH=/srv/shop/venv/bin:/usr/bin\nSECRET=never\n")
    server.write(
        f"{SYSTEM}/shop.service", "[Service]\nEnvironmentFile=/srv/shop/variables\nExecStart=shop run\n"
    )
    assert server.named() == {"/srv/shop/venv": ["unit:shop.service"]}
    assert "never" not in str(server.told())


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/etc/cron.d/shop", "*/5 * * * * shop cd /srv/shop && venv/bin/python manage.py send >> log 2>&1"),
        ("/etc/crontab", "@daily shop /srv/shop/venv/bin/shop clean"),
        ("/var/spool/cron/crontabs/shop", "7 3 * * 1 venv/bin/python -m shop | mail -s x y"),
        (
            "/var/spool/cron/shop",
            "PATH=/srv/shop/venv/bin:/usr/bin\n0 0 * * * flock -n /tmp/l shop work%input",
        ),
        ("/etc/cron.d/shop", "1 1 * * * shop . /srv/shop/venv/bin/activate && shop"),
        ("/etc/cron.d/shop", "1 1 * * * shop cd $HOME; venv/bin/python -m shop --at=a:b@c+d"),
        ("/var/spool/cron/crontabs/shop", "1 1 * * * ~/venv/bin/shop"),
        ("/etc/cron.d/shop", "1 1 * * * shop test -x /x || LANG=C timeout 60 /srv/shop/venv/bin/shop"),
    ],
)
def test_crontabs_in_all_their_forms(server: Server, path: str, line: str) -> None:
    server.write(path, f"# of the shop\nMAILTO=root\n{line}\n")
    found = server.named()
    assert found == {"/srv/shop/venv": [f"crontab:{path}"]}


def test_a_crontab_that_cron_does_not_take_is_not_taken(server: Server) -> None:
    server.write("/etc/cron.d/shop.bak", "* * * * * shop /srv/shop/venv/bin/shop\n")
    server.write("/var/spool/cron/crontabs/nobody-here", "* * * * * /srv/shop/venv/bin/shop\n")
    assert server.named() == {}


SUPERVISOR = """
[supervisord]
logfile=/var/log/supervisord.log ; where it writes

[include]
files = conf.d/*.conf
"""


def test_programs_of_supervisor(server: Server) -> None:
    server.write("/etc/supervisor/supervisord.conf", SUPERVISOR)
    server.write(
        "/etc/supervisor/conf.d/shop.conf",
        "[program:shop-import]\ncommand=%(here)s/../../srv/shop/venv/bin/python -m shop %(process_num)02d\n"
        "directory=/srv/shop\nuser=shop\nautostart=false\nenvironment=A=\"1,2\",PYTHONPATH='/srv/shop/src'\n",
    )
    (one,) = server.told()["environments"]
    assert one["named_by"] == ["supervisor:shop-import"]
    assert one["environment"]["path"][1] == "/srv/shop/src"


def test_the_configuration_that_a_running_supervisord_was_told(server: Server) -> None:
    server.write("/srv/own.conf", "[program:shop]\ncommand=/srv/shop/venv/bin/shop\n")
    (one,) = server.told("/srv/own.conf")["environments"]
    assert one["named_by"] == ["supervisor:shop"]


@pytest.mark.parametrize(
    "text",
    [
        "* * * * * shop " + "a && " * 5000,
        "\0" * 5000,
        "1 " * 100000,
        "* * * * * shop 'unclosed",
        "@daily\n" * 5000,
    ],
)
def test_a_hostile_crontab_stays_in_bounds(server: Server, text: str) -> None:
    server.write("/etc/cron.d/hostile", text)
    server.write("/etc/crontab", "1 1 * * * shop /srv/shop/venv/bin/shop\n")
    assert list(server.named()) == ["/srv/shop/venv"]


def test_hostile_supervisor_configuration_is_told_as_unread(server: Server) -> None:
    server.write("/etc/supervisord.conf", "no section\n[program:x\n")
    assert server.told()["unread"][0]["what"] == "/etc/supervisord.conf"


def test_cd_counts_for_what_follows() -> None:
    start = Named(["x"], [], "/home", "shop", {})
    found = [(one.cwd, one.argv) for one in of_shell("a; cd /srv && cd shop; b 'c d' > e f", start)]
    assert found == [("/home", ["a"]), ("/srv/shop", ["b", "c d", "f"])]
