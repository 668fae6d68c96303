"""Two processes that share a port (SO_REUSEPORT)."""

CODE = """
import os, socket, sys
from wsgiref.simple_server import WSGIServer, WSGIRequestHandler
from telling import wsgi

class Server(WSGIServer):
    def server_bind(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().server_bind()

server = Server(("127.0.0.1", int(sys.argv[1])), WSGIRequestHandler)
server.set_app(wsgi)
server.serve_forever()
"""


def start(keep):
    keep.venv("ve", "six")
    keep.write({"serve.py": CODE})
    port = keep.port()
    for number in ("one", "two"):
        keep.run(["ve/bin/python", "serve.py", port, number], ask=port, type="web")
