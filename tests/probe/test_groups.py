"""Which processes belong together, what a group is called, and what kind it is."""

from __future__ import annotations

from typing import Any

import pytest

from tightship_probe import groups, kinds
from tightship_probe.cgroups import Place, place_of
from tightship_probe.command import understood
from tightship_probe.groups import Identity, Member, base_of, key_of, tell_apart, together
from tightship_probe.kinds import Around, kind_of

PYTHON = "/usr/bin/python3.11"
SPAWNED = ["/srv/shop/venv/bin/python", "-c", "from multiprocessing.spawn import spawn_main; spawn_main(7)"]
TRACKER = ["/srv/shop/venv/bin/python", "-c", "from multiprocessing.resource_tracker import main;main(5)"]


def member(pid: int, parent: int, words: str | list[str], image: str = "", **more: Any) -> Member:
    argv = words.split() if isinstance(words, str) else words
    found = Member(pid, parent, pid, image, PYTHON, Place(), argv, understood(argv, PYTHON))
    return found._replace(**more)


def grouped(*members: Member) -> list[list[int]]:
    return together({one.pid: one for one in members})


# Belonging together


def test_what_was_forked_without_another_program_belongs_to_its_master() -> None:
    master = member(10, 1, "python gunicorn shop", "a")
    assert grouped(master, member(11, 10, "python gunicorn shop", "a"), member(12, 11, "x", "a")) == [
        [10, 11, 12]
    ]


def test_workers_that_a_server_spawns_anew_belong_to_it() -> None:
    master = member(10, 1, "python -m uvicorn shop:app", "a")
    assert grouped(master, member(11, 10, SPAWNED, "b"), member(12, 10, TRACKER, "c")) == [[10, 11, 12]]
    assert groups.works(SPAWNED)
    assert not groups.works(TRACKER)


def test_a_server_that_reloads_is_one_group_with_the_copy_that_it_starts() -> None:
    first = member(10, 1, "python manage.py runserver", "a")
    assert grouped(first, member(11, 10, "python manage.py runserver", "b")) == [[10, 11]]


def test_titles_of_one_program_are_one_group_where_nothing_else_tells() -> None:
    master = member(10, 1, ["gunicorn: master [shop.wsgi]"])
    assert grouped(master, member(11, 10, ["gunicorn: worker [shop.wsgi]"])) == [[10, 11]]


def test_another_program_that_a_server_started_is_another_group() -> None:
    server = member(10, 1, "python gunicorn shop", "a")
    assert grouped(server, member(11, 10, "python report.py", "b")) == [[10], [11]]


def test_what_one_shell_script_started_are_different_groups() -> None:
    assert grouped(member(10, 9, "python celery worker", "a"), member(11, 9, "python celery beat", "b")) == [
        [10],
        [11],
    ]


def test_workers_whose_master_died_stay_together() -> None:
    assert grouped(member(12, 1, "x", "a"), member(11, 1, "x", "a"), member(13, 1, "x", "b")) == [
        [11, 12],
        [13],
    ]


def test_what_stands_in_another_unit_is_another_group() -> None:
    first = member(10, 1, "python run.py", "a", place=Place(unit="one.service"))
    assert grouped(first, member(11, 10, "python run.py", "a", place=Place(unit="two.service"))) == [
        [10],
        [11],
    ]


# Place


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0::/system.slice/shop-web.service\n", Place(unit="shop-web.service")),
        ("0::/system.slice/system-shop.slice/shop@1.service\n", Place(unit="shop@1.service")),
        ("0::/system.slice/shop.service/workers\n", Place(unit="shop.service")),
        ("12:pids:/x\n1:name=systemd:/system.slice/shop.service\n0::/\n", Place(unit="shop.service")),
        ("1:name=systemd:/user.slice/user-1.slice/session-c7.scope\n", Place(session=True)),
        ("0::/user.slice/user-1000.slice/session-3.scope\n", Place(session=True)),
        ("0::/user.slice/user-1000.slice/user@1000.service/init.scope\n", Place()),
        (
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/shop.service\n",
            Place(unit="shop.service", of_user=True),
        ),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.scope\n", Place()),
        (f"0::/system.slice/docker-{'ab' * 32}.scope\n", Place(container="abababababab")),
        (f"4:memory:/docker/{'cd' * 32}\n0::/\n", Place(container="cdcdcdcdcdcd")),
        (f"0::/machine.slice/libpod-{'ef' * 32}.scope/container\n", Place(container="efefefefefef")),
        ("0::/lxc.payload.shop1/system.slice/shop.service\n", Place(unit="shop.service", container="shop1")),
        ("0::/\n", Place()),
        ("", Place()),
    ],
)
def test_a_control_group_tells_unit_container_and_session(text: str, wanted: Place) -> None:
    assert place_of(text) == wanted


# Keys


def identity(words: str | list[str], **more: Any) -> Identity:
    argv = words.split() if isinstance(words, str) else words
    return Identity(understood(argv), Place(), "", False, "shop", "/srv/shop", argv)._replace(**more)


@pytest.mark.parametrize(
    ("who", "wanted"),
    [
        (identity("python gunicorn shop.wsgi -b :80"), "user:shop cwd:/srv/shop gunicorn shop.wsgi"),
        (identity("python manage.py runserver 8001"), "user:shop cwd:/srv/shop django runserver"),
        (identity("python -m shop"), "user:shop cwd:/srv/shop shop"),
        (identity("python bin/instance fg"), "script:/srv/shop/bin/instance"),
        (identity("python /srv/shop/releases/2.4.1/bin/run"), "script:/srv/shop/releases/*/bin/run"),
        (identity("python x", place=Place(unit="shop-web.service")), "unit:shop-web.service"),
        (identity("python x", place=Place(unit="a.service", of_user=True)), "user:shop unit:a.service"),
        (
            identity("python x", place=Place(unit="supervisor.service"), supervisor="shop:web"),
            "supervisor:shop:web",
        ),
        (
            identity("python x", place=Place(unit="a.service", container="0a1b")),
            "container:0a1b unit:a.service",
        ),
        (
            identity("python gunicorn shop.wsgi", place=Place(unit="supervisor.service"), supervised=True),
            "user:shop cwd:/srv/shop gunicorn shop.wsgi",
        ),
        (
            identity("python /srv/a/venv/bin/gunicorn config.wsgi", cwd="/"),
            "user:shop cwd:/ /srv/a/venv/bin gunicorn config.wsgi",
        ),
        (identity(["gunicorn: master [shop]"], cwd=""), "user:shop cwd:? gunicorn shop"),
    ],
)
def test_a_key_says_what_outlives_a_restart(who: Identity, wanted: str) -> None:
    assert key_of(who) == wanted


def test_a_new_release_in_its_own_directory_keeps_the_key() -> None:
    keys = {
        key_of(identity("python gunicorn shop.wsgi", cwd=f"/srv/shop/releases/{release}"))
        for release in ("20260101120000", "20260102130000", "2.4.1", "0a1b2c3d")
    }
    assert len(keys) == 1


def test_another_port_keeps_the_key() -> None:
    assert key_of(identity("python gunicorn -b :1 shop")) == key_of(identity("python gunicorn -b :2 shop"))


def group(key: str, port: int = 0, what: str = "python", command: str = "", ticks: int = 0) -> dict[str, Any]:
    listeners = [{"port": port}] if port else []
    return {
        "key": key,
        "what": what,
        "listeners": listeners,
        "command": [command],
        "started": {"ticks": ticks},
    }


def keys_of(*found: dict[str, Any]) -> list[str]:
    tell_apart(list(found))
    return [one["key"] for one in found]


def test_groups_of_one_unit_are_told_apart_by_what_they_run() -> None:
    worker, beat = group("unit:a.service", what="celery worker"), group("unit:a.service", what="celery beat")
    assert keys_of(worker, beat) == ["unit:a.service celery worker", "unit:a.service celery beat"]


def test_equal_groups_are_numbered_by_port_whatever_their_order() -> None:
    assert keys_of(group("user:a x", 9002), group("user:a x", 9001)) == ["user:a x #2", "user:a x"]
    assert keys_of(group("user:a x", 9001), group("user:a x", 9002)) == ["user:a x", "user:a x #2"]


def test_equal_groups_without_a_port_are_numbered_by_their_arguments() -> None:
    second = group("unit:a", what="w", command="-Q b", ticks=1)
    first = group("unit:a", what="w", command="-Q a", ticks=2)
    assert keys_of(second, first) == ["unit:a w #2", "unit:a w"]


@pytest.mark.parametrize(
    ("cwd", "prefix", "wanted"),
    [
        ("/srv/shop", "/srv/shop/venv", "/srv/shop"),
        ("/srv/shop/src", "/srv/shop/venv", "/srv/shop"),
        ("/srv/shop/current", "/srv/shop/current/venv", "/srv/shop"),
        ("/srv/shop/releases/2.4.1", "/srv/shop/releases/2.4.1/venv", "/srv/shop"),
        ("/srv/shop/current", "/srv/shop/envs/0a1b2c3d", "/srv/shop"),
        ("/srv/customers/shop", "/srv/customers/envs/shop", "/srv/customers/shop"),
        ("/home/bob/shop", "/home/bob/.virtualenvs/shop", "/home/bob/shop"),
        ("/", "/opt/shop/venv", "/opt/shop"),
        ("/srv/shop", "/usr", "/srv/shop"),
        ("/srv/shop", "/opt/python3.11", "/srv/shop"),
        ("", "", ""),
    ],
)
def test_the_base_is_what_working_directory_and_environment_share(cwd: str, prefix: str, wanted: str) -> None:
    assert base_of(cwd, prefix) == wanted


# Kinds


def around(**more: Any) -> Around:
    nothing = Around(PYTHON, Place(), False, False, False, False, ["bash", "sshd"], False, False)
    return nothing._replace(**more)


UNIT = Place(unit="shop.service")


@pytest.mark.parametrize(
    ("words", "stands", "wanted"),
    [
        ("python shop.py", around(listens=True), "application"),
        ("python shop.py", around(listens=True, terminal=True), "application"),
        ("python shop.py", around(place=UNIT), "application"),
        ("python shop.py", around(place=UNIT, oneshot=True), "passing"),
        ("python shop.py", around(supervised=True), "application"),
        ("python shop.py", around(orphan=True), "application"),
        ("python shop.py", around(above=["tini"]), "application"),
        ("python shop.py", around(), "passing"),
        ("python shop.py", around(terminal=True), "session"),
        ("python shop.py", around(place=Place(session=True)), "session"),
        ("python", around(), "session"),
        ("python celery -A shop worker", around(), "application"),
        ("python celery -A shop worker", around(terminal=True), "application"),
        ("python celery -A shop inspect", around(), "passing"),
        ("python gunicorn shop.wsgi", around(), "application"),
        ("python gunicorn shop.wsgi", around(terminal=True), "session"),
        ("python nightly.py", around(place=Place(unit="cron.service"), above=["sh", "cron"]), "passing"),
        ("python server.py", around(above=["sh", "cron"], listens=True), "application"),
        ("python report.py", around(place=UNIT, below_application=True), "passing"),
        ("python -m pip install x", around(orphan=True), "passing"),
        ("/usr/bin/python3 /usr/bin/networkd-dispatcher", around(place=UNIT), "system"),
        ("/usr/bin/python3 /usr/bin/fail2ban-server", around(listens=True), "system"),
        (
            "/usr/bin/python3 /usr/bin/apt-listchanges",
            around(above=["apt", "bash"], terminal=True),
            "passing",
        ),
        ("/usr/bin/python3 /usr/bin/reportbug", around(terminal=True), "session"),
        ("/usr/bin/python3 /usr/local/bin/shop", around(place=UNIT), "application"),
        ("/usr/bin/python3 /usr/bin/gunicorn shop.wsgi", around(listens=True), "application"),
        ("/srv/x/bin/python /usr/bin/shop", around(exe="/opt/python/bin/python3", place=UNIT), "application"),
        ("/usr/bin/python3 /usr/bin/supervisord -n", around(place=UNIT), "system"),
        ("python /srv/tools/bin/circusd", around(listens=True), "system"),
    ],
)
def test_a_kind_follows_from_what_runs_and_what_stands_around(
    words: str, stands: Around, wanted: str
) -> None:
    assert kind_of(understood(words.split()), stands) == wanted


def test_every_kind_is_one_of_the_reports() -> None:
    assert {kinds.APPLICATION, kinds.SYSTEM, kinds.SESSION, kinds.PASSING} == {
        "application", "system", "session", "passing",
    }  # fmt: skip
