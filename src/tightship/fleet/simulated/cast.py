"""The applications and servers of the story, and what is declared about them."""

from __future__ import annotations

from tightship.fleet.report import OperatingSystem, OtherListener, Site
from tightship.fleet.simulated.index import BATCH, CELERY, DJANGO, FASTAPI, FLASK, PLONE
from tightship.fleet.simulated.servers import Blueprint, Part

PORT_OF_TEST = 1000
"""Test and acceptance listen so much higher."""


def _web(words: str, port: int, program: str = "gunicorn") -> Part:
    return Part("web", program, "web", words, port, 3)


APPLICATIONS = {
    one.name: one
    for one in (
        Blueprint(
            "shop",
            f"{DJANGO} {CELERY}",
            (
                _web("gunicorn shop.wsgi --bind 127.0.0.1:{port}", 8001),
                Part("worker", "celery", "worker", "celery -A shop worker"),
                Part("beat", "celery", "beat", "celery -A shop beat"),
            ),
        ),
        Blueprint(
            "billing",
            f"{DJANGO} {CELERY} reportlab",
            (
                _web("gunicorn billing.wsgi --bind 127.0.0.1:{port}", 8002),
                Part("worker", "celery", "worker", "celery -A billing worker"),
            ),
        ),
        Blueprint(
            "catalogue",
            FASTAPI,
            (_web("uvicorn catalogue.main:app --port {port}", 8010, "uvicorn"),),
            python="3.13.7",
            how="uv",
        ),
        Blueprint(
            "stock",
            FASTAPI,
            (_web("uvicorn stock.main:app --port {port}", 8011, "uvicorn"),),
            python="3.13.7",
            how="uv",
        ),
        Blueprint(
            "website",
            PLONE,
            (
                Part("zeo", "zeo", "other", "runzeo -C parts/zeo/etc/zeo.conf", 8100),
                Part("instance1", "zope", "web", "instance1 console", 8081, 0),
                Part("instance2", "zope", "web", "instance2 console", 8082, 0),
            ),
            python="3.11.13",
            how="buildout",
            supervised=True,
        ),
        Blueprint(
            "museum",
            PLONE,
            (
                Part("zeo", "zeo", "other", "runzeo -C parts/zeo/etc/zeo.conf", 8101),
                Part("instance", "zope", "web", "instance console", 8083, 0),
            ),
            python="3.8.20",
            how="buildout",
            supervised=True,
            held={
                "products-cmfplone": "5.2.15",
                "plone-restapi": "8.43.3",
                "zope": "4.8.11",
                "zodb": "5.8.1",
                "zeo": "5.4.1",
                "jinja2": "3.1.4",
                "urllib3": "1.26.20",
                "pillow": "10.4.0",
                "cryptography": "43.0.3",
                "certifi": "2024.8.30",
                "requests": "2.32.3",
                "lxml": "5.3.0",
            },
        ),
        Blueprint("intranet", FLASK, (_web("waitress-serve --port={port} intranet:app", 8020, "waitress"),)),
        Blueprint(
            "timesheet",
            FLASK,
            (_web("waitress-serve --port={port} timesheet:app", 8021, "waitress"),),
            python="3.7.17",
            held={"flask": "2.2.5", "werkzeug": "2.2.3", "jinja2": "2.11.3", "markupsafe": "1.1.1"},
        ),
        Blueprint(
            "exports",
            BATCH,
            (
                Part("worker", "celery", "worker", "celery -A exports worker -c 8"),
                Part("beat", "celery", "beat", "celery -A exports beat"),
            ),
            python="3.11.13",
        ),
        Blueprint("newsletter", f"{DJANGO} {CELERY}", (_web("gunicorn newsletter.wsgi", 8030),)),
        Blueprint("maps", FLASK, (_web("gunicorn maps:app --bind 0.0.0.0:{port}", 8040),)),
        Blueprint(
            "geocoder", FASTAPI, (_web("uvicorn geocoder:app --port {port}", 8040, "uvicorn"),), how="uv"
        ),
    )
}

STAGES: dict[str, dict[str, tuple[str, ...]]] = {
    "shop": {
        "production": ("web1", "web2", "web3", "web4"),
        "acceptance": ("acc1",),
        "test": ("test1",),
    },
    "billing": {"production": ("web5", "web6"), "acceptance": ("acc1",), "test": ("test1",)},
    "catalogue": {"production": ("app1", "app2", "app3"), "acceptance": ("acc3",), "test": ("test2",)},
    "stock": {"production": ("app3", "app4"), "acceptance": ("acc3",)},
    "website": {"production": ("plone1", "plone2"), "acceptance": ("acc2",)},
    "museum": {"production": ("plone3", "plone4")},
    "intranet": {"production": ("intra1", "intra2"), "acceptance": ("acc3",)},
    "timesheet": {"production": ("old1",)},
    "exports": {"production": ("batch1", "batch2"), "acceptance": ("acc1",)},
    "newsletter": {"production": ("web7",)},
    "maps": {"production": ("web8",), "test": ("test2",)},
    "geocoder": {"production": ("web8",)},
}

DECLARED: dict[str, tuple[str, str, dict[str, str]]] = {
    "shop": ("web team", "https://shop.example.com", {"customer": "acme", "tier": "1"}),
    "billing": ("finance", "https://billing.example.com", {"tier": "1"}),
    "catalogue": ("web team", "https://catalogue.example.com/docs", {"customer": "acme"}),
    "stock": ("warehouse", "", {"customer": "acme"}),
    "website": ("plone team", "https://www.example.com", {"tier": "1"}),
    "museum": ("plone team", "https://museum.example.org", {"customer": "museum"}),
    "intranet": ("office", "https://intranet.example.com", {}),
    "exports": ("finance", "", {}),
    "maps": ("web team", "https://maps.example.com", {"customer": "city"}),
}
"""Owner, address and labels. What does not stand here is declared by nobody."""

ROLES = {
    "web": 8,
    "app": 4,
    "plone": 4,
    "acc": 3,
    "test": 2,
    "intra": 2,
    "batch": 2,
    "db": 2,
    "proxy": 2,
    "old": 1,
}
SERVERS = tuple(f"{role}{number}" for role, count in ROLES.items() for number in range(1, count + 1))

BOOKWORM = OperatingSystem(id="debian", version="12", name="Debian GNU/Linux 12 (bookworm)")
TRIXIE = OperatingSystem(id="debian", version="13", name="Debian GNU/Linux 13 (trixie)")
BUSTER = OperatingSystem(id="debian", version="10", name="Debian GNU/Linux 10 (buster)")
NOBLE = OperatingSystem(id="ubuntu", version="24.04", name="Ubuntu 24.04.3 LTS")

SYSTEMS = {
    "old": (BUSTER, "4.19.0-27-amd64", "3.7.3"),
    "app": (TRIXIE, "6.12.41+deb13-amd64", "3.13.5"),
    "intra": (NOBLE, "6.8.0-71-generic", "3.12.3"),
}
ORDINARY = (BOOKWORM, "6.1.0-37-amd64", "3.11.2")


def _other(port: int, program: str, address: str = "0.0.0.0") -> OtherListener:  # noqa: S104 - told, not bound
    return OtherListener(protocol="tcp", address=address, port=port, program=program, how="process")


SSH = _other(22, "sshd")
OTHERS = {
    "web": (_other(80, "nginx"), _other(443, "nginx"), _other(6379, "redis-server", "127.0.0.1")),
    "plone": (_other(80, "apache2"), _other(443, "apache2"), _other(6081, "varnishd", "127.0.0.1")),
    "proxy": (_other(80, "nginx"), _other(443, "nginx")),
    "db": (_other(5432, "postgres"), _other(9187, "prometheus-pos")),
    "acc": (_other(80, "nginx"), _other(443, "nginx"), _other(5432, "postgres", "127.0.0.1")),
    "test": (_other(80, "nginx"), _other(5432, "postgres", "127.0.0.1")),
    "intra": (_other(443, "nginx"),),
    "old": (_other(80, "apache2"),),
}


def role_of(server: str) -> str:
    return server.rstrip("0123456789")


def site(name: str, port: int, group: str, web_server: str = "nginx", to: str = "") -> Site:
    return Site(
        names=[name],
        ports=[443],
        to=to or f"127.0.0.1:{port}",
        server=web_server,
        where=f"/etc/{'nginx' if web_server == 'nginx' else 'apache2'}/sites-enabled/{name}.conf",
        group=group,
    )


def fleet_toml() -> str:
    """What the simulated shop declares, as it would stand in its fleet.toml."""
    parts = ['# Written by `tightship demo`: what the simulated shop declares.\n\n[fleet]\nname = "demo"\n']
    for name, (owner, url, labels) in DECLARED.items():
        lines = [f'owner = "{owner}"', *([f'url = "{url}"'] if url else [])]
        if labels:
            lines.append(
                "labels = { " + ", ".join(f'{key} = "{value}"' for key, value in labels.items()) + " }"
            )
        lines.append(f'found_as = ["path:/srv/{name}/*"]')
        parts.append("\n".join([f"[applications.{name}]", *lines]))
        for stage, servers in STAGES[name].items():
            listed = ", ".join(f'"{server}"' for server in servers)
            parts.append(f"[applications.{name}.stages.{stage}]\nservers = [{listed}]")
    return "\n\n".join(parts) + "\n"
