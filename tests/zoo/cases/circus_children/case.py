"""Children of circusd, one of which gets its socket from it."""

CONFIG = """
[circus]
endpoint = ipc://%(home)s/c1
pubsub_endpoint = ipc://%(home)s/c2

[socket:web]
host = 127.0.0.1
port = %(port)d

[watcher:shop]
cmd = %(home)s/ve/bin/waitress-serve --fd $(circus.sockets.web) telling:wsgi
use_sockets = True
copy_env = False
working_dir = %(home)s

[watcher:import]
cmd = %(home)s/ve/bin/python work.py
working_dir = %(home)s
"""


def start(keep):
    keep.venv("tools", "circus", "setuptools")
    keep.venv("ve", "gunicorn")
    port = keep.port()
    config = CONFIG.replace("waitress-serve --fd $(circus.sockets.web)", "gunicorn -b fd://$(circus.sockets.web)")
    keep.write(
        {
            "circus.ini": config % {"home": keep.home, "port": port},
            "work.py": "import time, telling\ntelling.leave('told.json')\ntime.sleep(600)\n",
        }
    )
    own = {("unix", f"{keep.home}/c1", 0), ("unix", f"{keep.home}/c2", 0)}  # the other is its child's
    above = keep.run(["tools/bin/circusd", "circus.ini"], alone=True, kind="system", listeners=own)
    keep.expect(above.pid, below=True, ask=port, type="web", program="gunicorn", listeners={("tcp", "127.0.0.1", port)})
    keep.expect(above.pid, below=True, told="told.json")
