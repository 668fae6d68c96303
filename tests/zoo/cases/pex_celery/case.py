"""celery in a pex, as worker and as beat: of which sort it is stands behind the entry point."""

import time

TASKS = """
import os, telling
from celery import Celery

app = Celery("shop", broker="filesystem://", backend=None)
app.conf.broker_transport_options = {"data_folder_in": "queue", "data_folder_out": "queue", "store_processed": False}
open(os.environ["TOLD"] + ".pid", "w").write(str(os.getpid()))
telling.leave(os.environ["TOLD"], 3.0)
"""


def start(keep):
    keep.venv("tools", "pex")
    keep.venv("ve", "celery")
    keep.write({"shop/shop/__init__.py": "", "shop/shop/tasks.py": TASKS, "queue/none": ""})
    keep.write({"shop/telling.py": (keep.home / "telling.py").read_text()})
    options = ["--venv-repository", "ve", "-D", "shop", "-c", "celery", "-o", "shop.pex"]
    keep.call(["tools/bin/pex", "celery", *options], env={"PEX_ROOT": str(keep.home / "root")})
    for what, words in (
        ("worker", "worker -P solo --without-gossip --without-mingle --without-heartbeat"),
        ("beat", "beat -s schedule"),
    ):
        given = f"HOME={keep.home} TOLD={keep.home}/{what} {keep.python} shop.pex -A shop.tasks {words}"
        # As a daemon: nothing but the first process is above it.
        keep.detached(["sh", "-c", f"env {given} </dev/null >>said.log 2>&1 &"])
        keep.expect(_pid(keep.home / f"{what}.pid"), told=what, type=what, program="shop.pex", environment="pex")


def _pid(place):
    until = time.monotonic() + 60
    while not (place.exists() and place.read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    return int(place.read_text())
