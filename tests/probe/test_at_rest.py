"""Environments that units, timers, crontabs and supervisor name, and that do not run now."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.parts import need_root
from tightship_probe import atrest
from tightship_probe.commands import Named, of_shell
from tightship_probe.shellwords import words_of
from tightship_probe.unitfiles import words_of as words_of_unit

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

    def link(self, path: str, target: str) -> None:
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def venv(self, prefix: str, name: str, version: str) -> None:
        self.write(f"{prefix}/pyvenv.cfg", "home = /usr/bin\nversion = 3.11.2\n")
        (self.root / prefix.lstrip("/") / "bin").mkdir()
        (self.root / prefix.lstrip("/") / "bin/python").symlink_to("/usr/bin/python3")
        site = f"{prefix}/lib/python3.11/site-packages"
        self.write(f"{site}/{name}-{version}.dist-info/METADATA", METADATA.format(name=name, version=version))
        self.write(f"{prefix}/bin/{name}", f"#!{prefix}/bin/python\n")

    def told(self, *of_supervisors: tuple[Any, ...]) -> Mapping[str, Any]:
        return atrest.read(str(self.root), of_supervisors)

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
    unit = "[Service]\nExecStart=/srv/shop/venv/bin/shop\n"
    server.write("/lib/systemd/system/not-enabled.service", unit)
    server.write("/lib/systemd/system/masked.service", unit)
    server.write(f"{SYSTEM}/masked.service.d/more.conf", unit)
    server.link(f"{SYSTEM}/masked.service", "/dev/null")
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
        f"{SYSTEM}/shop.service", "[Service]\nEnvironmentFile=/srv/shop/variables\nExecStart=env shop run\n"
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
        "[program:shop-import]\n"
        "command=%(here)s/../../../srv/shop/venv/bin/python -m shop %(process_num)02d\n"
        "directory=/srv/shop\nuser=shop\nautostart=false\nenvironment=A=\"1,2\",PYTHONPATH='/srv/shop/src'\n",
    )
    (one,) = server.told()["environments"]
    assert one["named_by"] == ["supervisor:shop-import"]
    assert one["environment"]["path"][1] == "/srv/shop/src"


def test_the_configuration_that_a_running_supervisord_was_told(server: Server) -> None:
    server.write("/srv/own.conf", "[program:shop]\ncommand=/srv/shop/venv/bin/shop\n")
    (one,) = server.told((0, "", ["-n", "-c", "own.conf"], "/srv", {}))["environments"]
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


# Lines of a shell


def commands(line: str, **variables: str) -> list[tuple[str, str, list[str]]]:
    """(user, working directory, argv) of each command of a line."""
    start = Named(["x"], [], "/home", "shop", {"HOME": "/home", **variables})
    return [(one.user, one.cwd, one.argv) for one in of_shell(line, start)]


def test_cd_counts_for_what_follows() -> None:
    assert [(cwd, argv) for _user, cwd, argv in commands("a; cd /srv && cd shop; b 'c d' > e f")] == [
        ("/home", ["a"]),
        ("/srv/shop", ["b", "c d", "f"]),
    ]


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        (
            "gunicorn shop.wsgi:app -w=2,3 a@b +x %d",
            ["gunicorn", "shop.wsgi:app", "-w=2,3", "a@b", "+x", "%d"],
        ),
        ("/srv/caf\u00e9/bin/x '\u00fc y'", ["/srv/caf\u00e9/bin/x", "\u00fc y"]),
        (r'"$HOME/bin/x" ~/y ${HOME}/z "a \"b\""', ["/home/bin/x", "/home/y", "/home/z", 'a "b"']),
        ("x 2>&1 >>log </dev/null y&>z # why", ["x", "y"]),
        ("A=b C='d e' x", ["x"]),
        ("x \\\n  y", ["x", "y"]),
        ("x a#b 'c'd\"e\"", ["x", "a#b", "cde"]),
        ("test -x x || true", []),
    ],
)
def test_words_of_a_shell(line: str, argv: list[str]) -> None:
    assert [found for _user, _cwd, found in commands(line)] == ([argv] if argv else [])


@pytest.mark.parametrize(
    "line",
    [
        "nice -n 19 ionice -c3 x y",
        "flock -n /tmp/lock x y",
        "flock -w 5 /tmp/lock -c 'x y'",
        "/usr/bin/timeout -k 5 10m /usr/bin/env -i A=b x y",
        "sh -c 'exec x y'",
        'bash -lc "cd /home; x y" && true',
        "chronic nohup x y",
        "sudo -H -u shop x y",
        "runuser -u shop -- x y",
        "su shop -c 'x y'",
        "su - shop -s /bin/sh -c 'x y'",
    ],
)
def test_what_starts_another_program_is_taken_off(line: str) -> None:
    assert commands(line) == [("shop", "/home", ["x", "y"])]


def test_sudo_tells_who_runs_it() -> None:
    assert commands("sudo -u other x; sudo --user=more x; sudo x") == [
        ("other", "/home", ["x"]),
        ("more", "/home", ["x"]),
        ("root", "/home", ["x"]),
    ]


NESTED = "venv/bin/python x"
for _ in range(5):
    NESTED = "sh -c " + shlex.quote(NESTED)


@pytest.mark.parametrize(
    "line",
    [
        "for x in 1 2; do venv/bin/python x; done",
        "if true; then venv/bin/python x; fi",
        "cd $(dirname x) && venv/bin/python x",
        "cd `pwd` && venv/bin/python x",
        "$WHERE/venv/bin/python x",
        "{ venv/bin/python x; }",
        "eval venv/bin/python x",
        "venv/bin/python 'x",
        NESTED,
    ],
)
def test_what_is_cleverer_is_set_aside_and_says_so(server: Server, line: str) -> None:
    server.write("/etc/cron.d/shop", f"1 1 * * * shop {line}\n")
    told = server.told()
    assert told["environments"] == []
    (unread,) = told["unread"]
    assert unread["what"] == "what crontab:/etc/cron.d/shop names"
    assert unread["why"].startswith("a shell script: ")


@pytest.mark.parametrize("text", ["a 'b c' \"d'e\"", "a\\ b", "", "  x  ", "'' \"\"", 'a"b"c'])
def test_words_are_those_of_shlex(text: str) -> None:
    assert words_of(text) == shlex.split(text)
    assert words_of(text + " '") is None


def test_words_of_a_unit() -> None:
    text = r"""a "b c" 'd "e' f\x20g h\si \"j "k\tl" """
    assert words_of_unit(text) == ["a", "b c", 'd "e', "f g", "h i", '"j', "k\tl"]


# What can't be told


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("/etc/cron.d/shop", "1 1 * * * shop /gone/bin/python x.py\n", "/gone/bin/python was not found"),
        ("/etc/cron.d/shop", "1 1 * * * shop celery beat\n", "celery was not found"),
        ("/etc/cron.d/shop", "1 1 * * * shop /srv/shop/nightly\n", "a shell script: /srv/shop/nightly"),
        (
            f"{SYSTEM}/x.service",
            "[Service]\nRootDirectory=/srv/r\nExecStart=/bin/python3 x\n",
            "it runs in a root directory of its own",
        ),
    ],
)
def test_what_can_not_be_told_is_unread(server: Server, path: str, text: str, why: str) -> None:
    server.write("/srv/shop/nightly", "#!/bin/sh\nset -e\ncd /srv/shop\nvenv/bin/python -m nightly\n")
    server.write(path, text)
    told = server.told()
    assert told["environments"] == []
    assert [one["why"] for one in told["unread"]] == [why]


@pytest.mark.parametrize(
    "command",
    [
        "/usr/local/bin/backup",
        "/opt/tool --all",
        "logrotate /etc/logrotate.conf",
        "rm -rf /srv/shop/venv/bin/python",
        "cat /srv/shop/venv/bin/shop > x",
        "cp /srv/shop/venv/bin/shop /backup",
        "test -e /run/systemd/system || SERVICE_MODE=1 /usr/lib/x86_64-linux-gnu/e2fsprogs/e2scrub_all_cron",
        r"test -x /usr/bin/certbot -a \! -d /run/systemd && perl -e 'sleep int(rand(4))' && certbot -q renew",
        "cd / && run-parts --report /etc/cron.hourly",
        "( cd / && run-parts --report /etc/cron.weekly )",
        "test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }",
        "/usr/bin/python3 /usr/share/x/y.py",
        "/usr/bin/certbot renew",
    ],
)
def test_no_python_and_the_systems_own_are_neither_told_nor_unread(server: Server, command: str) -> None:
    server.write("/usr/local/bin/backup", "#!/bin/sh\nrsync a b\n")
    server.write("/usr/bin/certbot", "#!/usr/bin/python3\n")
    server.write("/opt/tool", "\x7fELF")
    server.write("/etc/cron.d/shop", f"1 1 * * * root {command}\n")
    assert (server.told()["environments"], server.told()["unread"]) == ([], [])


def test_what_an_administrator_put_there_is_not_the_systems_own(server: Server) -> None:
    server.write("/usr/local/bin/report.py", "#!/usr/bin/env python3\n")
    server.write("/etc/cron.d/report", "PATH=/usr/local/bin:/usr/bin\n1 1 * * * root report.py\n")
    server.write("/usr/bin/gunicorn", "#!/usr/bin/python3\n")
    server.write(f"{SYSTEM}/shop.service", "[Service]\nExecStart=/usr/bin/gunicorn shop.wsgi\n")
    server.write("/srv/shop/serves.py", "")
    bare = "[Service]\nWorkingDirectory=/srv/shop\nExecStart=python3 serves.py 8000\n"
    server.write(f"{SYSTEM}/bare.service", bare)
    assert {by for one in server.told()["environments"] for by in one["named_by"]} == {
        "crontab:/etc/cron.d/report",
        "unit:shop.service",
        "unit:bare.service",
    }


def test_a_script_behind_a_shell_that_pip_writes_for_a_long_path(server: Server) -> None:
    server.venv("/srv/my shop/venv", "wares", "1.0")
    first = "#!/bin/sh\n'''exec' \"/srv/my shop/venv/bin/python\" \"$0\" \"$@\"\n' '''\n"
    server.write("/srv/my shop/venv/bin/wares", first)
    server.write(f"{SYSTEM}/wares.service", '[Service]\nExecStart="/srv/my shop/venv/bin/wares" x\n')
    assert server.named() == {"/srv/my shop/venv": ["unit:wares.service"]}


# systemd's finer points


def test_drop_ins_count_in_the_order_of_their_names_and_the_most_special_of_one_name(server: Server) -> None:
    for name in "abcde":
        server.venv(f"/srv/{name}", name, "1.0")
    server.write(f"{SYSTEM}/shop-web@.service", "[Service]\nExecStart=/srv/a/bin/a\n")
    server.link(f"{SYSTEM}/multi-user.target.wants/shop-web@one.service", f"{SYSTEM}/shop-web@.service")

    def named_after(folder: str, name: str, to: str) -> list[str]:
        text = f"# {to}\n[Service]\nExecStart=\nExecStart=/srv/{to}/bin/{to}\n"
        server.write(f"{folder}/{name}.conf", text)
        return [one.rpartition("/")[2] for one in server.named()]

    assert named_after(f"{SYSTEM}/service.d", "10", "b") == ["b"]
    assert named_after("/run/systemd/system/shop-.service.d", "20", "c") == ["c"]
    assert named_after(f"{SYSTEM}/shop-web@.service.d", "15", "d") == ["c"]
    assert named_after(f"{SYSTEM}/shop-web@one.service.d", "20", "e") == ["e"]
    assert named_after(f"{SYSTEM}/shop-web@two.service.d", "30", "a") == ["e"]


@pytest.mark.parametrize(
    ("setting", "command"),
    [
        ("WorkingDirectory=~", "venv/bin/shop"),
        ("WorkingDirectory=-/srv/%N", "venv/bin/shop"),
        ("WorkingDirectory=/srv\n[Install]\nWantedBy=x\n[Service]", "/srv/shop/venv/bin/shop"),
        ("Environment=A=b 'PATH=/srv/shop/venv/bin:/bin'", "env shop"),
        ("ExecSearchPath=/srv/shop/venv/bin", "shop"),
        (
            "Environment=PATH=/nowhere\nEnvironment=\nEnvironment=PATH=%f/venv/bin",
            "/bin/true ; /usr/bin/env shop",
        ),
        ("[Unit]\nExecStart=/bin/false\n[Service]", "/srv/shop/venv/bin/shop"),
        ("ExecStart=/srv/gone/bin/python\nExecStart=\n", "/srv/shop/venv/bin/shop"),
        ("Type=oneshot\nExecStart=/bin/true\n", "/srv/shop/venv/bin/python \\\n# why\n -m shop"),
    ],
)
def test_settings_of_units_in_all_their_forms(server: Server, setting: str, command: str) -> None:
    name = "srv-shop" if "%f" in setting else "shop"
    text = f"ExecStart=/bin/false\n[Service]\nUser=1000\n{setting}\nExecStart={command}\n"
    server.write(f"{SYSTEM}/{name}.service", text)
    assert list(server.named()) == ["/srv/shop/venv"]


def test_a_unit_of_a_package_counts_where_it_was_enabled(server: Server) -> None:
    of_packages = "/usr/lib/systemd/system"
    for name in ("shop", "other", "cleaning"):
        server.write(f"{of_packages}/{name}.service", "[Service]\nExecStart=/srv/shop/venv/bin/shop\n")
    server.write(f"{of_packages}/cleaning.timer", "[Timer]\nOnCalendar=daily\n")
    assert server.named() == {}
    server.link(f"{SYSTEM}/multi-user.target.wants/shop.service", f"{of_packages}/shop.service")
    server.link(f"{SYSTEM}/called-otherwise.service", f"{of_packages}/other.service")
    server.link(f"{SYSTEM}/timers.target.wants/cleaning.timer", f"{of_packages}/cleaning.timer")
    assert sorted(server.named()["/srv/shop/venv"]) == [
        "timer:cleaning.timer",
        "unit:cleaning.service",
        "unit:other.service",
        "unit:shop.service",
    ]


def test_a_unit_that_is_linked_from_elsewhere_counts(server: Server) -> None:
    server.write("/srv/shop/etc/shop.service", "[Service]\nExecStart=/srv/shop/venv/bin/shop\n")
    server.link(f"{SYSTEM}/shop.service", "/srv/shop/etc/shop.service")
    server.link(f"{SYSTEM}/lost.service", "/srv/shop/etc/lost.service")
    assert server.named() == {"/srv/shop/venv": ["unit:shop.service"]}


def test_units_of_a_users_own_count_where_his_systemd_runs_without_a_login(server: Server) -> None:
    unit = "[Service]\nExecStart=%h/venv/bin/shop\n"
    server.write("/srv/shop/.config/systemd/user/mine.service", unit)
    assert server.named() == {}
    server.write("/var/lib/systemd/linger/shop", "")
    assert server.named() == {"/srv/shop/venv": ["user:shop unit:mine.service"]}


# supervisor's


def test_programs_in_a_group_and_in_several_processes(server: Server) -> None:
    server.write(
        "/etc/supervisord.conf",
        "[supervisord]\nenvironment=WHERE=/srv\n"
        "[group:shop]\nprograms=web, import\n"
        "[program:web]\ncommand=%(ENV_WHERE)s/shop/venv/bin/shop --port 80%(process_num)02d ; two\n"
        "process_name=%(program_name)s_%(process_num)02d\nnumprocs=2\n"
        "[program:import]\ncommand=sh -c 'exec venv/bin/shop'\ndirectory=/srv/%(group_name)s\n"
        "[eventlistener:memory]\ncommand=/srv/shop/venv/bin/shop\n",
    )
    assert sorted(server.named()["/srv/shop/venv"]) == [
        "supervisor:memory",
        "supervisor:shop:import",
        "supervisor:shop:web",
    ]
    found = [Named(*one) for one in atrest.named(str(server.root))["commands"]]
    assert ["supervisor:shop:web_00", "supervisor:shop:web_01"] in [list(one.runs_as) for one in found]


def test_a_buildouts_supervisord_has_its_configuration_in_its_script(server: Server) -> None:
    place = "/srv/shop/parts/supervisor/supervisord.conf"
    script = f"#!/srv/shop/venv/bin/python\nimport sys\nsys.exit(main(['-c', '{place}']+sys.argv[1:]))\n"
    server.write("/srv/shop/bin/supervisord", script)
    server.write(place, "[program:shop]\ncommand=/srv/shop/venv/bin/shop\n")
    (one,) = server.told((1000, "bin/supervisord", ["-n"], "/srv/shop", {}))["environments"]
    assert one["named_by"] == ["supervisor:shop"]


# What runs


def test_what_runs_is_not_followed_but_named(server: Server) -> None:
    server.write(f"{SYSTEM}/shop.service", "[Service]\nExecStart=/srv/shop/venv/bin/shop\n")
    server.write(f"{SYSTEM}/shop.timer", "[Timer]\nOnCalendar=daily\n")
    found = atrest.named(str(server.root))
    assert atrest.works_of(str(server.root), found, (), {"unit:shop.service": []}) == []
    assert found["running"] == {"unit:shop.service": ["unit:shop.service", "timer:shop.timer"]}


# Whose


def test_roots_crontab_is_read_where_cron_keeps_it(server: Server) -> None:
    need_root()
    line = "1 1 * * * /srv/shop/venv/bin/shop\n"
    of_root = server.write("/var/spool/cron/crontabs/root", line)
    of_user = server.write("/var/spool/cron/crontabs/shop", line)
    os.chown(of_user, 1000, 105)
    os.chown(of_root.parent, 0, 105)
    of_root.parent.chmod(0o1730)
    of_root.chmod(0o600)
    of_user.chmod(0o600)
    assert server.told()["unread"] == []
    assert [one["named_by"] for one in server.told()["environments"]] == [
        ["crontab:/var/spool/cron/crontabs/shop"],
        ["crontab:/var/spool/cron/crontabs/root"],
    ]


def test_a_crontab_yields_nothing_that_its_owner_can_not_read_himself(server: Server) -> None:
    need_root()
    secret = server.write("/root/secret", "1 1 * * * /srv/shop/venv/bin/shop\n")
    secret.chmod(0o600)
    server.link("/var/spool/cron/crontabs/shop", "/root/secret")
    os.chown(server.root / "var/spool/cron/crontabs/shop", 1000, 1000, follow_symlinks=False)
    told = server.told()
    assert told["environments"] == []
    assert [one["why"] for one in told["unread"]] == ["permission denied"]


def test_a_file_of_variables_is_read_with_the_rights_of_its_owner(server: Server) -> None:
    need_root()
    server.write("/root/secret", "PATH=/srv/shop/venv/bin\n").chmod(0o600)
    server.link("/srv/shop/variables", "/root/secret")
    os.chown(server.root / "srv/shop/variables", 1000, 1000, follow_symlinks=False)
    unit = "[Service]\nEnvironmentFile=/srv/shop/variables\nExecStart=env shop\n"
    server.write(f"{SYSTEM}/x.service", unit)
    told = server.told()
    assert told["environments"] == []
    assert [one["why"] for one in told["unread"]] == ["variables of /srv/shop/variables: permission denied"]


@pytest.mark.parametrize(
    "line",
    [
        "A=xx; " + "A=$A$A; " * 1200 + "$A/python",
        "a;" * 4000,
        "'" * 9999,
        '"\\' * 4999,
        "$" * 9999,
        "sh -c " * 1500,
        "nice " * 1900,
        "x" * 9999,
    ],
)
def test_a_users_crontab_takes_nothing_from_the_others(server: Server, line: str) -> None:
    server.write("/var/spool/cron/crontabs/shop", f"1 1 * * * {line}\n" * (250000 // len(line)))
    server.write("/etc/supervisord.conf", "[program:shop]\ncommand=/srv/shop/venv/bin/shop\n")
    assert server.named() == {"/srv/shop/venv": ["supervisor:shop"]}


def test_links_in_a_ring_and_a_thousand_drop_ins_end(server: Server) -> None:
    server.write(f"{SYSTEM}/shop.service", "[Service]\nExecStart=/srv/shop/venv/bin/shop\n")
    server.link(f"{SYSTEM}/ring.service", f"{SYSTEM}/ring.service")
    server.link(f"{SYSTEM}/shop.service.d", f"{SYSTEM}/other.service.d")
    server.link(f"{SYSTEM}/other.service.d", f"{SYSTEM}/shop.service.d")
    for number in range(1000):
        server.write(f"{SYSTEM}/service.d/{number}.conf", "[Service]\nEnvironment=A=b\n" * 10)
    server.write("/etc/supervisord.conf", "[include]\nfiles=/etc/supervisord.conf /etc/*/*/*/*\n")
    assert server.named() == {"/srv/shop/venv": ["unit:shop.service"]}
