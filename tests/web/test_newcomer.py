"""Questions that somebody answers who never saw these pages: by clicks on what is to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.service import DEMO, Service, serving

MOST_CLICKS = 3


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("newcomer"), DEMO) as running:
        yield running


@pytest.fixture(params=[1440, 390])
def page(browser: Browser, service: Service, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The first page, right after the login link; on a desk and on a phone."""
    context = browser.new_context(viewport={"width": request.param, "height": 900})
    page = context.new_page()
    page.goto(service.link())
    page.clicks = 0  # type: ignore[attr-defined] # what a person did stands with what they saw
    yield page
    assert page.clicks <= MOST_CLICKS  # type: ignore[attr-defined]
    context.close()


def click(page: Page, name: str, within: str = "main") -> None:
    page.locator(within).get_by_role("link", name=name, exact=True).first.click()
    page.clicks += 1  # type: ignore[attr-defined]


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def test_who_still_uses_an_old_celery(page: Page) -> None:
    page.get_by_role("combobox", name="Find anything").fill("celery")
    page.keyboard.press("Enter")
    heading(page, "What is called “celery”?")
    click(page, "celery")
    heading(page, "Who uses celery?")
    old = page.get_by_role("region", name="Versions").get_by_role("row").filter(has_text="5.4.0")
    expect(old).to_contain_text("web4")
    expect(old).not_to_contain_text("web3")


def test_what_changed_last_night(page: Page) -> None:
    click(page, "Changes", "nav.rooms")
    heading(page, "What changed?")
    click(page, "The last seven days")
    stamps = page.locator(".timeline td.at time").evaluate_all("all => all.map(one => one.dateTime)")
    assert datetime.now(UTC) - datetime.fromisoformat(stamps[0]) < timedelta(days=1)
    newest = page.locator(".timeline tbody tr:not(.day)").first
    expect(newest.get_by_role("link", name="shop")).to_be_visible()
    expect(newest).to_contain_text("went from 2.5.0 to 2.6.0rc1")
    expect(newest).to_contain_text("acc1")


def test_which_applications_are_whose(page: Page) -> None:
    click(page, "Applications", "nav.rooms")
    owners = page.get_by_role("list", name="Often asked")
    team = owners.get_by_role("link").first.inner_text()
    owners.get_by_role("link").first.click()
    page.clicks += 1  # type: ignore[attr-defined]
    expect(page.get_by_text(f"Owner: {team}")).to_be_visible()
    expect(page.get_by_role("row")).not_to_have_count(13)


def test_which_port_is_free_on_web3(page: Page) -> None:
    click(page, "Servers", "nav.rooms")
    click(page, "web3")
    ports = page.get_by_role("region", name="Ports")
    expect(ports).to_contain_text("The next free ports: 8002, 8003, 8004, 8005, 8006.")
    expect(ports).to_contain_text("Taken: 22, 80, 443, 6379, 8001.")


def test_which_servers_run_a_python_without_security_fixes(page: Page) -> None:
    needs = page.get_by_role("region", name="What needs you now")
    needs.get_by_role("link", name="runs what gets no security fixes any more").click()
    page.clicks += 1  # type: ignore[attr-defined]
    heading(page, "What is not as it should be?")
    told = page.get_by_role("row").filter(has_text="has had no security fixes since")
    expect(told).to_have_count(3)
    for server in ("plone3", "plone4", "old1"):
        expect(told.filter(has_text=server)).to_contain_text("It runs Python 3.")


def test_where_acceptance_differs_from_production(page: Page) -> None:
    click(page, "Applications", "nav.rooms")
    click(page, "shop")
    click(page, "acceptance beside production")
    release = page.get_by_role("row").filter(has_text="2.6.0rc1").first
    expect(release).to_contain_text("2.4.1, 2.5.0")
