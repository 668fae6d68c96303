"""The same command twice, on two ports that its variables name."""

CODE = """
import os
from wsgiref.simple_server import make_server
from telling import wsgi
make_server("127.0.0.1", int(os.environ["PORT"]), wsgi).serve_forever()
"""


def start(keep):
    keep.venv("ve", "six")
    keep.write({"serve.py": CODE})
    for _ in range(2):
        port = keep.port()
        keep.run(["ve/bin/python", "serve.py"], env={"PORT": str(port)}, ask=port, type="web")
