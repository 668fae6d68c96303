"""What is no application: a one-off command, a child of an application."""

SLEEP = "import time; time.sleep(600)"
PARENT = """
import subprocess, sys, telling
telling.leave("told.json")
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "thumbnail"])
open("child", "w").write(str(child.pid))
from wsgiref.simple_server import make_server
make_server("127.0.0.1", int(sys.argv[1]), telling.wsgi).serve_forever()
"""


def start(keep):
    import time

    keep.venv("ve", "six")
    keep.write({"serve.py": PARENT, "clean.py": SLEEP})
    port = keep.port()
    keep.run(["ve/bin/python", "serve.py", port], ask=port, type="web", alone=True)
    keep.run(["ve/bin/python", "clean.py"], kind="passing")
    place = keep.home / "child"
    until = time.monotonic() + 20
    while not (place.exists() and place.read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    keep.expect(int(place.read_text()), kind="passing")
