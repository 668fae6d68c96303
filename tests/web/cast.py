"""The cast: web1 is tidy, web2 has drifted, old1 is silent and half unreadable.

Recorded as it would have happened, an hour apart, ending at `now`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests import advisories, reports
from tests.reports import Json, packages
from tightship.fleet.newest import Candidate, Known
from tightship.integrations.whiskers import Build
from tightship.store import builds, indexed
from tightship.store.recording import record

DJANGO = packages(
    asgiref="3.8.1",
    django="5.2.1",
    gunicorn="23.0.0",
    jinja2="3.1.4",
    markupsafe="3.0.2",
    psycopg="3.2.9",
    sqlparse="0.5.3",
    whitenoise="6.9.0",
)
NEWER = packages(
    asgiref="3.8.1",
    django="5.2.2",
    gunicorn="23.0.0",
    jinja2="3.1.6",
    markupsafe="3.0.2",
    psycopg="3.2.9",
    sqlparse="0.5.3",
    whitenoise="6.9.0",
)
FASTAPI = packages(anyio="4.9.0", fastapi="0.115.12", pydantic="2.11.4", starlette="0.46.2", uvicorn="0.34.2")
OLD = packages(babel="2.9.1", django="4.2.11", jinja2="2.11.3", markupsafe="1.1.1", waitress="1.4.4")
SYSTEM = packages(python_apt="2.6.0", dbus_python="1.3.2")


def unattended(**more: Any) -> Json:
    """A system group: the operating system's own."""
    return {
        **reports.group("unattended-upgrades", release="", environment="system:/usr/bin/python3.11"),
        "kind": "system",
        "type": "other",
        "program": "python",
        "user": "root",
        "names": [],
        "command": ["/usr/bin/python3", "/usr/share/unattended-upgrades/unattended-upgrade-shutdown"],
        **more,
    }


def others() -> list[Json]:
    return [
        {"protocol": "tcp", "address": "0.0.0.0", "port": 22, "program": "sshd"},
        {"protocol": "tcp", "address": "0.0.0.0", "port": 443, "program": "nginx"},
        {"protocol": "tcp", "address": "127.0.0.1", "port": 5432, "program": "postgres"},
        {"protocol": "unix", "path": "/run/postgresql/.s.PGSQL.5432", "program": "postgres"},
    ]


def system_environment() -> Json:
    return reports.environment("system:/usr/bin/python3.11", SYSTEM, kind="system")


def shop(lines: list[str] = DJANGO, **more: Any) -> tuple[Json, Json]:
    return reports.application("shop", lines, ports=[8001], **more)


def worker() -> Json:
    return reports.group(
        "shop-worker",
        type="worker",
        program="celery",
        names=[{"name": "shop", "how": "module"}],
        environment="venv:/srv/shop/venv",
        base="/srv/shop",
        cwd="/srv/shop",
    )


def site(name: str, port: int, group: str) -> Json:
    return {
        "names": [name],
        "ports": [443],
        "to": f"127.0.0.1:{port}",
        "server": "nginx",
        "where": f"/etc/nginx/sites-enabled/{name}",
        "group": group,
    }


def web1(lines: list[str] = DJANGO, **more: Any) -> Json:
    return {
        "applications": [
            shop(lines, **more),
            reports.application("api", FASTAPI, ports=[8002], release="1.9.0", program="uvicorn"),
        ],
        "groups": [worker(), unattended()],
        "environments": [system_environment()],
        "listeners": others(),
        "sites": [
            site("shop.example.com", 8001, "unit:shop.service"),
            site("api.example.com", 8002, "unit:api.service"),
        ],
    }


def old1() -> Json:
    intranet, environment = reports.application(
        "intranet",
        OLD,
        ports=[8080],
        release="",
        program="waitress",
        python="3.7.3",
        conflict=[{"what": "python", "how": "maps", "value": "/opt/python3.6/lib/libpython3.6m.so"}],
        unread=[{"what": "/proc/412/maps", "why": "permission denied"}],
    )
    return {
        "applications": [(intranet, {**environment, "python": "3.7.3"})],
        "complete": False,
        "unread": [
            {"what": "/srv/wiki", "why": "permission denied"},
            {"what": "process 977", "why": "ended meanwhile"},
        ],
        "listeners": others()[:1],
        "system": {
            "os": {"id": "debian", "version": "10", "name": "Debian GNU/Linux 10 (buster)"},
            "kernel": "4.19.0-26-amd64",
        },
    }


def live(at: datetime) -> Json:
    return {
        "cpu": 0.11,
        "boot_time": int((at - timedelta(days=40)).timestamp()),
        "groups": {"unit:shop.service": {"pids": [811, 815, 816], "workers": 2, "memory": 180_000_000}},
        "passing": [
            {
                "kind": "passing",
                "user": "root",
                "command": ["/usr/bin/python3", "/etc/cron.daily/apt-compat"],
                "pids": [4711],
            }
        ],
    }


def record_cast(now: datetime) -> None:
    """Three servers, with a day's history."""

    def told(server: str, hours: float, **said: Any) -> None:
        at = now - timedelta(hours=hours)
        record(reports.report(server, at=at, live=live(at), **said), server, received=at)

    told("old1", 30, **old1())
    told("web1", 26, **web1())
    told("web2", 26, **web1())
    told("web1", 5, **web1(NEWER))
    told("web1", 4, **web1(NEWER, ticks=2000, release="2.5.0"))
    # The same upgrade, and nobody restarted it.
    told("web2", 2, **web1(NEWER, stale=[{"how": "newer", "what": "django"}]))
    told("web1", 0.5, **web1(NEWER, ticks=2000, release="2.5.0"))
    told("web2", 0.4, **web1(NEWER, stale=[{"how": "newer", "what": "django"}]))
    django = Known(
        [Candidate("6.0", ">=3.12"), Candidate("5.2.9"), Candidate("5.2.1", "", "a leak")], asked=now
    )
    indexed.keep({"django": django}, now)
    indexed.judge(now)
    builds.take(Build("museum", "web1", "/srv/museum", "3.11.7", {"zope-interface": "7.2"}), "web1", now)
    # web2 still runs what this is about.
    advisories.fill([advisories.LOGS], now)
