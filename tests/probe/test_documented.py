"""The page about the probe is true: every file that it opens stands there, and it does nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import parts
from tests.applications import Site
from tightship.remote.program import pyz
from tightship_probe.started import VARIABLES

PAGE = Path(__file__).parent.parent.parent / "docs/reference/probe.md"
CALLS = (
    "openat,open,openat2,creat,execve,execveat,socket,connect,unlink,unlinkat,mkdir,mkdirat,rename,renameat2,"
    "kill,link,symlink"
)
OPENED = re.compile(r"^open\w*\((?P<words>.*)\) += \d+<(?P<path>[^>]*)>")
FOLDER = r"/.*"


def documented() -> re.Pattern[str]:
    """A pattern of all paths on the page: words in capitals stand for names."""
    paths = re.findall(r"^\| `([^`]+)` \| ", PAGE.read_text(), re.MULTILINE)
    paths += [
        f"/{place}/systemd/system/NAME" for place in ("run", "usr/lib", "lib", "usr/local/lib", "run")
    ] + ["/run/systemd/transient/NAME", "/proc/self/fd", "/proc/self/comm", "/etc", "/usr/lib", "/opt"]
    patterns = []
    for path in paths:
        if path in ("FOLDER/NAME", "FOLDER/..."):
            continue  # they would allow everything: no script or tracked file of that kind is here
        of_pid = path.replace("/proc/net/", "/proc/PID/net/").replace("/proc/self/", "/proc/PID/")
        pattern = re.escape(of_pid).replace(r"\.\.\.", ".*").replace("FOLDER", FOLDER)
        patterns.append(re.sub(r"\b(?:PID|NAME)", "[^/]+", pattern))
    return re.compile(f"(?:{'|'.join(patterns)})\\Z")


def named_by_cron() -> set[str]:
    """Programs that a crontab names: their first line may say that Python runs them."""
    tables = [path for path in [Path("/etc/crontab"), *Path("/etc/cron.d").glob("*")] if path.is_file()]
    return {os.path.realpath(word) for path in tables for word in re.findall(r"/[\w./-]+", path.read_text())}


def only_listed(words: str) -> bool:
    return "O_PATH" in words or "O_DIRECTORY" in words


@pytest.fixture(scope="module")
def traced(django_site: Site, waitress_site: Site, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """System calls of a scan, from its first look at /proc on: before that Python itself starts."""
    strace = parts.program("strace", "strace")
    folder = tmp_path_factory.mktemp("trace")
    (folder / "probe.pyz").write_bytes(pyz("tightship_probe"))
    argv = [strace, "-f", "-y", "-qq", "-s", "4096", "-e", f"trace={CALLS}", "-o", str(folder / "trace")]
    done = subprocess.run(
        [*argv, sys.executable, "-I", str(folder / "probe.pyz")], capture_output=True, check=False
    )
    if done.returncode and b"PTRACE" in done.stderr.upper():
        parts.need("strace", "tracing is not allowed here")
    assert done.returncode == 0, done.stderr
    lines = [
        line.partition(" ")[2].strip() for line in (folder / "trace").read_text(errors="replace").splitlines()
    ]
    first = next(place for place, line in enumerate(lines) if '"/proc/stat"' in line)
    return lines[first:]


def test_every_file_that_it_opens_stands_on_its_page(
    traced: list[str], django_site: Site, waitress_site: Site
) -> None:
    # What else runs on this machine may have its scripts, and its checkouts, anywhere.
    places = ("/proc/", "/etc/", "/usr/", "/run/", "/lib/", str(django_site.home), str(waitress_site.home))
    pattern = documented()
    opened = [match for match in map(OPENED.match, traced) if match]
    assert len(opened) > 100
    read = {match["path"] for match in opened if not only_listed(match["words"])}
    read -= named_by_cron()
    assert [path for path in sorted(read) if path.startswith(places) and not pattern.match(path)] == []


def test_it_starts_nothing_connects_to_nothing_and_writes_nothing(traced: list[str]) -> None:
    other = [line for line in traced if not line.startswith(("open", "<...", "+++", "---"))]
    killed = [line for line in other if line.startswith("kill(")]  # a reader of its own that took too long
    assert [line for line in other if line not in killed] == []
    written = [line for line in traced if re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", line)]
    assert [line for line in written if "/comm" not in line] == []


def test_the_variables_that_it_looks_at_stand_on_its_page() -> None:
    page = PAGE.read_text()
    assert [name for name in VARIABLES if f"`{name}`" not in page] == []


def test_memory_is_not_read_where_something_else_tells(traced: list[str]) -> None:
    assert not [line for line in traced if re.search(r'/proc/\d+/mem"', line)]
