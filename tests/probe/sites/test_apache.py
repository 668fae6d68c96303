"""What Apache's configuration says: as the documentation of real projects has it, in our own words."""

from __future__ import annotations

from pathlib import Path

import pytest

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
