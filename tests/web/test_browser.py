"""The pages in a real browser: both widths, light and dark, and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.web.service import Service, serving

WIDTHS = {1440: 900, 390: 844}
PAPER: Any = {"width": 794, "height": 1123}
"""A4 at 96 dots an inch."""
PAGES = [
    "/", "/applications", "/applications/shop", "/instances", "/servers", "/servers/web2", "/servers/old1",
    "/groups", "/groups/1", "/environments", "/environments/1", "/ports", "/sites", "/packages",
    "/packages/django", "/changes", "/changes?sort=kind", "/findings", "/findings/1", "/packages?q=nosuch",
    "/search", "/search?q=shop", "/search?q=shpo", "/search?q=nosuchthing",
    "/radiator", "/diff", "/diff?a=web1&b=web2", "/api", "/packages/jinja2",
    "/ports?server=web1&sort=-port&at=2026-01-01", "/nosuch", "/ports?sort=nothing",
]  # fmt: skip


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("pages")) as running:
        yield running


@pytest.fixture(scope="module")
def session(browser: Browser, service: Service) -> Any:
    """What a browser keeps of somebody who followed the login link."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(service.link())
    assert page.url == f"{service.address}/", "the secret has left the address bar"
    state = context.storage_state()
    context.close()
    return state


def look(
    browser: Browser, session: Any, width: int = 1440, scheme: Any = "light", **more: Any
) -> BrowserContext:
    return browser.new_context(
        viewport={"width": width, "height": WIDTHS[width]}, color_scheme=scheme, storage_state=session, **more
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_complains_overflows_or_shuts_anybody_out(
    browser: Browser, service: Service, session: Any, width: int, scheme: str
) -> None:
    context = look(browser, session, width, scheme)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    for address in PAGES:
        answer = page.goto(service.address + address)
        assert answer is not None
        expected = {"/nosuch": 404, "/ports?sort=nothing": 400}.get(address, 200)
        assert (address, answer.status) == (address, expected)
        assert (address, overflow(page)) == (address, 0)
        if (width, scheme) in ((1440, "light"), (390, "dark")):  # slow, and each of the four is in it once
            assert (address, serious(page)) == (address, [])
    context.close()
    assert [one for one in complaints if "/nosuch" not in one and "sort=nothing" not in one] == []


def overflow(page: Page) -> int:
    found: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return max(0, found)


MOST_BYTES = 150_000
"""Of one page with all that belongs to it, as it comes over the line the first time."""

STILL = 0.01
"""Cumulative layout shift. On a busy machine a browser may paint before all of the page is there: a line's
height at most, where 0.1 is called good."""

_SHIFTED = """() => new Promise(done => {
    let sum = 0;
    new PerformanceObserver(seen => { for (const one of seen.getEntries()) sum += one.value; })
        .observe({ type: "layout-shift", buffered: true });
    setTimeout(() => done(sum), 150);
})"""
_WEIGHT = """() => ["navigation", "resource"].flatMap(kind => performance.getEntriesByType(kind))
    .reduce((sum, one) => sum + one.transferSize, 0)"""


def test_no_page_moves_while_it_is_read_or_weighs_more_than_it_may(
    browser: Browser, service: Service
) -> None:
    for address in ("/", "/applications", "/applications/shop", "/servers/web2", "/packages", "/radiator"):
        context = browser.new_context()  # nothing is kept from the page before
        page = context.new_page()
        page.goto(service.link())
        state: Any = context.storage_state()
        context.close()
        context = browser.new_context(storage_state=state)
        page = context.new_page()
        page.goto(service.address + address, wait_until="networkidle")
        assert page.evaluate(_SHIFTED) < STILL, address
        assert page.evaluate(_WEIGHT) <= MOST_BYTES, address
        context.close()


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0].get('failureSummary', '')[:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def test_a_list_can_be_searched_sorted_and_left_without_javascript(
    browser: Browser, service: Service, session: Any
) -> None:
    context = look(browser, session, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{service.address}/packages")
    page.get_by_label("Search packages").fill("jinja")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("1 package for “jinja”.")).to_be_visible()
    page.get_by_role("link", name="jinja2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Who uses jinja2?")
    page.goto(f"{service.address}/ports?server=web1")
    page.get_by_role("link", name="Program", exact=True).click()
    expect(page.get_by_role("columnheader", name="Program ↑")).to_have_attribute("aria-sort", "ascending")
    page.get_by_text("Filter and order").click()
    page.get_by_label("Protocol").select_option("unix")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("1 port for server web1 and protocol unix.")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    context.close()


def test_with_javascript_a_search_answers_while_it_is_typed(browser: Browser, service: Service) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(service.link())  # a session of its own: the other was logged out
    page.goto(f"{service.address}/packages")
    page.get_by_label("Search packages").press_sequentially("whiten")
    expect(page.get_by_text("1 package for “whiten”.")).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(2)
    assert page.url == f"{service.address}/packages?q=whiten"
    page.go_back()  # not letter by letter
    expect(page.get_by_role("heading", level=1)).to_have_text("What runs where?")
    context.close()


def test_a_command_can_be_copied(browser: Browser, service: Service) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(service.link())
    page.goto(f"{service.address}/ports?server=web1")
    page.get_by_text("In a terminal").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "tightship ports --server web1"
    context.close()


def test_a_screen_on_the_wall_asks_anew_by_itself_and_holds_still(
    browser: Browser, service: Service, session: Any
) -> None:
    context = look(browser, session, java_script_enabled=False)
    page = context.new_page()
    page.goto(service.link())
    page.goto(f"{service.address}/radiator")
    assert page.locator("meta[http-equiv=refresh]").get_attribute("content") == "60"
    assert page.locator("#wall").get_attribute("hx-trigger") == "every 60s", "with JavaScript, in place"
    expect(page.get_by_role("region", name="What needs somebody now")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("region", name="What changed")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("navigation")).to_have_count(0)
    context.close()


def test_paper_gets_the_answer_without_what_can_only_be_clicked(browser: Browser, service: Service) -> None:
    context = browser.new_context(viewport=PAPER)
    page = context.new_page()
    page.goto(service.link())
    page.emulate_media(media="print")
    for address in ("/", "/servers/web2", "/packages/django", "/findings"):
        page.goto(service.address + address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        for gone in ("header.top", "footer", "form.ask"):
            for one in page.locator(gone).all():
                expect(one).to_be_hidden()
        assert (address, overflow(page)) == (address, 0)
    context.close()


def test_what_needs_you_now_is_two_clicks_from_what_to_do(browser: Browser, service: Service) -> None:
    for width, height in WIDTHS.items():
        context = browser.new_context(viewport={"width": width, "height": height})
        page = context.new_page()
        page.goto(service.link())
        needs = page.get_by_role("region", name="What needs you now")
        expect(needs).to_be_in_viewport()
        severities = needs.locator("li > .sign").all_inner_texts()
        assert severities == sorted(severities, key=["critical", "warning", "notice"].index)
        needs.get_by_role("link", name="runs older code than is on disk").click()
        expect(page.get_by_text("3 findings for kind stale-process and severity warning")).to_be_visible()
        page.get_by_role("link", name="runs older code than is on disk").first.click()
        expect(page.get_by_role("heading", name="The evidence")).to_be_visible()
        expect(page.get_by_text("django: 5.2.1 runs, on disk is 5.2.2.").first).to_be_visible()
        do = page.get_by_role("region", name="What to do")
        expect(do).to_contain_text("sudo systemctl restart")
        assert overflow(page) == 0
        context.close()


def test_the_way_to_a_past_moment_and_back(browser: Browser, service: Service) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(service.link())
    page.goto(f"{service.address}/packages/django")
    page.get_by_label("How was it on").fill("2026-01-02T03:04")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("As it was on")).to_be_visible()
    page.get_by_role("link", name="Servers").click()
    expect(page.get_by_text("As it was on")).to_be_visible()
    page.get_by_role("link", name="Back to now").click()
    expect(page.get_by_role("link", name="web1")).to_be_visible()
    assert page.url == f"{service.address}/servers"
    context.close()


def test_a_form_of_ours_is_accepted_under_our_own_headers(browser: Browser, service: Service) -> None:
    """A stricter Referrer-Policy makes browsers send `Origin: null`, which is refused as foreign."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{service.address}/login")
    page.get_by_label("Account").fill("bob")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("This account and password do not belong together.")
    context.close()


@pytest.fixture
def found(browser: Browser, service: Service) -> Iterator[Page]:
    """The overview, of somebody who is about to search."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(service.link())
    yield page
    context.close()


def test_a_slash_leads_to_the_box_and_the_keyboard_to_what_is_found(found: Page, service: Service) -> None:
    before = found.locator("main").bounding_box()
    found.keyboard.press("/")
    box = found.get_by_role("combobox", name="Find anything")
    expect(box).to_be_focused()
    found.keyboard.type("sho")
    shop = found.get_by_role("option", name="shop", exact=True)
    expect(shop).to_be_visible()
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(found.locator("#found-said")).to_contain_text("found")
    assert found.locator("main").bounding_box() == before, "nothing moves"
    assert serious(found) == []
    found.keyboard.press("ArrowDown")
    expect(shop).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", "found-application-1")
    expect(box).to_be_focused()
    found.keyboard.press("ArrowDown")
    expect(found.get_by_role("option", name="shop.example.com")).to_have_attribute("aria-selected", "true")
    found.keyboard.press("ArrowUp")
    found.keyboard.press("Enter")
    expect(found.get_by_role("heading", level=1)).to_have_text("Where does shop run?")
    assert found.url == f"{service.address}/applications/shop"


def test_escape_closes_the_list_and_enter_shows_all(found: Page, service: Service) -> None:
    found.keyboard.press("/")
    found.keyboard.type("djagno")
    expect(found.get_by_text("Nothing is called so; near it:")).to_be_visible()
    found.keyboard.press("Escape")
    expect(found.get_by_role("listbox")).to_be_hidden()
    box = found.get_by_role("combobox", name="Find anything")
    expect(box).to_have_value("djagno")
    found.keyboard.press("Enter")
    expect(found.get_by_role("heading", level=1)).to_have_text("What is called “djagno”?")
    assert found.url == f"{service.address}/search?q=djagno"
    found.get_by_role("link", name="django", exact=True).click()
    expect(found.get_by_role("heading", level=1)).to_have_text("Who uses django?")


def test_a_slash_in_another_field_is_a_slash(found: Page, service: Service) -> None:
    found.goto(f"{service.address}/packages")
    field = found.get_by_label("Search packages")
    field.focus()
    found.keyboard.type("a/b")
    expect(field).to_have_value("a/b")
    expect(field).to_be_focused()


def test_who_needs_the_slash_for_something_else_can_switch_it_off(found: Page, service: Service) -> None:
    found.goto(f"{service.address}/search")
    found.get_by_label("The / key leads to the box").uncheck()
    found.goto(service.address)
    found.keyboard.press("/")
    expect(found.get_by_role("combobox", name="Find anything")).not_to_be_focused()


def test_what_is_found_fits_a_phone_and_can_be_touched(browser: Browser, service: Service) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = context.new_page()
    page.goto(service.link())
    page.get_by_label("Find anything").press_sequentially("web")
    expect(page.get_by_role("option", name="web1")).to_be_visible()
    assert overflow(page) == 0
    assert serious(page) == []
    page.get_by_role("option", name="web2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What runs on web2?")
    context.close()


def test_search_works_without_javascript_and_keeps_the_moment(browser: Browser, service: Service) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(service.link())
    page.goto(f"{service.address}/applications?at=2026-01-01")
    page.get_by_label("Find anything").fill("shop")
    page.get_by_label("Find anything").press("Enter")
    assert page.url == f"{service.address}/search?q=shop&at=2026-01-01"
    expect(page.get_by_text("As it was on")).to_be_visible()
    expect(page.get_by_text("Nothing that is known, also not with one letter changed.")).to_be_visible()
    page.get_by_role("link", name="Back to now").click()
    page.get_by_role("link", name="shop.example.com").click()
    assert page.url == f"{service.address}/sites?q=shop.example.com"
    context.close()


def test_names_of_four_thousand_characters_break_no_page(browser: Browser, service: Service) -> None:
    from tests.web.service import python

    python(service.environment, HOSTILE)
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(service.link())
    for address in ("/", "/servers/evil1", "/groups?server=evil1", "/ports?server=evil1", "/changes"):
        page.goto(service.address + address)
        assert (address, overflow(page)) == (address, 0)
    page.goto(f"{service.address}/groups?server=evil1")
    page.locator("tbody tr a[href^='/groups/']").first.click()
    assert overflow(page) == 0
    assert page.locator("script:not([src])").count() == 0
    context.close()


HOSTILE = """
import django; django.setup()
from datetime import UTC, datetime
from tests.reports import application, packages, report
from tightship.store.recording import record
long = "<b>" + "x" * 3990 + "\\u202e"
shop = application("shop", packages(django="9" * 3000), ports=[1], user=long, cwd=long, command=[long],
    release=long, names=[{"name": long, "how": "supervisor"}],
    how=[{"what": long, "how": long, "value": long}],
    conflict=[{"what": long, "how": long, "value": long}], unread=[{"what": long, "why": long}])
record(report("evil1", [shop], datetime.now(UTC), unread=[{"what": long, "why": long}],
    system={"names": [long], "kernel": long}), "evil1")
"""
