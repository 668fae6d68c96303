"""What is newer than 500 pins: ours cold (nothing kept) and warm (asked within the hour), beside pip, uv and
plone.versioncheck. All ask the same index on loopback, which has 40 versions of each package, two files each,
and answers at once: what is measured is the asking and the judging, not a network.

pip and uv look at an environment that has those 500 packages, ours and plone.versioncheck at a buildout's
`[versions]`. plone.versioncheck asks PyPI's own JSON API by a fixed address; here that constant is set to the
index. None of the peers keeps to the Python of the project; pip and uv respect that of the environment.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.measuring import Cost, by_turns, cost

PACKAGES, VERSIONS, ROUNDS = 500, 40, 3
USED = "1.5"
BUDGET = 1.0
"""Seconds, warm."""


def measure() -> list[dict[str, Any]]:
    """Rows of the table: seconds of processor time and on the clock, medians."""
    with tempfile.TemporaryDirectory(prefix="tightship-bench-") as folder, _index() as url:
        found = by_turns(_measures(Path(folder), url), ROUNDS)
    warm = found["ours, warm"]
    return [
        {
            "what": name,
            "processor, s": f"{one.cpu:.2f}",
            "clock, s": f"{one.wall:.2f}",
            "times ours, warm": f"{one.wall / warm.wall:.1f}",
            "budget, s": BUDGET if name == "ours, warm" else None,
        }
        for name, one in found.items()
    ]


def _measures(folder: Path, url: str) -> dict[str, Any]:
    project, environment, peer = folder / "project", folder / "environment", folder / "peer"
    project.mkdir()
    pins = "".join(f"{name} = {USED}\n" for name in _names())
    (project / "buildout.cfg").write_text(f"[buildout]\nparts =\n[versions]\n{pins}")
    uv: list[str | Path] = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--seed", environment], check=True)
    _fill(next(environment.glob("lib/python*/site-packages")))
    subprocess.run([*uv, "venv", "--quiet", peer], check=True)
    into: list[str | Path] = [
        "--quiet",
        "--python",
        peer / "bin/python",
        "plone.versioncheck",
        "setuptools<80",
    ]
    subprocess.run([*uv, "pip", "install", *into], check=True)
    script = "import sys; from plone.versioncheck import pypi, script; pypi.PYPI_URL = sys.argv.pop(1); "
    script += "from plone.versioncheck.script import run; run()"
    mine = {**os.environ, "PIP_INDEX_URL": f"{url}/simple", "PIP_CONFIG_FILE": os.devnull}
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        mine.pop(name, None)
    ours = [sys.executable, "-m", "tightship", "outdated", f"{project}/"]
    warm = {**mine, "XDG_CACHE_HOME": str(folder / "warm")}

    def cold(*command: str | Path) -> Cost:
        cache = folder / "cold"
        shutil.rmtree(cache, ignore_errors=True)
        fresh = {**mine, "XDG_CACHE_HOME": str(cache), "UV_CACHE_DIR": str(cache / "uv")}
        return cost([command], env=fresh, cwd=project, stderr=subprocess.DEVNULL)

    pip: list[str | Path] = [environment / "bin/python", "-m", "pip", "list", "--outdated", "--no-cache-dir"]
    asked: list[str | Path] = ["--default-index", f"{url}/simple", "--python", environment / "bin/python"]
    return {
        "ours, warm": lambda: cost([ours], env=warm, cwd=project, stderr=subprocess.DEVNULL),
        "ours, cold": partial(cold, *ours),
        "uv pip list --outdated, cold": partial(cold, *uv, "pip", "list", "--outdated", *asked),
        "pip list --outdated, cold": partial(cold, *pip),
        "plone.versioncheck -p, cold": partial(cold, peer / "bin/python", "-c", script, url, "-p"),
    }


def _names() -> list[str]:
    return [f"package-{number:03}" for number in range(PACKAGES)]


def _versions() -> list[str]:
    return [f"{major}.{minor}" for major in range(1, 5) for minor in range(VERSIONS // 4)]


def _fill(site_packages: Path) -> None:
    """An environment in which those packages look installed."""
    for name in _names():
        info = site_packages / f"{name.replace('-', '_')}-{USED}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {USED}\n")
        (info / "INSTALLER").write_text("pip\n")
        (info / "RECORD").write_text("")


def _files(name: str) -> list[dict[str, Any]]:
    module = name.replace("-", "_")
    return [
        {
            "filename": file,
            "url": f"../../files/{file}",
            "hashes": {"sha256": "ab" * 32},
            "requires-python": ">=3.8",
            "size": 12345,
            "upload-time": "2026-01-01T00:00:00.000000Z",
        }
        for version in _versions()
        for file in (f"{module}-{version}-py3-none-any.whl", f"{module}-{version}.tar.gz")
    ]


def _answer(path: str) -> tuple[str, bytes]:
    parts = path.strip("/").split("/")
    if parts[0] == "pypi":
        upload = [{"upload_time": "2026-01-01T00:00:00"}]
        releases = dict.fromkeys(_versions(), upload)
        return "application/json", json.dumps({"info": {"name": parts[1]}, "releases": releases}).encode()
    said = {"meta": {"api-version": "1.1"}, "name": parts[-1], "files": _files(parts[-1])}
    return "application/vnd.pypi.simple.v1+json", json.dumps(said).encode()


@contextmanager
def _index() -> Iterator[str]:
    """In a process of its own, so that it takes nothing from who is measured but the other core."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _serve(write)
        os._exit(0)
    os.close(write)
    port = int(os.read(read, 16))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        os.close(read)
        os.kill(child, 15)
        os.waitpid(child, 0)


def _serve(write: int) -> None:
    kept: dict[str, tuple[str, bytes]] = {}
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with lock:
                if self.path not in kept:
                    kept[self.path] = _answer(self.path)
            kind, body = kept[self.path]
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_said: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    os.write(write, str(server.server_address[1]).encode())
    server.serve_forever()
