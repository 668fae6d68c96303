"""What a process knows of itself: copied beside the applications of the zoo. Runs on Python 2.7 and 3.6+.

`wsgi` and `asgi` answer with it; `leave(path)` writes it to a file, a moment later, from a thread.
"""

import json
import os
import platform
import re
import sys
import threading


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def path():
    """sys.path as it is now, as absolute paths; those that exist."""
    here = os.getcwd()
    places = []
    for entry in sys.path:
        place = os.path.normpath(os.path.join(here, entry)) if isinstance(entry, str) else ""
        if place and os.path.exists(place) and place not in places:
            places.append(place)
    return places


def distributions():
    """(name, version) in the order of sys.path, duplicates too."""
    try:
        from importlib import metadata
    except ImportError:
        return old_distributions()
    found = []
    for one in metadata.distributions():
        name, version = headers(one)
        folder = getattr(getattr(one, "_path", None), "name", "")
        if name is None and folder:  # half removed: only its folder still says what it was
            name, _, version = folder.rpartition(".")[0].rpartition("-")
        if name and not folder.startswith("~"):  # pip's own leftovers
            found.append((visible(name), visible(version or "")))
    return found


def headers(one):
    try:
        return one.metadata["Name"], one.version
    except UnicodeDecodeError:  # bytes that are no UTF-8
        text = one._path.joinpath("METADATA").read_bytes().decode("utf-8", "surrogateescape")
        found = dict(line.partition(": ")[::2] for line in text.split("\n"))
        return found["Name"], found["Version"]


def visible(text):
    """As the report has names: what is no text, and what hides or turns it, is written out."""
    return "".join(sign if sign.isprintable() else written_out(ord(sign)) for sign in text)


def written_out(number):
    number = number - 0xDC00 if 0xDC80 <= number <= 0xDCFF else number
    return "\\x" + format(number, "02x") if number < 0x100 else "\\u" + format(number, "04x")


def old_distributions():
    import pkg_resources  # of the setuptools that buildout or the environment brings

    return [
        (one.project_name, written_version(one))
        for place in sys.path
        for one in pkg_resources.find_distributions(place, only=True)
    ]


def written_version(one):
    """What its metadata says; pkg_resources goes by the file's name, which may be shorter (Python-2.7)."""
    if one.has_metadata("PKG-INFO"):
        for line in one.get_metadata("PKG-INFO").split("\n"):
            if line.startswith("Version:"):
                return line.partition(":")[2].strip()
    return one.version


def packages():
    """[name, version, shadowed]; what stands twice with one version is told once."""
    first, found = {}, []
    for written, version in distributions():
        name = normal(written)
        if first.get(name) == version:
            continue
        entry = [name, version, name in first]
        first.setdefault(name, version)
        if entry not in found:
            found.append(entry)
    return found


def told():
    return {
        "pid": os.getpid(),
        "path": path(),
        "packages": packages(),
        "python": platform.python_version(),
        "prefix": sys.prefix,
        "executable": sys.executable,
    }


def leave(place, seconds=1.0):
    """Write it to a file once the program has settled. `place` is found from where we are now."""
    place = os.path.abspath(place)

    def write():
        try:
            text = json.dumps(told())
        except Exception as error:
            text = json.dumps({"error": repr(error)})
        with open(place + ".part", "w") as file:
            file.write(text)
        os.rename(place + ".part", place)

    timer = threading.Timer(seconds, write)
    timer.daemon = True
    timer.start()


def wsgi(environ, start_response):
    body = json.dumps(told()).encode("ascii")
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


application = wsgi


def asgi_answer():
    return json.dumps(told()).encode("ascii")


# `async def` is no syntax for Python 2, where nothing speaks ASGI.
if str is not bytes:
    exec(
        """
async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": asgi_answer()})
"""
    )
