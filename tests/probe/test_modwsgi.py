"""mod_wsgi: which daemon a process is, and what Apache's configuration tells it. The zoo has real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tightship_probe import apacheconf, groups, modwsgi, scan
from tightship_probe.cgroups import Place
from tightship_probe.command import of_process
from tightship_probe.environments import environment_of
from tightship_probe.listeners import Held, Socket, passes_by
from tightship_probe.modwsgi import Settings
from tightship_probe.processes import Process
from tightship_probe.started import Apache, Started
from tightship_probe.tree import Tree, Unreadable

CONFIGURATION = """
WSGIPythonHome /srv/common/venv
WSGIPythonPath /srv/common:/srv/more
WSGIDaemonProcess shop python-home=/srv/shop/venv python-path=/srv/shop:/srv/lib processes=2
WSGIScriptAlias /inside /srv/inside/app.wsgi
<VirtualHost *:80>
    WSGIProcessGroup blog
    WSGIDaemonProcess blog home=/srv/blog
    WSGIScriptAlias / /srv/blog/blog.wsgi
    WSGIScriptAlias /other /srv/shop/other.wsgi process-group=shop
</VirtualHost>
<VirtualHost *:81>
    <IfModule mod_wsgi.c>
        WSGIScriptAlias / /srv/shop/shop.wsgi process-group=shop application-group=%{GLOBAL}
        WSGIScriptAlias /global /srv/inside/second.wsgi process-group=%{GLOBAL}
    </IfModule>
</VirtualHost>
"""


@pytest.fixture
def directives(tmp_path: Path) -> list[object]:
    (tmp_path / "apache.conf").write_text(CONFIGURATION)
    with Tree(str(tmp_path)) as tree:
        found = apacheconf.Configuration(tree, "/apache.conf", "/")
    return list(modwsgi.with_host(found.directives))


def test_a_daemon_is_told_by_its_place_in_the_configuration_or_its_name(directives: list[object]) -> None:
    path, scripts = ["/srv/shop", "/srv/lib"], ["/srv/shop/other.wsgi", "/srv/shop/shop.wsgi"]
    shop = Settings("shop", "/srv/shop/venv", path, "", scripts)
    assert modwsgi.of_configuration(directives, "#1") == shop
    assert modwsgi.of_configuration(directives, "shop") == shop


def test_the_hosts_process_group_holds_for_its_scripts(directives: list[object]) -> None:
    blog = Settings("blog", "/srv/common/venv", [], "/srv/blog", ["/srv/blog/blog.wsgi"])
    assert modwsgi.of_configuration(directives, "#2") == blog


def test_what_has_no_group_runs_inside_apache(directives: list[object]) -> None:
    path, scripts = ["/srv/common", "/srv/more"], ["/srv/inside/app.wsgi", "/srv/inside/second.wsgi"]
    assert modwsgi.of_configuration(directives, "") == Settings("", "/srv/common/venv", path, "", scripts)


@pytest.mark.parametrize("who", ["#3", "Shop"])
def test_a_daemon_that_is_not_in_the_configuration_is_not_guessed(directives: list[object], who: str) -> None:
    with pytest.raises(Unreadable, match=f"no WSGIDaemonProcess {who} is in it"):
        modwsgi.of_configuration(directives, who)


# What of it could not be read


def read(root: Path, text: str) -> list[object]:
    (root / "apache.conf").write_text(text)
    with Tree(str(root)) as tree:
        found = apacheconf.Configuration(tree, "/apache.conf", "/")
    return list(modwsgi.with_host(found.directives))


UNREAD = "what it says of Python may stand in a part that could not be read"


@pytest.mark.parametrize(
    ("text", "who", "why"),
    [
        (
            "Include gone.conf\nWSGIDaemonProcess shop python-home=/ve",
            "#1",
            "before WSGIDaemonProcess #1 there is",
        ),
        ("WSGIDaemonProcess shop\nInclude gone.conf", "#1", UNREAD),
        ("Include gone.conf\nWSGIDaemonProcess shop", "shop", UNREAD),
        ("WSGIPythonHome /ve\nInclude gone.conf", "", UNREAD),
        ("WSGIScriptAlias / /srv/shop.wsgi\nInclude gone.conf", "", UNREAD),
        ("WSGIScriptAlias / /srv/shop.wsgi\nUse NoSuchMacro", "", UNREAD),
    ],
)
def test_what_an_unread_part_may_hold_is_not_known(tmp_path: Path, text: str, who: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        modwsgi.of_configuration(read(tmp_path, text), who)


@pytest.mark.parametrize("who", ["", "#1", "shop"])
def test_a_configuration_that_is_unread_says_nothing(tmp_path: Path, who: str) -> None:
    with Tree(str(tmp_path)) as tree:
        found = apacheconf.Configuration(tree, "/apache.conf", "/")
    with pytest.raises(Unreadable):
        modwsgi.of_configuration(list(modwsgi.with_host(found.directives)), who)


def test_what_stands_before_an_unread_part_is_known(tmp_path: Path) -> None:
    text = "WSGIDaemonProcess shop python-home=/ve\nInclude gone.conf\nWSGIDaemonProcess blog python-home=/be"
    found = read(tmp_path, text)
    assert modwsgi.of_configuration(found, "#1").home == "/ve"
    assert modwsgi.of_configuration(found, "blog").home == "/be"


def test_a_condition_that_is_taken_as_met_leaves_nothing_unread(tmp_path: Path) -> None:
    text = "<IfVersion ~ ^2>\nWSGIScriptAlias / /srv/shop.wsgi\n</IfVersion>"
    assert modwsgi.of_configuration(read(tmp_path, text), "").scripts == ["/srv/shop.wsgi"]


# Which processes belong to which Apache

APACHE = Process(
    100, 1, "apache2", "S", False, 1, 0, "1 2", 0, 0, "/usr/sbin/apache2", True, "net", inner=100
)
SHOP = APACHE._replace(pid=101, parent=100, uid=33)


def line_pids(process: Process, *others: Process) -> list[int]:
    some = {one.pid: one for one in (APACHE, *others)}
    return [one.pid for one in modwsgi.line(process, some)]


def test_a_process_belongs_to_the_apache_that_forked_it() -> None:
    assert line_pids(SHOP) == [101, 100]
    assert line_pids(SHOP._replace(pid=102, parent=101), SHOP) == [102, 101, 100]


@pytest.mark.parametrize(
    "claims",
    [
        SHOP._replace(parent=1),
        SHOP._replace(image="3 4"),  # it started another program, or the same anew
        SHOP._replace(exe="/home/bob/apache2"),
        SHOP._replace(mount="another"),
        SHOP._replace(uid=33, parent=200),
    ],
)
def test_whoever_was_not_forked_by_apache_is_an_apache_of_its_own(claims: Process) -> None:
    bobs = APACHE._replace(pid=200, uid=1000)
    assert line_pids(claims, bobs, APACHE._replace(pid=1, image="5 6", exe="/usr/lib/systemd/systemd")) == [
        101
    ]


def test_in_a_container_apaches_root_may_be_any_user() -> None:
    inside = Place(container="shop")
    root = APACHE._replace(uid=100000, place=inside)
    assert modwsgi.line(SHOP._replace(uid=100033, place=inside), {100: root})[-1] == root
    assert len(modwsgi.line(SHOP._replace(uid=100033), {100: root})) == 1


def held(path: str, *pids: int) -> Held:
    return Held(Socket("unix", "", 0, path, 1), list(pids), True)


def names(sockets: list[Held], *some: Process, titles: dict[int, str] | None = None) -> dict[int, str]:
    by_pid = {one.pid: one for one in some}
    lines = {pid: modwsgi.line(one, by_pid) for pid, one in by_pid.items()}
    found: dict[int, str] = modwsgi.daemons(
        lines, sockets, {pid: [said] for pid, said in (titles or {}).items()}
    )
    return found


def test_a_daemon_is_who_holds_the_one_socket_of_its_apache() -> None:
    children = [SHOP._replace(pid=pid) for pid in (101, 102, 103, 104, 105)]
    sockets = [
        held("/run/apache2/wsgi.100.0.1.sock", 100, 101, 102, 104, 900),
        held("/run/apache2/wsgi.100.0.2.sock", 100, 103, 104),
        held("/run/other.sock", 101),
    ]
    # 104 is just being started, 105 is one of Apache's own.
    found = names(sockets, APACHE, *children)
    assert found == {100: "", 101: "#1", 102: "#1", 103: "#2", 104: "", 105: ""}


def test_without_rotation_a_socket_has_the_number_of_a_user_in_its_name() -> None:
    sockets = [held("/tmp/wsgi.100.u33.7.sock", 100, 101)]
    assert names(sockets, APACHE, SHOP)[101] == "#7"
    assert passes_by("/tmp/wsgi.100.u33.7.sock")
    assert passes_by("/tmp/wsgi.100.u-2.7.sock")  # printed as a signed number


def test_in_a_process_namespace_sockets_are_named_by_the_number_there() -> None:
    apache = APACHE._replace(inner=1)
    assert names([held("/run/wsgi.1.0.1.sock", 100, 101)], apache, SHOP)[101] == "#1"
    assert names([held("/run/wsgi.100.0.1.sock", 100, 101)], apache, SHOP)[101] == ""


def test_what_a_daemon_forked_is_its_groups() -> None:
    child = SHOP._replace(pid=102, parent=101)
    assert names([held("/run/wsgi.100.0.1.sock", 100, 101, 102)], APACHE, SHOP, child)[102] == "#1"


def test_a_socket_that_a_daemon_made_itself_is_not_believed() -> None:
    sockets = [held("/run/wsgi.100.0.1.sock", 100, 103), held("/srv/shop/wsgi.100.0.1.sock", 101)]
    assert names(sockets, APACHE, SHOP, SHOP._replace(pid=103)) == {100: "", 101: "", 103: "#1"}


def test_a_title_is_believed_only_where_apache_shows_no_socket() -> None:
    titles = {101: "(wsgi:blog)", 100: "/usr/sbin/apache2"}
    assert names([], APACHE, SHOP, titles=titles)[101] == "blog"
    assert names([held("/run/wsgi.100.0.1.sock", 100)], APACHE, SHOP, titles=titles)[101] == ""
    assert names([], APACHE, SHOP._replace(image="3 4"), titles=titles)[101] == ""


def test_the_configuration_is_told_by_apaches_own_words() -> None:
    daemon = ["(wsgi:blog)", "-f", "/srv/shop/mine.conf"]
    told = {
        100: (STARTED._replace(argv=["/usr/sbin/apache2", "-k", "start"]), []),
        101: (STARTED._replace(pid=101, uid=33, argv=daemon), []),
    }
    found = modwsgi.recognised(told, [], {100: APACHE, 101: SHOP})
    apache = Apache(100, ["/usr/sbin/apache2", "-k", "start"], of_system=True)
    assert [found[pid][0].apache for pid in (100, 101)] == [apache, apache]


def test_an_apache_that_has_no_python_is_left_as_it_is() -> None:
    told = {100: (STARTED._replace(libpython=""), [])}
    assert modwsgi.recognised(told, [], {100: APACHE}) == told


def test_a_title_says_a_name_and_no_place() -> None:
    assert modwsgi.titled(["(wsgi:shop)      ", "-k", "start"]) == "shop"
    assert modwsgi.titled(["(wsgi:#1)", "-k", "start"]) == ""
    assert modwsgi.titled(["/usr/sbin/apache2", "-k", "start"]) == ""
    assert modwsgi.titled([]) == ""


def test_their_sockets_are_named_by_a_pid_and_are_no_listeners_of_the_report() -> None:
    assert passes_by("/run/apache2/wsgi.100.0.1.sock")
    assert not passes_by("/run/shop/wsgi.sock")


# Which environment they have

LIBPYTHON = "/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0"
STARTED = Started(
    100, 0, ["/usr/sbin/apache2"], "", "/usr/sbin/apache2", "/", {}, [], [], 1.0, libpython=LIBPYTHON
)
SYSTEM = ("usr/sbin/apache2", "usr/bin/python3.11", "usr/lib/python3.11/os.py", LIBPYTHON[1:])


def environment(root: Path, configuration: str | None, started: Started = STARTED, **of_apache: Any) -> Any:
    for name in SYSTEM:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    if configuration is not None:
        (root / "etc/apache2").mkdir(parents=True)
        (root / "etc/apache2/apache2.conf").write_text(configuration)
    apache = Apache(100, ["/usr/sbin/apache2", "-k", "start"], of_system=True)._replace(**of_apache)
    with Tree(str(root)) as tree:
        return environment_of(tree, started._replace(apache=apache))


def whys(told: Any) -> list[str]:
    return [one["why"] for one in told["unread"]]


def test_without_a_home_it_is_the_python_whose_library_apache_has(tmp_path: Path) -> None:
    told = environment(tmp_path, "WSGIScriptAlias / /srv/shop.wsgi")
    assert (told["key"], told["wsgi"]) == ("system:/usr/bin/python3.11", ["", ["/srv/shop.wsgi"]])
    assert "/usr/lib/python3.11" in told["path"]


def test_a_python_beside_the_systems_is_found_by_its_library(tmp_path: Path) -> None:
    for name in ("bin/python3.12", "lib/python3.12/os.py"):
        (tmp_path / "usr/local" / name).parent.mkdir(parents=True)
        (tmp_path / "usr/local" / name).touch()
    own = STARTED._replace(libpython="/usr/local/lib/libpython3.12.so.1.0")
    told = environment(tmp_path, "WSGIScriptAlias / /srv/shop.wsgi", own)
    assert told["key"] == "python:/usr/local/bin/python3.12"


def test_an_unread_configuration_tells_no_environment(tmp_path: Path) -> None:
    told = environment(tmp_path, None)
    assert (told["key"], told["path"]) == ("unknown:", [])
    assert "wsgi" not in told
    assert "/etc/apache2/apache2.conf" in [one["what"] for one in told["unread"]]


def test_a_command_line_that_is_unread_tells_no_environment(tmp_path: Path) -> None:
    told = environment(tmp_path, "WSGIScriptAlias / /srv/shop.wsgi", argv=[])
    assert told["path"] == []
    assert "the command line of Apache's first process could not be read" in whys(told)


@pytest.mark.parametrize("home", ["/srv/shop/ve", "ve"])
def test_a_home_without_an_interpreter_is_not_the_systems_python(tmp_path: Path, home: str) -> None:
    (tmp_path / "srv/shop/ve").mkdir(parents=True)
    told = environment(tmp_path, f"WSGIPythonHome {home}\nWSGIScriptAlias / /srv/shop.wsgi")
    assert (told["key"], told["path"]) == ("unknown:", [])
    assert f"no interpreter below python-home {home}" in whys(told)


def test_an_ordinary_users_apache_is_not_given_the_systems_configuration(tmp_path: Path) -> None:
    told = environment(tmp_path, "WSGIScriptAlias / /srv/shop.wsgi", of_system=False)
    assert told["path"] == []
    assert "an ordinary user's Apache, started without -f" in whys(told)


@pytest.mark.parametrize(
    "argv", [["apache2"], ["apache2", "-d", "/home/bob/own"], ["apache2", "-d/home/bob/own"]]
)
def test_a_program_of_another_place_has_a_configuration_of_its_own(tmp_path: Path, argv: list[str]) -> None:
    place = "/home/bob/own" if len(argv) > 1 else "/home/bob"
    bobs = STARTED._replace(exe="/home/bob/bin/apache2")
    told = environment(tmp_path, "WSGIScriptAlias / /srv/shop.wsgi", bobs, argv=argv)
    assert told["path"] == []
    conf = tmp_path / place[1:] / "conf"
    conf.mkdir(parents=True)
    (conf / "httpd.conf").write_text("WSGIScriptAlias / /home/bob/bob.wsgi")
    assert environment(tmp_path, None, bobs, argv=argv)["wsgi"] == ["", ["/home/bob/bob.wsgi"]]


def test_an_apache_whose_program_was_replaced_is_still_one() -> None:
    replaced = STARTED._replace(exe="/usr/sbin/apache2 (deleted)")
    (told,) = modwsgi.recognised({100: (replaced, [])}, [], {100: APACHE}).values()
    assert of_process(told[0]).program == "mod_wsgi"


# What stays in the report


def group(name: str, wsgi: list[Any] | None) -> Any:
    apache = Apache(100, ["/usr/sbin/apache2"], of_system=True)
    found = scan.Group([APACHE], STARTED._replace(wsgi=name, apache=apache), [])
    environment: dict[str, Any] = {"path": []}
    found.concluded = {"environment": environment if wsgi is None else {**environment, "wsgi": wsgi}}
    return found


def test_an_apache_that_runs_nothing_itself_is_left_out() -> None:
    assert scan._is_bare_apache(group("", ["", []]))
    assert not scan._is_bare_apache(group("", ["", ["/srv/shop.wsgi"]]))
    assert not scan._is_bare_apache(group("#1", ["shop", []]))


def test_an_apache_whose_configuration_is_unread_stays() -> None:
    assert not scan._is_bare_apache(group("", None))


def test_a_users_own_unit_is_not_the_systems_of_that_name() -> None:
    def key(place: Place) -> str:
        command = of_process(group("shop", None).started)
        return groups.key_of(groups.Identity(command, place, "", False, "bob", "/", []))

    unit = "apache2.service"
    assert key(Place(unit)) == "unit:apache2.service wsgi:shop"
    assert key(Place(unit, of_user=True)) == "user:bob unit:apache2.service wsgi:shop"
    assert key(Place()) == "apache wsgi:shop"
