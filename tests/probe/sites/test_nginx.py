"""What nginx's configuration says: as the documentation of real projects has it, in our own words."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests import parts
from tightship_probe import nginxconf
from tightship_probe.tree import Tree

CASES = {
    "Django behind gunicorn on a unix socket": (
        """
upstream app_server {
    server unix:/run/gunicorn.sock fail_timeout=0;
}
server { listen 80 default_server; return 444; }
server {
    listen 80 deferred;
    client_max_body_size 4G;
    server_name example.com www.example.com;
    location / { try_files $uri @proxy_to_app; }
    location @proxy_to_app {
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_redirect off;
        proxy_pass http://app_server;
    }
}
""",
        [(["_"], [80], []), (["example.com", "www.example.com"], [80], ["/run/gunicorn.sock"])],
    ),
    "Plone behind a virtual host monster": (
        """
server {
    listen 80;
    server_name plone.example.com;
    rewrite ^/(.*) /VirtualHostBase/http/plone.example.com:80/Plone/VirtualHostRoot/$1 last;
    location /VirtualHostBase { proxy_pass http://127.0.0.1:8080; }
}
""",
        [(["plone.example.com"], [80], ["127.0.0.1:8080"])],
    ),
    "several back ends behind one name": (
        """
upstream zeo_clients { least_conn; server 127.0.0.1:8081; server 127.0.0.1:8082 backup; server 10.0.0.7:8083 down; }
server { listen 443 ssl http2; listen [::]:443 ssl; server_name cms.example.org; location / { proxy_pass http://zeo_clients/; } }
""",
        [(["cms.example.org"], [443], ["127.0.0.1:8081", "127.0.0.1:8082", "10.0.0.7:8083"])],
    ),
    "uWSGI by its own protocol": (
        """
server { listen 8000; server_name .example.com; charset utf-8;
  location /media { alias /srv/media; }
  location / { uwsgi_pass unix:///run/shop.sock; } }
server { listen 127.0.0.1:8001; server_name stock; location / { uwsgi_pass 127.0.0.1:3031; } }
""",
        [([".example.com"], [8000], ["/run/shop.sock"]), (["stock"], [8001], ["127.0.0.1:3031"])],
    ),
    "a socket with a path behind it": (
        "server { server_name a; location / { proxy_pass http://unix:/tmp/backend.socket:/uri/; } }",
        [(["a"], [80], ["/tmp/backend.socket"])],
    ),
    "several applications below one name": (
        """
server { listen 80; server_name tools.example.com;
  location /wiki/ { proxy_pass http://localhost:5000/; }
  location ~ ^/api/(v1|v2)/ { if ($request_method = POST) { return 405; } proxy_pass http://127.0.0.1:5001; }
  location = /old { return 301 /new; } }
""",
        [(["tools.example.com"], [80], ["localhost:5000", "127.0.0.1:5001"])],
    ),
    "a variable that was set": (
        'server { server_name v; set $port 9001; set $up "127.0.0.1:$port"; location / { proxy_pass http://$up; } }',
        [(["v"], [80], ["127.0.0.1:9001"])],
    ),
    "WebSockets beside pages, and a scheme of its own": (
        """
map $http_upgrade $connection_upgrade { default upgrade; '' close; }
server { listen 80; server_name chat.example.com;
  location /ws { proxy_http_version 1.1; proxy_set_header Connection $connection_upgrade; proxy_pass http://127.0.0.1:8002; }
  location / { proxy_pass https://127.0.0.1; } }
""",
        [(["chat.example.com"], [80], ["127.0.0.1:8002", "127.0.0.1:443"])],
    ),
    "what certbot added": (
        """
server { server_name shop.example.com;
    location / { proxy_pass http://127.0.0.1:8001; }
    listen 8443; # managed by Certbot
}
server { if ($host = shop.example.com) { return 301 https://$host$request_uri; } # managed by Certbot
    listen 80; server_name shop.example.com; return 404; # managed by Certbot
}
""",
        [(["shop.example.com"], [8443], ["127.0.0.1:8001"]), (["shop.example.com"], [80], [])],
    ),
    "quotation marks, escapes and a regular expression for a name": (
        r"""
server { listen 80; server_name "a b.example.com" ~^(?<sub>.+)\.example\.net$;
  add_header X-Odd "braces { } and ; in a text"; location ~ "^/x{1,3}/" { proxy_pass 'http://127.0.0.1:7001'; } }
""",
        [(["a b.example.com", r"~^(?<sub>.+)\.example\.net$"], [80], ["127.0.0.1:7001"])],
    ),
    "listening on a socket and on a port of one address": (
        "server { listen unix:/tmp/n.sock; listen 192.0.2.1:8088; server_name two; location / { proxy_pass http://127.0.0.1:1; } }",
        [(["two"], [8088], ["127.0.0.1:1"])],
    ),
}


def told(text: str) -> list[tuple[list[str], list[int], list[str]]]:
    directives = nginxconf.parsed(
        f"events {{}}\nhttp {{ {text} }}", "/etc/nginx/nginx.conf", lambda _name: []
    )
    return [(one.names, one.ports, one.targets) for one in nginxconf.servers(directives)]


@pytest.mark.parametrize("name", CASES)
def test_it_tells_names_ports_and_targets(name: str) -> None:
    text, expected = CASES[name]
    assert told(text) == expected


@pytest.mark.parametrize("name", CASES)
def test_nginx_takes_the_case_for_a_configuration(name: str, tmp_path: Path) -> None:
    nginx = parts.program("nginx", "nginx")
    text = CASES[name][0].replace(" ssl http2", "").replace(" ssl", "").replace("192.0.2.1", "127.0.0.1")
    config = tmp_path / "nginx.conf"
    config.write_text(f"pid {tmp_path}/pid; error_log stderr; events {{}}\nhttp {{ access_log off; {text} }}")
    done = subprocess.run(
        [nginx, "-t", "-p", tmp_path, "-c", config], capture_output=True, text=True, check=False
    )
    assert "syntax is ok" in done.stderr, done.stderr


def test_where_a_request_decides_it_is_said() -> None:
    text = "server { server_name d; location / { proxy_pass http://$arg_host:80; } }"
    directives = nginxconf.parsed(f"http {{ {text} }}", "x", lambda _name: [])
    (server,) = nginxconf.servers(directives)
    assert (server.targets, server.unread) == ([], ["$arg_host:80"])


def test_what_a_map_decides_is_said() -> None:
    text = (
        "map $host $backend { default 127.0.0.1:8001; shop.example.com 127.0.0.1:8002; }"
        "upstream named { server 127.0.0.1:8003; }"
        "server { server_name e; location / { proxy_pass http://$backend; } location /f { proxy_pass http://named; } }"
    )
    directives = nginxconf.parsed(f"http {{ {text} }}", "x", lambda _name: [])
    (server,) = nginxconf.servers(directives)
    assert (server.targets, server.unread) == (["127.0.0.1:8003"], ["$backend"])


def test_lua_is_passed_over() -> None:
    lua = "location /l { content_by_lua_block { if true then local t = { a = 1 }; ngx.say(t) end } }"
    text = "server { server_name l; LUA location / { proxy_pass http://127.0.0.1:2; } }".replace("LUA", lua)
    assert told(text) == [(["l"], [80], ["127.0.0.1:2"])]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc/nginx/sites-enabled").mkdir(parents=True)
    (tmp_path / "etc/nginx/conf.d").mkdir()
    return tmp_path


def read(root: Path) -> tuple[list[nginxconf.Server], list[dict[str, str]]]:
    with Tree(str(root)) as tree:
        directives, unread = nginxconf.read(tree, "/etc/nginx/nginx.conf")
    return nginxconf.servers(directives), unread


def test_includes_are_followed_in_their_order(root: Path) -> None:
    nginx = root / "etc/nginx"
    nginx.joinpath("nginx.conf").write_text(
        "http { include /etc/nginx/conf.d/*.conf; include sites-enabled/*; include none/*.conf; }"
    )
    nginx.joinpath("conf.d/b.conf").write_text("upstream up { server 127.0.0.1:8001; }")
    nginx.joinpath("sites-enabled/10-shop").write_text("server { server_name shop; include proxy.conf; }")
    nginx.joinpath("sites-enabled/20-stock").write_text("server { server_name stock; }")
    nginx.joinpath("sites-enabled/.hidden").write_text("server { server_name hidden; }")
    nginx.joinpath("proxy.conf").write_text("location / { proxy_pass http://up; }")
    servers, unread = read(root)
    assert [(one.names, one.targets) for one in servers] == [(["shop"], ["127.0.0.1:8001"]), (["stock"], [])]
    assert servers[0].where == "/etc/nginx/sites-enabled/10-shop"
    assert unread == []


def test_a_circle_of_includes_ends_and_is_said(root: Path) -> None:
    nginx = root / "etc/nginx"
    nginx.joinpath("nginx.conf").write_text("http { server { server_name a; } include nginx.conf; }")
    servers, unread = read(root)
    assert servers[0].names == ["a"]
    assert "by itself" in unread[0]["why"]


def test_an_include_that_branches_at_every_level_stays_in_bounds(root: Path) -> None:
    nginx = root / "etc/nginx"
    nginx.joinpath("nginx.conf").write_text("http { " + "include /etc/nginx/nginx.conf;" * 50 + " }")
    _servers, unread = read(root)
    assert 0 < len(unread) <= 101


@pytest.mark.parametrize(
    "text", ["http {{{{" * 500, "}" * 1000, 'http { server { server_name "a', "\0;" * 50, "{" * 100000]
)
def test_what_is_no_configuration_breaks_nothing(root: Path, text: str) -> None:
    (root / "etc/nginx/nginx.conf").write_text(text)
    read(root)


def test_an_include_that_is_no_file_is_said(root: Path) -> None:
    (root / "etc/nginx/nginx.conf").write_text("http { include pipe; server { server_name b; } }")
    os.mkfifo(root / "etc/nginx/pipe")
    servers, unread = read(root)
    assert [one.names for one in servers] == [["b"]]
    assert unread == [{"what": "/etc/nginx/pipe", "why": "not a regular file, but a FIFO"}]
