"""Renews docs/screenshots: every page of the simulated fleet of `tightship demo`, in a real browser.

python -m tools.screenshots
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.parts import HEADLESS
from tests.web.service import DEMO, Service, serving

PLACE = Path(__file__).parents[1] / "docs" / "screenshots"

PAGES = {
    "overview": "/",
    "applications": "/applications",
    "application": "/applications/shop",
    "process-group": "",
    "environment": "",
    "servers": "/servers",
    "server": "/servers/web3",
    "ports-of-a-server": "/ports?server=web3",
    "ports": "/ports",
    "sites": "/sites",
    "packages": "/packages",
    "package": "/packages/jinja2",
    "outdated": "/outdated",
    "vulnerabilities": "/vulnerabilities",
    "changes": "/changes",
    "changes-of-a-package": "/changes?package=jinja2",
    "stale": "/groups?kind=application&sign=stale",
    "findings": "/findings",
    "diff": "/diff?a=shop/acceptance&b=shop/production",
    "search": "/search?q=shop",
    "radiator": "/radiator",
    "past": "/applications/shop?at={then}",
    "login": "/login",
}
"""Name of the picture -> address. An empty one is found by its link."""

WIDTHS = {1440: 900, 390: 844}
ALL = (("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390))

ARGUMENTS = [*HEADLESS, "--disable-lcd-text"]  # grey edges make smaller files than coloured ones


def main() -> None:
    chromium = shutil.which("chromium")
    if not chromium:
        sys.exit("tightship: the pictures are taken by chromium. Install it: apt install chromium")
    PLACE.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder) / "demo", DEMO) as service,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        take(browser, service)
        browser.close()
    print(f"{len(list(PLACE.glob('*.png')))} pictures in {PLACE}")


# The pictures


def take(browser: Browser, service: Service) -> None:
    then = (datetime.now(UTC) - timedelta(days=20)).strftime("%Y-%m-%dT%H:%M")
    context = browser.new_context()
    page = context.new_page()
    page.goto(service.link())
    session: Any = context.storage_state()
    found = {
        "process-group": "/groups?application=shop&server=web3&type=web",
        "environment": "/environments?server=web3&q=shop",
    }
    addresses = {name: address.format(then=then) for name, address in PAGES.items()}
    for name, listing in found.items():
        page.goto(service.address + listing)
        addresses[name] = str(
            page.locator(f"tbody a[href^='/{listing[1:].partition('?')[0]}/']").first.get_attribute("href")
        )
    context.close()
    for scheme, width in ALL:
        for name, address in addresses.items():
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
