"""Renews docs/screenshots: every page, from real reports of processes that really run, in a real browser.

    python -m tools.screenshots

Three applications are started on this machine, one of them is upgraded under its running process and
later restarted. What the probe reported of them is recorded as three servers, an hour or more apart;
only the folder that they were started in, and this machine's own name and number, are left out.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests import applications, reports
from tests.parts import HEADLESS
from tests.web.service import Service, serving
from tightship.remote.local import run_probe

PLACE = Path(__file__).parents[1] / "docs" / "screenshots"

PAGES = {
    "overview": "/",
    "applications": "/applications",
    "application": "/applications/shop",
    "process-group": "",
    "environment": "",
    "servers": "/servers",
    "server": "/servers/web2",
    "ports": "/ports",
    "sites": "/sites",
    "packages": "/packages",
    "package": "/packages/pricing",
    "changes": "/changes",
    "past": "/applications/shop?at={then}",
    "login": "/login",
}
"""Name of the picture -> address. An empty one is found by its link."""

WIDTHS = {1440: 900, 390: 844}
ALL = (("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390))
"""Of the overview; of the others the first and the last."""

ARGUMENTS = [*HEADLESS, "--disable-lcd-text"]  # grey edges make smaller files than coloured ones


def main() -> None:
    chromium = shutil.which("chromium")
    if not chromium:
        sys.exit("tightship: the pictures are taken by chromium. Install it: apt install chromium")
    PLACE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        told = history(data)
        with (
            serving(data / "store", RECORD.format(told=told)) as service,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            take(browser, service)
            browser.close()
    print(f"{len(list(PLACE.glob('*.png')))} pictures in {PLACE}")


# What is reported


def history(data: Path) -> list[tuple[str, str, float]]:
    """(server, file of its report, hours ago), from processes that are started, upgraded and restarted."""
    told: list[tuple[str, str, float]] = []

    def scan(server: str, hours: float) -> None:
        path = data / f"{len(told)}.json"
        path.write_bytes(presentable(run_probe().stdout, server, hours))
        told.append((server, str(path), hours))

    with contextlib.ExitStack() as stack:
        shop = stack.enter_context(
            applications.application("shop", applications.DJANGO, ["django", "gunicorn"], tag="2.4.1")
        )
        applications.add_package(shop / "venv", "pricing", "1.4.2")
        stack.enter_context(
            other("stock", applications.ASGI, "uvicorn", "-m uvicorn stock.asgi:app --port {port}")
        )
        stack.enter_context(
            other(
                "intranet",
                applications.WSGI,
                "waitress",
                "-m waitress --listen=127.0.0.1:{port} intranet:app",
            )
        )
        port = applications.free_port()
        with gunicorn(shop, port):
            for server, hours in (("old1", 30), ("web1", 26), ("web2", 26)):
                scan(server, hours)
            applications.wait_for_another_second()
            applications.add_package(shop / "venv", "pricing", "1.5.0")
            scan("web2", 3)
            scan("web2", 0.1)
        release(shop, "2.5.0")
        with gunicorn(shop, port):
            scan("web1", 2)
            scan("web1", 0.2)
    return told


def presentable(document: bytes, server: str, hours: float) -> bytes:
    """The report without what runs here besides, as if it had been made so many hours ago."""
    text = re.sub(r"/tmp/tightship-\w+/srv/", "/srv/", document.decode())
    said = json.loads(text)
    state, live = said["state"], said["live"]
    ours = [group for group in state["groups"] if group["cwd"].startswith("/srv/")]
    used = {group["environment"] for group in ours}
    state["groups"] = [{**group, "user": group["base"].rpartition("/")[2]} for group in ours]
    state["environments"] = [one for one in state["environments"] if one["key"] in used]
    state["listeners"], state["unread"], live["passing"], live["listeners"] = OTHERS, [], [], []
    own = {"name": server, "names": [server], "addresses": ["192.0.2.7"], "kernel": "6.1.0-40-amd64"}
    state["system"] |= {**own, "machine_id": hashlib.sha256(server.encode()).hexdigest()[:32]}
    at = datetime.now(UTC) - timedelta(hours=hours)
    digests = {one["packages"] for one in state["environments"]}
    sets = {digest: lines for digest, lines in said["sets"].items() if digest in digests}
    return reports.document(state, sets, at, {**live, "at": at.isoformat(), "sent": at.isoformat()})


OTHERS = [
    {"protocol": "tcp", "address": "0.0.0.0", "port": 22, "program": "sshd", "how": "process"},
    {"protocol": "tcp", "address": "127.0.0.1", "port": 5432, "program": "postgres", "how": "process"},
]
"""Programs that would listen on such a server too."""


@contextlib.contextmanager
def other(name: str, files: dict[str, str], package: str, command: str) -> Iterator[None]:
    port = applications.free_port()
    with applications.application(name, files, [package]) as home:
        words = command.format(port=port).split()
        with applications.running([home / "venv/bin/python", *words], home, port=port):
            yield


def gunicorn(shop: Path, port: int) -> contextlib.AbstractContextManager[Any]:
    command: list[str | Path] = [
        shop / "venv/bin/gunicorn",
        "--workers",
        "2",
        "--bind",
        f"127.0.0.1:{port}",
        "shop.wsgi",
    ]
    return applications.running(command, shop, port=port)


def release(shop: Path, tag: str) -> None:
    git = [
        "git",
        "-C",
        str(shop),
        "-c",
        f"safe.directory={shop}",
        "-c",
        "user.name=Shop",
        "-c",
        "user.email=shop@example.com",
    ]
    (shop / "CHANGES").write_text(tag)
    for words in (["add", "--all"], ["commit", "--quiet", "-m", tag], ["tag", tag]):
        subprocess.run(git + words, check=True)
    applications.own(shop)


RECORD = """
import django; django.setup()
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tightship.store.recording import record
now = datetime.now(UTC)
for server, path, hours in sorted({told!r}, key=lambda one: -one[2]):
    record(Path(path).read_bytes(), server, received=now - timedelta(hours=hours))
"""


# The pictures


def take(browser: Browser, service: Service) -> None:
    then = (datetime.now(UTC) - timedelta(hours=20)).strftime("%Y-%m-%dT%H:%M")
    context = browser.new_context()
    page = context.new_page()
    page.goto(service.link())
    session: Any = context.storage_state()
    found = {"process-group": "/groups?application=shop&sort=-server", "environment": "/environments?q=shop"}
    addresses = {name: address.format(then=then) for name, address in PAGES.items()}
    for name, listing in found.items():
        page.goto(service.address + listing)
        addresses[name] = str(
            page.locator(f"tbody a[href^='/{listing[1:].partition('?')[0]}/']").first.get_attribute("href")
        )
    context.close()
    for scheme, width in ALL:
        some = addresses if (scheme, width) in (ALL[0], ALL[-1]) else {"overview": "/"}
        for name, address in some.items():
            state = None if name == "login" else session
            look: Any = {"viewport": {"width": width, "height": WIDTHS[width]}, "color_scheme": scheme}
            context = browser.new_context(**look, storage_state=state)
            page = context.new_page()
            page.goto(service.address + address)
            page.screenshot(path=PLACE / f"{name}-{scheme}-{width}.png")
            context.close()


if __name__ == "__main__":
    os.environ.pop("TIGHTSHIP_DATA", None)
    main()
