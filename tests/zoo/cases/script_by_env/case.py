"""A script whose first line is `#!/usr/bin/env python3`."""

CODE = """#!/usr/bin/env python3
import sys
from wsgiref.simple_server import make_server
from telling import wsgi
make_server("127.0.0.1", int(sys.argv[1]), wsgi).serve_forever()
"""


def start(keep):
    keep.venv("ve", "six")
    keep.write({"bin/serve": CODE, "bin/telling.py": (keep.home / "telling.py").read_text()})
    (keep.home / "bin/serve").chmod(0o755)
    port = keep.port()
    keep.run(["bin/serve", port], env={"PATH": f"{keep.home}/ve/bin:/usr/bin:/bin"}, ask=port, type="web")
