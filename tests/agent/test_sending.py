"""The sender before a real service: as little as possible, in order, once, and nothing lost."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.agent.agents import Agent, Authority, Running, answering, dripping, proxying, tls_in_front
from tests.reports import application, packages, report
from tightship_agent.document import members
from tightship_agent.sending import stamped
from tightship_agent.service import Service
from tightship_agent.spool import Spool

NOW = datetime.now(UTC).replace(microsecond=0)


def hourly(number: int, *, release: str = "", hours: int = 24) -> bytes:
    """The report of hour `number`; the application is in release `number`, or in the one given."""
    shop = application("shop", packages(django="5.2.1"), ports=[8001], release=release or f"1.{number}")
    return report("some-name", [shop], NOW - timedelta(hours=hours - number), {"sent": None})


def sizes(heard: list[bytes]) -> int:
    return sum(map(len, heard))


def test_what_the_probe_printed_is_recorded_for_the_tokens_server(
    running: Running, agent: Agent, server: str
) -> None:
    agent.keep(hourly(1))
    assert agent.send() == (0, "all is sent")
    ((complete, said_at),) = running.asked(
        "SELECT complete, said_at FROM store_server WHERE name = ?", server
    )
    assert (complete, said_at[:19]) == (1, f"{NOW - timedelta(hours=23):%Y-%m-%d %H:%M:%S}")
    assert agent.status()["spooled"] == 0


def test_many_reports_go_in_their_order(running: Running, agent: Agent, server: str) -> None:
    agent.keep(*map(hourly, range(1, 6)))
    assert agent.waiting() == 5
    assert agent.send() == (0, "all is sent")
    assert running.releases(server) == ["1.2", "1.3", "1.4", "1.5"]


def test_nothing_is_sent_twice(running: Running, agent: Agent, authority: Authority) -> None:
    with tls_in_front(running.port, authority.context()) as front:
        agent.set(url=f"https://127.0.0.1:{front.port}", ca=authority.file).keep(hourly(1))
        assert agent.send()[0] == 0
        heard = sizes(front.heard)
        assert agent.send() == (0, "all is sent")
        assert sizes(front.heard) == heard > 0


def test_an_unchanged_server_costs_some_hundred_bytes(
    running: Running, agent: Agent, authority: Authority
) -> None:
    with tls_in_front(running.port, authority.context()) as front:
        agent.set(url=f"https://127.0.0.1:{front.port}", ca=authority.file)
        agent.keep(hourly(1, release="2.4.1"))
        assert agent.send()[0] == 0
        first = sizes(front.heard)
        agent.keep(hourly(2, release="2.4.1"))
        assert agent.send()[0] == 0
        assert 300 < sizes(front.heard) - first < 800


def test_of_package_sets_only_those_are_sent_that_are_not_known(
    running: Running, agent: Agent, authority: Authority
) -> None:
    many = packages(**{f"package_{number}_{os.urandom(3).hex()}": "1.0" for number in range(3000)})
    with tls_in_front(running.port, authority.context()) as front:
        agent.set(url=f"https://127.0.0.1:{front.port}", ca=authority.file)
        agent.keep(report("a", [application("shop", many)], NOW - timedelta(hours=3)))
        assert agent.send()[0] == 0
        assert sizes(front.heard) > 20_000
        front.heard.clear()
        agent.keep(report("a", [application("shop", many, release="9")], NOW - timedelta(hours=2)))
        assert agent.send()[0] == 0
        assert sizes(front.heard) < 4_000


def test_the_state_arrives_as_the_probe_wrote_it_and_sent_is_set(running: Running, agent: Agent) -> None:
    """Spaces and order of the members are not those that Python's json would write."""
    whole = hourly(1).replace(b'"complete": true', b'"complete"  :true')
    whole = whole.replace(json.loads(whole)["digest"].encode(), _digest(whole).encode())
    agent.keep(whole)
    assert agent.send() == (0, "all is sent")


def _digest(whole: bytes) -> str:
    from tightship.fleet.report import digest_of

    start = whole.index(b'"state": ') + len(b'"state": ')
    return digest_of(whole[start : whole.index(b', "sets": ')])


# The service is not there, or something else is


def test_what_could_not_be_sent_stays_and_goes_in_order_when_the_service_is_back(
    running: Running, agent: Agent, server: str
) -> None:
    address = agent.settings["url"]
    agent.set(url="http://127.0.0.1:1").keep(*map(hourly, range(1, 4)))
    code, said = agent.send()
    assert (code, said) == (1, "http://127.0.0.1:1 can't be reached: connection refused")
    status = agent.status()
    assert (status["spooled"], status["last_sent"], status["last_error"]) == (3, None, said)
    agent.set(url=address).keep(hourly(4))
    assert agent.send() == (0, "all is sent")
    assert running.releases(server) == ["1.2", "1.3", "1.4"]
    status = agent.status()
    assert (status["spooled"], status["dropped"], status["last_error"]) == (0, 0, "")
    assert status["last_sent"].startswith(f"{datetime.now(UTC):%Y-%m-%dT%H}")


def problem(status: str, detail: str = "Because.", **headers: str) -> bytes:
    body = json.dumps({"detail": detail}).encode()
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    kind = "Content-Type: application/problem+json\r\n"
    return f"HTTP/1.1 {status}\r\n{kind}Content-Length: {len(body)}\r\n{more}\r\n".encode() + body


HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<p>Log in"
STRANGE = [
    (HTML, "answered 200 and text/html, not as Tightship does"),
    (HTML.replace(b"200 OK", b"403 No"), "answered 403 and text/html, not as Tightship does"),
    (HTML.replace(b"200 OK", b"409 No"), "answered 409 and text/html, not as Tightship does"),
    (HTML.replace(b"200 OK", b"413 No"), "answered 413 and text/html, not as Tightship does"),
    (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "answered 502 and nothing, not as"),
    (
        b"HTTP/1.1 302 F\r\nLocation: https://evil.example.com/\r\nContent-Length: 0\r\n\r\n",
        "leads on to https",
    ),
    (problem("429 Slow", "Too many.", Retry_After="120"), "answered 429, in 120 s again: Too many."),
    (problem("503 Busy", "The disk is full.", Retry_After="60"), "503, in 60 s again: The disk is full."),
    (problem("401 Who", "It was revoked."), "does not accept the token: It was revoked."),
    (problem("400 No", "digest: wrong"), "refuses the report: digest: wrong"),
    (problem("409 More")[:-8], "the answer was cut off"),
    (problem("409 More"), "asks for what it was sent: Because."),
    (problem("500 Oh", "\x1b[31mred\n"), "answered 500: ?[31mred?"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "did not answer in HTTP: SSH-2.0-OpenSSH_9.2"),
    (b"", "did not answer in HTTP: Remote end closed connection without response"),
    (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200, "did not answer in HTTP: got more than 100 headers"),
]


@pytest.mark.parametrize(("answer", "why"), STRANGE, ids=lambda value: str(value)[:30])
def test_whatever_answers_otherwise_is_said_and_the_report_stays(
    lonely: Agent, answer: bytes, why: str
) -> None:
    lonely.keep(hourly(1))
    with answering(answer) as stranger:
        code, said = lonely.set(url=stranger.address).send()
    assert (code, why in said) == (1, True), said
    assert len(said.splitlines()) == 1
    assert lonely.waiting() == 1


def test_a_connection_that_the_service_closed_meanwhile_is_made_anew(lonely: Agent) -> None:
    lonely.keep(hourly(1), hourly(2), hourly(3))
    with answering(b"HTTP/1.1 204 Fine\r\n\r\n") as service:
        assert lonely.set(url=service.address).send() == (0, "all is sent")
        assert len(service.heard) == 3


SHORT = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from tightship_agent import __main__ as agent
agent.MOST_SECONDS = 1
sys.exit(agent.main())
"""


def test_a_service_that_answers_a_byte_at_a_time_does_not_hold_it_for_ever(lonely: Agent) -> None:
    lonely.keep(hourly(1))
    with dripping() as slow:
        lonely.set(url=slow.address)
        command = [lonely.python, "-I", "-S", "-c", SHORT, str(lonely.folder / "agent.pyz"), "send"]
        done = subprocess.run(
            [*command, "--settings", str(lonely.folder / "agent.conf")],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert (done.returncode, "took longer than 1 seconds" in done.stderr) == (1, True), done.stderr
    assert "took longer" in lonely.status()["last_error"]
    assert lonely.waiting() == 1


def test_a_redirect_is_not_followed(lonely: Agent) -> None:
    lonely.keep(hourly(1))
    with answering(HTML) as further:
        there = f"HTTP/1.1 307 T\r\nLocation: {further.address}/api/reports\r\nContent-Length: 0\r\n\r\n"
        with answering(there.encode()) as first:
            assert lonely.set(url=first.address).send()[0] == 1
        assert (len(first.heard), further.heard) == (1, [])


def test_no_proxy_of_the_environment_gets_to_see_anything(running: Running, agent: Agent) -> None:
    agent.keep(hourly(1))
    with answering(HTML) as stranger:
        assert agent.send(http_proxy=stranger.address, HTTPS_PROXY=stranger.address)[0] == 0
        assert stranger.heard == []


def test_a_proxy_that_is_set_only_opens_a_tunnel(
    running: Running, agent: Agent, authority: Authority
) -> None:
    agent.keep(hourly(1))
    with tls_in_front(running.port, authority.context()) as front, proxying() as proxy:
        agent.set(url=f"https://127.0.0.1:{front.port}", ca=authority.file, proxy=proxy.address)
        assert agent.send() == (0, "all is sent")
        (asked,) = proxy.heard
    assert asked.startswith(f"CONNECT 127.0.0.1:{front.port} ".encode())
    assert b"tightship_" not in asked


def test_a_proxy_that_answers_html_is_no_way(lonely: Agent, authority: Authority) -> None:
    lonely.keep(hourly(1))
    with answering(HTML.replace(b"200 OK", b"407 Who")) as proxy:
        code, said = lonely.set(url="https://tightship.example.com", proxy=proxy.address).send()
    assert (code, "Tunnel connection failed: 407 Who".lower() in said.lower()) == (1, True), said


# TLS


def test_the_shops_own_authority_can_be_named(running: Running, agent: Agent, authority: Authority) -> None:
    agent.keep(hourly(1))
    with tls_in_front(running.port, authority.context()) as front:
        agent.set(url=f"https://127.0.0.1:{front.port}")
        code, said = agent.send()
        assert (code, "not trusted" in said, "set ca" in said) == (1, True, True), said
        assert front.heard == []
        assert agent.set(ca=authority.file).send() == (0, "all is sent")


@pytest.mark.parametrize(
    ("name", "days", "why"),
    [
        ("DNS:other.example.com", (-1, 1), "mismatch"),
        ("IP:127.0.0.1", (-30, -1), "expired (this server's clock says 2"),
        ("IP:127.0.0.1", (300, 400), "not yet valid (this server's clock says 2"),
    ],
    ids=["wrong name", "expired", "the clock is a year off"],
)
def test_a_certificate_that_is_wrong_gets_no_token(
    lonely: Agent, authority: Authority, name: str, days: tuple[int, int], why: str
) -> None:
    lonely.keep(hourly(1))
    with answering(HTML, authority.context(name, days=days)) as wrong:
        code, said = lonely.set(url=f"https://127.0.0.1:{wrong.port}", ca=authority.file).send()
    assert (code, "not trusted" in said, why in said) == (1, True, True), said
    assert (wrong.heard, lonely.waiting()) == ([], 1)


def test_another_authority_is_not_trusted(lonely: Agent, authority: Authority, tmp_path: Path) -> None:
    lonely.keep(hourly(1))
    with answering(HTML, authority.context()) as wrong:
        other = Authority(tmp_path / "other").file
        code, said = lonely.set(url=f"https://127.0.0.1:{wrong.port}", ca=other).send()
    assert (code, f"only {other} is trusted" in said, wrong.heard) == (1, True, []), said


def test_who_does_not_speak_tls_is_said_so(lonely: Agent) -> None:
    lonely.keep(hourly(1))
    with answering(HTML) as plain:
        code, said = lonely.set(url=f"https://127.0.0.1:{plain.port}").send()
    assert (code, "does not speak TLS" in said, lonely.waiting()) == (1, True, 1), said


# Reports that are not taken in


def test_a_report_that_is_refused_is_passed_over_when_a_later_one_is_taken(
    running: Running, agent: Agent, server: str
) -> None:
    agent.keep(hourly(1), hourly(2).replace(b"Debian", b"debian"), hourly(3))
    code, said = agent.send()
    assert (code, "set aside: 1 reports before number 3" in said) == (0, True), said
    assert (agent.waiting(), agent.status()["refused"]) == (0, 1)
    assert running.releases(server) == ["1.3"]


def test_where_every_report_is_refused_all_stay(lonely: Agent) -> None:
    lonely.keep(*map(hourly, range(1, 8)))
    with answering(problem("400 No", "The request could not be read.")) as proxy:
        assert lonely.set(url=proxy.address).send()[0] == 1
        assert len(proxy.heard) == 4  # three, and the newest
    assert (lonely.waiting(), lonely.status()["refused"]) == (7, 0)


def test_a_report_that_was_cut_is_set_aside_and_counted(running: Running, agent: Agent, server: str) -> None:
    agent.keep(*map(hourly, range(1, 5)))
    for path, size in zip(agent.spooled()[1:3], (0, 300), strict=True):
        os.truncate(path, size)
    code, said = agent.send()
    assert (code, said.count("set aside: report")) == (0, 2), said
    status = agent.status()
    assert (status["spooled"], status["cut"], status["dropped"], status["refused"]) == (0, 2, 0, 0)
    assert running.releases(server) == ["1.4"]


def test_replayed_and_out_of_order_reports_change_nothing(
    running: Running, agent: Agent, server: str
) -> None:
    agent.keep(hourly(1), hourly(2))
    assert agent.send()[0] == 0
    (agent.folder / "memory/sender.json").unlink()  # the sender forgot everything
    agent.keep(hourly(1), hourly(2))
    assert agent.send() == (0, "all is sent")
    assert running.releases(server) == ["1.2"]
    assert agent.status()["dropped"] == 0


AT = 1795168800  # 2026-11-20 10:00 UTC
KEPT = {"boot": "b", "clock": 50, "time": AT + 1}
YEAR = 365 * 86400


def test_a_clock_that_is_a_year_off_is_told_as_it_is_so_that_the_service_can_tell() -> None:
    live = {"at": "2026-11-20T10:00:00.000Z"}
    assert stamped(live, KEPT, AT + 3.5, 52.5, "b") == {**live, "sent": "2026-11-20T10:00:03.500Z"}


@pytest.mark.parametrize("jump", [-YEAR, YEAR])
def test_a_clock_that_was_set_while_the_report_waited_does_not_move_it(jump: int) -> None:
    told = stamped({"at": "2026-11-20T10:00:00.000Z"}, KEPT, AT + 3600 + jump, 3649, "b")
    at, sent = (datetime.fromisoformat(told[name]) for name in ("at", "sent"))
    assert sent - at == timedelta(hours=1)


def test_after_a_boot_nothing_is_known_of_the_clock() -> None:
    told = stamped({"at": "2026-11-20T10:00:00.000Z"}, KEPT, AT + 3600 + YEAR, 3649, "another")
    assert told["at"] == "2026-11-20T10:00:00.000Z"


def test_reports_of_a_server_whose_clock_is_a_year_off_are_of_now_and_in_order(
    running: Running, agent: Agent, server: str
) -> None:
    begin = datetime.now(UTC) - timedelta(days=365)
    for number in (1, 2):
        at = begin + timedelta(seconds=number)
        whole = report("a", [application("shop", release=f"1.{number}")], at, {"sent": None})
        agent.keep(whole)
        with Spool(agent.settings["spool"]) as spool:
            _about, text = spool.read(number)
        service = told_to(agent)
        live = {**json.loads(whole)["live"], "sent": f"{at:%Y-%m-%dT%H:%M:%S}.500Z"}
        service.tell(members(text), live)
        service.close()
    assert running.releases(server) == ["1.2"]
    ((reported_at, skew),) = running.asked(
        "SELECT reported_at, skew FROM store_server WHERE name = ?", server
    )
    assert reported_at[:13] == f"{datetime.now(UTC):%Y-%m-%d %H}"
    assert skew == pytest.approx(365 * 86400, abs=60)


def told_to(agent: Agent) -> Service:
    from tightship_agent import settings

    found = settings.load(str(agent.folder / "agent.conf"))
    return Service(found, settings.token(found.token))


# Settings and tokens


def test_a_token_that_every_user_may_read_is_not_used(lonely: Agent) -> None:
    (lonely.folder / "token").chmod(0o644)
    code, said = lonely.keep(hourly(1)).send()
    assert (code, "every user may read the token" in said) == (2, True)


@pytest.mark.parametrize("token", ["", "two words", "a\nb: c\n"])
def test_what_is_no_token_is_said(lonely: Agent, token: str) -> None:
    lonely.give_token(token)
    code, said = lonely.send()
    assert (code, "holds none" in said) == (2, True)


def test_the_token_is_on_no_command_line_and_in_no_variable(running: Running, agent: Agent) -> None:
    agent.keep(hourly(1))
    command = [agent.python, "-I", "-S", str(agent.folder / "agent.pyz"), "send", "--spread", "9999"]
    with subprocess.Popen([*command, "--settings", str(agent.folder / "agent.conf")]) as process:
        try:
            folder = Path(f"/proc/{process.pid}")
            told = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        finally:
            process.kill()
    assert agent.settings["token"].encode() not in told
    assert b"tightship_" not in told.replace(b"tightship_agent", b"")
