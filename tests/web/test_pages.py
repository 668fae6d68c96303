"""The pages about one thing each, and the overview."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape

import pytest
from django.test import Client

from tests.reports import application, environment, group, packages, report
from tests.web.cast import web1
from tightship.fleet.declared import declared
from tightship.fleet.imported import Imported, report_of
from tightship.fleet.report import Package
from tightship.store.declaring import declare
from tightship.store.models import FoundEnvironment, FoundGroup
from tightship.store.recording import record
from tightship.store.retiring import rename, retire

pytestmark = pytest.mark.usefixtures("cast")


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.content
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


def group_of(server: str, key: str) -> int:
    return FoundGroup.objects.get(server__name=server, key=key, until=None).pk


def test_the_overview_says_what_runs_where_and_what_needs_you_now(alice: Client) -> None:
    page = text(alice, "/")
    assert "3 applications run in 5 instances on 3 servers." in page
    assert "Covers 2 of 3 servers; 1 silent; 1 partly unread: old1 silent partly unread" in page
    assert "What needs you now All findings warning 3 × runs older code than is on disk shop/-/web" in page
    assert "warning 1 × no longer reports old1" in page
    assert "notice 1 × sources disagree about it intranet/-/old1" in page
    assert re.search(r"shop web1 2\.4\.1 , 2\.5\.0 8001 stale", page)


def test_the_overview_tells_what_changed_once_for_all_processes_that_share_it(alice: Client) -> None:
    page = text(alice, "/")
    assert page.count("django 5.2.1 → 5.2.2; the process still runs 5.2.1") == 2, "once on web1, once on web2"
    assert "shop on web1 went from 2.4.1 to 2.5.0 django 5.2.1 → 5.2.2" in page


def test_an_applications_page_says_where_in_which_release_and_with_what(alice: Client) -> None:
    page = text(alice, "/applications/shop")
    assert "Where does shop run? On 2 servers, releases 2.4.1 and 2.5.0." in page
    assert "2.4.1 – tag 2" in page
    for part in ("Process groups 4 process groups", "Ports 2 ports", "Sites 2 sites", "Packages 8 packages"):
        assert part in page
    assert "django 5.2.2 × 1 5.2.1 × 3" in page, "what still runs counts, not what lies on disk"


def test_a_servers_page_has_its_applications_ports_and_the_systems_own(alice: Client) -> None:
    page = text(alice, "/servers/web1")
    assert "What runs on web1? api and shop: 2 applications in 3 process groups." in page
    assert "22 – sshd 0.0.0.0" in page
    assert "8001 shop gunicorn 127.0.0.1" in page
    assert "The operating system's own 1 process group" in page
    assert "Debian GNU/Linux 12 (bookworm)" in page
    assert "/usr/bin/python3 /etc/cron.daily/apt-compat passing root 4711" in page


def test_a_retired_servers_page_says_so_and_keeps_its_past(alice: Client, now: datetime) -> None:
    retire("old1", now, "replaced by <web3>")
    page = alice.get("/servers/old1").content.decode()
    assert "Retired on " in page
    assert "replaced by &lt;web3&gt;" in page
    assert 'class="sign silent"' not in page
    assert "old1" not in alice.get("/servers").content.decode()
    then = f"{now - timedelta(hours=29):%Y-%m-%dT%H:%M}"
    past = alice.get(f"/servers/old1?at={then}").content.decode()
    assert "Retired on " not in past
    assert "intranet" in past


def test_a_silent_server_is_never_current_truth(alice: Client) -> None:
    page = text(alice, "/servers/old1")
    assert re.search(r"silent since .*?; what follows is what it said then", page)
    assert "2 things could not be read" in page
    assert "not read /srv/wiki : permission denied" in page


def test_a_process_groups_page_has_the_evidence(alice: Client) -> None:
    page = text(alice, f"/groups/{group_of('old1', 'unit:intranet.service')}")
    assert "What is intranet’s web on old1, and how do we know?" in page
    assert "sources disagree" in page
    assert "python maps /opt/python3.6/lib/libpython3.6m.so" in page
    assert "not read /proc/412/maps : permission denied" in page
    assert "type argv gunicorn" in page
    assert "intranet unit" in page
    assert "waitress 1.4.4" in page


def test_a_stale_process_is_told_with_the_version_that_still_runs(alice: Client) -> None:
    page = text(alice, f"/groups/{group_of('web2', 'unit:shop.service')}")
    assert "surely stale" in page
    assert "django runs 5.2.1 ; on disk is 5.2.2" in page
    assert "django was installed after it started" not in page, "what is certain is not a maybe as well"


def test_a_live_process_group_shows_its_processes(alice: Client) -> None:
    page = text(alice, f"/groups/{group_of('web1', 'unit:shop.service')}")
    assert "8 packages, 3 processes." in page
    assert "3, 172 MB (811 815 816)" in page


def test_what_a_process_group_was_leads_to_what_it_is(alice: Client) -> None:
    was = FoundGroup.objects.filter(server__name="web1", key="unit:shop.service").exclude(until=None).first()
    assert was
    page = alice.get(f"/groups/{was.pk}").content.decode()
    assert "it is not so any more" in page
    assert f'href="/groups/{group_of("web1", "unit:shop.service")}">as it is now</a>' in page


def test_an_environments_page_has_its_packages_its_path_and_its_users(alice: Client) -> None:
    found = FoundEnvironment.objects.get(server__name="web1", key="venv:/srv/shop/venv", until=None)
    page = text(alice, f"/environments/{found.pk}")
    assert "What is in venv:/srv/shop/venv? 8 packages; used by shop, on web1." in page
    assert "/srv/shop/venv/lib/python3.11/site-packages" in page
    assert "shop worker" in page


def test_a_packages_page_says_who_still_uses_the_oldest(alice: Client) -> None:
    page = text(alice, "/packages/django")
    assert "Who uses django? 3 versions in use. Only intranet still uses 4.2.11." in page
    assert re.search(r"5\.2\.1 since \S+ 5\.2\.9 \(bugfix\) .* taken back: a leak shop web1 · web2 3", page)
    assert re.search(r"4\.2\.11 since \S+ 5\.2\.9 \(major\) · 6\.0 needs Python 3\.12 intranet old1 1", page)
    assert "The newest on the package index is 6.0, as of 2" in page
    assert "5.2.1 → 5.2.2" in page


def test_changes_are_a_timeline_by_the_day(alice: Client) -> None:
    page = text(alice, "/changes")
    assert re.search(r"\w+day \d+ \w+ \d{4} ", page)
    assert re.search(r"\d\d:\d\d – \d\d:\d\d shop web1 went from 2\.4\.1 to 2\.5\.0 django", page)
    assert "unit:shop.service" in text(alice, "/changes?sort=kind"), "in another order it is a table"


def test_a_package_that_all_have_in_one_version(alice: Client) -> None:
    assert "Who uses fastapi? api, all in version 0.115.12." in text(alice, "/packages/fastapi")


def test_a_page_of_the_past_shows_the_past(alice: Client, now: datetime) -> None:
    then = (now - timedelta(hours=20)).isoformat()
    page = text(alice, f"/packages/django?at={then.replace('+', '%2B')}")
    assert "As it was on" in page
    assert "5.2.1 shop" in page
    assert "release 2.4.1" in text(alice, f"/applications/shop?at={then.replace('+', '%2B')}")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/applications/nosuch", "No application named 'nosuch' is known."),
        ("/servers/nosuch", "No server named 'nosuch' is known."),
        ("/servers/web1?at=2001-01-01", "No server named 'web1' is known at that moment."),
        ("/packages/nosuch", "No package named 'nosuch' is known."),
        ("/groups/99999", "This process group is not known."),
        ("/environments/99999", "This environment is not known."),
        ("/nosuch", "No page has the address /nosuch."),
    ],
)
def test_what_is_not_there_is_told(alice: Client, address: str, said: str) -> None:
    answer = alice.get(address)
    assert answer.status_code == 404
    assert said in unescape(answer.content.decode())


def test_the_old_name_of_a_server_leads_to_the_new_one(alice: Client, now: datetime) -> None:
    rename("web2", "front2", now)
    answer = alice.get("/servers/web2?at=1h")
    assert (answer.status_code, answer["Location"]) == (302, "/servers/front2?at=1h")
    assert alice.get(answer["Location"]).status_code == 200
    rename("web1", "web2", now)
    assert "What runs on web2?" in alice.get("/servers/web2").content.decode()


def test_a_servers_ports_are_drawn(alice: Client, cast: datetime) -> None:
    for address in ("/servers/web1", "/ports?server=web1"):
        page = alice.get(address).content.decode()
        assert '<svg class="ports"' in page
        assert "Taken of 8000 to 8099" in page
    assert '<svg class="ports"' not in alice.get("/ports").content.decode()


def test_all_who_use_a_package_are_a_list_with_filters(alice: Client) -> None:
    page = alice.get("/packages/jinja2").content.decode()
    assert '<a href="/packages/jinja2/users?version=3.1.4&amp;kind=application">3.1.4</a>' in page
    told = text(alice, "/packages/jinja2%3C3.1.5/users?kind=application")
    assert "Who uses jinja2<3.1.5?" in told
    assert "tightship who-uses 'jinja2<3.1.5' --kind application" in told
    assert "web1" in told
    rows = alice.get("/packages/jinja2/users.json?version=2.11.3").json()["rows"]
    assert {(row["server"], row["version"]) for row in rows} == {("old1", "2.11.3")}
    exported = alice.get("/packages/jinja2/users.csv").streaming_content  # type: ignore[attr-defined] # it is one
    assert b"".join(exported).startswith(b"version,")
    assert alice.get("/packages/jinja2%3C%3C/users").status_code == 400
    assert alice.get("/packages/jinja2%3C%3C/users.json").json()["parameter"] == "specifier"
    assert "colour" in alice.get("/packages/jinja2/users?colour=red").content.decode()


def test_a_name_that_is_nearly_right_leads_to_the_right_one(alice: Client) -> None:
    page = alice.get("/servers/web3").content.decode()
    assert '<a href="/servers/web1">web1</a>' in page
    assert '<a href="/servers">All servers</a>' in page
    assert '<a href="/packages/django">django</a>' in alice.get("/packages/djagno").content.decode()


def test_a_moment_that_is_none_is_told_with_the_way_back(alice: Client) -> None:
    answer = alice.get("/servers/web1?at=tomorrow")
    assert answer.status_code == 400
    assert "expected a date or a moment in the past, as 2026-11-20" in answer.content.decode()
    assert 'href="/servers/web1"' in answer.content.decode()


@pytest.mark.parametrize("address", ["/", "/applications/shop", "/servers/web1", "/packages/django"])
def test_the_number_of_queries_does_not_grow_with_the_fleet(
    alice: Client, now: datetime, address: str, django_assert_max_num_queries
) -> None:
    for number in range(6):
        record(report(f"more{number}", at=now, **web1()), f"more{number}", received=now)
    with django_assert_max_num_queries(64):
        assert alice.get(address).status_code == 200


HOSTILE = {
    "markup": "<script>alert(1)</script>",
    "nul": "a\x00b",
    "turned": "shop\u202egpj.exe",
    "long": "x" * 4000,
    "quote": "\"'><img src=x onerror=alert(1)>",
    "path": "../../etc/passwd?q=1#a%2F",
    "formula": "=1+1",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_whatever_a_server_calls_things_is_only_text(alice: Client, now: datetime, name: str) -> None:
    shop, environment = application(
        "hostile",
        packages(django=name[:500]),
        ports=[9999],
        names=[{"name": name, "how": "supervisor"}],
        release=name,
        user=name,
        cwd=name,
        command=[name, name],
        python=name,
        how=[{"what": name, "how": name, "value": name}],
        unread=[{"what": name, "why": name}],
        stale=[{"how": "deleted", "what": name}],
    )
    site = {"names": [name], "to": name, "server": "nginx", "where": name}
    document = report(
        "evil1",
        [(shop, environment)],
        now,
        sites=[site],
        unread=[{"what": name, "why": name}],
        system={"names": [name], "kernel": name},
        live={"passing": [{"kind": "passing", "user": name, "command": [name], "pids": [1]}]},
    )
    record(document, "evil1", received=now)
    group = FoundGroup.objects.get(server__name="evil1")
    application_name = group.application.name if group.application else ""
    places = [
        "/",
        "/servers/evil1",
        f"/groups/{group.pk}",
        "/applications",
        "/instances",
        "/groups",
        "/ports",
        "/sites",
        "/packages/django",
        "/changes?server=evil1",
        "/applications?q=" + "x" * 300,
    ]
    for address in places:
        answer = alice.get(address)
        page = answer.content.decode()
        assert answer.status_code == 200, address
        for bad in ("<script>alert", "<img", "\x00", "\u202e"):
            assert bad not in page, address
    links = re.findall(
        r'href="(/applications/[^"?]+)"', alice.get("/applications?server=evil1").content.decode()
    )
    assert links, "it has a page of its own"
    assert application_name
    for link in links:
        assert alice.get(unescape(link)).status_code == 200


def test_what_was_declared_is_shown_where_it_is_asked(alice: Client, now: datetime) -> None:
    said = {
        "owner": "web <team>",
        "url": "https://shop.example.com/?a=1&b=2",
        "labels": {"customer": "acme"},
        "found_as": ["unit:shop*"],
        "stages": {"production": {"servers": ["web1"]}},
    }
    other = {"found_as": ["path:/srv/shop/*"]}
    declare(declared({"applications": {"webshop": said, "portal": other}}, {}), "fleet.toml", now)
    link = 'href="https://shop.example.com/?a=1&amp;b=2"'
    number = group_of("web1", "unit:shop.service")
    for address in ("/applications/webshop", "/applications", f"/groups/{number}"):
        page = text(alice, address)
        assert link in alice.get(address).content.decode(), address
        for part in ("web <team>", "customer=acme", "production"):
            assert part in page, (address, part)
    page = text(alice, f"/groups/{number}")
    assert "Named by declared unit:shop*; stage declared for this server" in page
    assert "sources disagree" in page
    assert "name declared portal by path:/srv/shop/*" in page
    assert "webshop" in text(alice, "/applications?label=customer=acme")
    assert "webshop" not in text(alice, "/applications?owner=nobody").partition("Owner: nobody")[2]
    assert alice.get("/applications/shop").status_code == 404
    assert "production" in text(
        alice, "/applications/webshop?at=" + (now - timedelta(hours=10)).isoformat()[:16]
    )


def test_packages_that_are_unknown_are_not_called_none(alice: Client) -> None:
    unread = [{"what": "packages", "why": "frozen, versions unknown"}]
    frozen = environment("frozen:/srv/till/till", None, kind="frozen", unread=unread)
    record(report("web7", groups=[group("till", environment=frozen["key"])], environments=[frozen]))
    page = text(alice, f"/groups/{group_of('web7', 'unit:till.service')}")
    assert "packages unread" in page
    assert "frozen, versions unknown" in page
    assert "0 packages" not in page


def test_an_environment_at_rest_says_what_names_it(alice: Client) -> None:
    by = ["timer:nightly.timer", "unit:nightly.service"]
    resting = environment("venv:/srv/night/venv", packages(django="4.2"), at_rest=True, named_by=by)
    record(report("web7", environments=[resting]))
    number = FoundEnvironment.objects.get(server__name="web7", until=None).pk
    page = text(alice, f"/environments/{number}")
    assert "named by what does not run now" in page
    assert "timer:nightly.timer, unit:nightly.service" in page
    assert "timer:nightly.timer" in text(alice, "/servers/web7")
    of_django = text(alice, "/packages/django")
    assert "At rest" in of_django
    assert "timer:nightly.timer" in of_django


def test_sites_say_who_answers(alice: Client) -> None:
    def site(name: str, to: str, key: str = "") -> dict[str, object]:
        return {"names": [name], "ports": [443], "to": to, "server": "nginx", "where": "/etc/x", "group": key}

    sites = [
        site("shop.example.com", "127.0.0.1:8001", "unit:shop.service"),
        site("gone.example.com", "127.0.0.1:9"),
        site("far.example.com", "192.0.2.9:80"),
        site("static.example.com", ""),
    ]
    record(report("web7", [application("shop", ports=[8001])], sites=sites))
    page = text(alice, "/sites?server=web7")
    for said in (
        "shop.example.com web7 443 127.0.0.1:8001 shop an application",
        "443 127.0.0.1:9 – nothing known listens there",
        "443 192.0.2.9:80 – elsewhere",
        "443 – – the web server itself",
    ):
        assert said in page
    assert "shop.example.com" in text(alice, "/applications/shop")


def test_what_was_imported_says_so_on_its_pages(alice: Client, now: datetime) -> None:
    said = Imported("pip inspect", [Package("jinja2", "3.1.4")], "3.12.1")
    record(
        report_of(said, "shop.json", "lambda-1", "shop", "acceptance", now),
        "lambda-1",
        now,
        imported="shop.json (pip inspect)",
    )

    page = text(alice, "/servers/lambda-1")
    assert "no probe reads it, what follows is what a file said." in page
    assert "Imported from shop.json (pip inspect)" in page
    assert "as an ordinary user" not in page
    key = "imported:shop/acceptance"
    assert "shop.json (pip inspect)" in text(alice, f"/groups/{group_of('lambda-1', key)}")
    assert re.search(r"lambda-1 shop 1 imported", text(alice, "/servers"))
