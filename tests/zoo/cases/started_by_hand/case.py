"""In somebody's terminal: what serves there is an application all the same, what does not is his session."""

import shlex

NEEDS = ("script",)


def start(keep):
    keep.venv("ve", "waitress")
    keep.write({"clean.py": "import time, telling\ntelling.leave('told.json')\ntime.sleep(600)\n"})
    port = keep.port()
    serve = f"ve/bin/waitress-serve --listen=127.0.0.1:{port} telling:wsgi"
    keep.run(_terminal(serve), ask=port, inside=True, type="web")
    keep.run(_terminal(". ve/bin/activate; python clean.py"), told="told.json", inside=True, kind="session")


def _terminal(words):
    """The words, typed into a shell that has a terminal."""
    return ["script", "--quiet", "--command", f"bash -c {shlex.quote(words + '; true')}", "/dev/null"]
