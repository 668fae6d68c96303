"""What a lab's servers take over from this machine."""

from __future__ import annotations

from tightship.lab.settings import Source, apt_settings, sources_for

INDEXES = """\
http://mirror/debian|bookworm-updates|main
http://mirror/debian|bookworm|main
http://mirror/debian|bookworm|contrib
http://mirror/debian|bookworm|main
http://mirror/security|bookworm-security|main
http://elsewhere/tools|bookworm-tools|main
http://elsewhere/node|nodistro|main
"""


def test_the_distributions_own_sources_are_taken_and_its_release_comes_first() -> None:
    assert sources_for("bookworm", "bookworm", INDEXES) == [
        Source("http://mirror/debian", "bookworm", ("main", "contrib")),
        Source("http://mirror/debian", "bookworm-updates", ("main",)),
        Source("http://mirror/security", "bookworm-security", ("main",)),
    ]


def test_another_release_is_asked_of_the_same_mirrors() -> None:
    lines = [source.line() for source in sources_for("bullseye", "bookworm", INDEXES)]
    assert lines == [
        "deb http://mirror/debian bullseye main contrib",
        "deb http://mirror/debian bullseye-updates main",
        "deb http://mirror/security bullseye-security main",
    ]


def test_of_apts_settings_those_are_taken_that_lead_to_the_mirror() -> None:
    dump = """\
APT::Sandbox::User "_apt";
Acquire "";
Acquire::http::Proxy "http://proxy:3128";
Acquire::IndexTargets::deb::Packages::flatMetaKey "Packages";
Acquire::Languages "";
Acquire::Languages:: "none";
Acquire::Check-Date "false";
Acquire::Check-Date "false";
DPkg::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb || true";
"""
    assert apt_settings(dump).splitlines() == [
        'Acquire::http::Proxy "http://proxy:3128";',
        'Acquire::Languages:: "none";',
        'Acquire::Check-Date "false";',
    ]
