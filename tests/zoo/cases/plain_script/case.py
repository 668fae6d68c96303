"""A script that works for good, of whose parent only init is left."""

CODE = """
import os, sys, time
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
open("pid", "w").write(str(os.getpid()))
import telling
telling.leave("told.json")
time.sleep(600)
"""


def start(keep):
    import time

    keep.venv("ve", "six")
    keep.write({"importer.py": CODE})
    keep.detached(["ve/bin/python", "importer.py"])
    place = keep.home / "pid"
    until = time.monotonic() + 20
    while not (place.exists() and place.read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    keep.expect(int(place.read_text()), told="told.json", type="other")
