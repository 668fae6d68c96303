"""The interpreter is called without the user's packages (`-s`)."""

CODE = """
import sys
sys.dont_write_bytecode = True
import importlib.util
spec = importlib.util.spec_from_file_location("telling", sys.argv[2])
telling = importlib.util.module_from_spec(spec)
spec.loader.exec_module(telling)
from wsgiref.simple_server import make_server
make_server("127.0.0.1", int(sys.argv[1]), telling.wsgi).serve_forever()
"""


def start(keep):
    keep.venv("ve", "six")
    keep.write({"serve.py": CODE, "elsewhere/shadow.py": ""})
    port = keep.port()
    keep.run(
        ["ve/bin/python", "-s", "serve.py", port, "telling.py"],
        env={"PYTHONPATH": f"{keep.home}/elsewhere", "HOME": str(keep.home)},
        ask=port,
    )
