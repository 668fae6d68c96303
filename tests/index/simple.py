"""A real package index on loopback: the Simple API, as JSON or HTML, that counts who asked for what."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JSON = "application/vnd.pypi.simple.v1+json"


def wheel(name: str, version: str, **more: Any) -> dict[str, Any]:
    """What an index says of one file."""
    file = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    return {"filename": file, "url": f"../../files/{file}", "hashes": {"sha256": "ab" * 32}, **more}


class Simple:
    """The index: `projects` may be changed while it runs."""

    def __init__(self, projects: Mapping[str, Sequence[dict[str, Any]]]) -> None:
        self.projects = dict(projects)
        self.asked: list[str] = []
        self.unchanged = 0
        self.login = ""
        self.form = "json"
        self.failures: list[int] = []
        """status codes that the next questions are answered with"""
        self.url = ""

    def answer(self, name: str, headers: Any) -> tuple[int, Mapping[str, str], bytes]:
        self.asked.append(name)
        if self.failures:
            return self.failures.pop(0), {"Retry-After": "0"}, b""
        expected = "Basic " + base64.b64encode(self.login.encode()).decode()
        if self.login and headers.get("Authorization") != expected:
            return 401, {"WWW-Authenticate": 'Basic realm="packages"'}, b""
        if name not in self.projects:
            return 404, {}, b"not here"
        body, kind = self._body(name)
        etag = f'"{hash(body)}"'
        if headers.get("If-None-Match") == etag:
            self.unchanged += 1
            return 304, {"ETag": etag}, b""
        return 200, {"Content-Type": kind, "ETag": etag}, body

    def _body(self, name: str) -> tuple[bytes, str]:
        files = self.projects[name]
        if self.form == "html":
            links = "".join(_link(one) for one in files)
            return f"<!DOCTYPE html><html><body>{links}</body></html>".encode(), "text/html"
        if self.form == "broken":
            return b"<html>the proxy is out of order", JSON
        said = {"meta": {"api-version": "1.1"}, "name": name, "files": files}
        return json.dumps(said).encode(), JSON


def _link(file: Mapping[str, Any]) -> str:
    needs = file.get("requires-python", "").replace(">", "&gt;")
    more = f' data-requires-python="{needs}"' if needs else ""
    more += f' data-yanked="{file["yanked"]}"' if "yanked" in file else ""
    return f'<a href="{file["url"]}#sha256={file["hashes"].get("sha256", "")}"{more}>{file["filename"]}</a>'


@contextmanager
def serving(projects: Mapping[str, Sequence[dict[str, Any]]]) -> Iterator[Simple]:
    simple = Simple(projects)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = simple.answer(self.path.strip("/").rpartition("/")[2], self.headers)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_said: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    simple.url = f"http://127.0.0.1:{server.server_address[1]}/simple"
    try:
        yield simple
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
