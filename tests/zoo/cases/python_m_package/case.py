"""A package of one's own, run by `python -m`."""

CODE = """
import sys
from wsgiref.simple_server import make_server
from telling import wsgi
make_server("127.0.0.1", int(sys.argv[1]), wsgi).serve_forever()
"""


def start(keep):
    keep.venv("ve", "six")
    keep.write({"billing/__init__.py": "", "billing/__main__.py": CODE})
    port = keep.port()
    keep.run(["ve/bin/python", "-m", "billing", port], ask=port, type="web", name="billing")
