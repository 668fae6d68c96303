"""Parts that any test may ask for, and the closing words about those that were missing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import parts, postgresql

pytest_plugins = ["tests.applications", "tests.beside", "tests.servers_of_the_lab"]


@pytest.fixture(scope="session", name="postgresql")
def running_postgresql() -> Iterator[postgresql.PostgreSQL]:
    """A PostgreSQL server: `.url` is its first database, `.fresh()` makes another."""
    with postgresql.running() as server:
        yield server


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Debian's Chromium."""
    return parts.program("chromium", "Chromium")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = [str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped]
    missing = parts.missing_parts(reasons)
    if missing:
        terminalreporter.section("not tested here, because a part is missing")
    for part, count in missing.items():
        terminalreporter.line(f"{part} ({count} {'test' if count == 1 else 'tests'})")
