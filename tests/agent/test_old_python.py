"""The agent runs on whatever Python a server has, over TLS: each that is found here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agent.agents import Authority, Running, answering, tls_in_front
from tests.agent.test_sending import HTML, hourly


def pythons() -> list[str]:
    """Of every release from 3.6 on, one that can do TLS; ours first."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = ["/usr/bin/python3"]
    if os.access(pyenv, os.R_OK | os.X_OK):
        candidates += map(str, pyenv.glob("versions/3.*/bin/python3"))
    found = {sys.version_info[:2]: sys.executable}
    for path in candidates:
        ask = "import ssl, sys; print(*sys.version_info[:2])"
        done = subprocess.run([path, "-I", "-S", "-c", ask], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            major, minor = map(int, done.stdout.split())
            found.setdefault((major, minor), path)
    return [path for version, path in sorted(found.items()) if version >= (3, 6)]


@pytest.mark.parametrize("python", pythons())
def test_it_keeps_and_sends(
    running: Running, server: str, authority: Authority, tmp_path: Path, python: str
) -> None:
    agent = running.agent(tmp_path / "agent", server)
    agent.python = python
    agent.keep(hourly(1), hourly(2))
    with answering(HTML, authority.context("DNS:other.example.com")) as wrong:
        code, said = agent.set(url=f"https://127.0.0.1:{wrong.port}", ca=authority.file).send()
    assert (code, "shows a certificate that is not trusted" in said) == (1, True), said
    assert (
        b"".join(wrong.heard) == b""
    )  # 3.6 looks at the name when all is set up, but before anything is said
    with answering(HTML, authority.context(days=(-3, -1))) as expired:
        code, said = agent.set(url=f"https://127.0.0.1:{expired.port}").send()
    assert (code, "this server's clock says" in said, expired.heard) == (1, True, []), said
    with tls_in_front(running.port, authority.context()) as front:
        assert agent.set(url=f"https://127.0.0.1:{front.port}").send() == (0, "all is sent")
    assert (running.releases(server), agent.waiting()) == (["1.2"], 0)
