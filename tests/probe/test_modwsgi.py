"""mod_wsgi: which daemon a process is, and what Apache's configuration tells it. The zoo has real ones."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tightship_probe import apacheconf, modwsgi
from tightship_probe.listeners import Held, Socket, passes_by
from tightship_probe.modwsgi import Settings
from tightship_probe.tree import Tree

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


def test_a_daemon_that_is_not_in_the_configuration_is_not_guessed(directives: list[object]) -> None:
    assert modwsgi.of_configuration(directives, "#3") is None
    assert modwsgi.of_configuration(directives, "Shop") is None


def held(path: str, *pids: int) -> Held:
    return Held(Socket("unix", "", 0, path, 1), list(pids), True)


def test_a_daemon_is_who_holds_the_one_socket_of_its_parent() -> None:
    processes = {pid: SimpleNamespace(parent=100) for pid in (101, 102, 103, 104)}
    processes[100] = SimpleNamespace(parent=1)
    processes[900] = SimpleNamespace(parent=800)
    sockets = [
        held("/run/apache2/wsgi.100.0.1.sock", 100, 101, 102, 104, 900),
        held("/run/apache2/wsgi.100.0.2.sock", 100, 103, 104),
        held("/run/other.sock", 101),
    ]
    # 104 is just being started, 900 is nobody of Apache's.
    assert modwsgi.daemons(sockets, processes) == {101: "#1", 102: "#1", 103: "#2"}


def test_their_sockets_are_named_by_a_pid_and_are_no_listeners_of_the_report() -> None:
    assert passes_by("/run/apache2/wsgi.100.0.1.sock")
    assert not passes_by("/run/shop/wsgi.sock")


def test_a_title_is_heeded_where_there_is_no_socket() -> None:
    assert modwsgi.titled(["(wsgi:shop)      ", "-k", "start"]) == "shop"
    assert modwsgi.titled(["/usr/sbin/apache2", "-k", "start"]) == ""
    assert modwsgi.titled([]) == ""
