"""Reports as the probe would send them, made by hand: small, real in form, and told apart by what differs.

document = report(server="web1", groups=[group("shop", packages=DJANGO)])
record(document)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tightship.fleet.report import SCHEMA, Package, digest_of, digest_of_set, package_line

Json = dict[str, Any]

BOOT = "b7d4a1c2-0000-4000-8000-000000000001"
WHEN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def packages(**versions: str) -> list[str]:
    """`packages(django="5.2.1", typing_extensions="4.1")` as the lines of a package set."""
    return sorted(
        package_line(Package(name.replace("_", "-"), version)) for name, version in versions.items()
    )


def environment(key: str = "venv:/srv/shop/venv", lines: Sequence[str] | None = (), **more: Any) -> Json:
    """An environment; `lines` None: its packages could not be read. The lines go into `sets` by `report`."""
    return {
        "key": key,
        "kind": "venv",
        "prefix": key.partition(":")[2],
        "python": "3.11.7",
        "path": [f"{key.partition(':')[2]}/lib/python3.11/site-packages"],
        "packages": None if lines is None else digest_of_set(lines),
        "lines": lines,
        "how": [{"what": "environment", "how": "pyvenv.cfg", "value": f"{key.partition(':')[2]}/pyvenv.cfg"}],
        **more,
    }


def group(name: str = "shop", ports: Sequence[int] = (), ticks: int = 1000, **more: Any) -> Json:
    """A process group of an application that systemd started, with its release by a tag."""
    release = more.pop("release", "2.4.1")
    return {
        "key": f"unit:{name}.service",
        "kind": "application",
        "type": "web",
        "program": "gunicorn",
        "user": name,
        "command": [f"/srv/{name}/venv/bin/gunicorn", f"{name}.wsgi"],
        "cwd": f"/srv/{name}",
        "base": f"/srv/{name}",
        "unit": f"{name}.service",
        "started": {"boot": BOOT, "ticks": ticks},
        "python": "3.11.7",
        "environment": f"venv:/srv/{name}/venv",
        "listeners": [
            {"protocol": "tcp", "address": "127.0.0.1", "port": port, "how": "process"} for port in ports
        ],
        "names": [{"name": name, "how": "unit"}],
        "releases": [
            {"how": "tag", "release": release, "commit": "0f" * 20, "dirty": False, "where": f"/srv/{name}"}
        ]
        if release
        else [],
        "how": [{"what": "type", "how": "argv", "value": "gunicorn"}],
        **more,
    }


def application(name: str = "shop", lines: Sequence[str] = (), **more: Any) -> tuple[Json, Json]:
    """A process group and the environment that it runs in."""
    return group(name, **more), environment(f"venv:/srv/{name}/venv", lines)


def state(server: str = "web1", **more: Any) -> Json:
    """A server's state, complete and empty."""
    system = {
        "name": server,
        "names": [server, f"{server}.example.com"],
        "addresses": ["192.0.2.7"],
        "machine_id": digest_of(server.encode())[:32],
        "os": {"id": "debian", "version": "12", "name": "Debian GNU/Linux 12 (bookworm)"},
        "kernel": "6.1.0-18-amd64",
        "boot": BOOT,
        "pythons": [{"path": "/usr/bin/python3.11", "version": "3.11.2"}],
    }
    return {"system": {**system, **more.pop("system", {})}, "complete": True, **more}


def report(
    server: str = "web1",
    applications: Iterable[tuple[Json, Json]] = (),
    at: datetime = WHEN,
    live: Mapping[str, Any] | None = None,
    **more: Any,
) -> bytes:
    """A whole report. `more` are parts of the state: groups, environments, listeners, sites, unread, ..."""
    pairs = list(applications)
    groups = [*more.pop("groups", []), *(one for one, _environment in pairs)]
    environments = [*more.pop("environments", []), *(two for _group, two in pairs)]
    sets = {one["packages"]: list(one["lines"]) for one in environments if one["lines"] is not None}
    bare = [{name: value for name, value in one.items() if name != "lines"} for one in environments]
    return document(state(server, groups=groups, environments=bare, **more), sets, at, live)


def document(
    state: Json, sets: Mapping[str, Sequence[str]], at: datetime = WHEN, live: Mapping[str, Any] | None = None
) -> bytes:
    """The bytes of a report with this state and these package sets."""
    said = json.dumps(state)
    head = {"schema": SCHEMA, "digest": digest_of(said.encode())}
    now = {"at": at.isoformat(), "sent": at.isoformat(), "probe": "0", "privileged": True, **(live or {})}
    start = json.dumps({**head, "live": now})
    return f'{start[:-1]}, "state": {said}, "sets": {json.dumps(sets)}}}'.encode()


def head(whole: bytes, keep: Sequence[str] = ()) -> bytes:
    """The report without `state` and `sets`, as who reported before sends it; `keep` names what stays."""
    members = json.loads(whole)
    return json.dumps(
        {name: value for name, value in members.items() if name in ("schema", "digest", "live", *keep)}
    ).encode()
