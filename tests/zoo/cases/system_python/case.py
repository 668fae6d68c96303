"""Plain /usr/bin/python3 with Debian's packages."""

NEEDS = ("/usr/bin/python3",)
CODE = """
import sys
from wsgiref.simple_server import make_server
from telling import wsgi
make_server("127.0.0.1", int(sys.argv[1]), wsgi).serve_forever()
"""


def start(keep):
    keep.write({"serve.py": CODE})
    port = keep.port()
    keep.run(["/usr/bin/python3", "serve.py", port], ask=port, type="web", environment="system")
