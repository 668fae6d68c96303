"""What Apache's configuration says: as the documentation of real projects has it, in our own words."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests import parts
from tightship_probe import apacheconf
from tightship_probe.tree import Tree

Told = list[tuple[list[str], list[int], list[str]]]

CASES: dict[str, tuple[str, Told]] = {
    "Plone by a rewrite rule": (
        """
Listen 80
<VirtualHost *:80>
  ServerName plone.example.com
  ServerAlias www.plone.example.com plone
  RewriteEngine On
  RewriteRule ^/(.*) http://127.0.0.1:8080/VirtualHostBase/http/%{SERVER_NAME}:80/Plone/VirtualHostRoot/$1 [P,L]
</VirtualHost>
""",
        [(["plone.example.com", "www.plone.example.com", "plone"], [80], ["127.0.0.1:8080"])],
    ),
    "ProxyPass with an exception": (
        """
<VirtualHost *:443>
  ServerName https://shop.example.com:443
  ProxyPass /static !
  ProxyPass / http://localhost:8001/ timeout=60
  ProxyPassReverse / http://localhost:8001/
</VirtualHost>
""",
        [(["shop.example.com"], [443], ["localhost:8001"])],
    ),
    "a unix socket": (
        '<VirtualHost *:80>\nServerName a\nProxyPass "/" "unix:/run/shop.sock|http://shop/"\n</VirtualHost>',
        [(["a"], [80], ["/run/shop.sock"])],
    ),
    "a balancer": (
        """
<Proxy "balancer://shop">
  BalancerMember http://10.0.0.1:8001 route=1
  BalancerMember http://10.0.0.2:8001 route=2
</Proxy>
<VirtualHost *:80>
  ServerName b
  ProxyPass "/" "balancer://shop/" stickysession=ROUTE
</VirtualHost>
""",
        [(["b"], [80], ["10.0.0.1:8001", "10.0.0.2:8001"])],
    ),
    "mod_wsgi with a daemon": (
        """
WSGIDaemonProcess shop python-home=/srv/shop/venv python-path=/srv/shop
<VirtualHost *:80>
  ServerName c
  WSGIProcessGroup shop
  WSGIScriptAlias / /srv/shop/shop/wsgi.py
</VirtualHost>
<VirtualHost *:80>
  ServerName d
  WSGIScriptAlias / /srv/d/wsgi.py process-group=stock application-group=%{GLOBAL}
</VirtualHost>
""",
        [(["c"], [80], ["wsgi:shop"]), (["d"], [80], ["wsgi:stock"])],
    ),
    "mod_wsgi inside Apache itself, where a daemon is usual": (
        """
WSGIProcessGroup shop
<VirtualHost *:80>
  ServerName c1
  WSGIProcessGroup %{GLOBAL}
  WSGIScriptAlias / /srv/c/wsgi.py
</VirtualHost>
<VirtualHost *:80>
  ServerName d1
  WSGIScriptAlias / /srv/d/wsgi.py process-group=%{GLOBAL}
</VirtualHost>
""",
        [(["c1"], [80], ["wsgi:/srv/c/wsgi.py"]), (["d1"], [80], ["wsgi:/srv/d/wsgi.py"])],
    ),
    "inside Location, with lines that go on": (
        '<VirtualHost 192.0.2.1:8080 [::1]:8080>\nServerName e\n<Location "/app">\n  ProxyPass \\\n    http://127.0.0.1:5000\n</Location>\n</VirtualHost>',
        [(["e"], [8080], ["127.0.0.1:5000"])],
    ),
    "uWSGI's and FastCGI's protocols": (
        '<VirtualHost *:80>\nServerName f\nProxyPass / uwsgi://127.0.0.1:3031/\n<FilesMatch \\.php$>\nSetHandler "proxy:unix:/run/php.sock|fcgi://localhost/"\n</FilesMatch>\n</VirtualHost>',
        [(["f"], [80], ["127.0.0.1:3031", "/run/php.sock"])],
    ),
    "modules that are, and are not, there": (
        """
LoadModule ssl_module modules/mod_ssl.so
Listen 80
<IfModule mod_ssl.c>
  Listen 443
  <VirtualHost _default_:443>
    ServerName g
    ProxyPass / http://127.0.0.1:6001/
  </VirtualHost>
</IfModule>
<IfModule !ssl_module>
  <VirtualHost *:80>
    ServerName never
  </VirtualHost>
</IfModule>
<IfModule mod_nothing.c>
  <VirtualHost *:80>
    ServerName never
  </VirtualHost>
</IfModule>
""",
        [(["g"], [443], ["127.0.0.1:6001"])],
    ),
    "what was defined": (
        """
Define port 6002
Define live
<IfDefine live>
<VirtualHost *:80>
  ServerName h
  ProxyPass / http://127.0.0.1:${port}/
</VirtualHost>
</IfDefine>
<IfDefine !live>
<VirtualHost *:80>
  ServerName never
</VirtualHost>
</IfDefine>
""",
        [(["h"], [80], ["127.0.0.1:6002"])],
    ),
    "no virtual host at all": (
        "Listen 8000\nServerName i\nProxyPass / http://127.0.0.1:6003/\n",
        [(["i"], [8000], ["127.0.0.1:6003"])],
    ),
    "a redirect only": (
        "Listen 80\n<VirtualHost *>\nServerName j\nRedirect permanent / https://j/\n</VirtualHost>",
        [(["j"], [80], [])],
    ),
}


MACROS: dict[str, tuple[str, Told]] = {
    "a macro, used twice": (
        """
Listen 80
<Macro VHost $name $port>
  <VirtualHost *:80>
    ServerName $name.example.com
    ServerAlias "www.$name.example.com"
    ProxyPass / http://127.0.0.1:$port/
  </VirtualHost>
</Macro>
Use VHost shop 8001
use vhost stock 8002
UndefMacro VHost
""",
        [
            (["shop.example.com", "www.shop.example.com"], [80], ["127.0.0.1:8001"]),
            (["stock.example.com", "www.stock.example.com"], [80], ["127.0.0.1:8002"]),
        ],
    ),
    "a macro that uses another, inside a virtual host": (
        """
<Macro Backend $to>
  ProxyPass / $to
</Macro>
<Macro Local $port>
  Use Backend http://127.0.0.1:$port/
</Macro>
<VirtualHost *:80>
  ServerName a
  Use Local 8003
</VirtualHost>
""",
        [(["a"], [80], ["127.0.0.1:8003"])],
    ),
    "of two parameters the longer one": (
        "<Macro V $p $port>\n<VirtualHost *:80>\nServerName $p\nProxyPass / http://127.0.0.1:$port/\n</VirtualHost>\n</Macro>\nUse V b 8004\n",
        [(["b"], [80], ["127.0.0.1:8004"])],
    ),
    "a macro without parameters, with a variable of the server's": (
        "Define port 8005\n<Macro All>\nListen 81\nServerName c\nProxyPass / http://127.0.0.1:${port}/\n</Macro>\nUse All\n",
        [(["c"], [81], ["127.0.0.1:8005"])],
    ),
}


def versions(*conditions: str) -> str:
    """A virtual host below each condition, on an Apache that can only be a 2.4."""
    hosts = [
        f"<IfVersion {condition}>\n<VirtualHost *:80>\nServerName v{place}\n</VirtualHost>\n</IfVersion>\n"
        for place, condition in enumerate(conditions)
    ]
    return "LoadModule authz_core_module modules/mod_authz_core.so\n" + "".join(hosts)


def configuration(root: Path) -> apacheconf.Configuration:
    with Tree(str(root)) as tree:
        return apacheconf.Configuration(tree, "/etc/apache2/apache2.conf", "/etc/apache2")


def told(found: apacheconf.Configuration) -> Told:
    return [(one.names, one.ports, one.targets) for one in apacheconf.servers(found)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc/apache2/sites-enabled").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("name", CASES)
def test_it_tells_names_ports_and_targets(root: Path, name: str) -> None:
    text, expected = CASES[name]
    (root / "etc/apache2/apache2.conf").write_text(text)
    assert told(configuration(root)) == expected


@pytest.mark.parametrize("name", MACROS)
def test_macros_stand_for_their_text(root: Path, name: str) -> None:
    text, expected = MACROS[name]
    (root / "etc/apache2/apache2.conf").write_text(text)
    found = configuration(root)
    assert (told(found), found.files.unread) == (expected, [])


@pytest.mark.parametrize("name", {**CASES, **MACROS})
def test_apache_takes_the_case_for_a_configuration(root: Path, name: str) -> None:
    apache = parts.program("/usr/sbin/apache2", "apache2")
    modules = Path("/usr/lib/apache2/modules")
    wanted = "mpm_event authz_core alias rewrite proxy proxy_http proxy_balancer slotmem_shm macro headers"
    wanted += " proxy_uwsgi proxy_fcgi lbmethod_byrequests"
    loads = [f"LoadModule {one}_module {modules}/mod_{one}.so\n" for one in wanted.split()]
    text = {**CASES, **MACROS}[name][0]
    if "WSGI" in text or "LoadModule" in text:
        pytest.skip("with modules that are not here")
    config = root / "whole.conf"
    extra = "" if "Listen" in text else "Listen 8099\n"
    config.write_text(
        f"{''.join(loads)}{extra}DefaultRuntimeDir {root}\nPidFile {root}/pid\nErrorLog {root}/log\n{text}"
    )
    done = subprocess.run([apache, "-t", "-f", config], capture_output=True, text=True, check=False)
    assert "Syntax OK" in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Use Nothing a\n", "Use Nothing: no such macro"),
        ("<Macro A $x>\nListen $x\n</Macro>\nUse A\n", "Use A: it takes 1 values"),
        ("<Macro A>\nUse A\nUse A\n</Macro>\nUse A\n", "Use A: macros that use each other without end"),
        (
            "<Macro A $x>\nUse A $x$x$x$x$x$x$x$x\n</Macro>\nUse A abcdefgh\n",
            "Use A: a line of more than 8192 characters",
        ),
    ],
)
def test_a_macro_that_can_not_be_expanded_is_said(root: Path, text: str, why: str) -> None:
    (root / "etc/apache2/apache2.conf").write_text(text)
    unread = configuration(root).files.unread
    assert unread[0] == {"what": "/etc/apache2/apache2.conf", "why": why}
    assert len(unread) <= 101


def test_a_group_of_daemons_that_a_request_decides_is_said(root: Path) -> None:
    text = "<VirtualHost *:80>\nServerName a\nWSGIScriptAlias / /srv/a.wsgi process-group=%{ENV:group}\n</VirtualHost>"
    (root / "etc/apache2/apache2.conf").write_text(text)
    [server] = apacheconf.servers(configuration(root))
    assert (server.targets, server.unread) == ([], ["wsgi:%{ENV:group}"])


def test_a_macro_in_a_section_that_does_not_count_is_none(root: Path) -> None:
    text = "LoadModule a_module a.so\n<IfModule mod_macro.c>\n<Macro A>\nListen 1\n</Macro>\nUse A\n</IfModule>\n"
    (root / "etc/apache2/apache2.conf").write_text(text + "<VirtualHost *>\nServerName d\n</VirtualHost>\n")
    found = configuration(root)
    assert (told(found), found.files.unread) == ([(["d"], [], [])], [])


def test_conditions_on_the_version_are_met_by_a_2_4(root: Path) -> None:
    met = (">= 2.4", "> 2.2", "< 2.5", "!= 2.2", "!< 2.4", '">= 2.3.9"')
    not_met = ("< 2.4", "<= 2.2", "2.2", "= 2.2.15", ">= 2.5", "!>= 2.4")
    (root / "etc/apache2/apache2.conf").write_text(versions(*met, *not_met))
    found = configuration(root)
    assert [names for names, _ports, _targets in told(found)] == [[f"v{place}"] for place in range(len(met))]
    assert found.files.unread == []


@pytest.mark.parametrize("condition", [">= 2.4.10", "= 2.4.62", "~ ^2.4.[01234]$", "= /^2.4/"])
def test_a_condition_that_takes_the_exact_version_is_said(root: Path, condition: str) -> None:
    (root / "etc/apache2/apache2.conf").write_text(versions(condition))
    found = configuration(root)
    assert [names for names, _ports, _targets in told(found)] == [["v0"]]
    assert [entry["why"] for entry in found.files.unread] == [f"<ifversion {condition}> is taken as met"]


def test_debians_layout_with_its_variables(root: Path) -> None:
    apache = root / "etc/apache2"
    apache.joinpath("apache2.conf").write_text(
        "PidFile ${APACHE_PID_FILE}\nInclude ports.conf\nIncludeOptional sites-enabled/*.conf\nIncludeOptional none/*.conf\n"
    )
    apache.joinpath("envvars").write_text("export APACHE_PID_FILE=/run/apache2.pid\nexport PORT=8090\n")
    apache.joinpath("ports.conf").write_text("Listen ${PORT}\n")
    apache.joinpath("sites-enabled/shop.conf").write_text(
        "<VirtualHost *>\nServerName k\nProxyPass / http://127.0.0.1:1/\n"
    )
    found = configuration(root)
    assert told(found) == [(["k"], [8090], ["127.0.0.1:1"])]
    assert found.files.unread == []


def test_a_section_that_its_file_does_not_close_ends_with_the_file(root: Path) -> None:
    apache = root / "etc/apache2"
    apache.joinpath("apache2.conf").write_text("Include a.conf\nInclude b.conf\n")
    apache.joinpath("a.conf").write_text("<IfModule mod_x.c>\n<VirtualHost *:80>\nServerName l\n")
    apache.joinpath("b.conf").write_text("</IfModule>\n<VirtualHost *:80>\nServerName m\n</VirtualHost>\n")
    assert [names for names, _ports, _targets in told(configuration(root))] == [["l"], ["m"]]


def test_an_include_that_is_not_there_is_said(root: Path) -> None:
    (root / "etc/apache2/apache2.conf").write_text("Include gone.conf\n")
    assert configuration(root).files.unread == [
        {"what": "/etc/apache2/gone.conf", "why": "no such file or directory"}
    ]


@pytest.mark.parametrize(
    "text",
    [
        "<VirtualHost" * 2000,
        "</X>\n" * 2000,
        'ServerName "a',
        "<A>\n" * 5000,
        "Include apache2.conf\n" * 30,
        "\0\n",
        "<Macro\n<Macro >\n<Macro A>\n" * 500,
        "<Macro A $x $x>\n</Macro>\nUse A 1 2\n",
        "<IfVersion >\n<IfVersion >= 9999999999999999>\n",
    ],
)
def test_what_is_no_configuration_breaks_nothing(root: Path, text: str) -> None:
    (root / "etc/apache2/apache2.conf").write_text(text)
    told(configuration(root))


def test_a_backslash_of_a_pattern_stays(root: Path) -> None:
    (root / "etc/apache2/apache2.conf").write_text(
        '<VirtualHost *:80>\nServerName n\nRewriteRule "^/a\\.b$" http://127.0.0.1:9/ [P]\n'
    )
    assert told(configuration(root)) == [(["n"], [80], ["127.0.0.1:9"])]
