"""Real web servers before real applications: what is told of them is what answers."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import parts
from tests.applications import Site, folder, free_port, scanned

pytestmark = pytest.mark.usefixtures("root_only")


@pytest.fixture(name="root_only")
def _root_only() -> None:
    parts.need_root()


def answered(port: int, name: str) -> int:
    """The pid of the process that answers to `name`."""
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/truth", headers={"Host": name})
    until = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return int(json.load(answer)["pid"])
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


@contextlib.contextmanager
def serving(argv: list[Any]) -> Iterator[None]:
    process = subprocess.Popen([str(word) for word in argv])
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


NGINX = """
pid {place}/pid; error_log {place}/error.log; daemon off;
events {{}}
http {{
    access_log off; client_body_temp_path {place}/body; proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/f; uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;
    include sites/*.conf;
}}
"""
NGINX_SITE = """
upstream {name}_up {{ server 127.0.0.1:{to}; }}
server {{ listen 127.0.0.1:{port}; server_name {name}.example.com; location / {{ proxy_pass http://{name}_up; }} }}
"""

APACHE = """
ServerRoot {place}
PidFile {place}/pid
ErrorLog {place}/error.log
Listen 127.0.0.1:{port}
ServerName localhost
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
IncludeOptional sites/*.conf
"""
APACHE_SITE = """
<VirtualHost *:{port}>
  ServerName {name}.example.com
  ServerAlias www.{name}.example.com
  <IfModule mod_proxy.c>
    ProxyPass / http://localhost:{to}/
  </IfModule>
</VirtualHost>
"""


def _written(place: Path, main: str, site: str, sites: dict[str, Site], **more: Any) -> int:
    port = free_port()
    (place / "sites").mkdir()
    (place / "main.conf").write_text(main.format(place=place, port=port, **more))
    for name, one in sites.items():
        (place / f"sites/{name}.conf").write_text(site.format(name=name, to=one.port, port=port))
    return port


def _check(place: Path, port: int, sites: dict[str, Site], server: str) -> None:
    for name in sites:
        answered(port, f"{name}.example.com")
    report = scanned()
    assert report.state is not None
    told = {
        one.names[0].partition(".")[0]: one for one in report.state.sites if one.where.startswith(str(place))
    }
    assert set(told) == set(sites)
    for name, one in told.items():
        pids = report.live.groups[one.group].pids
        assert answered(port, f"{name}.example.com") in pids
        assert (one.ports, one.server) == ([port], server)


def test_nginx_hands_requests_to_the_groups_that_are_told(django_site: Site, waitress_site: Site) -> None:
    nginx = parts.program("nginx", "nginx")
    sites = {"shop": django_site, "intranet": waitress_site}
    with folder() as place:
        port = _written(place, NGINX, NGINX_SITE, sites)
        with serving([nginx, "-p", place, "-c", place / "main.conf"]):
            _check(place, port, sites, "nginx")


def test_apache_hands_requests_to_the_groups_that_are_told(django_site: Site, uvicorn_site: Site) -> None:
    apache = parts.program("apache2", "Apache")
    sites = {"shop": django_site, "stock": uvicorn_site}
    with folder() as place:
        port = _written(place, APACHE, APACHE_SITE, sites, modules="/usr/lib/apache2/modules")
        with serving([apache, "-d", place, "-f", place / "main.conf", "-DFOREGROUND"]):
            _check(place, port, sites, "apache")


MOD_WSGI = """
ServerRoot {place}
PidFile {place}/pid
ErrorLog {place}/error.log
DefaultRuntimeDir {place}
Listen 127.0.0.1:{port}
ServerName localhost
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule wsgi_module {modules}/mod_wsgi.so
User nobody
Group nogroup
WSGISocketPrefix {place}/wsgi
{more}
WSGIDaemonProcess shop
WSGIProcessGroup shop
<VirtualHost *:{port}>
  ServerName shop.example.com
  WSGIScriptAlias / {place}/shop.wsgi
</VirtualHost>
<VirtualHost *:{port}>
  ServerName inside.example.com
  WSGIProcessGroup %{{GLOBAL}}
  WSGIScriptAlias / {place}/inside.wsgi
</VirtualHost>
<Directory {place}>
  Require all granted
</Directory>
"""
WHO = """
import json, os
def application(environ, start_response):
    start_response("200 OK", [])
    return [json.dumps({"pid": os.getpid()}).encode()]
"""


def _mod_wsgi(place: Path, more: str, modules: str = "/usr/lib/apache2/modules") -> int:
    if not Path(modules, "mod_wsgi.so").exists():
        parts.need("mod_wsgi", "mod_wsgi.so was not found")
    port = free_port()
    (place / "main.conf").write_text(MOD_WSGI.format(place=place, port=port, modules=modules, more=more))
    for name in ("shop", "inside"):
        (place / f"{name}.wsgi").write_text(WHO)
    return port


@pytest.mark.soak
def test_two_apaches_with_daemons_of_one_name_are_kept_apart() -> None:
    apache = parts.program("apache2", "Apache")
    with folder() as one, folder() as other:
        ports = {one: _mod_wsgi(one, ""), other: _mod_wsgi(other, "WSGISocketRotation Off")}
        with serving([apache, "-f", one / "main.conf", "-DFOREGROUND"]):  # noqa: SIM117 - one after the other
            with serving([apache, "-f", other / "main.conf", "-DFOREGROUND"]):
                pids = {
                    (str(place), name): answered(port, f"{name}.example.com")
                    for place, port in ports.items()
                    for name in ("shop", "inside")
                }
                report = scanned()
    assert report.state is not None
    groups = report.live.groups
    for (place, name), pid in pids.items():
        (site,) = (
            site
            for site in report.state.sites
            if site.where == f"{place}/main.conf" and site.names == [f"{name}.example.com"]
        )
        assert pid in groups[site.group].pids
    assert len({site.group for site in report.state.sites if site.where.endswith("/main.conf")}) == 4
